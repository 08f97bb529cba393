//! The plugin in the sandbox beside the same code run natively.
//!
//! Both do the same to the same server: change a password, then sign in with the new one, without
//! TLS, which is the host's and not the plugin's. Both are watched from outside, by the proxy
//! between them and the server: a connection's life is what the plugin took, the server's own work
//! included, and nothing of what the host does before and after.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use windlass_harness::{Proxy, Stack, Supervision};
use windlass_suite::Engine;
use windlass_suite::cost::Strategy;

use super::figures::{Figure, Table};
use super::rotation::{MEMORY_GOAL, Subject, rotate};
use crate::command;
use crate::workspace::Workspace;

/// The one user whom the harness's server lets in without TLS.
const USER: &str = "plain";
const PASSWORD: &str = "before-the-first-rotation";
const SECRET: &str = "bench/plain";

/// Rounds before those that count.
const WARM_UP: usize = 2;

/// Connections in one round: one changes the password, one tries the new one.
const CONNECTIONS: usize = 2;

/// Starting, and a thousand rounds on a slow machine.
const LIMIT: Duration = Duration::from_secs(120);

/// Builds the native program, with the flags that the plugin itself is built with.
pub(super) fn build(workspace: &Workspace) -> Result<Command> {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "-p", "xtask", "--bin", "native-postgres"]);
    command::run(cargo.args(["--features", "native", "--profile", "plugin"]))?;
    Ok(Command::new(workspace.target().join("plugin/native-postgres")))
}

/// Measures both.
pub(super) async fn measure(
    stack: &Stack,
    mut native: Command,
    runs: usize,
    table: &mut Table,
) -> Result<()> {
    let proxy = Proxy::start(stack.postgres().address()).await?;
    let rounds = WARM_UP + runs;
    stack.postgres().admin(&format!("CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")).await?;
    let mut value = stack.login(USER, PASSWORD, proxy.port());
    if let Some(members) = value.as_object_mut() {
        members.insert("ssl".to_owned(), Value::Bool(false));
    }
    stack.create_secret(SECRET, &value).await?;
    let subject = Subject {
        engine: Engine::POSTGRES,
        strategy: Strategy::SingleUser,
        secret: SECRET.to_owned(),
        setting: None,
        memory: MEMORY_GOAL,
    };
    let function = stack.start_function("sandboxed", Supervision::Tied)?;
    for _ in 0..rounds {
        rotate(stack, &subject).await?;
    }
    drop(function);
    let [sandboxed_change, sandboxed_verify] = lives(&proxy, rounds).await?;

    stack.postgres().admin(&format!("ALTER ROLE {USER} PASSWORD '{PASSWORD}'")).await?;
    proxy.reset();
    native.arg(proxy.port().to_string()).args([USER, PASSWORD]).arg(rounds.to_string());
    // Elsewhere, because the proxy is served by this thread.
    tokio::task::spawn_blocking(move || command::run_within(&mut native, LIMIT))
        .await
        .context("waiting for the native program")??;
    let [native_change, native_verify] = lives(&proxy, rounds).await?;
    table.add(
        "The plugin without TLS, on the wire",
        [
            Figure::timed("change, in the sandbox", sandboxed_change),
            Figure::timed("change, natively", native_change),
            Figure::timed("verify, in the sandbox", sandboxed_verify),
            Figure::timed("verify, natively", native_verify),
        ],
    );
    Ok(())
}

/// How long the connections that change, and those that verify, were open.
async fn lives(proxy: &Proxy, rounds: usize) -> Result<[Vec<Duration>; CONNECTIONS]> {
    let traffic = proxy.all_closed().await?;
    if traffic.len() != rounds * CONNECTIONS {
        bail!("{} connections in {rounds} rounds, not {CONNECTIONS} in each", traffic.len());
    }
    let (mut changes, mut verifications) = (Vec::new(), Vec::new());
    for (index, one) in traffic.iter().enumerate().skip(WARM_UP * CONNECTIONS) {
        let life = one.open_for.context("a connection is still open")?;
        if index % CONNECTIONS == 0 { changes.push(life) } else { verifications.push(life) }
    }
    Ok([changes, verifications])
}
