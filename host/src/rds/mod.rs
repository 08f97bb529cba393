//! Amazon RDS, as the rotation sees it: what its databases are called, where they listen, and which
//! of them belong together.
//!
//! Asked in two cases only, so that an ordinary rotation never pays for it: an admin secret that RDS
//! manages doesn't say which database it is for, and a secret whose host is not its administrator's
//! may be for a replica. [`aws`] is RDS over its API. A directory reports what RDS says; what it
//! means for the rotation is decided in `rotation`.

pub mod aws;
mod error;

use std::future::Future;

pub use error::{RdsError, RdsErrorKind};

use crate::rotation::Place;

/// The calls that a rotation makes of Amazon RDS. They change nothing.
pub trait Rds: Send + Sync {
    /// Whether a host name can be one that RDS gave out. Where it can't, nobody is asked.
    fn may_name(&self, host: &str) -> bool;

    /// `DescribeDBInstances` of one, by its identifier or ARN.
    ///
    /// # Errors
    /// `NotFound` if this account and region have no such instance.
    fn instance(&self, id: &str) -> impl Future<Output = Result<Instance, RdsError>> + Send;

    /// `DescribeDBClusters` of one, by its identifier or ARN.
    ///
    /// # Errors
    /// `NotFound` if this account and region have no such cluster.
    fn cluster(&self, id: &str) -> impl Future<Output = Result<Cluster, RdsError>> + Send;
}

/// What RDS says about a DB instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Its identifier, lower-case.
    pub id: String,
    /// Where it listens; none while it is being made.
    pub endpoint: Option<Place>,
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
    pub endpoint: Option<Place>,
    /// Where its readers listen, by turns.
    pub reader_endpoint: Option<Place>,
    /// RDS's name of the engine, such as `aurora-postgresql`.
    pub engine: String,
}
