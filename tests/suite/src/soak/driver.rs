//! Secrets Manager's scheduler for one secret: rotation after rotation, each retried from
//! createSecret with the same token when a step fails, some given up and begun anew.
//!
//! What a retry, or a new rotation, may rely on is kept: no step of an earlier attempt is still
//! running. Nor is more given up in a row than Windlass promises to recover from: the passwords of
//! five abandoned rotations.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use windlass_harness::SecretsManager;

use super::faults::Trouble;
use super::lanes::Lane;
use super::random::Random;
use super::stage::{Kind, Stage, Subject};
use super::tally::Tally;
use crate::{Login, STEPS};

/// After so many rotations in a row that were given up, one is left in peace.
const GIVEN_UP_IN_A_ROW: u32 = 3;

/// How often a rotation is attempted: AWS says "multiple times".
const ATTEMPTS: u32 = 4;

/// How many steps of a hundred go wrong, and what of a hundred else happens.
const TROUBLED_STEPS: u32 = 35;
const LAGGING_ROTATIONS: u32 = 12;
const GIVEN_UP_AFTER_A_FAILURE: u32 = 35;
const CALLED_OFF_AFTER_A_STEP: u32 = 5;
const LATE_EVENTS: u32 = 15;
const LOOKS: u32 = 12;

/// The longest pause before an attempt is repeated.
const RETRY_PAUSE_MS: u32 = 100;

const FUNCTION_ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:windlass";

/// How a rotation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Finished,
    GivenUp,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    Done,
    Failed,
    /// Nothing failed; somebody did not want it any more.
    CalledOff,
}

/// Whether things go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weather {
    Rough,
    Calm,
}

/// Rotates until the soak stops.
pub(super) async fn live(
    stage: Arc<Stage>,
    mut subject: Subject,
    mut random: Random,
    rest_ms: u32,
) -> Result<Subject> {
    let mut given_up = 0;
    let mut former: Vec<String> = Vec::new();
    while !stage.stopping() {
        pause(&mut random, rest_ms).await;
        let weather = match given_up {
            GIVEN_UP_IN_A_ROW => Weather::Calm,
            _ => Weather::Rough,
        };
        let (token, end) = rotate(&stage, &mut subject, &mut random, weather).await?;
        given_up = if end == End::GivenUp { given_up + 1 } else { 0 };
        former.push(token);
        if random.chance(LATE_EVENTS) {
            late(&stage, &mut subject, &mut random, &former).await?;
        }
    }
    Ok(subject)
}

/// The last rotation, in peace.
pub(super) async fn last(stage: &Stage, subject: &mut Subject) -> Result<()> {
    rotate(stage, subject, &mut Random::new(0), Weather::Calm).await.map(drop)
}

async fn rotate(
    stage: &Stage,
    subject: &mut Subject,
    random: &mut Random,
    weather: Weather,
) -> Result<(String, End)> {
    let token = crate::World::token()?;
    let rough = weather == Weather::Rough;
    if rough && random.chance(LAGGING_ROTATIONS) {
        let lag = 1 + random.below(3);
        stage.tally(|tally| Tally::count(&mut tally.faults, Trouble::Lag(lag).name()));
        // One lane from the beginning to the end: it alone knows what was written when.
        let mut lane = stage.lanes.take().await?;
        lane.secrets.reset();
        lane.secrets.lag(lag);
        begin(&lane.secrets.secrets(), subject, &token).await?;
        let failed = attempt_on(stage, &mut lane, subject, &token, lag).await?;
        stage.lanes.give(lane);
        if !failed {
            return Ok((token, finished(stage, subject, random).await?));
        }
    } else {
        begin(stage.secrets(), subject, &token).await?;
    }
    for number in 1..=ATTEMPTS {
        // A soak that stops lets what is under way end.
        let rough = rough && !stage.stopping();
        let attempt = attempt(stage, subject, random, &token, rough).await?;
        if attempt == Attempt::Done {
            if current(stage, subject).await?.as_ref() != Some(&token) {
                stage.broken(format!(
                    "finishSecret of {} succeeded, but AWSCURRENT is not on {token}",
                    subject.name
                ));
            }
            return Ok((token, finished(stage, subject, random).await?));
        }
        let enough = number == ATTEMPTS || attempt == Attempt::CalledOff;
        if enough || rough && random.chance(GIVEN_UP_AFTER_A_FAILURE) {
            break;
        }
        pause(random, RETRY_PAUSE_MS).await;
    }
    if current(stage, subject).await?.as_ref() == Some(&token) {
        return Ok((token, finished(stage, subject, random).await?));
    }
    look(stage, subject).await?;
    give_up(stage, subject, &token).await?;
    Ok((token, End::GivenUp))
}

/// All steps on any lanes.
async fn attempt(
    stage: &Stage,
    subject: &mut Subject,
    random: &mut Random,
    token: &str,
    rough: bool,
) -> Result<Attempt> {
    stage.tally(|tally| tally.attempts += 1);
    for step in STEPS {
        let troubled = rough && random.chance(TROUBLED_STEPS);
        let trouble = troubled.then(|| Trouble::choose(random, step)).flatten();
        let mut lane = stage.lanes.take().await?;
        let outcome = stage.step(&mut lane, subject, (step, token), trouble).await?;
        stage.lanes.give(lane);
        if random.chance(LOOKS) {
            look(stage, subject).await?;
        }
        if outcome.error().is_some() {
            return Ok(Attempt::Failed);
        }
        if rough && step != "finishSecret" && random.chance(CALLED_OFF_AFTER_A_STEP) {
            return Ok(Attempt::CalledOff);
        }
    }
    Ok(Attempt::Done)
}

/// All steps on one lane whose answers lag. Whether one failed.
async fn attempt_on(
    stage: &Stage,
    lane: &mut Lane,
    subject: &mut Subject,
    token: &str,
    lag: u32,
) -> Result<bool> {
    stage.tally(|tally| tally.attempts += 1);
    for step in STEPS {
        let outcome = stage.step(lane, subject, (step, token), Some(Trouble::Lag(lag))).await?;
        if outcome.error().is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn begin(secrets: &SecretsManager, subject: &Subject, token: &str) -> Result<()> {
    let input = json!({
        "SecretId": subject.arn,
        "ClientRequestToken": token,
        "RotationLambdaARN": FUNCTION_ARN,
        "RotationRules": { "AutomaticallyAfterDays": 30 },
    });
    secrets.call("RotateSecret", &input).await?;
    Ok(())
}

/// What an operator does to be rid of a rotation.
async fn give_up(stage: &Stage, subject: &Subject, token: &str) -> Result<()> {
    let secrets = stage.secrets();
    secrets.call("CancelRotateSecret", &json!({ "SecretId": subject.arn })).await?;
    let change = json!({
        "SecretId": subject.arn, "VersionStage": "AWSPENDING", "RemoveFromVersionId": token,
    });
    secrets.call("UpdateSecretVersionStage", &change).await?;
    stage.tally(|tally| tally.abandoned += 1);
    Ok(())
}

/// Any step of a rotation that is over: it may do nothing.
async fn late(
    stage: &Stage,
    subject: &mut Subject,
    random: &mut Random,
    former: &[String],
) -> Result<()> {
    let count = u32::try_from(former.len()).unwrap_or(u32::MAX);
    let token = former.get(random.below(count) as usize);
    let step = STEPS.get(random.below(4) as usize);
    let (Some(token), Some(step)) = (token, step) else { return Ok(()) };
    let before = current(stage, subject).await?;
    let mut lane = stage.lanes.take().await?;
    stage.step(&mut lane, subject, (step, token), Some(Trouble::Late)).await?;
    stage.lanes.give(lane);
    if current(stage, subject).await? != before {
        stage.broken(format!("a late {step} moved AWSCURRENT of {}", subject.name));
    }
    look(stage, subject).await
}

async fn current(stage: &Stage, subject: &Subject) -> Result<Option<String>> {
    Ok(stage.secrets().version_at(&subject.arn, "AWSCURRENT").await?)
}

async fn finished(stage: &Stage, subject: &mut Subject, random: &mut Random) -> Result<End> {
    stage.tally(|tally| tally.finished += 1);
    if random.chance(LOOKS) {
        // Between two rotations, what an application reads signs in.
        learn(stage, subject).await?;
        let login = Login::from_secret(&stage.secrets().secret(&subject.arn, "AWSCURRENT").await?)?;
        stage.tally(|tally| tally.looks += 1);
        if !stage.signs_in(&login).await? {
            subject.own_refused += 1;
            stage.tally(|tally| tally.lock_outs += 1);
            stage.broken(format!("{}: AWSCURRENT does not sign in after a rotation", subject.name));
        }
    }
    Ok(End::Finished)
}

/// Looks whether any known password of the account signs in. No step of this secret is running.
pub(super) async fn look(stage: &Stage, subject: &mut Subject) -> Result<()> {
    if subject.kind == Kind::Alternating {
        // An application of its own looks all the time.
        return Ok(());
    }
    learn(stage, subject).await?;
    stage.tally(|tally| tally.looks += 1);
    for login in subject.known.iter().rev() {
        if stage.signs_in(login).await? {
            return Ok(());
        }
        subject.own_refused += 1;
    }
    stage.tally(|tally| tally.lock_outs += 1);
    stage.broken(format!("{} is locked out: no password of it signs in", subject.name));
    Ok(())
}

/// Reads which passwords the account may have by now.
async fn learn(stage: &Stage, subject: &mut Subject) -> Result<()> {
    for label in ["AWSCURRENT", "AWSPENDING"] {
        match stage.secrets().secret(&subject.arn, label).await {
            Ok(value) => {
                let login = Login::from_secret(&value)?;
                subject.known.retain(|known| *known != login);
                subject.known.push(login);
            }
            // No rotation under way, or none that has got anywhere.
            Err(error) if error.kind() == Some("ResourceNotFoundException") => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

async fn pause(random: &mut Random, longest_ms: u32) {
    tokio::time::sleep(Duration::from_millis(u64::from(random.below(longest_ms)))).await;
}
