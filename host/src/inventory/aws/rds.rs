//! Amazon RDS: instances and clusters, each by its identifier or ARN.

use serde::Deserialize;

use super::{AwsApis, not_in_answer, place};
use crate::aws::query;
use crate::inventory::action::Action;
use crate::inventory::api::{Cluster, Instance};
use crate::rotation::ports::InventoryError;

/// The version of the API.
const VERSION: &str = "2014-10-31";

impl AwsApis {
    pub(super) async fn rds_instance(&self, id: &str) -> Result<Instance, InventoryError> {
        const ACTION: Action = Action::DescribeDbInstances;
        let asked = query::request(ACTION.name(), VERSION, &[("DBInstanceIdentifier", id)]);
        let answer: DescribeDbInstancesResponse = self.ask(ACTION, id, asked, query::read).await?;
        let instances = answer.result.instances.unwrap_or_default().instances;
        // RDS answers with what was asked for. Somebody who answers with more must not choose.
        let found = instances.into_iter().find(|one| is(id, one.id.as_deref(), one.arn.as_deref()));
        found.map(Instance::from).ok_or_else(|| not_in_answer(ACTION, id))
    }

    pub(super) async fn rds_cluster(&self, id: &str) -> Result<Cluster, InventoryError> {
        const ACTION: Action = Action::DescribeDbClusters;
        let asked = query::request(ACTION.name(), VERSION, &[("DBClusterIdentifier", id)]);
        let answer: DescribeDbClustersResponse = self.ask(ACTION, id, asked, query::read).await?;
        let clusters = answer.result.clusters.unwrap_or_default().clusters;
        let found = clusters.into_iter().find(|one| is(id, one.id.as_deref(), one.arn.as_deref()));
        found.map(Cluster::from).ok_or_else(|| not_in_answer(ACTION, id))
    }
}

/// Whether a database is the one that was asked for, by identifier or ARN.
fn is(asked: &str, id: Option<&str>, arn: Option<&str>) -> bool {
    [id, arn].into_iter().flatten().any(|own| own.eq_ignore_ascii_case(asked))
}

#[derive(Deserialize)]
struct DescribeDbInstancesResponse {
    #[serde(rename = "DescribeDBInstancesResult")]
    result: DescribeDbInstancesResult,
}

#[derive(Deserialize)]
struct DescribeDbInstancesResult {
    #[serde(rename = "DBInstances")]
    instances: Option<DbInstances>,
}

#[derive(Default, Deserialize)]
struct DbInstances {
    #[serde(rename = "DBInstance", default)]
    instances: Vec<DbInstance>,
}

#[derive(Deserialize)]
pub(super) struct DbInstance {
    #[serde(rename = "DBInstanceIdentifier")]
    id: Option<String>,
    #[serde(rename = "DBInstanceArn")]
    arn: Option<String>,
    #[serde(rename = "Engine")]
    engine: Option<String>,
    #[serde(rename = "Endpoint")]
    endpoint: Option<Endpoint>,
    #[serde(rename = "ReadReplicaSourceDBInstanceIdentifier")]
    replica_of: Option<String>,
    #[serde(rename = "DBClusterIdentifier")]
    cluster: Option<String>,
}

/// Where an instance listens.
#[derive(Deserialize)]
pub(super) struct Endpoint {
    #[serde(rename = "Address")]
    pub(super) address: Option<String>,
    #[serde(rename = "Port")]
    pub(super) port: Option<i32>,
}

#[derive(Deserialize)]
struct DescribeDbClustersResponse {
    #[serde(rename = "DescribeDBClustersResult")]
    result: DescribeDbClustersResult,
}

#[derive(Deserialize)]
struct DescribeDbClustersResult {
    #[serde(rename = "DBClusters")]
    clusters: Option<DbClusters>,
}

#[derive(Default, Deserialize)]
struct DbClusters {
    #[serde(rename = "DBCluster", default)]
    clusters: Vec<DbCluster>,
}

#[derive(Deserialize)]
struct DbCluster {
    #[serde(rename = "DBClusterIdentifier")]
    id: Option<String>,
    #[serde(rename = "DBClusterArn")]
    arn: Option<String>,
    #[serde(rename = "Engine")]
    engine: Option<String>,
    #[serde(rename = "Endpoint")]
    endpoint: Option<String>,
    #[serde(rename = "ReaderEndpoint")]
    reader_endpoint: Option<String>,
    #[serde(rename = "Port")]
    port: Option<i32>,
}

impl From<DbInstance> for Instance {
    fn from(answer: DbInstance) -> Self {
        Self {
            id: answer.id.unwrap_or_default().to_ascii_lowercase(),
            endpoint: answer.endpoint.and_then(|at| place(at.address, at.port)),
            engine: answer.engine.unwrap_or_default(),
            replica_of: filled(answer.replica_of),
            cluster: filled(answer.cluster),
        }
    }
}

impl From<DbCluster> for Cluster {
    fn from(answer: DbCluster) -> Self {
        Self {
            id: answer.id.unwrap_or_default().to_ascii_lowercase(),
            endpoint: place(answer.endpoint, answer.port),
            reader_endpoint: place(answer.reader_endpoint, answer.port),
            engine: answer.engine.unwrap_or_default(),
        }
    }
}

/// What is there and empty is not there: two instances without a cluster have none in common.
fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
