//! Amazon RDS over its API.
//!
//! Translation only: a call, its answer, its error as one of [`RdsErrorKind`]. Retries within a call
//! are the SDK's. The client is made by the first call: most processes never make one, and reading
//! the system's roots would be the largest single cost of a cold start.

use std::future::Future;
use std::pin::Pin;

use aws_sdk_rds::Client;
use aws_sdk_rds::config::http::HttpResponse;
use aws_sdk_rds::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_rds::types::{DbCluster, DbInstance};
use tokio::sync::OnceCell;

use super::{Cluster, Instance, Rds, RdsError, RdsErrorKind};
use crate::error::chain;
use crate::rotation::Place;
use crate::unanswered::{AwsService, Unanswered};

/// RDS in messages.
const RDS: AwsService<'static> = AwsService {
    name: "Amazon RDS",
    vpc_endpoint: "rds",
    variable: crate::aws_client::RDS_ENDPOINT,
};

/// A client that is on its way.
pub type Connecting = Pin<Box<dyn Future<Output = std::io::Result<Client>> + Send>>;

/// Amazon RDS, at whatever endpoint its client is built for.
pub struct AwsRds {
    names: Names,
    connect: Box<dyn Fn() -> Connecting + Send + Sync>,
    client: OnceCell<Client>,
}

/// Which host names RDS gives out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// AWS's: in every partition, one label of the name is `rds`.
    Aws,
    /// Any: behind an endpoint of the operator's own may stand an emulator.
    Any,
}

impl AwsRds {
    /// RDS by the client that `connect` makes once it is needed; [`crate::aws_client`] has one.
    pub fn new(names: Names, connect: impl Fn() -> Connecting + Send + Sync + 'static) -> Self {
        Self { names, connect: Box::new(connect), client: OnceCell::new() }
    }

    async fn client(&self, action: &'static str, id: &str) -> Result<&Client, RdsError> {
        self.client.get_or_try_init(|| (self.connect)()).await.map_err(|error| RdsError {
            kind: RdsErrorKind::Other,
            action,
            resource: id.to_owned(),
            message: error.to_string(),
        })
    }
}

impl Rds for AwsRds {
    fn may_name(&self, host: &str) -> bool {
        self.names == Names::Any || host.split('.').any(|label| label.eq_ignore_ascii_case("rds"))
    }

    async fn instance(&self, id: &str) -> Result<Instance, RdsError> {
        const ACTION: &str = "DescribeDBInstances";
        let client = self.client(ACTION, id).await?;
        let answer = client.describe_db_instances().db_instance_identifier(id).send().await;
        let instances = answer.map_err(|error| failed(ACTION, id, &error))?.db_instances;
        // RDS answers with what was asked for. Somebody who answers with more must not choose.
        let asked = |one: &DbInstance| {
            is(id, one.db_instance_identifier.as_deref(), one.db_instance_arn.as_deref())
        };
        let found = instances.unwrap_or_default().into_iter().find(asked);
        found.map(Instance::from).ok_or_else(|| not_in_answer(ACTION, id))
    }

    async fn cluster(&self, id: &str) -> Result<Cluster, RdsError> {
        const ACTION: &str = "DescribeDBClusters";
        let client = self.client(ACTION, id).await?;
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

fn not_in_answer(action: &'static str, id: &str) -> RdsError {
    RdsError {
        kind: RdsErrorKind::NotFound,
        action,
        resource: id.to_owned(),
        message: "the answer does not have it".to_owned(),
    }
}

impl From<DbInstance> for Instance {
    fn from(answer: DbInstance) -> Self {
        let endpoint = answer.endpoint.and_then(|at| place(at.address?, at.port?));
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
        let port = answer.port;
        let at = |host: Option<String>| place(host?, port?);
        Self {
            id: answer.db_cluster_identifier.unwrap_or_default().to_ascii_lowercase(),
            endpoint: at(answer.endpoint),
            reader_endpoint: at(answer.reader_endpoint),
            engine: answer.engine.unwrap_or_default(),
        }
    }
}

/// What is there and empty is not there: two instances without a cluster have none in common.
fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn place(host: String, port: i32) -> Option<Place> {
    let port = u16::try_from(port).ok().filter(|port| *port > 0)?;
    (!host.is_empty()).then_some(Place { host, port })
}

fn failed<E>(action: &'static str, id: &str, error: &SdkError<E, HttpResponse>) -> RdsError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let (kind, message) = match (RDS.unanswered(error), error) {
        (Some(Unanswered::NotSent(message)), _) => (RdsErrorKind::Other, message),
        (Some(Unanswered::NoAnswer(message)), _) => (RdsErrorKind::Transient, message),
        (None, SdkError::ServiceError(service)) => {
            let code = service.err().code().unwrap_or("unknown error");
            let text = service.err().message().unwrap_or("no message");
            (kind_of(code, status), format!("{code}: {text}"))
        }
        (None, _) => (RdsErrorKind::Other, chain(error)),
    };
    RdsError { kind, action, resource: id.to_owned(), message }
}

fn kind_of(code: &str, status: Option<u16>) -> RdsErrorKind {
    match code {
        // An identifier that RDS does not even take for one names nothing either.
        "DBInstanceNotFound"
        | "DBInstanceNotFoundFault"
        | "DBClusterNotFoundFault"
        | "DBClusterNotFound"
        | "InvalidParameterValue" => RdsErrorKind::NotFound,
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => {
            RdsErrorKind::AccessDenied
        }
        code if code.starts_with("Throttling") || code == "RequestLimitExceeded" => {
            RdsErrorKind::Transient
        }
        _ if status.is_some_and(|status| status >= 500) => RdsErrorKind::Transient,
        _ => RdsErrorKind::Other,
    }
}

#[cfg(test)]
mod tests;
