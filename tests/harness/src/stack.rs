//! The whole path at once: PostgreSQL, Secrets Manager, Lambda and the function between them.
//!
//! `RotateSecret` at the embedded Secrets Manager invokes the function through the emulated
//! Lambda, as AWS's own service does; the function talks to both as it would in an account.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{
    Artifact, Ca, Function, FunctionOptions, Invocation, Local, LocalOptions, Postgres,
    PostgresOptions, RuntimeApi, SecretsManager, Supervision, WorkDir,
};

/// Four steps on a busy machine take a second or two; four that hang are stopped by their own limits.
const ROTATION_LIMIT: Duration = Duration::from_secs(60);

/// How often is asked whether the end has been noted.
const NOTED_POLL: Duration = Duration::from_millis(2);

/// The function that rotations name; the emulated Lambda answers to any name.
const FUNCTION_ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:windlass";

/// What `cargo xtask build` has built.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The command line.
    pub windlass: PathBuf,
    /// The function.
    pub bootstrap: PathBuf,
    /// The compiled plugins.
    pub plugins: PathBuf,
}

impl Programs {
    /// As `cargo xtask test` names them in the environment.
    ///
    /// # Errors
    /// If one is missing.
    pub fn from_environment() -> Result<Self> {
        Ok(Self {
            windlass: Artifact::Windlass.path()?,
            bootstrap: Artifact::Bootstrap.path()?,
            plugins: Artifact::Plugins.path()?,
        })
    }
}

/// All servers, running. Dropping it ends them, in the order in which they need each other.
pub struct Stack {
    local: Local,
    api: RuntimeApi,
    postgres: Postgres,
    ca: Ca,
    programs: Programs,
    work: WorkDir,
}

impl Stack {
    /// Starts the servers, but no function: see [`Stack::start_function`].
    ///
    /// # Errors
    /// If one of them does not start.
    pub async fn start(programs: Programs) -> Result<Self> {
        let work = WorkDir::new()?;
        let ca = Ca::new(work.path(), "ca")?;
        let postgres = Postgres::start(&ca, PostgresOptions::default()).await?;
        let api = RuntimeApi::start().await?;
        let options = LocalOptions {
            windlass: programs.windlass.clone(),
            store: work.private("store")?.join("secrets.db"),
            plugins: None,
            lambda_endpoint: Some(api.endpoint()),
            environment: Vec::new(),
        };
        let local = Local::start(&options, work.path(), "local").await?;
        Ok(Self { local, api, postgres, ca, programs, work })
    }

    /// Starts a function as it would be deployed; its log is `{name}.err` in [`Stack::logs`].
    ///
    /// # Errors
    /// If the process can't be started.
    pub fn start_function(&self, name: &str, supervision: Supervision) -> Result<Function> {
        self.start_function_with(name, &FunctionOptions { supervision, ..self.function_options() })
    }

    /// Starts a function with options of the caller's.
    ///
    /// # Errors
    /// If the process can't be started.
    pub fn start_function_with(&self, name: &str, options: &FunctionOptions) -> Result<Function> {
        self.api.expect_new_function();
        Function::start(&self.api, options, self.logs(), name)
    }

    /// What [`Stack::start_function`] starts: granted all of this machine's loopback, trusting
    /// the stack's authority alone.
    #[must_use]
    pub fn function_options(&self) -> FunctionOptions {
        FunctionOptions {
            bootstrap: self.programs.bootstrap.clone(),
            plugins: self.programs.plugins.clone(),
            secrets_manager: self.secrets().endpoint().to_owned(),
            ca_bundle: self.ca.certificate().to_owned(),
            grants: FunctionOptions::LOOPBACK.to_owned(),
            environment: Vec::new(),
            supervision: Supervision::Tied,
        }
    }

    /// The Secrets Manager.
    #[must_use]
    pub fn secrets(&self) -> &SecretsManager {
        self.local.secrets()
    }

    /// The process that serves it, with its record of calls.
    #[must_use]
    pub fn local(&self) -> &Local {
        &self.local
    }

    /// The emulated Lambda, with its record of invocations.
    #[must_use]
    pub fn lambda(&self) -> &RuntimeApi {
        &self.api
    }

    /// The database.
    #[must_use]
    pub fn postgres(&self) -> &Postgres {
        &self.postgres
    }

    /// The authority that signed the database's certificate, for further servers.
    #[must_use]
    pub fn ca(&self) -> &Ca {
        &self.ca
    }

    /// Where all logs are.
    #[must_use]
    pub fn logs(&self) -> &Path {
        self.work.path()
    }

    /// Ends the servers and leaves the logs where they are.
    #[must_use]
    pub fn keep_logs(self) -> PathBuf {
        let Self { local, api, postgres, work, .. } = self;
        // PostgreSQL's log is in a directory of its own, which goes with it.
        if let Ok(log) = postgres.log() {
            let _ = std::fs::write(work.path().join("postgres.err"), log.text());
        }
        drop((local, api, postgres));
        work.keep()
    }

    /// A login in AWS's JSON structure, at `port` of this machine.
    #[must_use]
    pub fn login(&self, username: &str, password: &str, port: u16) -> Value {
        json!({
            "engine": "postgres",
            "host": "localhost",
            "port": port,
            "username": username,
            "password": password,
            "dbname": "postgres",
            "ssl": true,
        })
    }

    /// Creates a secret and returns its ARN.
    ///
    /// # Errors
    /// If the service refuses.
    pub async fn create_secret(&self, name: &str, value: &Value) -> Result<String> {
        let input = json!({ "Name": name, "SecretString": value.to_string() });
        let output = self.secrets().call("CreateSecret", &input).await?;
        let arn = output.get("ARN").and_then(Value::as_str);
        arn.map(str::to_owned).context("CreateSecret answered without an ARN")
    }

    /// Asks for a rotation and waits until its last step, or the first that fails, has ended.
    ///
    /// # Errors
    /// If the service refuses, or the steps don't come to an end.
    pub async fn rotate(&self, secret: &str) -> Result<Vec<Invocation>> {
        self.api.forget();
        let input = json!({
            "SecretId": secret,
            "RotationLambdaARN": FUNCTION_ARN,
            "RotationRules": { "AutomaticallyAfterDays": 30 },
        });
        self.secrets().call("RotateSecret", &input).await?;
        let ended = self.api.wait_for(|invocations| {
            let last = invocations.last()?;
            let over = last.step() == "finishSecret" || last.outcome.error().is_some();
            over.then(|| invocations.to_vec())
        });
        let over = async {
            let invocations = ended.await;
            // Secrets Manager has its answer, and has yet to note it.
            while self.rotating().await? {
                tokio::time::sleep(NOTED_POLL).await;
            }
            Ok(invocations)
        };
        match tokio::time::timeout(ROTATION_LIMIT, over).await {
            Ok(invocations) => invocations,
            Err(_) => bail!("the rotation did not end within {} s", ROTATION_LIMIT.as_secs()),
        }
    }

    /// Whether the latest rotation is still running, as Secrets Manager sees it. A failed step
    /// leaves it running: it is tried again.
    async fn rotating(&self) -> Result<bool> {
        let report = self.local.rotations().await?;
        let rotations = report.get("rotations").and_then(Value::as_array);
        let latest = rotations.and_then(|rotations| rotations.last());
        let state = latest.and_then(|latest| latest.get("state")).and_then(Value::as_str);
        let failed =
            self.api.invocations().last().is_some_and(|last| last.outcome.error().is_some());
        Ok(state == Some("running") && !failed)
    }
}
