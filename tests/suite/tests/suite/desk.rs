//! The command line at work on a secret.

use anyhow::{Result, ensure};
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
        let store = rusqlite::Connection::open(self.world.store())?;
        store.busy_timeout(std::time::Duration::from_secs(10))?;
        let older = "UPDATE version SET created = created - 15 * 60 * 1000 \
                     WHERE secret = ?1 AND id = ?2";
        ensure!(store.execute(older, [secret, version])? == 1, "no version {version} of {secret}");
        Ok(())
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
