//! Starting: the process alone, and each step in a process of its own, as after a long pause.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use windlass_harness::{Stack, Supervision};

use super::figures::{Figure, Goal, Table};
use super::rotation::{Subject, rotate};

/// From starting the process, on a quiet machine, in milliseconds.
pub(super) const START_GOAL: Goal = Goal::Under(25.0);

/// A rotation's.
const STEPS: usize = 4;

/// What one whole invocation may take, started from nothing.
const LIMIT: Duration = Duration::from_secs(10);

/// Measures the start alone, and the start with the shortest work: refusing an event.
///
/// `setting` names what is installed, and `goal` is for the first request for work.
pub(super) async fn start(
    stack: &Stack,
    runs: usize,
    (setting, goal): (&str, Goal),
    table: &mut Table,
) -> Result<()> {
    let (mut polls, mut answers) = (Vec::new(), Vec::new());
    // One more, not counted: it brings the file into memory.
    for run in 0..=runs {
        let (poll, answer) = once(stack).await?;
        if run > 0 {
            polls.push(poll);
            answers.push(answer);
        }
    }
    table.add(
        &format!("Cold start of bootstrap, {setting}"),
        [
            Figure::timed("start to first request for work", polls).goal(goal).aws(310.0),
            Figure::timed("start to first answer", answers).goal(START_GOAL),
        ],
    );
    Ok(())
}

/// Starts a function, and returns when it asked for work and when it had refused an event, since its
/// start.
pub(super) async fn once(stack: &Stack) -> Result<(Duration, Duration)> {
    let lambda = stack.lambda();
    let function = stack.start_function("cold-start", Supervision::Plain)?;
    let invocation = lambda.invoke(json!({ "Step": "noSuchStep" }), LIMIT).await?;
    let answer = invocation.ended.saturating_duration_since(function.started());
    let poll = function.cold_start(lambda).await?;
    // It asks again, which must not count as the next function's first request.
    lambda.function_idle().await;
    Ok((poll, answer))
}

/// Measures rotations whose every step finds no process and starts one.
pub(super) async fn steps(
    stack: &Stack,
    subject: &Subject,
    runs: usize,
    table: &mut Table,
) -> Result<()> {
    let mut steps: Vec<(String, Vec<Duration>)> = Vec::new();
    let (mut walls, mut cpus) = (Vec::new(), Vec::new());
    stack.lambda().hold_events();
    for _ in 0..runs {
        let (_, costs) = tokio::try_join!(rotate(stack, subject), supply(stack))?;
        walls.push(costs.iter().map(|cost| cost.wall).sum());
        cpus.push(costs.iter().map(|cost| cost.cpu).sum());
        for cost in costs {
            match steps.iter_mut().find(|(step, _)| *step == cost.step) {
                Some((_, times)) => times.push(cost.wall),
                None => steps.push((cost.step, vec![cost.wall])),
            }
        }
    }
    stack.lambda().release_events();
    let mut figures: Vec<_> = steps
        .into_iter()
        .map(|(step, times)| Figure::timed(format!("{step}, in a new process"), times))
        .collect();
    let walls = Figure::timed("rotation, four new processes", walls);
    figures.push(subject.beside_aws(walls, 2300.0));
    figures.push(Figure::timed("rotation, four new processes, CPU", cpus));
    table.add(&subject.title(), figures);
    Ok(())
}

/// What one step cost, its process included.
struct Cost {
    step: String,
    wall: Duration,
    cpu: Duration,
}

/// Starts a process for each step when Secrets Manager asks for it, and ends it with its answer.
async fn supply(stack: &Stack) -> Result<Vec<Cost>> {
    let lambda = stack.lambda();
    let mut costs = Vec::new();
    while costs.len() < STEPS {
        lambda.event_waiting().await;
        let function = stack.start_function("cold-step", Supervision::Plain)?;
        function.cold_start(lambda).await?;
        // Only now: the process before this one may have asked for work just before its end.
        lambda.let_one_through();
        let ended = costs.len() + 1;
        let invocation = lambda.wait_for(|invocations| invocations.get(ended - 1).cloned()).await;
        costs.push(Cost {
            step: invocation.step().to_owned(),
            wall: invocation.ended.saturating_duration_since(function.started()),
            cpu: function.measured()?.cpu,
        });
    }
    Ok(costs)
}
