//! The client against a server on loopback that answers what it is given. What AWS's services answer,
//! and what is sent to them, is tested in `inventory::aws`.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_secretsmanager::config::{Credentials, SharedCredentialsProvider};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::aws::{client, query};

const SERVICE: Api = Api {
    name: "Test",
    signing_name: "test",
    endpoints: Rules { prefix: "test", government_is_fips: false },
    refusal: query::refusal,
};

fn shared(http_endpoint: Option<&str>) -> aws_types::sdk_config::Builder {
    let nobody = Credentials::new("nobody", "nobody", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .credentials_provider(SharedCredentialsProvider::new(nobody))
        .region(Region::new("eu-west-1"))
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
        .timeout_config(client::timeouts())
        .http_client(client::http_client(http_endpoint, None).unwrap())
}

fn request() -> Request {
    query::request("Act", "2026-01-01", &[("Name", "a b&c")])
}

/// Answers every request with `size` bytes; says how often.
async fn server(size: usize) -> (String, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = asked.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let mut request = vec![0; 16 * 1024];
            let _ = stream.read(&mut request).await.unwrap();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {size}\r\nconnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            // Whoever does not want more ends the connection.
            let chunk = vec![b'x'; 64 * 1024];
            let mut left = size;
            while left > 0 {
                let part = left.min(chunk.len());
                if stream.write_all(&chunk[..part]).await.is_err() {
                    break;
                }
                left -= part;
            }
        }
    });
    (endpoint, asked)
}

#[tokio::test]
async fn an_answer_is_read_up_to_the_limit_and_one_that_is_longer_is_not_asked_for_again() {
    let limit = answer_limit::LONGEST_ANSWER;
    for (size, expected) in [(0, true), (limit, true), (limit + 1, false), (100 << 20, false)] {
        let (endpoint, asked) = server(size).await;
        let shared = shared(Some(&endpoint)).build();
        let client = SignedClient::new(SERVICE, &shared, Some(&endpoint)).unwrap();
        match client.post(request()).await {
            Ok(answer) => assert!(expected && answer.len() == size, "{size}"),
            Err(error) => {
                assert!(!expected && answer_limit::is_too_long(&error), "{size}: {error:?}");
                let said = crate::report::chain(&error);
                assert!(said.contains("length limit exceeded"), "{said}");
            }
        }
        assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1, "{size}");
    }
}

#[tokio::test]
async fn plain_http_to_another_machine_is_refused_before_anything_is_sent() {
    let endpoint = "http://192.0.2.1:80";
    let shared = shared(Some(endpoint)).build();
    let client = SignedClient::new(SERVICE, &shared, Some(endpoint)).unwrap();
    let error = client.post(request()).await.unwrap_err();
    let said = crate::report::chain(&error);
    assert!(said.contains("plain HTTP"), "{said}");
}

#[test]
fn without_a_region_or_with_one_that_names_a_host_there_is_no_client() {
    for (region, says) in [
        (None, "no AWS region is configured"),
        (Some("evil.example/"), "not a name of an AWS region: `evil.example/`"),
    ] {
        let mut shared = shared(None);
        shared.set_region(region.map(Region::new));
        let error = SignedClient::new(SERVICE, &shared.build(), None).err().unwrap();
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn a_request_is_shown_without_its_body() {
    let shown = format!("{:?}", request());
    assert!(!shown.contains("Act") && shown.contains("content-type"), "{shown}");
}
