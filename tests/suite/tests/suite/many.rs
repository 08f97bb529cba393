//! Many secrets of several engines, one function: rotated all at once in a few environments, as Lambda
//! runs it, one event at a time in each. Nothing may be mixed up.
//!
//! Every server has accounts of the same names, so whatever went to the wrong server would find one.
//! What became of each is seen by others: the servers' own clients and logs, and the function's log.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use windlass_harness::{Function, Outcome, RuntimeApi};
use windlass_suite::{Engine, Login, Options, STEPS, Server, World};

/// All rotations together, at least.
const ROTATIONS: usize = 200;

/// Environments of the function: fewer than secrets, so that each serves many.
const ENVIRONMENTS: usize = 3;

/// The timeout of AWS's own functions.
const STEP_LIMIT: Duration = Duration::from_secs(30);

/// How secrets are rotated, by the names of their accounts.
const ACCOUNTS: [(&str, Kind); 4] = [
    ("many_one", Kind::Own),
    ("many_two", Kind::Own),
    ("many_led", Kind::ByAdmin),
    ("many_pair", Kind::Pair),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Own,
    ByAdmin,
    Pair,
}

/// One execution environment.
struct Environment {
    lambda: RuntimeApi,
    function: Function,
}

/// All that the drivers share.
struct Stage {
    world: World,
    environments: Vec<Environment>,
    free: Mutex<Vec<usize>>,
    permits: Semaphore,
}

/// A secret and the account that it is of.
#[derive(Clone)]
struct Subject {
    secret: String,
    account: &'static str,
    kind: Kind,
    server: Server,
}

impl Subject {
    fn clone_name(&self) -> String {
        format!("{}_clone", self.account)
    }

    /// How often the password of the account was set so far, and that of its clone.
    fn changes(&self) -> Result<(usize, usize)> {
        let of_clone = self.server.password_changes(&self.clone_name())?;
        Ok((self.server.password_changes(self.account)?, of_clone))
    }
}

impl Stage {
    async fn start() -> Result<Self> {
        // Every line of the log is looked at, and there are thousands.
        let world = World::with(Options::by_hand().with("WINDLASS_LOG", "debug")).await?;
        let mut environments = Vec::new();
        for number in 0..ENVIRONMENTS {
            let lambda = RuntimeApi::start().await?;
            let options = world.function_options(world.secrets().endpoint().to_owned())?;
            let name = format!("environment-{number}");
            let function = Function::start(&lambda, &options, world.directory(), &name)?;
            environments.push(Environment { lambda, function });
        }
        let free = Mutex::new((0..ENVIRONMENTS).collect());
        Ok(Self { world, environments, free, permits: Semaphore::new(ENVIRONMENTS) })
    }

    /// Runs a step in whichever environment is free.
    async fn step(&self, step: &str, secret: &str, token: &str) -> Result<()> {
        let event = json!({ "Step": step, "SecretId": secret, "ClientRequestToken": token });
        let _permit = self.permits.acquire().await?;
        let free = || self.free.lock().unwrap_or_else(PoisonError::into_inner);
        // The one that has rested longest: each serves every secret.
        let index = free().remove(0);
        let outcome = self.environments[index].lambda.invoke(event, STEP_LIMIT).await;
        free().push(index);
        match outcome?.outcome {
            Outcome::Answered(_) => Ok(()),
            Outcome::Failed(error) => {
                anyhow::bail!("{step} of {secret}: {}: {}", error.kind, error.message)
            }
        }
    }
}

async fn prepare(world: &World, server: &Server) -> Result<Vec<Subject>> {
    let mut subjects = Vec::new();
    for (account, kind) in ACCOUNTS {
        let secret = format!("many/{}/{account}", server.engine().name);
        let mut value = server.secret(&server.account(account).await?);
        if kind != Kind::Own {
            let name = format!("{secret}/admin");
            let arn = world.create_admin_secret_of(server, &name, server.port()).await?;
            value["masterarn"] = Value::from(arn);
        }
        world.create_secret(&secret, &value).await?;
        if kind == Kind::ByAdmin {
            world.tag(&secret, "windlass:strategy", "single-user").await?;
        }
        subjects.push(Subject { secret, account, kind, server: server.clone() });
    }
    Ok(subjects)
}

/// All secrets at once, each so many times.
async fn rotate_all(stage: &Arc<Stage>, subjects: &[Subject], times: usize) -> Result<()> {
    let mut drivers = JoinSet::new();
    for subject in subjects {
        drivers.spawn(rotate(Arc::clone(stage), subject.clone(), times));
    }
    while let Some(ended) = drivers.join_next().await {
        ended.context("a driver stopped")??;
    }
    Ok(())
}

async fn rotate(stage: Arc<Stage>, subject: Subject, times: usize) -> Result<()> {
    for _ in 0..times {
        let token = stage.world.begin(&subject.secret).await?;
        for step in STEPS {
            stage.step(step, &subject.secret, &token).await?;
        }
        let current = stage.world.secrets().version_at(&subject.secret, "AWSCURRENT").await?;
        ensure!(current.as_ref() == Some(&token), "{}: AWSCURRENT did not move", subject.secret);
    }
    Ok(())
}

#[tokio::test]
async fn secrets_of_every_engine_rotated_at_once_by_one_function_are_never_mixed_up() -> Result<()>
{
    let stage = Arc::new(Stage::start().await?);
    let (mut servers, mut subjects) = (Vec::new(), Vec::new());
    for engine in Engine::ALL.iter().copied() {
        if let Some(server) = engine.server().await? {
            subjects.extend(prepare(&stage.world, &server).await?);
            servers.push(server);
        }
    }
    // The first rotation makes the clones, with a password: that is no change, or is one.
    let mut alone = Vec::new();
    for server in &servers {
        alone.push(server.making_clones().await);
    }
    rotate_all(&stage, &subjects, 1).await?;
    drop(alone);
    let begun: Vec<_> = subjects.iter().map(Subject::changes).collect::<Result<_>>()?;
    let times = ROTATIONS.div_ceil(subjects.len());
    rotate_all(&stage, &subjects, times).await?;
    for (subject, begun) in subjects.iter().zip(begun) {
        let Subject { secret, account, server, .. } = subject;
        let changes = subject.changes()?;
        let (of_account, of_clone) = (changes.0 - begun.0, changes.1 - begun.1);
        let expected = match subject.kind {
            Kind::Own | Kind::ByAdmin => (times, 0),
            // The base's turn is next.
            Kind::Pair => (times.div_ceil(2), times / 2),
        };
        ensure!((of_account, of_clone) == expected, "{secret}: {of_account}, {of_clone} changes");
        for name in [(*account).to_owned(), subject.clone_name()] {
            ensure!(server.refused_sign_ins(&name)? == 0, "{secret}: `{name}` was refused");
        }
    }
    for subject in &subjects {
        signs_in_there_alone(&stage.world, subject, &servers).await?;
    }
    let admins = servers.iter().map(|server| (server, server.superuser()));
    for (server, admin) in admins {
        ensure!(server.password_changes(&admin.username)? == 0, "the administrator was changed");
    }
    let mut lines = 0;
    for environment in &stage.environments {
        lines += nobody_elses_lines(environment, &subjects)?;
    }
    windlass_suite::tell(&format!(
        "{} secrets at {} servers, {} rotations by {ENVIRONMENTS} environments, {lines} lines of log",
        subjects.len(),
        servers.len(),
        (times + 1) * subjects.len()
    ));
    Ok(())
}

/// That a secret's credential signs in at its own server, and at no other one, which all have an
/// account of the name.
async fn signs_in_there_alone(world: &World, subject: &Subject, servers: &[Server]) -> Result<()> {
    let current: Login = world.current(&subject.secret).await?;
    for server in servers {
        let own = server.port() == subject.server.port();
        let signs_in = current.signs_in(server).await?;
        let engine = server.engine().name;
        ensure!(signs_in == own, "{}: signs in at {engine}: {signs_in}", subject.secret);
    }
    Ok(())
}

/// That every line of an environment's log is of one invocation, and has nothing of another secret's;
/// and that each invocation told what became of it. Returns how many there are.
fn nobody_elses_lines(environment: &Environment, subjects: &[Subject]) -> Result<usize> {
    let invocations = environment.lambda.invocations();
    let mut told = HashSet::new();
    let lines = environment.function.log_lines()?;
    for line in &lines {
        let id = line["span"]["request_id"].as_str().context("a line of no invocation")?;
        let invocation = invocations.iter().find(|one| one.request_id == id);
        let event = &invocation.with_context(|| format!("a line of nobody's: {line}"))?.event;
        let text = line.to_string();
        for subject in subjects {
            if event["SecretId"] != subject.secret.as_str() {
                ensure!(!text.contains(&subject.secret), "{event} told of another: {line}");
            }
        }
        let own = subjects.iter().find(|subject| event["SecretId"] == subject.secret.as_str());
        let own = own.context("an invocation for no secret")?;
        for other in subjects.iter().map(|subject| subject.server.port()) {
            let elsewhere = other != own.server.port() && text.contains(&format!(":{other}"));
            ensure!(!elsewhere, "{event} was at another server: {line}");
        }
        if text.contains(&own.secret) {
            told.insert(id.to_owned());
        }
    }
    let count = invocations.len();
    ensure!(told.len() == count, "{} of {count} invocations told of their secret", told.len());
    ensure!(count > ROTATIONS / ENVIRONMENTS, "one environment had {count} events alone");
    Ok(lines.len())
}
