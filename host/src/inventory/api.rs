//! The calls of AWS's APIs that describe databases, and what they answer.

use std::future::Future;

use crate::host_port::HostPort;
use crate::rotation::ports::InventoryError;

/// The calls about databases. They change nothing.
pub trait DatabaseApis: Send + Sync {
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
    /// Where its readers listen: a name that stands for each of them in turn.
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
