//! Requests to AWS's services, with their signatures computed a second time by botocore, which this
//! project did not write.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_secretsmanager::config::{Credentials, SharedCredentialsProvider};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use windlass::aws;
use windlass::inventory::api::DatabaseApis;
use windlass::inventory::aws::{Access, AwsApis, Names};
use windlass_harness::Artifact;
use windlass_harness::process::Launch;

/// An interpreter has to start.
const LIMIT: Duration = Duration::from_secs(60);

/// Takes one request apart, and refuses it.
async fn take(listener: &TcpListener) -> Result<Value> {
    let (stream, _) = listener.accept().await?;
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let (method, target) = line.split_once(' ').context("a request line")?;
    let target = target.split(' ').next().unwrap_or_default();
    let (mut headers, mut length) = (Map::new(), 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        if name == "content-length" {
            length = value.parse()?;
        }
        headers.insert(name.to_owned(), value.into());
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let answer = "HTTP/1.1 403 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    stream.write_all(answer.as_bytes()).await?;
    let body = String::from_utf8(body)?;
    Ok(json!({ "method": method, "path": target, "headers": headers, "body": body }))
}

fn services(endpoint: &str) -> AwsApis {
    let endpoint = endpoint.to_owned();
    AwsApis::new(Names::Aws, move |_| {
        let endpoint = endpoint.clone();
        Box::pin(async move {
            let token = Some("a session's token".to_owned());
            let somebody = Credentials::new("AKIDEXAMPLE", "an example key", token, None, "test");
            let shared = SdkConfig::builder()
                .behavior_version(BehaviorVersion::v2026_01_12())
                .credentials_provider(SharedCredentialsProvider::new(somebody))
                .region(Region::new("eu-west-1"))
                .http_client(aws::client::http_client(Some(&endpoint), None)?);
            Ok(Access { shared: shared.build(), endpoint: Some(endpoint) })
        })
    })
}

#[tokio::test]
async fn botocore_computes_the_same_signatures() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    let services = services(&endpoint);
    let cluster = "arn:aws:redshift:eu-west-1:123456789012:cluster:dw";
    let namespace = "arn:aws:redshift-serverless:eu-west-1:123456789012:namespace/a b&c";
    let mut requests = Vec::new();
    let (request, _) = tokio::join!(take(&listener), services.instance("app é&=+"));
    requests.push(("rds", request?));
    let (request, _) = tokio::join!(take(&listener), services.redshift_cluster(cluster));
    requests.push(("redshift", request?));
    let serverless = async {
        let first = take(&listener).await?;
        Ok::<_, anyhow::Error>([first, take(&listener).await?])
    };
    let (both, _) = tokio::join!(serverless, services.redshift_workgroups(namespace));
    requests.extend(both?.map(|request| ("redshift-serverless", request)));

    for (service, request) in requests {
        let sent = request.pointer("/headers/authorization").and_then(Value::as_str);
        let sent = sent.context("a request without a signature")?.to_owned();
        let input = json!({
            "request": request, "endpoint": endpoint, "region": "eu-west-1", "service": service,
            "key": "AKIDEXAMPLE", "secret": "an example key", "token": "a session's token",
        });
        let package = std::env::var_os("CARGO_MANIFEST_DIR").context("not run by cargo")?;
        let program = std::path::Path::new(&package).join("tests/signatures.py");
        let launch = Launch::new(Artifact::Python.path()?).args([program.as_os_str()]);
        let output = launch.args([&input.to_string()]).finish(LIMIT).await?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let computed = String::from_utf8(output.stdout)?;
        ensure!(sent == computed.trim(), "{service}: sent {sent}, botocore {computed}");
    }
    Ok(())
}
