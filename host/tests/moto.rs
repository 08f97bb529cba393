//! Amazon RDS and Amazon Redshift as moto has them: made by boto3, read by both boto3 and the
//! rotation's own clients. moto has no Redshift Serverless.

use anyhow::{Context, Result, ensure};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_secretsmanager::config::{Credentials, SharedCredentialsProvider};
use serde_json::Value;
use windlass::HostPort;
use windlass::aws;
use windlass::inventory::api::{Cluster, DatabaseApis, Instance};
use windlass::inventory::aws::{Access, AwsApis, Names};
use windlass::rotation::ports::InventoryErrorKind;
use windlass_harness::process::Launch;
use windlass_harness::{Artifact, Moto};

/// A dozen calls of a server on this machine, by an interpreter that has yet to start.
const BOTO3_LIMIT: std::time::Duration = std::time::Duration::from_secs(60);

/// Makes an instance with a replica, a cluster of two and a Redshift cluster; returns what boto3
/// reads of them.
async fn made_by_boto3(endpoint: &str) -> Result<Value> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").context("not run by cargo")?;
    let program = std::path::Path::new(&package).join("tests/moto_databases.py");
    let launch = Launch::new(Artifact::Python.path()?).args([program.as_os_str()]);
    let output = launch.args([endpoint]).finish(BOTO3_LIMIT).await?;
    ensure!(output.status.success(), "boto3: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).context("what boto3 read")
}

fn inventory(endpoint: &str) -> AwsApis {
    let endpoint = endpoint.to_owned();
    AwsApis::new(Names::Aws, move |_| {
        let endpoint = endpoint.clone();
        Box::pin(async move {
            let nobody = Credentials::new("nobody", "nobody", None, None, "test");
            let shared = SdkConfig::builder()
                .behavior_version(BehaviorVersion::v2026_01_12())
                .credentials_provider(SharedCredentialsProvider::new(nobody))
                .region(Region::new("us-east-1"))
                .timeout_config(aws::client::timeouts())
                .http_client(aws::client::http_client(Some(&endpoint), None)?);
            Ok(Access { shared: shared.build(), endpoint: Some(endpoint) })
        })
    })
}

fn text(value: Option<&Value>) -> Option<String> {
    value?.as_str().map(str::to_owned)
}

fn place(host: Option<&Value>, port: Option<&Value>) -> Option<HostPort> {
    Some(HostPort { host: text(host)?, port: u16::try_from(port?.as_u64()?).ok()? })
}

/// An instance, from boto3's view of it.
fn instance(seen: &Value) -> Instance {
    let endpoint = seen.get("Endpoint").unwrap_or(&Value::Null);
    Instance {
        id: text(seen.get("DBInstanceIdentifier")).unwrap_or_default(),
        endpoint: place(endpoint.get("Address"), endpoint.get("Port")),
        engine: text(seen.get("Engine")).unwrap_or_default(),
        replica_of: text(seen.get("ReadReplicaSourceDBInstanceIdentifier")),
        cluster: text(seen.get("DBClusterIdentifier")),
    }
}

#[tokio::test]
async fn what_boto3_makes_and_reads_in_moto_is_read_alike() -> Result<()> {
    let moto = Moto::start().await?;
    let seen = made_by_boto3(moto.endpoint()).await?;
    let inventory = inventory(moto.endpoint());

    let instances = seen["DBInstances"].as_array().unwrap();
    assert_eq!(instances.len(), 4);
    for seen in instances {
        let expected = instance(seen);
        for id in [&seen["DBInstanceIdentifier"], &seen["DBInstanceArn"]] {
            let id = id.as_str().unwrap();
            assert_eq!(inventory.instance(id).await?, expected, "{id}");
        }
        assert!(inventory.may_name(&expected.endpoint.unwrap().host));
    }
    let by_id = |id: &str| {
        let seen = instances.iter().find(|seen| seen["DBInstanceIdentifier"] == id);
        instance(seen.unwrap())
    };
    assert_eq!(by_id("app-replica").replica_of.as_deref(), Some("app"));
    assert_eq!((by_id("app").replica_of, by_id("app").cluster), (None, None));
    assert_eq!(by_id("pool-2").cluster.as_deref(), Some("pool"));

    let clusters = seen["Clusters"].as_array().unwrap();
    assert_eq!(clusters.len(), 2);
    for seen in clusters {
        let name = seen["ClusterIdentifier"].as_str().unwrap();
        let endpoint = &seen["Endpoint"];
        let expected = place(endpoint.get("Address"), endpoint.get("Port"));
        assert!(expected.is_some(), "{seen}");
        let arn = format!("arn:aws:redshift:us-east-1:123456789012:cluster:{name}");
        assert_eq!(inventory.redshift_cluster(&arn).await?, expected, "{name}");
    }
    let gone =
        inventory.redshift_cluster("arn:aws:redshift:us-east-1:123456789012:cluster:gone").await;
    assert_eq!(gone.unwrap_err().kind, InventoryErrorKind::NotFound);

    let seen = &seen["DBClusters"][0];
    let expected = Cluster {
        id: "pool".into(),
        endpoint: place(seen.get("Endpoint"), seen.get("Port")),
        reader_endpoint: place(seen.get("ReaderEndpoint"), seen.get("Port")),
        engine: "aurora-postgresql".into(),
    };
    for id in ["pool", seen["DBClusterArn"].as_str().unwrap()] {
        assert_eq!(inventory.cluster(id).await?, expected, "{id}");
    }
    assert!(expected.reader_endpoint.unwrap().host.starts_with("pool.cluster-ro-"));

    assert_eq!(inventory.instance("gone").await.unwrap_err().kind, InventoryErrorKind::NotFound);
    assert_eq!(inventory.cluster("gone").await.unwrap_err().kind, InventoryErrorKind::NotFound);
    Ok(())
}
