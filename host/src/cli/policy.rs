//! `windlass policy`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::CommandError;
use super::output::Output;
use super::setup::{PluginArgs, StoreArgs, TimeArgs, handler};
use crate::inventory::{self, DatabaseService};
use crate::policy::check::{self, Finding, Other, Verdict};
use crate::policy::render::{cloudformation, document_of, terraform};
use crate::policy::{
    AdminSecret, Api, Document, FunctionArn, KeyArn, Kind, Needs, RotatedSecret, documents,
};
use crate::rotation::ports::SecretId;
use crate::rotation::{Involved, Strategy};

/// Print the IAM policies that rotations need, and no more, or compare yours with them.
///
/// Five documents: the function's resource policy, the trust and the permission policy of its role, and
/// one each for whoever configures rotation and whoever has a secret rotated. With --secret-id they are
/// for those secrets, their administrators and keys, as the secrets and the installed plugins say; else
/// for every secret of the account and region that is attached to the function, and the options say
/// what else is needed. Nothing is changed.
///
/// With --check, files are compared with the documents: what is missing, what is too wide, and what is
/// right but written differently. A file may be a policy, or what `aws iam get-role`,
/// `aws iam get-role-policy`, `aws iam get-policy-version` or `aws lambda get-policy` prints; several for one
/// role count together. The exit code is 3 if something is missing or too wide.
#[derive(Debug, Args)]
pub(super) struct Policy {
    /// The function that rotates, without a version or an alias
    #[arg(long, value_name = "ARN")]
    function_arn: FunctionArn,
    /// Read this secret, and its administrator's, and ask for no more than its rotations need; may be
    /// repeated. Needs --plugins
    #[arg(long = "secret-id", value_name = "ID", conflicts_with_all = ["strategy", "admins", "managed_by", "replicas", "keys"])]
    secret_ids: Vec<SecretId>,
    /// How the secrets are rotated: single-user, alternating-users or dual-password
    /// [default: single-user]
    #[arg(long)]
    strategy: Option<Strategy>,
    /// The ARN or name of an administrator's secret, as `masterarn` has it; may be repeated
    #[arg(long = "admin-secret", value_name = "ID")]
    admins: Vec<String>,
    /// The service that manages those administrators' secrets
    #[arg(long, value_name = "SERVICE", requires = "admins")]
    managed_by: Option<Api>,
    /// Some secrets are for a read replica or a reader endpoint of their administrator's database
    #[arg(long, requires = "admins")]
    replicas: bool,
    /// A KMS key that secrets are encrypted with, if it is not AWS's own; may be repeated
    #[arg(long = "kms-key", value_name = "ARN")]
    keys: Vec<KeyArn>,
    /// The function is in a VPC
    #[arg(long)]
    vpc: bool,
    /// The permissions boundary of the role, for --format cloudformation and terraform
    #[arg(long, value_name = "ARN")]
    boundary: Option<String>,
    /// The language: text explains each statement
    #[arg(long, value_enum, default_value_t, conflicts_with_all = ["document", "checks"])]
    format: Format,
    /// Print this document alone, as JSON
    #[arg(long, value_name = "DOCUMENT", conflicts_with = "checks")]
    document: Option<KindName>,
    /// Compare this file; may be repeated. The document that it stands for is seen from its statements;
    /// DOCUMENT=FILE says it: function, trust, permissions, configure or trigger
    #[arg(long = "check", value_name = "[DOCUMENT=]FILE")]
    checks: Vec<ToCheck>,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    plugins: PluginArgs,
    #[command(flatten)]
    time: TimeArgs,
}

/// For whom.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// A template, in JSON
    Cloudformation,
    /// Resources
    Terraform,
}

/// The name of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct KindName(Kind);

impl FromStr for KindName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Kind::ALL.into_iter().find(|kind| kind.name() == text).map(Self).ok_or_else(|| {
            let names: Vec<_> = Kind::ALL.into_iter().map(Kind::name).collect();
            format!("the documents are {}", names.join(", "))
        })
    }
}

/// A file, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ToCheck {
    kind: Option<Kind>,
    file: PathBuf,
}

impl FromStr for ToCheck {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = text
            .split_once('=')
            .and_then(|(name, file)| Some((name.parse::<KindName>().ok()?.0, PathBuf::from(file))));
        Ok(match named {
            Some((kind, file)) => Self { kind: Some(kind), file },
            None => Self { kind: None, file: PathBuf::from(text) },
        })
    }
}

impl Policy {
    pub(super) async fn execute(self, output: Output) -> Result<(), CommandError> {
        if self.boundary.is_some() && self.format == Format::Text {
            return Err(CommandError::operator(
                "--boundary is for --format cloudformation or terraform: a policy document holds none; \
                 `aws iam put-role-permissions-boundary` sets it",
            ));
        }
        let needs = if self.secret_ids.is_empty() {
            self.needs_by_options()?
        } else {
            self.needs_of_secrets(output).await?
        };
        let documents = documents(&needs);
        if !self.checks.is_empty() {
            return self.check(output, &documents);
        }
        if let Some(KindName(kind)) = self.document {
            output.document(&pretty(&document_of(&documents, kind))?);
            return Ok(());
        }
        let boundary = self.boundary.as_deref();
        match (self.format, output) {
            (Format::Cloudformation, _) => {
                output.document(&pretty(&cloudformation(&needs.function, &documents, boundary))?);
            }
            (Format::Terraform, Output::Text) => {
                output.document(&terraform(&needs.function, &documents, boundary));
            }
            (Format::Terraform, Output::Json) => {
                let file = terraform(&needs.function, &documents, boundary);
                output.object(&json!({ "terraform": file }));
            }
            (Format::Text, Output::Json) => {
                let all: Map<String, Value> = documents
                    .iter()
                    .map(|one| (one.kind.name().to_owned(), one.to_json()))
                    .collect();
                output.object(&Value::Object(all));
            }
            (Format::Text, Output::Text) => explain(output, &documents)?,
        }
        Ok(())
    }

    /// What is needed, by the operator's words.
    fn needs_by_options(&self) -> Result<Needs, CommandError> {
        if self.strategy == Some(Strategy::AlternatingUsers) && self.admins.is_empty() {
            return Err(CommandError::operator(
                "alternating users need an administrator: name the secrets that `masterarn` names with \
                 --admin-secret",
            ));
        }
        let mut apis = BTreeSet::new();
        apis.extend(self.managed_by);
        apis.extend(self.replicas.then_some(Api::Rds));
        let managed = self.managed_by.is_some();
        let admin = |id: &String| AdminSecret { id: id.clone(), key: None, managed };
        Ok(Needs {
            keys: self.keys.clone(),
            admins: self.admins.iter().map(admin).collect(),
            apis,
            ..self.of_attached_secrets()
        })
    }

    /// What every rotation needs.
    fn of_attached_secrets(&self) -> Needs {
        Needs {
            function: self.function_arn.clone(),
            secrets: Vec::new(),
            keys: Vec::new(),
            admins: Vec::new(),
            apis: BTreeSet::new(),
            in_vpc: self.vpc,
        }
    }

    /// What is needed, by the secrets and the plugins that are installed.
    async fn needs_of_secrets(&self, output: Output) -> Result<Needs, CommandError> {
        let handler = handler(&self.store, &self.plugins).await?;
        let mut needs = self.of_attached_secrets();
        for id in &self.secret_ids {
            output.begin(format!("reading `{id}`"));
            let time = self.time.of_step();
            let involved =
                handler.working(time, async |rotation| rotation.involved(id).await).await;
            output.clear();
            add(&mut needs, involved?);
        }
        Ok(needs)
    }

    fn check(&self, output: Output, documents: &[Document]) -> Result<(), CommandError> {
        let mut others = Vec::new();
        for ToCheck { kind, file } in &self.checks {
            let shown = file.display();
            let text = std::fs::read_to_string(file).map_err(|error| {
                CommandError::operator(format!("failed to read `{shown}`: {error}"))
            })?;
            let other = Other::read(&text, *kind)
                .map_err(|problem| CommandError::operator(format!("`{shown}`: {problem}")))?;
            output.line(format!("{shown}: {}", other.kind.title()));
            others.push(other);
        }
        let findings = check::compare(documents, &others);
        for Finding { verdict, kind, text } in &findings {
            output.line(format!("{}: {}: {text}", kind.name(), verdict.name()));
        }
        let wrong =
            findings.iter().filter(|one| one.verdict != Verdict::WrittenDifferently).count();
        if findings.is_empty() {
            output.line("they allow what the rotation needs, and no more");
        }
        let all: Vec<Value> = findings
            .iter()
            .map(|Finding { verdict, kind, text }| {
                json!({ "document": kind.name(), "verdict": verdict.name(), "text": text })
            })
            .collect();
        output.object(&json!({ "findings": all }));
        if wrong == 0 {
            return Ok(());
        }
        let message = format!(
            "missing or too wide: {wrong}; the same command without --check prints what to put in their \
             place"
        );
        Err(CommandError::operator(message))
    }
}

fn add(needs: &mut Needs, involved: Involved) {
    let Involved { secret, admin } = involved;
    needs.secrets.push(RotatedSecret { arn: secret.arn.to_string(), key: own_key(secret.key) });
    let Some(admin) = admin else { return };
    if needs.admins.iter().any(|known| known.id == admin.secret.arn.as_str()) {
        return;
    }
    needs.apis.extend(admin.is_elsewhere.then_some(Api::Rds));
    let manager = inventory::manager(&admin.secret).filter(|_| !admin.has_place);
    needs.apis.extend(manager.map(|service| match service {
        DatabaseService::Rds => Api::Rds,
        DatabaseService::Redshift => Api::Redshift,
        DatabaseService::RedshiftServerless => Api::RedshiftServerless,
    }));
    needs.admins.push(AdminSecret {
        id: admin.secret.arn.to_string(),
        key: own_key(admin.secret.key),
        managed: manager.is_some(),
    });
}

/// AWS's own key needs no statement: its policy lets everybody of the account use it by way of Secrets
/// Manager.
fn own_key(key: Option<String>) -> Option<String> {
    key.filter(|key| !key.is_empty() && !key.ends_with("alias/aws/secretsmanager"))
}

fn pretty(value: &Value) -> Result<String, CommandError> {
    serde_json::to_string_pretty(value).map_err(|error| CommandError::internal(error.to_string()))
}

fn explain(output: Output, documents: &[Document]) -> Result<(), CommandError> {
    for document in documents {
        output.line(format!("# {}: {}", document.kind.name(), document.kind.title()));
        output.document(&pretty(&document.to_json())?);
        for statement in &document.statements {
            output.line(format!("{}: {}", statement.sid, statement.why));
        }
        output.line("");
    }
    Ok(())
}
