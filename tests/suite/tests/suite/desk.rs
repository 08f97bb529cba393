//! The command line at work on a secret.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, Result};
use serde_json::Value;
use windlass_harness::Artifact;
use windlass_suite::{Login, Options, Ran, World, windlass};

/// A Secrets Manager, an account and its secret; the command line does the rest.
pub(crate) struct Desk {
    pub(crate) world: World,
    pub(crate) login: Login,
    pub(crate) secret: String,
}

impl Desk {
    pub(crate) async fn set_up(name: &str) -> Result<Self> {
        let world = World::with(Options::by_hand()).await?;
        let login = world.database().account(name, "").await?;
        let secret = format!("cli/{name}");
        let value = login.secret(world.database().postgres().port());
        world.create_secret(&secret, &value).await?;
        Ok(Self { world, login, secret })
    }

    /// Lets a quarter of an hour pass for a version: what was begun then is not running any more.
    pub(crate) fn age(&self, secret: &str, version: &str) -> Result<()> {
        let store = self.world.store();
        let mut all: Value = serde_json::from_slice(&std::fs::read(&store)?)?;
        let versions = all["secrets"][secret]["versions"].as_array_mut();
        let made = versions.into_iter().flatten().find(|made| made["id"] == version);
        let created = made.and_then(|made| made.get_mut("created")).context("no such version")?;
        *created = Value::from(created.as_u64().context("no time")? - 15 * 60 * 1000);
        // As the store writes it: whoever reads at this moment sees the one or the other.
        let beside = store.with_extension("aged");
        std::fs::write(&beside, all.to_string())?;
        std::fs::set_permissions(&beside, Permissions::from_mode(0o600))?;
        Ok(std::fs::rename(&beside, &store)?)
    }

    /// Runs a command on the secret, in the store's own file, with the real plugins.
    pub(crate) async fn run(&self, command: &[&str], more: &[&str]) -> Result<Ran> {
        let store = self.world.store();
        let store = store.to_string_lossy();
        let mut arguments = command.to_vec();
        arguments.extend(["--secret-id", &self.secret, "--store", &store]);
        arguments.extend(more);
        let ran = windlass(&arguments, &[]).await?;
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.contains(&self.login.password), "a password is shown: {text}");
        }
        Ok(ran)
    }

    /// Runs a command that needs plugins.
    pub(crate) async fn run_with_plugins(&self, command: &[&str], more: &[&str]) -> Result<Ran> {
        let plugins = Artifact::Plugins.path()?;
        let plugins = plugins.to_string_lossy();
        let bundle = self.world.database().ca().certificate().to_string_lossy();
        let mut arguments = vec!["--plugins", &plugins, "--ca-bundle", &bundle];
        arguments.extend(["--grant", "tcp://localhost:*"]);
        arguments.extend(more);
        self.run(command, &arguments).await
    }
}
