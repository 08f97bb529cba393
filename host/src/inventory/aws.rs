//! Amazon RDS and Amazon Redshift over their APIs.
//!
//! Translation only: a call, its answer, its error as one of [`InventoryErrorKind`]. Signatures and
//! retries within a call are those of `aws::signed`. Each client is made by the first call of its
//! service: most processes never make one, and reading the system's roots would be the largest single
//! cost of a cold start.

mod rds;
mod redshift;

use std::future::Future;
use std::pin::Pin;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;
use tokio::sync::OnceCell;

use super::action::{Action, DatabaseService};
use super::api::{Cluster, DatabaseApis, Instance, Workgroup};
use super::databases::Databases;
use super::failure::failed_call;
use crate::aws::connect_error::Unanswered;
use crate::aws::signed::endpoint::Rules;
use crate::aws::signed::{Api, Refusal, Request, SignedClient};
use crate::aws::{json, query};
use crate::host_port::HostPort;
use crate::report::chain;
use crate::rotation::ports::{InventoryError, InventoryErrorKind};

/// AWS's services, as a rotation's inventory.
pub type AwsInventory = Databases<AwsApis>;

/// How a service is reached.
pub struct Access {
    /// Credentials, region, HTTP client, deadline.
    pub shared: SdkConfig,
    /// Where, if not at AWS's own endpoint.
    pub endpoint: Option<String>,
}

/// A way to a service that is on its way.
pub type Connecting = Pin<Box<dyn Future<Output = std::io::Result<Access>> + Send>>;

/// AWS's services, at whatever endpoints their clients are built for.
pub struct AwsApis {
    names: Names,
    connect: Box<dyn Fn(DatabaseService) -> Connecting + Send + Sync>,
    rds: OnceCell<SignedClient>,
    redshift: OnceCell<SignedClient>,
    serverless: OnceCell<SignedClient>,
}

/// Which host names Amazon RDS gives out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// AWS's: in every partition, one label of the name is `rds`.
    Aws,
    /// Any: behind an endpoint of the operator's own may stand an emulator.
    Any,
}

impl Names {
    /// Those of the RDS that this process is configured to ask.
    pub(crate) fn from_process() -> Self {
        if DatabaseService::Rds.endpoint().is_some() { Self::Any } else { Self::Aws }
    }
}

impl AwsInventory {
    /// See [`AwsApis::new`].
    pub fn connecting(
        names: Names,
        connect: impl Fn(DatabaseService) -> Connecting + Send + Sync + 'static,
    ) -> Self {
        Self(AwsApis::new(names, connect))
    }
}

impl AwsApis {
    /// The services by clients that are made once they are needed, in the way that `connect` finds;
    /// [`crate::aws::client`] has one.
    pub fn new(
        names: Names,
        connect: impl Fn(DatabaseService) -> Connecting + Send + Sync + 'static,
    ) -> Self {
        Self {
            names,
            connect: Box::new(connect),
            rds: OnceCell::new(),
            redshift: OnceCell::new(),
            serverless: OnceCell::new(),
        }
    }
}

impl AwsApis {
    /// Sends a request and reads what is answered.
    async fn ask<T>(
        &self,
        action: Action,
        asked: &str,
        request: Request,
        read: fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, InventoryError> {
        let client = self.client(action.service()).await.map_err(|error| {
            failed_call(InventoryErrorKind::Other, action, asked, error.to_string())
        })?;
        let answer = client.post(request).await.map_err(|error| failed(action, asked, &error))?;
        read(&answer).map_err(|error| {
            let message = format!("the answer is not what the API describes: {error}");
            failed_call(InventoryErrorKind::Other, action, asked, message)
        })
    }

    /// The client of one service, made if it is the first time.
    async fn client(&self, service: DatabaseService) -> std::io::Result<&SignedClient> {
        let cell = match service {
            DatabaseService::Rds => &self.rds,
            DatabaseService::Redshift => &self.redshift,
            DatabaseService::RedshiftServerless => &self.serverless,
        };
        let made = cell.get_or_try_init(|| async {
            let Access { shared, endpoint } = (self.connect)(service).await?;
            SignedClient::new(signed(service), &shared, endpoint.as_deref())
        });
        made.await
    }
}

/// How requests of a service are signed and sent.
fn signed(service: DatabaseService) -> Api {
    let (name, own, government_is_fips, refusal): (_, _, _, fn(&HttpResponse) -> _) = match service
    {
        DatabaseService::Rds => ("RDS", "rds", true, query::refusal),
        DatabaseService::Redshift => ("Redshift", "redshift", true, query::refusal),
        DatabaseService::RedshiftServerless => {
            ("Redshift Serverless", "redshift-serverless", false, json::refusal)
        }
    };
    let endpoints = Rules { prefix: own, government_is_fips };
    Api { name, signing_name: own, endpoints, refusal }
}

impl DatabaseApis for AwsApis {
    fn may_name(&self, host: &str) -> bool {
        self.names == Names::Any || host.split('.').any(|label| label.eq_ignore_ascii_case("rds"))
    }

    async fn instance(&self, id: &str) -> Result<Instance, InventoryError> {
        self.rds_instance(id).await
    }

    async fn cluster(&self, id: &str) -> Result<Cluster, InventoryError> {
        self.rds_cluster(id).await
    }

    async fn redshift_cluster(&self, arn: &str) -> Result<Option<HostPort>, InventoryError> {
        self.provisioned(arn).await
    }

    async fn redshift_workgroups(&self, namespace: &str) -> Result<Vec<Workgroup>, InventoryError> {
        self.workgroups(namespace).await
    }
}

fn not_in_answer(action: Action, id: &str) -> InventoryError {
    let message = "the answer does not contain it".to_owned();
    failed_call(InventoryErrorKind::NotFound, action, id, message)
}

fn place(host: Option<String>, port: Option<i32>) -> Option<HostPort> {
    let host = host.filter(|host| !host.is_empty())?;
    let port = u16::try_from(port?).ok().filter(|port| *port > 0)?;
    Some(HostPort { host, port })
}

fn failed(action: Action, id: &str, error: &SdkError<Refusal, HttpResponse>) -> InventoryError {
    let status = error.raw_response().map(|response| response.status().as_u16());
    let service = action.service().in_messages();
    let (kind, message) = match (service.unanswered(error), error) {
        (Some(Unanswered::NotSent(message)), _) => (InventoryErrorKind::Other, message),
        (Some(Unanswered::NoAnswer(message)), _) => (InventoryErrorKind::Transient, message),
        (None, SdkError::ServiceError(service)) => {
            let code = service.err().code().unwrap_or("unknown error");
            let text = service.err().message().unwrap_or("no message");
            (kind_of(code, status), format!("{code}: {text}"))
        }
        (None, _) => (InventoryErrorKind::Other, chain(error)),
    };
    failed_call(kind, action, id, message)
}

fn kind_of(code: &str, status: Option<u16>) -> InventoryErrorKind {
    match code {
        // An identifier that the service does not even take for one names nothing either.
        "DBInstanceNotFound"
        | "DBInstanceNotFoundFault"
        | "DBClusterNotFoundFault"
        | "DBClusterNotFound"
        | "ClusterNotFound"
        | "ClusterNotFoundFault"
        | "InvalidParameterValue" => InventoryErrorKind::NotFound,
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => {
            InventoryErrorKind::AccessDenied
        }
        code if code.starts_with("Throttling") || code == "RequestLimitExceeded" => {
            InventoryErrorKind::Transient
        }
        _ if status.is_some_and(|status| status >= 500) => InventoryErrorKind::Transient,
        _ => InventoryErrorKind::Other,
    }
}

#[cfg(test)]
mod tests;
