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

use super::admin::AdminSecrets;
use super::error::Error;
use super::managed::{Managed, REDSHIFT};
use super::mismatch::Mismatch;
use super::participants::Participants;
use super::ports::SecretStore;
use crate::host_port::HostPort;
use crate::inventory::{Cluster, Instance, Inventory, InventoryError, InventoryErrorKind};

/// What RDS lists under a name.
#[derive(Debug, Clone)]
pub(super) enum Listed {
    Instance(Instance),
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

impl<S: SecretStore, I: Inventory> AdminSecrets<'_, S, I> {
    /// Whether the administrator's place is the secret's own, before anybody is asked.
    ///
    /// # Errors
    /// If neither it is, nor Amazon RDS could say that both are of one database.
    pub(super) fn may_be_one_database<P>(
        &self,
        participants: &Participants<'_, P>,
        admin: &HostPort,
        managed: Option<&Managed>,
    ) -> Result<Relation, Mismatch> {
        let current = &participants.current.place;
        if admin.is(current) {
            return Ok(Relation::SamePlace);
        }
        if admin.host.eq_ignore_ascii_case(&current.host) {
            return Err(mismatch(participants, admin, Unrelated::OtherPort));
        }
        if participants.engine == REDSHIFT
            || managed.is_some_and(|managed| managed.listed.is_none())
        {
            return Err(mismatch(participants, admin, Unrelated::Redshift));
        }
        for place in [current, admin] {
            if !self.inventory.may_name(&place.host) {
                let host = place.host.clone();
                return Err(mismatch(participants, admin, Unrelated::NotRds { host }));
            }
        }
        Ok(Relation::ForRdsToSay)
    }

    /// Makes sure that the administrator's place is the secret's own, or of the same database.
    pub(super) async fn same_database<P>(
        &self,
        participants: &Participants<'_, P>,
        admin: &HostPort,
        managed: Option<&Managed>,
    ) -> Result<(), Error> {
        let current = &participants.current.place;
        if self.may_be_one_database(participants, admin, managed)? == Relation::SamePlace {
            return Ok(());
        }
        self.progress.note(format!("asking Amazon RDS whether {current} follows {admin}"));
        let known = managed.and_then(|managed| managed.listed.clone());
        let (own, writer) = tokio::join!(self.listed(current, None), self.listed(admin, known));
        let why = match (own, writer) {
            (Ok(own), Ok(writer)) if own.follows(&writer) => return Ok(()),
            (Ok(_), Ok(_)) => Unrelated::NoReplica,
            (Err(Unlisted::No(why)), _) | (_, Err(Unlisted::No(why))) => why,
            (Err(Unlisted::Unknown(error)), _) | (_, Err(Unlisted::Unknown(error))) => {
                let reason = format!(
                    "it was asked because the admin secret is for `{admin}` and secret `{}` for \
                     `{current}`, which must be a read replica or reader endpoint of it",
                    participants.secret.name
                );
                return Err(error.because(&reason).into());
            }
        };
        Err(mismatch(participants, admin, why).into())
    }

    /// What RDS lists at this place.
    async fn listed(&self, place: &HostPort, known: Option<Listed>) -> Result<Listed, Unlisted> {
        let host = place.host.to_ascii_lowercase();
        let mut labels = host.split('.');
        let name = labels.next().unwrap_or_default();
        let answer = match known {
            Some(known) => Ok(known),
            // As in `app.cluster-c1a2.eu-west-1.rds.amazonaws.com` and `app.cluster-ro-c1a2.…`.
            None if labels.next().is_some_and(|label| label.starts_with("cluster-")) => {
                self.inventory.cluster(name).await.map(Listed::Cluster)
            }
            None => self.inventory.instance(name).await.map(Listed::Instance),
        };
        match answer {
            Ok(listed) if listed.listens_at(place) => Ok(listed),
            Ok(_) => Err(Unlisted::No(Unrelated::OtherEndpoint { place: place.clone() })),
            Err(error) if error.kind == InventoryErrorKind::NotFound => {
                Err(Unlisted::No(Unrelated::Unknown { name: name.to_owned() }))
            }
            Err(error) => Err(Unlisted::Unknown(error)),
        }
    }
}

fn mismatch<P>(participants: &Participants<'_, P>, admin: &HostPort, why: Unrelated) -> Mismatch {
    Mismatch::AdminPlace {
        secret: participants.secret.name.clone(),
        admin: admin.clone(),
        current: participants.current.place.clone(),
        why,
    }
}

/// How an administrator's place is related to the secret's, as far as the two tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// It is the same.
    SamePlace,
    /// Both may be of one database.
    ForRdsToSay,
}

/// Why there is nothing to compare.
enum Unlisted {
    /// RDS said so.
    No(Unrelated),
    /// RDS did not say.
    Unknown(InventoryError),
}

/// Why two places are not one database, as far as anybody can tell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unrelated {
    /// One host, two ports.
    #[error("another port is another server")]
    OtherPort,
    /// A service without such a thing.
    #[error("Amazon Redshift has none: both must be for the same host")]
    Redshift,
    /// A name that no database of RDS has.
    #[error("`{host}` is no endpoint of Amazon RDS")]
    NotRds {
        /// The name.
        host: String,
    },
    /// RDS has no database of that name.
    #[error("it knows no database `{name}` in this account and region")]
    Unknown {
        /// The name: the host's first label.
        name: String,
    },
    /// RDS tells another endpoint for the database of that name.
    #[error("`{place}` is not the endpoint that it tells for the database of that name")]
    OtherEndpoint {
        /// The host and port.
        place: HostPort,
    },
    /// Both are of RDS, and have nothing to do with each other.
    #[error("it says that the one is neither a read replica nor a reader endpoint of the other")]
    NoReplica,
}
