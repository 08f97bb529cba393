//! Admin secrets that Amazon RDS manages: `username` and `password`, and nothing about the database.
//!
//! RDS tags such a secret with its database's ARN. Tags that begin with `aws:` can't be set by
//! anybody but AWS's own services, so whoever may only write or tag secrets can't point an
//! administrator's password elsewhere. Host, port and engine are what RDS itself says about that
//! ARN; nothing is made out of the ARN's text.

use super::Rotation;
use super::admin::named_by;
use super::replica::Listed;
use super::service::{Catalog, Place};
use crate::error::Error;
use crate::rds::Rds;
use crate::store::{SecretDescription, SecretStore};

/// The tags, as RDS spells them, and the kind of resource in their ARNs. Compared in lower case, as
/// AWS's functions do.
const TAGS: [(&str, Kind); 2] = [
    ("aws:rds:primaryDBInstanceArn", Kind::Instance),
    ("aws:rds:primaryDBClusterArn", Kind::Cluster),
];

/// AWS's functions take no longer ones: it is the most that a tag's value can hold.
const ARN_MAX: usize = 256;

/// The database in which Db2's administrator signs in; RDS has its procedures there.
const DB2_ADMIN_DATABASE: &str = "rdsadmin";

/// What RDS said about a managed admin secret's database.
pub(super) struct Managed {
    /// Where it listens.
    pub(super) place: Place,
    /// The engine, as secrets spell it.
    pub(super) engine: String,
    /// The database for the administrator, where it is always the same one.
    pub(super) database: Option<String>,
    /// All that RDS said.
    pub(super) listed: Listed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Instance,
    Cluster,
}

impl<S: SecretStore, C: Catalog, R: Rds> Rotation<'_, S, C, R> {
    /// Where a managed admin secret is for, by its tags and RDS.
    pub(super) async fn managed(
        &self,
        secret: &SecretDescription,
        admin_id: &str,
    ) -> Result<Managed, Error> {
        self.progress.note(format!("reading the tags of the admin secret `{admin_id}`"));
        let admin = self.store.describe(admin_id).await;
        let admin = admin.map_err(|error| error.because(&named_by(secret)))?;
        let name = || admin.name.clone();
        let Some((tag, kind, arn)) = database_tag(&admin) else {
            return Err(ManagedProblem::NoTag { admin: name() }.into());
        };
        if !is_arn(arn, kind) {
            return Err(ManagedProblem::BadArn { admin: name(), tag, form: kind.form() }.into());
        }
        self.progress.note(format!("asking Amazon RDS about `{arn}`"));
        let listed = match kind {
            Kind::Instance => self.rds.instance(arn).await.map(Listed::Instance),
            Kind::Cluster => self.rds.cluster(arn).await.map(Listed::Cluster),
        };
        let named = || format!("tag `{tag}` of the admin secret `{}` names it", admin.name);
        let listed = listed.map_err(|error| error.because(&named()))?;
        let (endpoint, engine) = match &listed {
            Listed::Instance(instance) => (&instance.endpoint, &instance.engine),
            Listed::Cluster(cluster) => (&cluster.endpoint, &cluster.engine),
        };
        let Some(place) = endpoint.clone() else {
            return Err(ManagedProblem::NoEndpoint { admin: name(), arn: arn.to_owned() }.into());
        };
        let engine = secret_engine(engine);
        let database = (engine == "db2").then(|| DB2_ADMIN_DATABASE.to_owned());
        Ok(Managed { place, engine: engine.to_owned(), database, listed })
    }
}

/// The first of the tags that is there.
fn database_tag(admin: &SecretDescription) -> Option<(&'static str, Kind, &str)> {
    TAGS.into_iter().find_map(|(tag, kind)| {
        let mut tags = admin.tags.iter();
        let (_, arn) = tags.find(|(key, _)| key.eq_ignore_ascii_case(tag))?;
        Some((tag, kind, arn.as_str()))
    })
}

impl Kind {
    fn form(self) -> &'static str {
        match self {
            Self::Instance => "arn:aws:rds:REGION:ACCOUNT:db:NAME",
            Self::Cluster => "arn:aws:rds:REGION:ACCOUNT:cluster:NAME",
        }
    }

    fn resource(self) -> &'static str {
        match self {
            Self::Instance => "db",
            Self::Cluster => "cluster",
        }
    }
}

/// Whether a text is the ARN of such a database, of any partition.
fn is_arn(text: &str, kind: Kind) -> bool {
    let filled = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let parts: Vec<&str> = text.split(':').collect();
    let [arn, partition, service, region, account, resource, name] = parts.as_slice() else {
        return false;
    };
    text.len() <= ARN_MAX
        && (*arn, *service, *resource) == ("arn", "rds", kind.resource())
        && (*partition == "aws" || partition.starts_with("aws-"))
        && [*partition, *region, *account, *name].into_iter().all(filled)
}

/// RDS's engine, as secrets spell it: RDS has one for each edition.
fn secret_engine(rds: &str) -> &str {
    let bare = rds.strip_prefix("custom-").unwrap_or(rds);
    for engine in ["oracle", "sqlserver", "db2"] {
        if bare.strip_prefix(engine).is_some_and(|edition| edition.starts_with('-')) {
            return engine;
        }
    }
    rds
}

/// A managed admin secret that does not lead to its database. The operator has to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManagedProblem {
    /// Neither tag is there.
    #[error(
        "the admin secret `{admin}` holds only `username` and `password`, and has no tag that says \
         which database it is for: secrets that Amazon RDS manages have `{}` or `{}`; name such a \
         secret in `masterarn`, or add `engine` and `host` to this one",
        TAGS[0].0, TAGS[1].0
    )]
    NoTag {
        /// The admin secret's name.
        admin: String,
    },
    /// The tag's value is no ARN of a database.
    #[error(
        "tag `{tag}` of the admin secret `{admin}` must be the ARN of a database, such as {form}, \
         of at most 256 characters"
    )]
    BadArn {
        /// The admin secret's name.
        admin: String,
        /// Which tag.
        tag: &'static str,
        /// What it has to look like.
        form: &'static str,
    },
    /// The database is there, but can't be reached yet, or any more.
    #[error(
        "Amazon RDS tells no endpoint of `{arn}`, for which the admin secret `{admin}` is: the \
         database is being made or removed; rotate again once it is available"
    )]
    NoEndpoint {
        /// The admin secret's name.
        admin: String,
        /// The database.
        arn: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_is_a_databases_own_and_nothing_else() {
        let long = format!("arn:aws:rds:us-east-1:123456789012:db:{}", "x".repeat(218));
        let too_long = format!("{long}x");
        assert_eq!(long.len(), ARN_MAX);
        for (text, kind, expected) in [
            ("arn:aws:rds:us-east-1:123456789012:db:app", Kind::Instance, true),
            ("arn:aws-cn:rds:cn-north-1:123456789012:cluster:app-1", Kind::Cluster, true),
            (long.as_str(), Kind::Instance, true),
            (too_long.as_str(), Kind::Instance, false),
            ("arn:aws:rds:us-east-1:123456789012:cluster:app", Kind::Instance, false),
            ("arn:aws:rds:us-east-1:123456789012:db:app", Kind::Cluster, false),
            ("arn:aws:redshift:us-east-1:123456789012:db:app", Kind::Instance, false),
            ("arn:evil:rds:us-east-1:123456789012:db:app", Kind::Instance, false),
            ("arn:aws:rds::123456789012:db:app", Kind::Instance, false),
            ("arn:aws:rds:us-east-1:123456789012:db:", Kind::Instance, false),
            ("arn:aws:rds:us-east-1:123456789012:db:app:x", Kind::Instance, false),
            ("arn:aws:rds:us-east-1:123456789012:db:a b", Kind::Instance, false),
            ("app", Kind::Instance, false),
            ("", Kind::Cluster, false),
        ] {
            assert_eq!(is_arn(text, kind), expected, "{text} {kind:?}");
        }
    }

    #[test]
    fn engines_are_called_as_in_secrets() {
        for (rds, secret) in [
            ("postgres", "postgres"),
            ("mysql", "mysql"),
            ("mariadb", "mariadb"),
            ("aurora-postgresql", "aurora-postgresql"),
            ("aurora-mysql", "aurora-mysql"),
            ("oracle-ee", "oracle"),
            ("oracle-ee-cdb", "oracle"),
            ("oracle-se2", "oracle"),
            ("oracle-se2-cdb", "oracle"),
            ("custom-oracle-ee", "oracle"),
            ("sqlserver-ex", "sqlserver"),
            ("sqlserver-web", "sqlserver"),
            ("sqlserver-ee", "sqlserver"),
            ("sqlserver-se", "sqlserver"),
            ("custom-sqlserver-ee", "sqlserver"),
            ("custom-sqlserver-se", "sqlserver"),
            ("custom-sqlserver-web", "sqlserver"),
            ("db2-se", "db2"),
            ("db2-ae", "db2"),
            ("oracled", "oracled"),
        ] {
            assert_eq!(secret_engine(rds), secret, "{rds}");
        }
    }
}
