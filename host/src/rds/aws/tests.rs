//! What RDS answers, read: answers in the form of its API reference, served on loopback to the real
//! client. What moto says to the same calls is tested in `tests/suite`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_rds::config::retry::RetryConfig;
use aws_sdk_rds::config::{BehaviorVersion, Credentials, Region};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::*;
use crate::aws_client;

/// An answer: its status and its text.
type Recorded = (u16, &'static str);

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("recorded/", $name, ".xml"))
    };
}

/// RDS on loopback, which gives these answers one after the other, and the bodies of what it was
/// asked. After the last answer it listens no more.
async fn rds(answers: Vec<Recorded>) -> (AwsRds, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&asked);
    tokio::spawn(async move {
        for (status, text) in answers {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            let mut length = 0;
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await.unwrap();
            record.lock().unwrap().push(String::from_utf8(body).unwrap());
            let answer = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: text/xml\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n{text}",
                text.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (at(&endpoint), asked)
}

fn at(endpoint: &str) -> AwsRds {
    let endpoint = endpoint.to_owned();
    AwsRds::new(Names::Aws, move || {
        let endpoint = endpoint.clone();
        Box::pin(async move {
            // As the function's own, but for credentials of nobody and retries without pauses.
            let retries = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
            let config = aws_sdk_rds::Config::builder()
                .behavior_version(BehaviorVersion::v2026_01_12())
                .credentials_provider(Credentials::new("nobody", "nobody", None, None, "test"))
                .region(Region::new("eu-west-1"))
                .retry_config(retries)
                .timeout_config(aws_client::timeouts())
                .http_client(aws_client::http_client(Some(&endpoint), None)?)
                .endpoint_url(endpoint);
            Ok(Client::from_conf(config.build()))
        })
    })
}

fn place(host: &str, port: u16) -> Option<Place> {
    Some(Place { host: format!("{host}.eu-west-1.rds.amazonaws.com"), port })
}

#[tokio::test]
async fn each_kind_of_instance_is_read() {
    let instance = |id: &str, endpoint, engine: &str| Instance {
        id: id.into(),
        endpoint,
        engine: engine.into(),
        replica_of: None,
        cluster: None,
    };
    for (text, expected) in [
        (recorded!("instance"), instance("app", place("app.c1a2b3d4e5f6", 5432), "postgres")),
        (
            recorded!("replica"),
            Instance {
                replica_of: Some("app".into()),
                ..instance("app-replica", place("app-replica.c1a2b3d4e5f6", 5433), "postgres")
            },
        ),
        (
            recorded!("member"),
            Instance {
                cluster: Some("pool".into()),
                ..instance("pool-2", place("pool-2.c1a2b3d4e5f6", 5432), "aurora-postgresql")
            },
        ),
        (recorded!("creating"), instance("young", None, "oracle-se2")),
    ] {
        let (rds, asked) = rds(vec![(200, text)]).await;
        assert_eq!(rds.instance(&expected.id).await.unwrap(), expected);
        let asked = asked.lock().unwrap();
        let body = format!(
            "Action=DescribeDBInstances&Version=2014-10-31&DBInstanceIdentifier={}",
            expected.id
        );
        assert_eq!(*asked, [body]);
    }
}

/// Two instances of no cluster have no cluster in common, however an emulator writes that.
#[test]
fn what_is_empty_is_not_there() {
    let empty = DbInstance::builder()
        .db_instance_identifier("App")
        .db_cluster_identifier("")
        .read_replica_source_db_instance_identifier("")
        .endpoint(aws_sdk_rds::types::Endpoint::builder().address("").port(5432).build())
        .build();
    let expected = Instance {
        id: "app".into(),
        endpoint: None,
        engine: String::new(),
        replica_of: None,
        cluster: None,
    };
    assert_eq!(Instance::from(empty), expected);
}

#[tokio::test]
async fn a_cluster_is_read_by_its_arn_as_by_its_name() {
    let arn = "arn:aws:rds:eu-west-1:123456789012:cluster:pool";
    for (id, sent) in
        [("pool", "pool"), (arn, "arn%3Aaws%3Ards%3Aeu-west-1%3A123456789012%3Acluster%3Apool")]
    {
        let (rds, asked) = rds(vec![(200, recorded!("cluster"))]).await;
        let expected = Cluster {
            id: "pool".into(),
            endpoint: place("pool.cluster-c1a2b3d4e5f6", 5432),
            reader_endpoint: place("pool.cluster-ro-c1a2b3d4e5f6", 5432),
            engine: "aurora-postgresql".into(),
        };
        assert_eq!(rds.cluster(id).await.unwrap(), expected);
        let asked = asked.lock().unwrap();
        let body =
            format!("Action=DescribeDBClusters&Version=2014-10-31&DBClusterIdentifier={sent}");
        assert_eq!(*asked, [body]);
    }
}

#[tokio::test]
async fn an_answer_about_another_database_is_none() {
    let (first, _) = rds(vec![(200, recorded!("instance"))]).await;
    let error = first.instance("other").await.unwrap_err();
    assert_eq!(error.kind, RdsErrorKind::NotFound);
    let (second, _) = rds(vec![(200, recorded!("cluster"))]).await;
    let error =
        second.cluster("arn:aws:rds:eu-west-1:210987654321:cluster:pool").await.unwrap_err();
    assert_eq!(error.kind, RdsErrorKind::NotFound);
}

#[tokio::test]
async fn each_refusal_is_told_apart_with_what_to_do() {
    use RdsErrorKind as Kind;
    for (status, text, kind, expected) in [
        (
            404,
            recorded!("instance-not-found"),
            Kind::NotFound,
            "DBInstanceNotFound: DBInstance gone not found; check that it exists in the region",
        ),
        (404, recorded!("cluster-not-found"), Kind::NotFound, "DBClusterNotFoundFault"),
        (400, recorded!("invalid-identifier"), Kind::NotFound, "InvalidParameterValue"),
        (
            403,
            recorded!("access-denied"),
            Kind::AccessDenied,
            r#"{"Effect": "Allow", "Action": "rds:DescribeDBInstances", "Resource": "arn:aws:rds:*:*:db:app"}"#,
        ),
        (403, recorded!("expired"), Kind::Other, "ExpiredToken"),
    ] {
        let (rds, asked) = rds(vec![(status, text)]).await;
        let error = rds.instance("app").await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.to_string().starts_with("DescribeDBInstances of `app`: "), "{error}");
        assert!(error.to_string().contains(expected), "expected `{expected}` in: {error}");
        assert_eq!(asked.lock().unwrap().len(), 1, "asking again would not help");
    }
}

#[tokio::test]
async fn what_passes_by_itself_is_asked_again_and_then_said_to_be_so() {
    for text in [recorded!("throttling"), recorded!("internal")] {
        let status = if text.contains("Throttling") { 400 } else { 500 };
        let (patient, asked) = rds(vec![(status, text), (200, recorded!("instance"))]).await;
        patient.instance("app").await.unwrap();
        assert_eq!(asked.lock().unwrap().len(), 2);
        let (given_up, _) = rds(vec![(status, text); 3]).await;
        let error = given_up.instance("app").await.unwrap_err();
        assert_eq!(error.kind, RdsErrorKind::Transient, "{error}");
    }
}

#[tokio::test]
async fn a_call_that_is_not_answered_says_why_and_what_to_look_at() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = at(&format!("http://{}", listener.local_addr().unwrap()));
    drop(listener);
    let error = closed.instance("app").await.unwrap_err();
    assert_eq!(error.kind, RdsErrorKind::Transient);
    let text = error.to_string();
    let said = "Amazon RDS could not be used: connection refused: nothing listens there; check \
                AWS_ENDPOINT_URL_RDS";
    assert!(text.contains(said), "{text}");
}

#[test]
fn only_names_of_rds_are_asked_about_and_any_behind_an_endpoint_of_ones_own() {
    let rds =
        |names| AwsRds::new(names, || Box::pin(async { Err(std::io::Error::other("unused")) }));
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
    let (other, _) = rds(vec![(200, recorded!("instance")), (200, recorded!("instance"))]).await;
    let made = Arc::new(Mutex::new(0));
    let count = Arc::clone(&made);
    let rds = AwsRds::new(Names::Aws, move || {
        *count.lock().unwrap() += 1;
        (other.connect)()
    });
    assert!(rds.may_name("app.rds.example"));
    assert_eq!(*made.lock().unwrap(), 0);
    rds.instance("app").await.unwrap();
    rds.instance("app").await.unwrap();
    assert_eq!(*made.lock().unwrap(), 1);
}
