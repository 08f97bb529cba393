//! What has to hold during a soak and at its end, as seen by others than the functions.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::driver;
use super::lock;
use super::random::Random;
use super::stage::{Kind, Stage, Subject, clone_of, first_password};
use crate::Login;
use crate::leaks::{Sought, passwords_in_store};

/// The longest pause of an application between two sign-ins.
const APPLICATION_PAUSE_MS: u32 = 1500;

/// The most sign-ins of one setSecret that may be refused: current, pending, previous, five of
/// abandoned rotations, pending once more.
const REFUSED_BY_A_SET: u64 = 9;

/// An application of an alternating secret: it reads the current credential and signs in, and is
/// never refused. Returns how often it had to read again, because the label had just moved.
pub(super) async fn application(
    stage: Arc<Stage>,
    name: String,
    mut random: Random,
) -> Result<(String, u64)> {
    let mut refused = 0;
    while !stage.stopping() {
        let pause = u64::from(random.below(APPLICATION_PAUSE_MS));
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let mut let_in = false;
        for _ in 0..2 {
            let login = Login::from_secret(&stage.secrets().secret(&name, "AWSCURRENT").await?)?;
            let_in = stage.signs_in(&login).await?;
            if let_in {
                break;
            }
            refused += 1;
        }
        stage.tally(|tally| {
            tally.looks += 1;
            tally.lock_outs += u64::from(!let_in);
        });
        if !let_in {
            stage.broken(format!("an application of {name} was refused twice"));
        }
    }
    Ok((name, refused))
}

/// One more rotation in peace, then: one current version, which signs in; with a single user, the
/// previous password is refused; with two, it is not.
pub(super) async fn settle(stage: &Stage, subject: &mut Subject) -> Result<()> {
    driver::last(stage, subject).await?;
    let name = &subject.name;
    let found = stage.secrets().call("DescribeSecret", &json!({ "SecretId": name })).await?;
    let versions = found.get("VersionIdsToStages").and_then(Value::as_object);
    let holds_current = |labels: &Value| {
        labels.as_array().is_some_and(|labels| labels.iter().any(|label| label == "AWSCURRENT"))
    };
    let current = versions.into_iter().flatten().filter(|(_, labels)| holds_current(labels));
    let current = current.count();
    if current != 1 {
        stage.broken(format!("{name} has {current} versions labelled AWSCURRENT"));
    }
    let login =
        |label| async move { Login::from_secret(&stage.secrets().secret(name, label).await?) };
    let (now, before) = (login("AWSCURRENT").await?, login("AWSPREVIOUS").await?);
    stage.tally(|tally| tally.looks += 1);
    if !stage.signs_in(&now).await? {
        subject.own_refused += 1;
        stage.tally(|tally| tally.lock_outs += 1);
        stage.broken(format!("{name}: AWSCURRENT does not sign in at the end"));
    }
    let before_signs_in = stage.signs_in(&before).await?;
    subject.own_refused += u64::from(!before_signs_in);
    if before_signs_in != (subject.kind == Kind::Alternating) {
        let what = if before_signs_in { "still signs in" } else { "is refused" };
        stage.broken(format!("{name}: the password of AWSPREVIOUS {what} at the end"));
    }
    Ok(())
}

/// Counts the functions' refused sign-ins in the server's own log, by account.
pub(super) fn count_refusals(stage: &Stage, subjects: &[Subject]) -> Result<()> {
    let (log, _) = stage.server.log_from(0)?;
    let mut refused: BTreeMap<&str, u64> = BTreeMap::new();
    for user in log.lines().filter_map(|line| stage.server.refused(line)) {
        *refused.entry(user).or_default() += 1;
    }
    for subject in subjects {
        let clone = clone_of(&subject.name);
        let users = [subject.name.as_str(), &clone];
        let all: u64 = users.iter().filter_map(|user| refused.get(user)).sum();
        let functions = all.saturating_sub(subject.own_refused);
        stage.tally(|tally| tally.refused_by_functions += functions);
        if functions > subject.sets * REFUSED_BY_A_SET + subject.tests {
            stage.broken(format!(
                "{functions} sign-ins of {} were refused in {} setSecret and {} testSecret",
                subject.name, subject.sets, subject.tests
            ));
        }
    }
    Ok(())
}

/// Ends the functions, and looks whether one of all that ever ran still does.
pub(super) fn end_functions(stage: &Stage, functions: usize) {
    let ended = stage.lanes.end();
    stage.spares.end();
    if ended != functions {
        stage.broken(format!("{ended} of {functions} functions came back"));
    }
    let started = lock(&stage.deployment.started).clone();
    stage.tally(|tally| tally.functions = started.len() as u64);
    for id in started {
        let program = std::fs::read_link(format!("/proc/{id}/exe"));
        if program.is_ok_and(|program| program == stage.deployment.options.bootstrap) {
            stage.broken(format!("function process {id} still runs"));
        }
    }
}

/// Looks for every password that any version ever held, and every rotation token, in all logs.
pub(super) fn search_logs(stage: &Stage, subjects: &[Subject]) -> Result<()> {
    let mut secrets: HashSet<String> = lock(&stage.rotation_tokens).iter().cloned().collect();
    secrets.extend(passwords_in_store(&stage.store())?);
    stage.tally(|tally| tally.secrets_sought = secrets.len() as u64);
    let sought = Sought::new(secrets.iter().map(String::as_str))?;
    for entry in std::fs::read_dir(stage.logs())? {
        let path = entry?.path();
        report_leak(stage, &sought, &path, &std::fs::read(&path)?);
    }
    for subject in subjects {
        // The soak's own, which stand in the statements that made the accounts.
        secrets.remove(&first_password(&subject.name));
        secrets.remove(&first_password(&clone_of(&subject.name)));
    }
    let sought = Sought::new(secrets.iter().map(String::as_str))?;
    let (log, _) = stage.server.log_from(stage.log_begins)?;
    report_leak(stage, &sought, Path::new("the server's log"), log.as_bytes());
    Ok(())
}

fn report_leak(stage: &Stage, sought: &Sought, place: &Path, text: &[u8]) {
    if let Some((form, _)) = sought.find(text) {
        let place = place.display();
        stage.broken(format!("a password or rotation token stands in {place}, as {form}"));
    }
}
