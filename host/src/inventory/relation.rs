//! Whether a secret and its administrator are of one database, though their hosts differ.
//!
//! A secret may name a read replica, an Aurora reader endpoint or one member of a cluster, while the
//! administrator signs in at the writer. Whoever writes the secret chooses its host, and could choose
//! one of their own that takes any password; the administrator would then change the account of that
//! name in the real database. So nothing is concluded from names. In this order:
//! 1. same host and port: one server, nobody is asked;
//! 2. same host, another port: another server;
//! 3. Redshift, or a host that RDS can't have given out: another server, nobody is asked;
//! 4. Amazon RDS is asked about both, by the first labels of their hosts, and each *whole* endpoint,
//!    host and port, must be the one that RDS tells;
//! 5. the secret's instance must be a read replica of the administrator's, or both belong to one
//!    cluster.
//!
//! Any member of the cluster will do, not only a reader: a failover makes one the other.

use super::api::{Cluster, DatabaseApis, Instance};
use crate::host_port::HostPort;
use crate::rotation::ports::{InventoryErrorKind, Places, RelationError, Unrelated};

/// Redshift's engine, as secrets spell it.
pub(super) const REDSHIFT: &str = "redshift";

/// What is known of an administrator's database.
#[derive(Debug, Clone)]
pub enum Record {
    /// What RDS lists.
    Rds(Listed),
    /// It is of Redshift.
    Redshift,
}

/// What RDS lists under a name.
#[derive(Debug, Clone)]
pub enum Listed {
    /// A DB instance.
    Instance(Instance),
    /// A DB cluster.
    Cluster(Cluster),
}

impl Listed {
    /// Whether this place is one of its endpoints.
    fn listens_at(&self, place: &HostPort) -> bool {
        let endpoints = match self {
            Self::Instance(instance) => [instance.endpoint.as_ref(), None],
            Self::Cluster(cluster) => [cluster.endpoint.as_ref(), cluster.reader_endpoint.as_ref()],
        };
        endpoints.into_iter().flatten().any(|own| own.is(place))
    }

    fn cluster(&self) -> Option<&str> {
        match self {
            Self::Instance(instance) => instance.cluster.as_deref(),
            Self::Cluster(cluster) => Some(&cluster.id),
        }
    }

    /// Whether an account of this one is the account of that name of the other one.
    fn follows(&self, writer: &Self) -> bool {
        if let (Some(own), Some(writers)) = (self.cluster(), writer.cluster()) {
            return own.eq_ignore_ascii_case(writers);
        }
        match (self, writer) {
            // A replica of another region has an ARN here, which never equals.
            (Self::Instance(own), Self::Instance(writer)) => {
                own.replica_of.as_ref().is_some_and(|id| id.eq_ignore_ascii_case(&writer.id))
            }
            _ => false,
        }
    }
}

/// Whether two different places could be of one database, before anybody is asked.
pub(super) fn could_be_one(
    apis: &impl DatabaseApis,
    pair: &Places<'_>,
    admin: Option<&Record>,
) -> Result<(), Unrelated> {
    if pair.engine == REDSHIFT || matches!(admin, Some(Record::Redshift)) {
        let why = "Amazon Redshift has neither read replicas nor reader endpoints, so both must be for the same host";
        return Err(Unrelated(why.to_owned()));
    }
    for place in [pair.secret, pair.admin] {
        if !apis.may_name(&place.host) {
            return Err(Unrelated(format!("`{}` is not an endpoint of Amazon RDS", place.host)));
        }
    }
    Ok(())
}

/// Whether Amazon RDS confirms that the secret's place follows the administrator's.
pub(super) async fn are_one(
    apis: &impl DatabaseApis,
    pair: &Places<'_>,
    admin: Option<&Record>,
) -> Result<(), RelationError> {
    let known = match admin {
        Some(Record::Rds(listed)) => Some(listed.clone()),
        Some(Record::Redshift) | None => None,
    };
    let (own, writer) =
        tokio::join!(listed(apis, pair.secret, None), listed(apis, pair.admin, known));
    match (own, writer) {
        (Ok(own), Ok(writer)) if own.follows(&writer) => Ok(()),
        (Ok(_), Ok(_)) => Err(Unrelated(
            "Amazon RDS lists the one as neither a read replica nor a reader endpoint of the other"
                .to_owned(),
        )
        .into()),
        (Err(error @ RelationError::Unrelated(_)), _)
        | (_, Err(error @ RelationError::Unrelated(_))) => Err(error),
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

/// What RDS lists at this place.
async fn listed(
    apis: &impl DatabaseApis,
    place: &HostPort,
    known: Option<Listed>,
) -> Result<Listed, RelationError> {
    let host = place.host.to_ascii_lowercase();
    let mut labels = host.split('.');
    let name = labels.next().unwrap_or_default();
    let answer = match known {
        Some(known) => Ok(known),
        // As in `app.cluster-c1a2.eu-west-1.rds.amazonaws.com` and `app.cluster-ro-c1a2.…`.
        None if labels.next().is_some_and(|label| label.starts_with("cluster-")) => {
            apis.cluster(name).await.map(Listed::Cluster)
        }
        None => apis.instance(name).await.map(Listed::Instance),
    };
    match answer {
        Ok(listed) if listed.listens_at(place) => Ok(listed),
        Ok(_) => Err(Unrelated(format!(
            "`{place}` is not the endpoint that Amazon RDS lists for the database `{name}`"
        ))
        .into()),
        Err(error) if error.kind == InventoryErrorKind::NotFound => Err(Unrelated(format!(
            "Amazon RDS lists no database `{name}` in this account and region"
        ))
        .into()),
        Err(error) => Err(error.into()),
    }
}
