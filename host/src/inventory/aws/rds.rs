//! Amazon RDS: instances and clusters, each by its identifier or ARN.

use aws_sdk_rds::types::{DbCluster, DbInstance};

use super::{AwsApis, client, failed, not_in_answer, place};
use crate::aws::connect_error::BadTls;
use crate::inventory::action::Action;
use crate::inventory::api::{Cluster, Instance};
use crate::rotation::ports::InventoryError;

impl AwsApis {
    pub(super) async fn rds_instance(&self, id: &str) -> Result<Instance, InventoryError> {
        const ACTION: Action = Action::DescribeDbInstances;
        let client = client!(self, rds, aws_sdk_rds, ACTION, id)?;
        let answer = client.describe_db_instances().db_instance_identifier(id).send().await;
        let instances = answer.map_err(|error| failed(ACTION, id, &error))?.db_instances;
        // RDS answers with what was asked for. Somebody who answers with more must not choose.
        let asked = |one: &DbInstance| {
            is(id, one.db_instance_identifier.as_deref(), one.db_instance_arn.as_deref())
        };
        let found = instances.unwrap_or_default().into_iter().find(asked);
        found.map(Instance::from).ok_or_else(|| not_in_answer(ACTION, id))
    }

    pub(super) async fn rds_cluster(&self, id: &str) -> Result<Cluster, InventoryError> {
        const ACTION: Action = Action::DescribeDbClusters;
        let client = client!(self, rds, aws_sdk_rds, ACTION, id)?;
        let answer = client.describe_db_clusters().db_cluster_identifier(id).send().await;
        let clusters = answer.map_err(|error| failed(ACTION, id, &error))?.db_clusters;
        let asked = |one: &DbCluster| {
            is(id, one.db_cluster_identifier.as_deref(), one.db_cluster_arn.as_deref())
        };
        let found = clusters.unwrap_or_default().into_iter().find(asked);
        found.map(Cluster::from).ok_or_else(|| not_in_answer(ACTION, id))
    }
}

/// Whether a database is the one that was asked for, by identifier or ARN.
fn is(asked: &str, id: Option<&str>, arn: Option<&str>) -> bool {
    [id, arn].into_iter().flatten().any(|own| own.eq_ignore_ascii_case(asked))
}

impl From<DbInstance> for Instance {
    fn from(answer: DbInstance) -> Self {
        let endpoint = answer.endpoint.and_then(|at| place(at.address, at.port));
        Self {
            id: answer.db_instance_identifier.unwrap_or_default().to_ascii_lowercase(),
            endpoint,
            engine: answer.engine.unwrap_or_default(),
            replica_of: filled(answer.read_replica_source_db_instance_identifier),
            cluster: filled(answer.db_cluster_identifier),
        }
    }
}

impl From<DbCluster> for Cluster {
    fn from(answer: DbCluster) -> Self {
        Self {
            id: answer.db_cluster_identifier.unwrap_or_default().to_ascii_lowercase(),
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
