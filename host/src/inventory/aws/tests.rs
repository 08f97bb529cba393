//! What AWS's services answer, read: answers in the form of their API references, served on loopback
//! to the real clients. What moto says to the same calls is tested in `tests/moto.rs`.

mod rds;
mod redshift;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_secretsmanager::config::{Credentials, SharedCredentialsProvider};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::*;
use crate::aws;

/// An answer: its status and its text.
type Recorded = (u16, &'static str);

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("../recorded/", $name))
    };
}
use recorded;

/// Services on loopback, which give these answers one after the other, and the bodies of what they
/// were asked. After the last answer they listen no more.
async fn services(answers: Vec<Recorded>) -> (AwsApis, Arc<Mutex<Vec<String>>>) {
    by_action(answers.into_iter().map(|answer| ("", answer)).collect()).await
}

/// The same, where each answer is for the first request yet whose action ends so: two lists are
/// asked for at a time.
async fn by_action(
    mut answers: Vec<(&'static str, Recorded)>,
) -> (AwsApis, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&asked);
    tokio::spawn(async move {
        while !answers.is_empty() {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            let (mut length, mut target) = (0, String::new());
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                match line.trim().split_once(": ") {
                    Some(("content-length", value)) => length = value.parse().unwrap(),
                    Some(("x-amz-target", value)) => target = format!("{value} "),
                    _ if line.trim().is_empty() => break,
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await.unwrap();
            record.lock().unwrap().push(target.clone() + std::str::from_utf8(&body).unwrap());
            let next = answers.iter().position(|(action, _)| target.trim().ends_with(action));
            let (_, (status, text)) = answers.remove(next.unwrap());
            let answer = format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
                text.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (at(&endpoint), asked)
}

fn at(endpoint: &str) -> AwsApis {
    let endpoint = endpoint.to_owned();
    AwsApis::new(Names::Aws, move |_| {
        let endpoint = endpoint.clone();
        Box::pin(async move {
            // As the function's own, but for credentials of nobody and retries without pauses.
            let retries = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
            let nobody = Credentials::new("nobody", "nobody", None, None, "test");
            let shared = SdkConfig::builder()
                .behavior_version(BehaviorVersion::v2026_01_12())
                .credentials_provider(SharedCredentialsProvider::new(nobody))
                .region(Region::new("eu-west-1"))
                .retry_config(retries)
                .timeout_config(aws::client::timeouts())
                .http_client(aws::client::http_client(Some(&endpoint), None)?);
            Ok(Access { shared: shared.build(), endpoint: Some(endpoint) })
        })
    })
}

#[test]
fn only_names_of_rds_are_asked_about_and_any_behind_an_endpoint_of_ones_own() {
    let rds =
        |names| AwsApis::new(names, |_| Box::pin(async { Err(std::io::Error::other("unused")) }));
    for (host, expected) in [
        ("app.c1a2b3d4e5f6.eu-west-1.rds.amazonaws.com", true),
        ("app.c1a2b3d4e5f6.rds.cn-north-1.amazonaws.com.cn", true),
        ("APP.C1A2B3D4E5F6.EU-WEST-1.RDS.AMAZONAWS.COM", true),
        ("app.internal.example", false),
        ("rdsapp.internal.example", false),
        ("10.0.0.5", false),
        ("localhost", false),
    ] {
        assert_eq!(rds(Names::Aws).may_name(host), expected, "{host}");
        assert!(rds(Names::Any).may_name(host), "{host}");
    }
}

#[tokio::test]
async fn a_client_is_made_once_and_not_before_it_is_needed() {
    let instance = include_str!("recorded/instance.xml");
    let cluster = include_str!("recorded/redshift-cluster.xml");
    let (other, _) = services([instance, instance, cluster].map(|text| (200, text)).into()).await;
    let made = Arc::new(Mutex::new(Vec::new()));
    let count = Arc::clone(&made);
    let inventory = AwsApis::new(Names::Aws, move |service| {
        count.lock().unwrap().push(service);
        (other.connect)(service)
    });
    assert!(inventory.may_name("app.rds.example"));
    assert!(made.lock().unwrap().is_empty());
    inventory.instance("app").await.unwrap();
    inventory.instance("app").await.unwrap();
    assert_eq!(*made.lock().unwrap(), [DatabaseService::Rds]);
    inventory.redshift_cluster("arn:aws:redshift:eu-west-1:123456789012:cluster:dw").await.unwrap();
    assert_eq!(*made.lock().unwrap(), [DatabaseService::Rds, DatabaseService::Redshift]);
}
