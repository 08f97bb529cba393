//! `windlass status`.

mod findings;

use std::sync::Arc;
use std::time::SystemTime;

use clap::Args;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::CommandError;
use super::output::Output;
use super::setup::{Store, StoreArgs, TimeArgs};
use crate::error::Error;
use crate::rotation::YOUNG;
use crate::rotation::ports::SecretId;
use crate::rotation::ports::{
    SecretDescription, SecretList, SecretStore, Stage, StoreError, VersionListing,
};
use findings::{Finding, UnderWay, findings, look, under_way};

/// How many secrets are looked at together. Secrets Manager allows thousands of reads a second, and
/// applications need most of them.
const TOGETHER: usize = 8;

/// Show versions and labels, whether a rotation is stuck, and the command that repairs it: for one
/// secret, or for all.
///
/// A rotation that began less than 15 minutes ago is shown as under way: it is not stuck yet. Changes
/// nothing and prints no secret value. Exit code 7 if something is stuck.
#[derive(Debug, Args)]
pub(super) struct Status {
    /// The secret's name or ARN [default: all secrets of the account and region]
    #[arg(long, value_name = "ID")]
    secret_id: Option<SecretId>,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    time: TimeArgs,
}

/// One secret, looked at.
struct Report {
    secret: SecretDescription,
    versions: Vec<VersionListing>,
    under_way: Option<UnderWay>,
    findings: Vec<Finding>,
}

impl Status {
    pub(super) async fn execute(self, output: Output) -> Result<(), CommandError> {
        let store = Arc::new(self.store.open().await?);
        let now = SystemTime::now();
        if let Some(id) = &self.secret_id {
            let report = Report::read(&store, id, &self.store, self.time).await?;
            report.print(output, now);
            output.object(&report.to_json(now));
            return if report.findings.is_empty() { Ok(()) } else { Err(CommandError::stuck()) };
        }
        self.all(&store, output, now).await
    }

    async fn all(
        &self,
        store: &Arc<Store>,
        output: Output,
        now: SystemTime,
    ) -> Result<(), CommandError> {
        let names = self.time.bound(|| "listing the secrets".to_owned(), store.names()).await?;
        let mut reports = Vec::new();
        let mut failures = Vec::new();
        let mut stuck = 0;
        for (part, together) in names.chunks(TOGETHER).enumerate() {
            let done = part * TOGETHER;
            output.begin(format!("looking at {} of {} secrets", done + 1, names.len()));
            let looked = self.together(store, together).await;
            output.clear();
            for (name, report) in together.iter().zip(looked) {
                match report {
                    Ok(report) => {
                        stuck += usize::from(!report.findings.is_empty());
                        report.print(output, now);
                        reports.push(report.to_json(now));
                    }
                    Err(error) => {
                        output.line(format!("secret    {name}"));
                        output.line(format!("failed    {}", error.report()));
                        failures.push(json!({ "secret": name.as_str(), "error": error.report() }));
                    }
                }
                output.line("");
            }
        }
        output.line(format!(
            "{} secrets, {stuck} stuck, {} that could not be examined",
            names.len(),
            failures.len()
        ));
        let incomplete = !failures.is_empty();
        output.object(&json!({ "secrets": reports, "stuck": stuck, "failed": failures }));
        match (stuck, incomplete) {
            (0, false) => Ok(()),
            (0, true) => Err(CommandError::store_unreadable()),
            _ => Err(CommandError::stuck()),
        }
    }

    /// Several secrets at once, in their order.
    async fn together(&self, store: &Arc<Store>, names: &[SecretId]) -> Vec<Result<Report, Error>> {
        let mut looking = JoinSet::new();
        for (index, name) in names.iter().enumerate() {
            let (store, name, arguments) = (Arc::clone(store), name.clone(), self.store.clone());
            let time = self.time;
            looking
                .spawn(async move { (index, Report::read(&store, &name, &arguments, time).await) });
        }
        let mut reports = looking.join_all().await;
        reports.sort_by_key(|(index, _)| *index);
        reports.into_iter().map(|(_, report)| report).collect()
    }
}

impl Report {
    async fn read(
        store: &Store,
        id: &SecretId,
        arguments: &StoreArgs,
        time: TimeArgs,
    ) -> Result<Self, Error> {
        let looking = async {
            let (secret, versions) = tokio::join!(store.describe(id), store.versions(id));
            let (secret, versions) = (secret?, versions?);
            let unfinished = look(store, &secret).await;
            let under_way = under_way(&secret, &versions, unfinished.as_ref(), SystemTime::now());
            let stuck = unfinished.filter(|_| under_way.is_none());
            let findings = findings(&secret, stuck.as_ref(), arguments);
            Ok::<_, StoreError>(Self { secret, versions, under_way, findings })
        };
        time.bound(|| format!("looking at secret `{id}`"), looking).await
    }

    fn print(&self, output: Output, now: SystemTime) {
        let Self { secret, versions, under_way, findings } = self;
        output.line(format!("secret    {} ({})", secret.name, secret.arn));
        output.line(format!("rotation  {}", rotation(secret, now)));
        output.line("versions");
        for listing in versions {
            output.line(format!(
                "  {}  {:<11} {}",
                listing.version,
                age(listing, now),
                labels(listing)
            ));
        }
        if let Some(UnderWay { version, age }) = under_way {
            output.line(format!(
                "running   the rotation to version {version} has been in progress for {}; it \
                 counts as \
                 stuck after {}",
                duration(age.as_secs()),
                duration(YOUNG.as_secs())
            ));
        }
        for finding in findings {
            output.line(format!("stuck     {}", finding.what));
            output.line(format!("to do     {}", finding.remedy));
        }
        if findings.is_empty() {
            output.line("nothing is stuck");
        }
    }

    fn to_json(&self, now: SystemTime) -> Value {
        let Self { secret, versions, under_way, findings } = self;
        json!({
            "secret": secret.name,
            "arn": secret.arn.as_str(),
            "rotation_enabled": secret.rotation_enabled,
            "versions": versions.iter().map(|listing| json!({
                "version": listing.version.as_str(),
                "stages": listing.stages.iter().map(Stage::as_str).collect::<Vec<_>>(),
                "age_seconds": seconds(listing, now),
            })).collect::<Vec<_>>(),
            "under_way": under_way.as_ref().map(|under_way| json!({
                "version": under_way.version.as_str(),
                "age_seconds": under_way.age.as_secs(),
            })),
            "stuck": findings.iter().map(|finding| json!({
                "what": finding.what,
                "to_do": finding.remedy,
            })).collect::<Vec<_>>(),
        })
    }
}

fn rotation(secret: &SecretDescription, now: SystemTime) -> String {
    let state = match secret.rotation_enabled {
        Some(true) => "on",
        Some(false) => "turned off",
        None => "not configured",
    };
    match secret.last_rotated_at.and_then(|at| now.duration_since(at).ok()) {
        Some(ago) => format!("{state}, last done {} ago", duration(ago.as_secs())),
        None => state.to_owned(),
    }
}

fn labels(listing: &VersionListing) -> String {
    if listing.stages.is_empty() {
        return "(no label)".to_owned();
    }
    listing.stages.iter().map(Stage::as_str).collect::<Vec<_>>().join(", ")
}

fn seconds(listing: &VersionListing, now: SystemTime) -> Option<u64> {
    Some(now.duration_since(listing.created_at?).ok()?.as_secs())
}

fn age(listing: &VersionListing, now: SystemTime) -> String {
    seconds(listing, now).map_or_else(|| "?".to_owned(), duration)
}

/// A span for people: the two largest units.
fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}
