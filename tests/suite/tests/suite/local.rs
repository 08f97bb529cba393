//! `windlass local`, as a Secrets Manager for others: boto3's view of it, and what it keeps.

use std::cell::Cell;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use serde_json::json;
use windlass_harness::{Artifact, Local, LocalOptions, SecretsManager, WorkDir};
use windlass_secrets_manager::{CreateSecret, EmbeddedStore, Identity};
use windlass_suite::leaks::Watch;
use windlass_suite::{Database, Login, World, python, with_all_logged};

/// A local Secrets Manager, searched for passwords when it has ended.
struct Watched {
    local: Local,
    _watch: Watch,
}

impl std::ops::Deref for Watched {
    type Target = Local;

    fn deref(&self) -> &Local {
        &self.local
    }
}

async fn start(work: &WorkDir, name: &str, options: Options) -> Result<Watched> {
    let store = work.path().join("store");
    std::fs::create_dir_all(&store)?;
    let options = LocalOptions {
        windlass: Artifact::Windlass.path()?,
        store: store.join("secrets.db"),
        plugins: options.plugins,
        lambda_endpoint: options.lambda_endpoint,
        environment: with_all_logged(&options.environment),
    };
    let watch = Watch::new(work.path(), &options.store);
    Ok(Watched { local: Local::start(&options, work.path(), name).await?, _watch: watch })
}

/// A busy machine needs a second or two for anything here.
const LIMIT: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Options {
    plugins: Option<std::path::PathBuf>,
    lambda_endpoint: Option<String>,
    environment: Vec<(String, String)>,
}

#[tokio::test]
async fn boto3_finds_secrets_managers_contract_in_it() -> Result<()> {
    let work = WorkDir::new()?;
    let local = start(&work, "local", Options::default()).await?;
    let ran = python("boto3_contract.py", &[local.secrets().endpoint()]).await?;
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.ends_with(" rows hold\n"), "{}", ran.stdout);
    Ok(())
}

#[tokio::test]
async fn boto3_sees_it_rotate_through_a_function_of_somebody_elses() -> Result<()> {
    let work = WorkDir::new()?;
    // Free a moment ago; the function listens there as soon as the program runs.
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let endpoint = Some(format!("http://127.0.0.1:{port}"));
    let options = Options { lambda_endpoint: endpoint, ..Options::default() };
    let local = start(&work, "local", options).await?;
    let arguments = [local.secrets().endpoint(), &port.to_string()];
    let ran = python("boto3_rotation.py", &arguments).await?;
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.lines().count() > 15, "{}", ran.stdout);
    Ok(())
}

#[tokio::test]
async fn it_rotates_in_its_own_process_with_the_plugins() -> Result<()> {
    let work = WorkDir::new()?;
    let database = Database::shared().await?;
    let login = database.account("local_own", "").await?;
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let options = Options {
        plugins: Some(Artifact::Plugins.path()?),
        environment: vec![
            variable("WINDLASS_GRANTS", "tcp://localhost:*"),
            variable("WINDLASS_CA_BUNDLE", &database.ca().certificate().to_string_lossy()),
        ],
        ..Options::default()
    };
    let local = start(&work, "local", options).await?;
    let value = login.secret(database.postgres().port()).to_string();
    create(local.secrets(), "own", &value).await?;
    let token = World::token()?;
    let input = json!({ "SecretId": "own", "ClientRequestToken": token });
    local.secrets().call("RotateSecret", &input).await?;
    let done = async {
        loop {
            let rotations = local.rotations().await?;
            let state = rotations["rotations"][0]["state"].as_str().unwrap_or_default().to_owned();
            if state != "running" {
                return Ok::<_, anyhow::Error>((state, rotations));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let (state, rotations) = windlass_suite::within(LIMIT, "the rotation", done).await??;
    assert_eq!(state, "succeeded", "{rotations}");
    let new = Login::from_secret(&local.secrets().secret("own", "AWSCURRENT").await?)?;
    assert!(new.signs_in(database).await? && !login.signs_in(database).await?);
    let said = format!("{rotations}{}{}", local.process().stdout()?, local.process().stderr()?);
    assert!(!said.contains(&new.password) && !said.contains(&login.password), "{said}");
    Ok(())
}

async fn create(secrets: &SecretsManager, name: &str, text: &str) -> Result<()> {
    let token = World::token()?;
    let input = json!({ "Name": name, "SecretString": text, "ClientRequestToken": token });
    secrets.call("CreateSecret", &input).await?;
    Ok(())
}

#[tokio::test]
async fn what_it_acknowledged_survives_its_being_killed_in_the_middle_of_writing() -> Result<()> {
    let work = WorkDir::new()?;
    let file = work.path().join("store/secrets.db");
    for round in 0..3 {
        let local = start(&work, &format!("local-{round}"), Options::default()).await?;
        let name = format!("kept/{round}");
        create(local.secrets(), &name, "0").await?;
        let acknowledged = Cell::new(0);
        let writing = async {
            for number in 1..10_000 {
                let input = json!({
                    "SecretId": name,
                    "SecretString": number.to_string(),
                    "ClientRequestToken": World::token()?,
                });
                if local.secrets().call("PutSecretValue", &input).await.is_err() {
                    return Ok::<_, anyhow::Error>(());
                }
                acknowledged.set(number);
            }
            anyhow::bail!("it was never killed")
        };
        let killing = async {
            // In the middle of one write or the next: nobody waits for anything here.
            while acknowledged.get() < 20 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            local.process().signal(Signal::SIGKILL)
        };
        let both = async { tokio::join!(writing, killing) };
        let (written, killed) = windlass_suite::within(LIMIT, "writing and killing", both).await?;
        written?;
        killed?;
        drop(local);
        let acknowledged = acknowledged.get();

        let mode = std::fs::metadata(&file)?.permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{mode:o}");
        let again = start(&work, &format!("again-{round}"), Options::default()).await?;
        let input = json!({ "SecretId": name });
        let value = again.secrets().call("GetSecretValue", &input).await?;
        let kept: u32 = value["SecretString"].as_str().context("no value")?.parse()?;
        // The one that was under way may be there or not; all that were acknowledged are.
        assert!((acknowledged..=acknowledged + 1).contains(&kept), "{kept} of {acknowledged}");
        // And the earlier rounds' are untouched.
        for earlier in 0..round {
            let input = json!({ "SecretId": format!("kept/{earlier}") });
            again.secrets().call("GetSecretValue", &input).await?;
        }
    }
    let left: Vec<_> = std::fs::read_dir(work.path().join("store"))?.flatten().collect();
    for entry in &left {
        let mode = entry.metadata()?.permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}: {mode:o}", entry.path().display());
    }
    Ok(())
}

#[tokio::test]
async fn a_store_is_exported_and_keeps_its_region_and_account() -> Result<()> {
    let work = WorkDir::new()?;
    let file = work.path().join("secrets.db");
    let identity = Identity { region: "eu-west-1".into(), account: "210987654321".into() };
    let store = EmbeddedStore::open_as(&file, identity)?;
    store.create_secret(CreateSecret::with_text("app/db", "a value of its own"))?;
    let file = file.to_string_lossy();

    // While it is open elsewhere.
    let export = |more: &'static [&'static str]| {
        let arguments = [&["export", "--store", &file], more].concat();
        async move {
            let ran = windlass_suite::windlass(&arguments, &[]).await?;
            anyhow::ensure!(ran.code == Some(0), "{}", ran.stderr);
            Ok(serde_json::from_str::<serde_json::Value>(&ran.stdout)?)
        }
    };
    let exported = export(&[]).await?;
    let secret = &exported["secrets"]["app/db"];
    let arn = secret["arn"].as_str().context("no ARN")?;
    assert!(arn.starts_with("arn:aws:secretsmanager:eu-west-1:210987654321:secret:app/db-"));
    assert_eq!(secret["versions"][0]["value"], "[hidden]");
    assert_eq!(secret["versions"][0]["labels"], json!(["AWSCURRENT"]));
    assert_eq!(export(&["--output", "json"]).await?, exported);

    let nothing = windlass_suite::windlass(&["export", "--store", "/nowhere/s.db"], &[]).await?;
    assert_eq!(nothing.code, Some(3));
    assert!(nothing.stderr.contains("there is no store to export: `/nowhere/s.db`"));

    let local = ["local", "--store", &file, "--listen", "0.0.0.0:0", "--external-rotation"];
    let other = [&local[..], &["--region", "us-east-1"]].concat();
    let refused = windlass_suite::windlass(&other, &[]).await?;
    assert_eq!(refused.code, Some(3));
    let says = "the store is of region eu-west-1, account 210987654321";
    assert!(refused.stderr.contains(says), "{}", refused.stderr);
    // Without the option, as it says, the store is no reason any more.
    for same in [&[][..], &["--region", "eu-west-1", "--account", "210987654321"]] {
        let ran = windlass_suite::windlass(&[&local[..], same].concat(), &[]).await?;
        assert!(
            ran.stderr.contains("loopback") && !ran.stderr.contains("region"),
            "{}",
            ran.stderr
        );
    }
    let wrong = [&local[..], &["--account", "12345"]].concat();
    let wrong = windlass_suite::windlass(&wrong, &[]).await?;
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("twelve digits"), "{}", wrong.stderr);
    Ok(())
}

#[tokio::test]
async fn it_serves_this_machine_only() -> Result<()> {
    let work = WorkDir::new()?;
    let store = work.path().join("secrets.db");
    let store = store.to_string_lossy();
    let arguments = ["local", "--store", &store, "--listen", "0.0.0.0:0", "--external-rotation"];
    let ran = windlass_suite::windlass(&arguments, &[]).await?;
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("loopback"), "{}", ran.stderr);
    Ok(())
}
