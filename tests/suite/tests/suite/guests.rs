//! Plugins that misbehave: each sin ends its call with an error of its own, nothing gets out, and
//! the function serves the next event.
//!
//! The guest is `tests/guests/sinner`; the secret's key `sin` says what it does.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use windlass_harness::{Artifact, FunctionError, WorkDir};
use windlass_suite::{Login, Options, STEPS, World, guests, plugins_with, within};

/// Stands in the secret of every sinner.
const PASSWORD: &str = "hunter2 of the sinner";

/// A world with the guest beside the real plugin.
struct Sinners {
    world: World,
    _plugins: WorkDir,
}

impl Sinners {
    async fn gather(options: Options) -> Result<Self> {
        let work = WorkDir::new()?;
        let postgres = Artifact::compiled_plugin(&Artifact::Plugins.path()?, "postgres");
        let sinner = Artifact::compiled_plugin(&guests()?, "sinner");
        let files = [(&*postgres, "postgres.cwasm"), (&*sinner, "sinner.cwasm")];
        let plugins = plugins_with(&work.path().join("plugins"), &files)?;
        let world = World::with(Options { plugins: Some(plugins), ..options }).await?;
        Ok(Self { world, _plugins: work })
    }

    /// Has the guest sin, by setSecret, and returns what the function said of it.
    async fn sin(&self, sin: &str, more: &[(&str, Value)]) -> Result<FunctionError> {
        let world = &self.world;
        let mut value = Login::new("somebody", PASSWORD).secret(1);
        value["engine"] = Value::from("sinner");
        value["sin"] = Value::from(sin);
        for (key, of_key) in more {
            value[key] = of_key.clone();
        }
        world.create_secret(sin, &value).await?;
        let token = world.begin(sin).await?;
        world.steps(&["createSecret"], sin, &token).await?;
        let error = world.failure("setSecret", sin, &token).await?;

        // Neither the message nor the log has a password, as it is or in hexadecimal.
        let new = world.pending(sin).await?.password;
        for said in [&error.message, &error.kind, &world.function_log()?] {
            for secret in [PASSWORD, &new, &backwards(&new), &hex(PASSWORD), &hex(&new)] {
                assert!(!said.contains(secret), "a secret got out: {said}");
            }
        }
        // The same process serves the next event as if nothing had been.
        assert!(world.function()?.process().exited()?.is_none(), "the function ended");
        let database = world.database();
        let name = format!("beside_{sin}_{}", world.lambda().address().port());
        let login = database.account(&name, "").await?;
        world.create_secret(&name, &login.secret(database.postgres().port())).await?;
        let token = world.begin(&name).await?;
        world.steps(&STEPS, &name, &token).await?;
        assert!(world.current(&name).await?.signs_in(database).await?);
        Ok(error)
    }
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn backwards(text: &str) -> String {
    text.chars().rev().collect()
}

#[test]
fn every_sin_has_its_test() -> Result<()> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").context("not run by cargo")?;
    let sins = std::path::PathBuf::from(package).join("../guests/sinner/src");
    for file in std::fs::read_dir(&sins)?.flatten() {
        let name = file.file_name().to_string_lossy().trim_end_matches(".rs").to_owned();
        let tested = include_str!("guests.rs").contains(&format!(".sin(\"{name}\","));
        assert!(tested || name == "lib", "no test for `{}`", file.path().display());
    }
    Ok(())
}

#[tokio::test]
async fn a_plugin_that_computes_for_ever_is_stopped() -> Result<()> {
    let error = Sinners::gather(Options::by_hand()).await?.sin("spin", &[]).await?;
    assert_eq!(error.kind, "Windlass.Plugin.Limit");
    assert_eq!(
        error.message,
        "plugin `sinner` was stopped in `change`: it computed for more than 5 s; report it to its \
         author"
    );
    Ok(())
}

#[tokio::test]
async fn a_plugin_that_hoards_memory_is_stopped_and_the_function_stays_small() -> Result<()> {
    let sinners = Sinners::gather(Options::by_hand()).await?;
    let error = sinners.sin("hoard", &[]).await?;
    assert_eq!(error.kind, "Windlass.Plugin.Limit");
    assert_eq!(
        error.message,
        "plugin `sinner` was stopped in `change`: it asked for more than 32 MiB of memory; report \
         it to its author"
    );
    // What the plugin may have, and as much again for everything else in a debug build.
    let peak = sinners.world.function()?.measured()?.peak_memory;
    assert!(peak < 128 << 20, "{peak} bytes");
    Ok(())
}

#[tokio::test]
async fn a_plugin_that_panics_has_crashed() -> Result<()> {
    let error = Sinners::gather(Options::by_hand()).await?.sin("panic", &[]).await?;
    assert_eq!(error.kind, "Windlass.Plugin.Crashed");
    let expected = "plugin `sinner` crashed in `change`: ";
    assert!(error.message.starts_with(expected), "{}", error.message);
    assert!(error.message.ends_with("report it to its author"), "{}", error.message);
    Ok(())
}

#[tokio::test]
async fn a_plugin_that_tells_its_passwords_is_not_heard() -> Result<()> {
    let sinners = Sinners::gather(Options::by_hand()).await?;
    let error = sinners.sin("leak", &[]).await?;
    assert_eq!(error.kind, "Windlass.Service.Declined");
    let expected = "[redacted] can't become [redacted], which is [redacted] ([redacted])";
    assert!(error.message.contains(expected), "{}", error.message);
    let lines = sinners.world.function()?.log_lines()?;
    let said: Vec<_> = lines
        .iter()
        .filter(|line| line["plugin"] == "sinner")
        .filter_map(|line| line["message"].as_str())
        .collect();
    let expected = [
        "from [redacted] to [redacted]",
        "in hexadecimal: [redacted]",
        "backwards: [redacted]",
        "a line of its own\\n{\"level\":\"INFO\",\"message\":\"forged\"}",
    ];
    assert_eq!(said, expected);
    assert!(!lines.iter().any(|line| line["message"] == "forged"), "a line was forged");
    Ok(())
}

#[tokio::test]
async fn a_plugin_that_goes_where_nobody_granted_it_to_go_does_not_arrive() -> Result<()> {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await?;
    let port = elsewhere.local_addr()?.port();
    let database = windlass_suite::Database::shared().await?;
    let grant = format!("tcp://localhost:{}", database.postgres().port());
    let options = Options { grants: Some(grant), ..Options::by_hand() };
    let sinners = Sinners::gather(options).await?;
    let error = sinners.sin("wander", &[("elsewhere", json!(port.to_string()))]).await?;
    assert_eq!(error.kind, "Windlass.Service.Declined");
    let expected = format!(
        "connecting to 127.0.0.1:{port} is not allowed: this place is not granted; add it to \
         WINDLASS_GRANTS"
    );
    assert!(error.message.ends_with(&expected), "{}", error.message);
    let refusals = sinners.world.function()?.log_lines()?;
    let refusal = refusals.iter().find(|line| line["reason"] == "not-granted");
    assert!(refusal.context("no refusal in the log")?["plugin"] == "sinner");
    let arrived = within(Duration::from_millis(200), "an arrival", elsewhere.accept()).await;
    assert!(arrived.is_err(), "somebody arrived");
    Ok(())
}

#[tokio::test]
async fn the_lambda_runtime_api_is_out_of_reach_however_it_is_granted() -> Result<()> {
    // The usual grants of these tests: everything on loopback.
    let sinners = Sinners::gather(Options::by_hand()).await?;
    let api = sinners.world.lambda().address().port();
    let error = sinners.sin("wander", &[("elsewhere", json!(api.to_string()))]).await?;
    assert_eq!(error.kind, "Windlass.Service.Declined");
    let expected = "the Lambda runtime API is never reachable";
    assert!(error.message.ends_with(expected), "{}", error.message);
    Ok(())
}
