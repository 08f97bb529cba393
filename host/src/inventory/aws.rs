//! Amazon RDS and Amazon Redshift over their APIs.
//!
//! Translation only: a call, its answer, its error as one of [`InventoryErrorKind`]. Retries within
//! a call are the SDK's. Each client is made by the first call of its service: most processes never
//! make one, and reading the system's roots would be the largest single cost of a cold start.

mod rds;
mod redshift;

use std::future::Future;
use std::pin::Pin;

use aws_config::SdkConfig;
use aws_sdk_rds::config::http::HttpResponse;
use aws_sdk_rds::error::{ProvideErrorMetadata, SdkError};
use tokio::sync::OnceCell;

use super::action::{Action, DatabaseService};
use super::api::{Cluster, DatabaseApis, Instance, Workgroup};
use super::databases::Databases;
use super::failure::failed_call;
use crate::aws::connect_error::Unanswered;
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
    rds: OnceCell<aws_sdk_rds::Client>,
    redshift: OnceCell<aws_sdk_redshift::Client>,
    serverless: OnceCell<aws_sdk_redshiftserverless::Client>,
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

/// The client of one service, made if it is the first time. A macro, because each SDK has a
/// configuration of its own, alike in everything but its type.
macro_rules! client {
    ($self:ident, $cell:ident, $sdk:ident, $action:expr, $asked:expr) => {
        $self
            .$cell
            .get_or_try_init(|| async {
                let access = ($self.connect)($action.service()).await?;
                let mut config =
                    $sdk::config::Builder::from(&access.shared).retry_classifier(BadTls);
                config.set_endpoint_url(access.endpoint);
                Ok($sdk::Client::from_conf(config.build()))
            })
            .await
            .map_err(|error: std::io::Error| {
                let kind = $crate::rotation::ports::InventoryErrorKind::Other;
                $crate::inventory::failure::failed_call(kind, $action, $asked, error.to_string())
            })
    };
}
use client;

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

fn failed<E>(action: Action, id: &str, error: &SdkError<E, HttpResponse>) -> InventoryError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
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
