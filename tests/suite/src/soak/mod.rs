//! A soak: many secrets rotated at once by several functions, with crashes, cut connections, lost
//! and late answers, against a real server of an engine.
//!
//! A driver for each secret plays Secrets Manager's scheduler; applications of alternating users
//! sign in all the while. What has to hold:
//! 1. An error comes only from a step in which something went wrong that explains it.
//! 2. At every moment looked at, some known password of an account signs in; an application of
//!    alternating users is never refused.
//! 3. At the end, in peace, every secret rotates once more, has one `AWSCURRENT`, which signs in,
//!    and the previous password is refused where the account is the same.
//! 4. No function is left running, no account saw more refused sign-ins than is promised, and no
//!    password or rotation token stands in any log.
//!
//! What goes wrong follows from the seed; which step meets which other does not, so that the same
//! seed is a soak of the same kind, not the same soak.

mod driver;
mod faults;
mod lanes;
mod random;
mod stage;
mod steps;
mod tally;
mod verdict;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::task::JoinSet;
use windlass_harness::Programs;

use crate::Engine;
use random::Random;
use stage::{Kind, Stage, Subject};
pub use tally::{Report, Tally};

/// How often progress is reported.
const PROGRESS: Duration = Duration::from_secs(3);

/// What is under way when a soak stops may meet one silent database, and has its retries.
const END_LIMIT: Duration = Duration::from_secs(120);

/// What a soak is made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// What runs.
    pub programs: Programs,
    /// Whose passwords are rotated.
    pub engine: Engine,
    /// What all choices follow from.
    pub seed: u64,
    /// How many secrets: alternately of a user's own, by an administrator, of alternating users.
    pub secrets: usize,
    /// How many functions; two more get the events that come twice.
    pub functions: usize,
    /// The longest pause between two rotations of one secret.
    pub rest: Duration,
    /// How long things go wrong.
    pub time: Duration,
    /// After so many rotations it is enough, however short the time was.
    pub rotations: Option<u64>,
}

/// Soaks. `watch` gets a report every few seconds.
///
/// # Errors
/// If a server or a program does not do its part. What Windlass does wrong is in the report.
pub async fn run(options: &Options, mut watch: impl FnMut(&Tally, Duration)) -> Result<Report> {
    let stage = Arc::new(Stage::start(&options.programs, options.engine, options.functions).await?);
    let begun = Instant::now();
    let mut random = Random::new(options.seed);
    let mut drivers = JoinSet::new();
    let mut applications = JoinSet::new();
    for number in 0..options.secrets {
        let kind = match number % 3 {
            0 => Kind::Own,
            1 => Kind::ByAdmin,
            _ => Kind::Alternating,
        };
        let subject = stage.subject(number, kind).await?;
        if kind == Kind::Alternating {
            let name = subject.name.clone();
            applications.spawn(verdict::application(Arc::clone(&stage), name, random.branch()));
        }
        let rest = u32::try_from(options.rest.as_millis()).unwrap_or(u32::MAX);
        drivers.spawn(driver::live(Arc::clone(&stage), subject, random.branch(), rest));
    }

    let enough = |tally: &Tally| options.rotations.is_some_and(|most| tally.finished >= most);
    let mut next_told = PROGRESS;
    while begun.elapsed() < options.time && !stage.stopping() {
        tokio::time::sleep(PROGRESS / 30).await;
        let tally = stage.tally(|tally| tally.clone());
        if enough(&tally) {
            break;
        }
        if begun.elapsed() >= next_told {
            next_told += PROGRESS;
            watch(&tally, begun.elapsed());
        }
    }
    stage.stop();
    let subjects = tokio::time::timeout(END_LIMIT, ends(&stage, drivers, applications)).await;
    match subjects {
        Ok(subjects) => judge(&stage, subjects, options).await,
        Err(_) => stage.broken("what was under way did not come to its end"),
    }
    report(stage, options, begun.elapsed())
}

/// The subjects, when their drivers have ended.
async fn ends(
    stage: &Stage,
    mut drivers: JoinSet<Result<Subject>>,
    mut applications: JoinSet<Result<(String, u64)>>,
) -> Vec<Subject> {
    let mut subjects = Vec::new();
    while let Some(ended) = drivers.join_next().await {
        match ended.context("a driver stopped").and_then(|ended| ended) {
            Ok(subject) => subjects.push(subject),
            Err(error) => stage.broken(format!("a driver failed: {error:#}")),
        }
    }
    while let Some(ended) = applications.join_next().await {
        match ended.context("an application stopped").and_then(|ended| ended) {
            Ok((name, refused)) => {
                for subject in subjects.iter_mut().filter(|subject| subject.name == name) {
                    subject.own_refused += refused;
                }
            }
            Err(error) => stage.broken(format!("an application failed: {error:#}")),
        }
    }
    subjects
}

/// The last rotations and all that has to hold then.
async fn judge(stage: &Stage, mut subjects: Vec<Subject>, options: &Options) {
    for subject in &mut subjects {
        if let Err(error) = verdict::settle(stage, subject).await {
            stage.broken(format!("{}: {error:#}", subject.name));
        }
    }
    verdict::end_functions(stage, options.functions);
    let counted = verdict::count_refusals(stage, &subjects);
    let searched = counted.and_then(|()| verdict::search_logs(stage, &subjects));
    if let Err(error) = searched {
        stage.broken(format!("{error:#}"));
    }
}

fn report(stage: Arc<Stage>, options: &Options, elapsed: Duration) -> Result<Report> {
    let tally = stage.tally(|tally| tally.clone());
    let mut report =
        Report { tally, seed: options.seed, secrets: options.secrets, elapsed, logs: None };
    let stage = Arc::into_inner(stage).context("something still uses the servers")?;
    if !report.held() {
        report.logs = Some(stage.keep()?);
    }
    Ok(report)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
