//! Everything of a test's own: Secrets Manager, Lambda, the function between them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use windlass_harness::{
    Artifact, Function, FunctionOptions, Local, LocalOptions, RuntimeApi, SecretsManager,
    Supervision, WorkDir,
};
use windlass_secrets_manager::{CreateSecret, EmbeddedStore, Tag};

use crate::leaks::{Further, Watch};
use crate::{Database, Login, Server, engine, within};

/// Between an answer and the next request for work lies nothing but scheduling; before the first
/// one lies the start of a process.
const IDLE_LIMIT: Duration = Duration::from_secs(20);

/// Who runs the steps of a rotation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rotations {
    /// The function, invoked by RotateSecret, as in an account.
    #[default]
    ByRotateSecret,
    /// The test, one by one; RotateSecret only registers the rotation.
    ByHand,
}

/// How a world differs from the usual one.
#[derive(Clone, Default)]
pub struct Options {
    /// Who runs the steps.
    pub rotations: Rotations,
    /// The function's plugins; else those of this repository.
    pub plugins: Option<PathBuf>,
    /// The function's `WINDLASS_CA_BUNDLE`; else the authority of the shared server.
    pub ca_bundle: Option<PathBuf>,
    /// The function's `WINDLASS_GRANTS`; else everything on loopback.
    pub grants: Option<String>,
    /// The function's further variables.
    pub environment: Vec<(String, String)>,
    /// Those of the process that serves Secrets Manager.
    pub local_environment: Vec<(String, String)>,
    /// An administrator's secret as Amazon RDS or Redshift manages it; see [`Managed`].
    pub managed: Option<Managed>,
}

/// A secret that AWS manages: a credential alone, with a tag that only AWS's services can set.
/// Secrets Manager refuses such a tag from everybody else, ours too; so it is there from the start,
/// in the file.
#[derive(Clone)]
pub struct Managed {
    /// Its name.
    pub name: String,
    /// The credential.
    pub login: Login,
    /// The tag.
    pub tag: (String, String),
}

impl Managed {
    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        format!("arn:aws:secretsmanager:us-east-1:123456789012:secret:{}-AbCdEf", self.name)
    }

    /// Makes a store that holds it and nothing else, under the ARN that the test knows beforehand.
    fn store(&self, file: &Path) -> Result<()> {
        let Login { username, password } = &self.login;
        let text = json!({ "username": username, "password": password }).to_string();
        let (key, value) = self.tag.clone();
        let store = EmbeddedStore::open(file)?;
        store.create_secret(CreateSecret::with_text(&self.name, text))?;
        store.tag_as_aws(&self.name, vec![Tag { key, value }])?;
        drop(store);
        let database = rusqlite::Connection::open(file)?;
        database.execute("UPDATE secret SET arn = ?1", [self.arn()])?;
        Ok(())
    }
}

impl Options {
    /// Steps one by one.
    #[must_use]
    pub fn by_hand() -> Self {
        Self { rotations: Rotations::ByHand, ..Self::default() }
    }

    /// With one more variable of the function's.
    #[must_use]
    pub fn with(mut self, variable: &str, value: impl Into<String>) -> Self {
        self.environment.push((variable.to_owned(), value.into()));
        self
    }
}

/// A Secrets Manager, a Lambda and a function, beside the shared server.
pub struct World {
    function: Option<Function>,
    local: Local,
    lambda: RuntimeApi,
    /// Searches what the three above have left behind, in the directory that goes last.
    _watch: Watch,
    database: &'static Database,
    options: Options,
    work: WorkDir,
    functions: usize,
}

impl World {
    /// The usual world.
    ///
    /// # Errors
    /// If something does not start.
    pub async fn start() -> Result<Self> {
        Self::with(Options::default()).await
    }

    /// A world with a difference.
    ///
    /// # Errors
    /// If something does not start.
    pub async fn with(options: Options) -> Result<Self> {
        let database = Database::shared().await?;
        let work = WorkDir::new()?;
        let lambda = RuntimeApi::start().await?;
        let by_function = options.rotations == Rotations::ByRotateSecret;
        let store = work.private("store")?.join("secrets.db");
        if let Some(managed) = &options.managed {
            managed.store(&store).with_context(|| format!("making `{}`", store.display()))?;
        }
        let local = LocalOptions {
            windlass: Artifact::Windlass.path()?,
            store: store.clone(),
            plugins: None,
            lambda_endpoint: by_function.then(|| lambda.endpoint()),
            environment: with_all_logged(&options.local_environment),
        };
        let watch = watch(work.path(), &store, &lambda)?;
        let local = Local::start(&local, work.path(), "local").await?;
        let mut world = Self {
            function: None,
            local,
            lambda,
            _watch: watch,
            database,
            options,
            work,
            functions: 0,
        };
        world.start_function()?;
        Ok(world)
    }

    /// Starts a function; the one that was running, if any, is ended first.
    ///
    /// # Errors
    /// If it can't be started.
    pub fn start_function(&mut self) -> Result<()> {
        let endpoint = self.secrets().endpoint().to_owned();
        self.start_function_calling(endpoint)
    }

    /// Starts a function that finds Secrets Manager at another endpoint: a proxy's.
    ///
    /// # Errors
    /// If it can't be started.
    pub fn start_function_calling(&mut self, secrets_manager: String) -> Result<()> {
        self.function = None;
        self.functions += 1;
        let options = self.function_options(secrets_manager)?;
        let name = format!("function-{}", self.functions);
        self.lambda.expect_new_function();
        self.function = Some(Function::start(&self.lambda, &options, self.work.path(), &name)?);
        Ok(())
    }

    /// What the function is started with: for a second one beside it.
    ///
    /// # Errors
    /// If a program was not built.
    pub fn function_options(&self, secrets_manager: String) -> Result<FunctionOptions> {
        let plugins = match &self.options.plugins {
            Some(plugins) => plugins.clone(),
            None => Artifact::Plugins.path()?,
        };
        let trusted = self.database.ca().certificate();
        Ok(FunctionOptions {
            bootstrap: Artifact::Bootstrap.path()?,
            plugins,
            secrets_manager,
            ca_bundle: self.options.ca_bundle.clone().unwrap_or_else(|| trusted.to_owned()),
            grants: self.options.grants.clone().unwrap_or(FunctionOptions::LOOPBACK.to_owned()),
            environment: with_all_logged(&self.options.environment),
            supervision: Supervision::Tied,
        })
    }

    /// Starts the function again, with another variable in its environment.
    ///
    /// # Errors
    /// If it can't be started.
    pub fn restart_function_with(&mut self, variable: &str, value: &str) -> Result<()> {
        self.options.environment.push((variable.to_owned(), value.to_owned()));
        self.start_function()
    }

    /// The function.
    ///
    /// # Errors
    /// If none is running.
    pub fn function(&self) -> Result<&Function> {
        self.function.as_ref().context("no function is running")
    }

    /// Kills the function, as `kill -9` does, when it is waiting for its next event.
    ///
    /// # Errors
    /// If none is running.
    pub async fn kill_idle_function(&mut self) -> Result<()> {
        within(IDLE_LIMIT, "the function's rest", self.lambda.function_idle()).await?;
        let function = self.function.take().context("no function is running")?;
        function.process().signal(nix::sys::signal::Signal::SIGKILL)
    }

    /// What all functions of this world have logged.
    ///
    /// # Errors
    /// If a log can't be read.
    pub fn function_log(&self) -> Result<String> {
        let mut text = String::new();
        for number in 1..=self.functions {
            let path = self.work.path().join(format!("function-{number}.err"));
            text += &std::fs::read_to_string(&path)
                .with_context(|| format!("reading `{}`", path.display()))?;
        }
        Ok(text)
    }

    /// The Secrets Manager.
    #[must_use]
    pub fn secrets(&self) -> &SecretsManager {
        self.local.secrets()
    }

    /// The process that serves it.
    #[must_use]
    pub fn local(&self) -> &Local {
        &self.local
    }

    /// The file in which it keeps its secrets.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.work.path().join("store/secrets.db")
    }

    /// The emulated Lambda.
    #[must_use]
    pub fn lambda(&self) -> &RuntimeApi {
        &self.lambda
    }

    /// The shared server.
    #[must_use]
    pub fn database(&self) -> &'static Database {
        self.database
    }

    /// A directory of this world's own.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.work.path()
    }

    /// Creates a secret and returns its ARN.
    ///
    /// # Errors
    /// If the service refuses.
    pub async fn create_secret(&self, name: &str, value: &Value) -> Result<String> {
        self.create_text(name, &value.to_string()).await
    }

    /// Creates a secret of any text.
    ///
    /// # Errors
    /// If the service refuses.
    pub async fn create_text(&self, name: &str, text: &str) -> Result<String> {
        let token = Self::token()?;
        let input = json!({ "Name": name, "SecretString": text, "ClientRequestToken": token });
        let output = self.secrets().call("CreateSecret", &input).await?;
        let arn = output.get("ARN").and_then(Value::as_str);
        arn.map(str::to_owned).context("CreateSecret answered without an ARN")
    }

    /// Creates the secret of the shared server's superuser, and returns its ARN.
    ///
    /// # Errors
    /// If the service refuses.
    pub async fn create_admin_secret(&self, name: &str, port: u16) -> Result<String> {
        self.create_secret(name, &self.database.superuser().secret(port)).await
    }

    /// Creates the secret of a server's administrator, and returns its ARN.
    ///
    /// # Errors
    /// If the service refuses.
    pub async fn create_admin_secret_of(
        &self,
        server: &Server,
        name: &str,
        port: u16,
    ) -> Result<String> {
        self.create_secret(name, &server.secret_at(&server.superuser(), port)).await
    }

    /// Puts a tag on a secret.
    ///
    /// # Errors
    /// If the service refuses.
    pub async fn tag(&self, secret: &str, key: &str, value: &str) -> Result<()> {
        let tags = json!([{ "Key": key, "Value": value }]);
        self.secrets().call("TagResource", &json!({ "SecretId": secret, "Tags": tags })).await?;
        Ok(())
    }

    /// The credential that an application reads.
    ///
    /// # Errors
    /// If there is none.
    pub async fn current(&self, secret: &str) -> Result<Login> {
        Login::from_secret(&self.secrets().secret(secret, "AWSCURRENT").await?)
    }

    /// The credential that is being rotated to.
    ///
    /// # Errors
    /// If there is none.
    pub async fn pending(&self, secret: &str) -> Result<Login> {
        Login::from_secret(&self.secrets().secret(secret, "AWSPENDING").await?)
    }

    /// A fresh client request token.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn token() -> Result<String> {
        let uuid = std::fs::read_to_string("/proc/sys/kernel/random/uuid")?;
        Ok(uuid.trim().to_owned())
    }
}

/// The variables of a process that logs all it can: whatever it logs is searched for passwords.
#[must_use]
pub fn with_all_logged(environment: &[(String, String)]) -> Vec<(String, String)> {
    let level = ("WINDLASS_LOG".to_owned(), "trace".to_owned());
    std::iter::once(level).chain(environment.iter().cloned()).collect()
}

/// Searches, in the end, what a world's processes left behind, and what the servers logged meanwhile.
fn watch(logs: &Path, store: &Path, lambda: &RuntimeApi) -> Result<Watch> {
    let minutes = lambda.minutes();
    let mut begun = HashMap::new();
    for server in engine::running() {
        begun.insert(server.port(), server.log_length()?);
    }
    Ok(Watch::new(logs, store).and(move || {
        let reports = minutes.reports().into_iter();
        let tokens = minutes.events();
        let tokens = tokens.iter().filter_map(|event| event.get("RotationToken")?.as_str());
        let mut further = Further {
            texts: reports
                .map(|body| ("what a function reported to Lambda".to_owned(), body))
                .collect(),
            secrets: tokens.map(str::to_owned).collect(),
            ..Further::default()
        };
        for server in engine::running() {
            // One that did not run yet has logged all of it meanwhile.
            let begun = begun.get(&server.port()).copied().unwrap_or_default();
            let name = format!("the log of {}", server.engine().name);
            further.servers.push((name, server.log_from(begun)?.0));
            further.said.extend(server.own_statements());
        }
        Ok(further)
    }))
}
