//! Admin secrets that AWS manages: a credential, and nothing about the database.
//!
//! Amazon RDS and Amazon Redshift tag such a secret with its database's ARN. Tags that begin with
//! `aws:` can't be set by anybody but AWS's own services, so whoever may only write or tag secrets
//! can't point an administrator's password elsewhere. Host, port and engine are what the service
//! itself says about that ARN; nothing is made out of the ARN's text but the name to ask for.
//!
//! A secret with `engine` and `host` says itself where it is for, and its tags are not read. RDS's
//! secrets hold a credential alone, and RDS's tags count beside nothing else; Redshift's tags count
//! beside whatever else is there, as in AWS's functions.

use super::action::DatabaseService;
use super::api::{DatabaseApis, Workgroup};
use super::relation::{Listed, REDSHIFT, Record};
use crate::host_port::HostPort;
use crate::rotation::ports::{
    InventoryError, ManagedDatabase, ManagedError, ManagedProblem, ManagedQuestion,
    SecretDescription,
};

/// The tags, as the services spell them, and what their ARNs are of. Compared in lower case, as AWS's
/// functions do.
const TAGS: [(&str, Kind); 4] = [
    ("aws:rds:primaryDBInstanceArn", Kind::Instance),
    ("aws:rds:primaryDBClusterArn", Kind::Cluster),
    ("aws:redshift:primaryClusterArn", Kind::Redshift),
    ("aws:redshift-serverless:namespaceArn", Kind::Namespace),
];

/// AWS's functions take no longer ones: it is the most that a tag's value can hold.
const ARN_MAX: usize = 256;

/// The database in which Db2's administrator signs in; RDS has its procedures there.
const DB2_ADMIN_DATABASE: &str = "rdsadmin";

/// What the ARN in a tag is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Instance,
    Cluster,
    Redshift,
    Namespace,
}

/// Which service manages this secret, if one does: by the tags that nobody else can set.
#[cfg(feature = "cli")]
pub fn manager(secret: &SecretDescription) -> Option<DatabaseService> {
    database_tag(secret, true).map(|(_, kind, _)| kind.service())
}

/// Where an admin secret is for that does not contain it, by its tags and the service that put them
/// there. `None`: it has further keys and no tag that counts beside them.
pub(super) async fn managed(
    apis: &impl DatabaseApis,
    question: &ManagedQuestion<'_>,
) -> Result<Option<ManagedDatabase<Record>>, ManagedError> {
    let ManagedQuestion { admin, credential_alone, own, .. } = question;
    let Some((tag, kind, arn)) = database_tag(admin, *credential_alone) else {
        return if *credential_alone { Err(no_tag(&admin.name).into()) } else { Ok(None) };
    };
    if !is_arn(arn, kind) {
        return Err(not_an_arn(&admin.name, tag, kind).into());
    }
    let named = |error: InventoryError| {
        error.because(&format!("tag `{tag}` of the admin secret `{}` names it", admin.name))
    };
    let nowhere = || no_endpoint(&admin.name, arn, kind);
    let managed = match kind {
        Kind::Instance => {
            let instance = apis.instance(arn).await.map_err(named)?;
            let place = instance.endpoint.clone().ok_or_else(nowhere)?;
            from_rds(place, &instance.engine.clone(), Listed::Instance(instance))
        }
        Kind::Cluster => {
            let cluster = apis.cluster(arn).await.map_err(named)?;
            let place = cluster.endpoint.clone().ok_or_else(nowhere)?;
            from_rds(place, &cluster.engine.clone(), Listed::Cluster(cluster))
        }
        Kind::Redshift => {
            let place = apis.redshift_cluster(arn).await.map_err(named)?;
            from_redshift(place.ok_or_else(nowhere)?)
        }
        Kind::Namespace => {
            let workgroups = apis.redshift_workgroups(arn).await.map_err(named)?;
            match listening(&workgroups).as_slice() {
                [] => return Err(nowhere().into()),
                [(_, only)] => from_redshift((*only).clone()),
                several => {
                    let of_secret = several.iter().find(|(_, place)| place.is(own));
                    let (_, place) =
                        of_secret.ok_or_else(|| no_workgroup(question, arn, several))?;
                    from_redshift((*place).clone())
                }
            }
        }
    };
    Ok(Some(managed))
}

fn from_rds(place: HostPort, engine: &str, listed: Listed) -> ManagedDatabase<Record> {
    let engine = secret_engine(engine);
    let database = (engine == "db2").then(|| DB2_ADMIN_DATABASE.to_owned());
    ManagedDatabase { place, engine: engine.to_owned(), database, record: Record::Rds(listed) }
}

fn from_redshift(place: HostPort) -> ManagedDatabase<Record> {
    ManagedDatabase { place, engine: REDSHIFT.to_owned(), database: None, record: Record::Redshift }
}

/// The workgroups that can be reached.
fn listening(workgroups: &[Workgroup]) -> Vec<(&str, &HostPort)> {
    workgroups.iter().filter_map(|one| Some((one.name.as_str(), one.endpoint.as_ref()?))).collect()
}

/// How many workgroups an error names; the rest are counted.
const NAMED_MAX: usize = 5;

fn names(workgroups: &[(&str, &HostPort)]) -> String {
    let named = workgroups.iter().take(NAMED_MAX);
    let named: Vec<_> = named.map(|(name, place)| format!("`{name}` at {place}")).collect();
    match workgroups.len().saturating_sub(NAMED_MAX) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// The first of the tags that is there and counts.
fn database_tag(admin: &SecretDescription, alone: bool) -> Option<(&'static str, Kind, &str)> {
    let counting = TAGS.into_iter().filter(|(_, kind)| alone || kind.counts_beside_other_keys());
    counting.into_iter().find_map(|(tag, kind)| {
        let mut tags = admin.tags.iter();
        let (_, arn) = tags.find(|(key, _)| key.eq_ignore_ascii_case(tag))?;
        Some((tag, kind, arn.as_str()))
    })
}

impl Kind {
    fn service(self) -> DatabaseService {
        match self {
            Self::Instance | Self::Cluster => DatabaseService::Rds,
            Self::Redshift => DatabaseService::Redshift,
            Self::Namespace => DatabaseService::RedshiftServerless,
        }
    }

    fn counts_beside_other_keys(self) -> bool {
        self.service() != DatabaseService::Rds
    }

    fn form(self) -> &'static str {
        match self {
            Self::Instance => "arn:aws:rds:REGION:ACCOUNT:db:NAME",
            Self::Cluster => "arn:aws:rds:REGION:ACCOUNT:cluster:NAME",
            Self::Redshift => "arn:aws:redshift:REGION:ACCOUNT:cluster:NAME",
            Self::Namespace => "arn:aws:redshift-serverless:REGION:ACCOUNT:namespace/ID",
        }
    }

    fn why_nowhere(self) -> &'static str {
        match self {
            Self::Instance | Self::Cluster | Self::Redshift => {
                "the database is being made or removed"
            }
            Self::Namespace => "it has no workgroup, or none that is available yet",
        }
    }
}

/// Whether a text is the ARN of such a database, of any partition: of the form that [`Kind::form`]
/// tells, with nothing unusual where the capitals are.
fn is_arn(text: &str, kind: Kind) -> bool {
    let filled = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let same = |(own, form): (&str, &str)| match form {
        "aws" => own == "aws" || own.strip_prefix("aws-").is_some_and(filled),
        "REGION" | "ACCOUNT" | "NAME" | "ID" => filled(own),
        exact => own == exact,
    };
    let parts = |text| str::split(text, [':', '/']);
    let separators = |text: &str| text.matches([':', '/']).collect::<String>();
    text.len() <= ARN_MAX
        && separators(text) == separators(kind.form())
        && parts(text).zip(parts(kind.form())).all(same)
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

/// None of the tags is there.
fn no_tag(admin: &str) -> ManagedProblem {
    ManagedProblem(format!(
        "the admin secret `{admin}` has only `username` and `password`, and no tag that names its \
         database: secrets that Amazon RDS manages have the tag `{}` or `{}`, those that Amazon Redshift \
         manages `{}` or `{}`; set `masterarn` to such a secret, or add `engine` and `host` to this one",
        TAGS[0].0, TAGS[1].0, TAGS[2].0, TAGS[3].0
    ))
}

/// The tag's value is no ARN of a database.
fn not_an_arn(admin: &str, tag: &str, kind: Kind) -> ManagedProblem {
    ManagedProblem(format!(
        "tag `{tag}` of the admin secret `{admin}` must be the ARN of a database, such as {}, of at most \
         {ARN_MAX} characters",
        kind.form()
    ))
}

/// The database exists, but can't be reached yet, or any more.
fn no_endpoint(admin: &str, arn: &str, kind: Kind) -> ManagedProblem {
    ManagedProblem(format!(
        "the database `{arn}` of the admin secret `{admin}` has no endpoint in the answer of {}: {}; \
         rotate again once it is available",
        kind.service().name(),
        kind.why_nowhere()
    ))
}

/// A namespace listens at several places, and the secret is for another one.
fn no_workgroup(
    question: &ManagedQuestion<'_>,
    arn: &str,
    several: &[(&str, &HostPort)],
) -> ManagedProblem {
    let (admin, secret, own) = (&question.admin.name, question.named_by, question.own);
    ManagedProblem(format!(
        "secret `{secret}` is for {own}, where no workgroup of the namespace `{arn}` listens, which the \
         admin secret `{admin}` is for; its workgroups are {}; correct `host` and `port` of the secret, \
         or name another administrator in its `masterarn`",
        names(several)
    ))
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
            ("arn:aws:redshift:us-east-1:123456789012:cluster:dw", Kind::Redshift, true),
            ("arn:aws:redshift:us-east-1:123456789012:cluster:dw", Kind::Cluster, false),
            ("arn:aws:rds:us-east-1:123456789012:cluster:dw", Kind::Redshift, false),
            ("arn:aws:redshift:us-east-1:123456789012:namespace:0a-1b", Kind::Redshift, false),
            ("arn:aws:redshift:us-east-1:123456789012:cluster/dw", Kind::Redshift, false),
            (
                "arn:aws-us-gov:redshift-serverless:us-gov-west-1:123456789012:namespace/0a-1b",
                Kind::Namespace,
                true,
            ),
            (
                "arn:aws:redshift-serverless:us-east-1:123456789012:namespace:0a-1b",
                Kind::Namespace,
                false,
            ),
            (
                "arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/0a-1b",
                Kind::Namespace,
                false,
            ),
            ("arn:aws:redshift-serverless:us-east-1:1:namespace/", Kind::Namespace, false),
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
