//! What AWS says about its databases, as the rotation sees it: what they are called, where they
//! listen, and which of them belong together.
//!
//! Asked in two cases only, so that an ordinary rotation never pays for it: an admin secret that AWS
//! manages doesn't say which database it is for, and a secret whose host is not its administrator's
//! may be for a replica. [`aws`] is Amazon RDS, Amazon Redshift and its serverless kind over their
//! APIs. An inventory reports what they say; what it means for the rotation is decided in
//! `rotation`.

mod action;
pub mod aws;
mod error;

use std::future::Future;

pub use action::{Action, Service};
pub use error::{InventoryError, InventoryErrorKind};

use crate::host_port::HostPort;

/// The calls that a rotation makes about databases. They change nothing.
pub trait Inventory: Send + Sync {
    /// Whether a host name can be one that Amazon RDS gave out. Where it can't, nobody is asked.
    fn may_name(&self, host: &str) -> bool;

    /// RDS's `DescribeDBInstances` of one, by its identifier or ARN.
    ///
    /// # Errors
    /// `NotFound` if this account and region have no such instance.
    fn instance(&self, id: &str) -> impl Future<Output = Result<Instance, InventoryError>> + Send;

    /// RDS's `DescribeDBClusters` of one, by its identifier or ARN.
    ///
    /// # Errors
    /// `NotFound` if this account and region have no such cluster.
    fn cluster(&self, id: &str) -> impl Future<Output = Result<Cluster, InventoryError>> + Send;

    /// Redshift's `DescribeClusters` of one, by its ARN: where it listens; nowhere while it is being
    /// made or paused.
    ///
    /// # Errors
    /// `NotFound` if this account and region have no such cluster.
    fn redshift_cluster(
        &self,
        arn: &str,
    ) -> impl Future<Output = Result<Option<HostPort>, InventoryError>> + Send;

    /// Redshift Serverless' `ListWorkgroups`, those of one namespace, which `ListNamespaces` finds by
    /// its ARN.
    ///
    /// # Errors
    /// `NotFound` if this account and region have no such namespace.
    fn redshift_workgroups(
        &self,
        namespace: &str,
    ) -> impl Future<Output = Result<Vec<Workgroup>, InventoryError>> + Send;
}

/// What RDS says about a DB instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Its identifier, lower-case.
    pub id: String,
    /// Where it listens; none while it is being made.
    pub endpoint: Option<HostPort>,
    /// RDS's name of the engine, such as `postgres` or `oracle-ee`.
    pub engine: String,
    /// The identifier of the instance of which this one is a read replica.
    pub replica_of: Option<String>,
    /// The identifier of the cluster of which it is a member.
    pub cluster: Option<String>,
}

/// What RDS says about a DB cluster: Aurora's, or a Multi-AZ one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Its identifier, lower-case.
    pub id: String,
    /// Where its writer listens; none while it is being made.
    pub endpoint: Option<HostPort>,
    /// Where its readers listen, by turns.
    pub reader_endpoint: Option<HostPort>,
    /// RDS's name of the engine, such as `aurora-postgresql`.
    pub engine: String,
}

/// What Redshift Serverless says about a workgroup: the computers of a namespace, which has the
/// databases and their users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workgroup {
    /// Its name.
    pub name: String,
    /// Where it listens; none while it is being made.
    pub endpoint: Option<HostPort>,
}
