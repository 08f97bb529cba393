//! One rotation, shown step by step: what Secrets Manager asked for, what the function logged,
//! how long it took.

use anyhow::{Result, bail};
use serde_json::Value;
use windlass_harness::{Function, Invocation, Outcome, Stack};

use super::proofs::{Login, Proofs};
use crate::terminal::milliseconds;

/// The steps of a rotation, and what each is there for.
const STEPS: [(&str, &str); 4] = [
    ("createSecret", "store a new password as AWSPENDING"),
    ("setSecret", "change it in the database"),
    ("testSecret", "sign in with it"),
    ("finishSecret", "move AWSCURRENT to it"),
];

/// Rotates `secret` and shows it. A step that failed is shown, and is an error.
pub(super) async fn rotate(
    stack: &Stack,
    function: &Function,
    secret: &str,
    proofs: &mut Proofs,
) -> Result<()> {
    let version_before = stack.secrets().version_at(secret, "AWSCURRENT").await?;
    println!("  RotateSecret {secret}");
    let invocations = stack.rotate(secret).await?;
    let log = function.log_lines()?;
    for invocation in &invocations {
        show(invocation, &log);
        if let Outcome::Failed(error) = &invocation.outcome {
            bail!("{}: {}: {}", invocation.step(), error.kind, error.message);
        }
    }
    let done: Vec<_> = invocations.iter().map(Invocation::step).collect();
    let expected: Vec<_> = STEPS.iter().map(|(step, _)| *step).collect();
    proofs.claim("the four steps ran, in order", done == expected, "");
    let version_after = stack.secrets().version_at(secret, "AWSCURRENT").await?;
    let moved = version_after.is_some() && version_after != version_before;
    let evidence = format!("from {} to {}", short(&version_before), short(&version_after));
    proofs.claim("AWSCURRENT moved", moved, &evidence);
    let previous = stack.secrets().version_at(secret, "AWSPREVIOUS").await?;
    proofs.claim("AWSPREVIOUS is the version before", previous == version_before, "");
    Ok(())
}

/// The login that an application would read at `stage`.
pub(super) async fn login(stack: &Stack, secret: &str, stage: &str) -> Result<Login> {
    let value = stack.secrets().secret(secret, stage).await?;
    let text = |key| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Login { username: text("username"), password: text("password") })
}

fn show(invocation: &Invocation, log: &[Value]) {
    let step = invocation.step();
    let purpose = STEPS.iter().find(|(name, _)| *name == step).map_or("", |(_, purpose)| purpose);
    println!("    {step:<13} {:>9}  {purpose}", milliseconds(invocation.elapsed));
    for line in log.iter().filter(|line| belongs(line, &invocation.request_id)) {
        if let Some(message) = message(line) {
            println!("{:28}- {message}", "");
        }
    }
}

/// Whether a log line is of this invocation, wherever the formatter put the request's id.
fn belongs(line: &Value, request_id: &str) -> bool {
    match line {
        Value::String(text) => text == request_id,
        Value::Array(items) => items.iter().any(|item| belongs(item, request_id)),
        Value::Object(members) => members.values().any(|member| belongs(member, request_id)),
        _ => false,
    }
}

fn message(line: &Value) -> Option<&str> {
    let fields = line.get("fields").unwrap_or(line);
    fields.get("message").and_then(Value::as_str)
}

fn short(version: &Option<String>) -> &str {
    version.as_deref().and_then(|version| version.get(..8)).unwrap_or("none")
}
