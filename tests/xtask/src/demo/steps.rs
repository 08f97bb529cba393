//! One rotation, shown step by step: what Secrets Manager asked for, what the function logged,
//! how long it took.

use anyhow::{Result, bail};
use serde_json::Value;
use windlass_harness::{Function, Invocation, Outcome, Stack};

use super::proofs::{Login, Proofs};
use crate::terminal::milliseconds;

/// The steps of a rotation.
const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

/// Rotates `secret` and shows it. A step that failed is shown, and is an error.
pub(super) async fn rotate(
    stack: &Stack,
    function: &Function,
    secret: &str,
    proofs: &mut Proofs,
) -> Result<()> {
    let version_before = stack.secrets().version_at(secret, "AWSCURRENT").await?;
    println!("  RotateSecret {secret}");
    let logged = function.log_lines()?.len();
    let invocations = stack.rotate(secret).await?;
    let log = function.log_lines()?;
    let mut log = log.get(logged..).unwrap_or_default();
    for invocation in &invocations {
        log = show(invocation, log);
        if let Outcome::Failed(error) = &invocation.outcome {
            bail!("{}: {}: {}", invocation.step(), error.kind, error.message);
        }
    }
    let done: Vec<_> = invocations.iter().map(Invocation::step).collect();
    proofs.claim("the four steps ran, in order", done == STEPS, "");
    let version_after = stack.secrets().version_at(secret, "AWSCURRENT").await?;
    let moved = version_after.is_some() && version_after != version_before;
    let evidence = format!("from {} to {}", short(&version_before), short(&version_after));
    proofs.claim("AWSCURRENT moved", moved, &evidence);
    let previous = stack.secrets().version_at(secret, "AWSPREVIOUS").await?;
    proofs.claim("AWSPREVIOUS is the previous version", previous == version_before, "");
    Ok(())
}

/// The login that an application would read at `stage`.
pub(super) async fn login(stack: &Stack, secret: &str, stage: &str) -> Result<Login> {
    let value = stack.secrets().secret(secret, stage).await?;
    let text = |key| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Login { username: text("username"), password: text("password") })
}

/// Shows one step with what the function logged of it, and returns what it logged later.
fn show<'a>(invocation: &Invocation, log: &'a [Value]) -> &'a [Value] {
    let (step, time) = (invocation.step(), milliseconds(invocation.elapsed));
    let is_step = |line: &Value| line.get("step").and_then(Value::as_str) == Some(step);
    // A step's own line is its last; before it come the plugin's, if any.
    let end = log.iter().position(is_step).map_or(0, |last| last + 1);
    let (own, later) = log.split_at_checked(end).unwrap_or((log, &[]));
    let mut messages = own.iter().rev().filter_map(message);
    println!("    {step:<13} {time:>8}  {}", messages.next().unwrap_or("(it logged nothing)"));
    for message in messages {
        println!("{:28}{message}", "");
    }
    later
}

fn message(line: &Value) -> Option<&str> {
    line.get("message").and_then(Value::as_str)
}

fn short(version: &Option<String>) -> &str {
    version.as_deref().and_then(|version| version.get(..8)).unwrap_or("none")
}
