//! Whole rotations in one process, and the subjects that are rotated.

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;
use windlass_harness::{Function, Invocation, Stack, Supervision};
use windlass_suite::cost::Strategy;
use windlass_suite::{Engine, Login};

use super::figures::{Figure, Goal, Table};
use super::server::Server;

/// Rotations before the measured ones: the first loads plugin and certificates, the second makes
/// the alternating user.
pub(super) const WARM_UP: usize = 2;

/// CPU of a whole warm rotation, in milliseconds.
const CPU_GOAL: Goal = Goal::Under(30.0);

/// Peak resident memory, in megabytes.
pub(super) const MEMORY_GOAL: Goal = Goal::Under(16.0);

/// Of the strategy, in titles.
fn title(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::SingleUser => "single user",
        Strategy::AlternatingUsers => "alternating users",
    }
}

/// What its accounts begin with.
fn prefix(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::SingleUser => "single",
        Strategy::AlternatingUsers => "alternating",
    }
}

/// A user in the database and its secret.
pub(super) struct Subject {
    pub(super) engine: Engine,
    pub(super) strategy: Strategy,
    pub(super) secret: String,
    /// What is said of the machine in the section's title, if anything.
    pub(super) setting: Option<String>,
    pub(super) memory: Goal,
}

impl Subject {
    /// Creates both, reached at `port`; each port has its own.
    pub(super) async fn create(
        stack: &Stack,
        server: &Server,
        strategy: Strategy,
        port: u16,
    ) -> Result<Self> {
        let user = format!("{}_{port}", prefix(strategy));
        let login = Login::made_up(&user);
        server.create_account(&login).await?;
        let mut value = server.engine.secret(&login, port);
        if strategy == Strategy::AlternatingUsers {
            let admin = server.engine.secret(&server.superuser(), port);
            let admin = stack.create_secret(&format!("bench/admin_{port}"), &admin).await?;
            if let Some(members) = value.as_object_mut() {
                members.insert("masterarn".to_owned(), Value::String(admin));
            }
        }
        let secret = format!("bench/{user}");
        stack.create_secret(&secret, &value).await?;
        Ok(Self { engine: server.engine, strategy, secret, setting: None, memory: MEMORY_GOAL })
    }

    /// The title of its section.
    pub(super) fn title(&self) -> String {
        let title = format!("{}, {}", self.engine.title, title(self.strategy));
        match &self.setting {
            None => title,
            Some(setting) => format!("{title}, {setting}"),
        }
    }

    /// The same, in a setting of its own: named in the title, with its own goal for memory.
    pub(super) fn with(self, setting: &str, memory: Goal) -> Self {
        Self { setting: Some(setting.to_owned()), memory, ..self }
    }

    /// Adds what AWS's own function took to a figure: its PostgreSQL one is what was measured.
    pub(super) fn beside_aws(&self, figure: Figure, value: f64) -> Figure {
        if self.engine == Engine::POSTGRES { figure.aws(value) } else { figure }
    }
}

/// Rotates once; a failed step is an error.
pub(super) async fn rotate(stack: &Stack, subject: &Subject) -> Result<Vec<Invocation>> {
    let invocations = stack.rotate(&subject.secret).await?;
    for invocation in &invocations {
        if let Some(error) = invocation.outcome.error() {
            bail!("{}: {}: {}", invocation.step(), error.kind, error.message);
        }
    }
    Ok(invocations)
}

/// Measures rotations in a process that has done some before.
pub(super) async fn warm(
    stack: &Stack,
    subject: &Subject,
    runs: usize,
    table: &mut Table,
) -> Result<()> {
    let name = format!("{}-{}-warm", subject.engine.name, prefix(subject.strategy));
    let function = stack.start_function(&name, Supervision::Tied)?;
    for _ in 0..WARM_UP {
        rotate(stack, subject).await?;
    }
    let mut steps: Vec<(String, Vec<Duration>)> = Vec::new();
    let (mut walls, mut cpus) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let (invocations, cpu) = with_cpu(&function, rotate(stack, subject)).await?;
        walls.push(invocations.iter().map(|invocation| invocation.elapsed).sum());
        cpus.push(cpu);
        for invocation in &invocations {
            match steps.iter_mut().find(|(step, _)| step == invocation.step()) {
                Some((_, times)) => times.push(invocation.elapsed),
                None => steps.push((invocation.step().to_owned(), vec![invocation.elapsed])),
            }
        }
    }
    let mut figures: Vec<_> = steps
        .into_iter()
        .map(|(step, times)| Figure::timed(format!("{step}, warm"), times))
        .collect();
    let memory = function.measured()?.peak_memory;
    let memory = Figure::bytes("peak resident memory after all these", memory).goal(subject.memory);
    let cpu = Figure::timed("rotation, warm, CPU", cpus).goal(CPU_GOAL);
    figures.extend([
        subject.beside_aws(Figure::timed("rotation, warm, four steps", walls), 500.0),
        subject.beside_aws(cpu, 450.0),
        subject.beside_aws(memory, 54.0),
    ]);
    table.add(&subject.title(), figures);
    Ok(())
}

async fn with_cpu<T>(
    function: &Function,
    work: impl Future<Output = Result<T>>,
) -> Result<(T, Duration)> {
    let before = function.measured()?.cpu;
    let result = work.await?;
    Ok((result, function.measured()?.cpu.saturating_sub(before)))
}
