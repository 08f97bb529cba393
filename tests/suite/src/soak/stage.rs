//! The servers of a soak, and its secrets.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use windlass_harness::{
    Ca, FunctionOptions, Local, LocalOptions, Postgres, PostgresOptions, Programs, Proxy,
    SecretsManager, Supervision, WorkDir,
};

use super::lanes::{Deployment, Lane, Lanes};
use super::lock;
use super::tally::Tally;
use crate::world::with_all_logged;
use crate::{Login, World, made_up_password};

/// How many functions wait for events that come twice: there are seldom more at once.
const SPARES: usize = 2;

/// All servers, running.
pub(super) struct Stage {
    pub(super) lanes: Lanes,
    /// For events that come twice: the others usually are all in use.
    pub(super) spares: Lanes,
    pub(super) deployment: Deployment,
    pub(super) local: Local,
    pub(super) postgres: Postgres,
    pub(super) work: WorkDir,
    tally: Mutex<Tally>,
    stopping: AtomicBool,
    /// Every `RotationToken` that was sent.
    pub(super) rotation_tokens: Mutex<Vec<String>>,
    _ca: Ca,
}

/// How a secret is rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Own,
    ByAdmin,
    Alternating,
}

/// A secret, its account, and the way from the functions to its database.
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) kind: Kind,
    pub(super) proxy: Proxy,
    /// Every login that the secret ever had, as far as was seen, oldest first.
    pub(super) known: Vec<Login>,
    /// Steps that may have signed in with passwords that are refused.
    pub(super) sets: u64,
    pub(super) tests: u64,
    /// Sign-ins that the soak itself tried and that were refused.
    pub(super) own_refused: u64,
}

impl Stage {
    pub(super) async fn start(programs: &Programs, functions: usize) -> Result<Self> {
        let work = WorkDir::new()?;
        let ca = Ca::new(work.path(), "ca")?;
        // What a soak proves about passwords does not need a disk that is waited for.
        let settings = vec![("fsync".to_owned(), "off".to_owned())];
        let postgres =
            Postgres::start(&ca, PostgresOptions { settings, ..PostgresOptions::default() })
                .await?;
        let logs = work.private("logs")?;
        let options = LocalOptions {
            windlass: programs.windlass.clone(),
            store: work.private("store")?.join("secrets.db"),
            plugins: None,
            lambda_endpoint: None,
            environment: with_all_logged(&[]),
        };
        let local = Local::start(&options, &logs, "local").await?;
        let options = FunctionOptions {
            bootstrap: programs.bootstrap.clone(),
            plugins: programs.plugins.clone(),
            secrets_manager: String::new(),
            ca_bundle: ca.certificate().to_owned(),
            grants: FunctionOptions::LOOPBACK.to_owned(),
            environment: with_all_logged(&[]),
            supervision: Supervision::Tied,
        };
        let deployment = Deployment { options, logs, started: Mutex::default() };
        let (mut lanes, mut spares) = (Vec::new(), Vec::new());
        for number in 1..=functions + SPARES {
            let lane = Lane::start(&deployment, local.secrets(), number).await?;
            if number <= functions { lanes.push(lane) } else { spares.push(lane) }
        }
        Ok(Self {
            lanes: Lanes::new(lanes),
            spares: Lanes::new(spares),
            deployment,
            local,
            postgres,
            work,
            tally: Mutex::default(),
            stopping: AtomicBool::new(false),
            rotation_tokens: Mutex::default(),
            _ca: ca,
        })
    }

    /// An account, its secret and, if the kind has one, its admin secret.
    pub(super) async fn subject(&self, number: usize, kind: Kind) -> Result<Subject> {
        let name = format!("soak_{number:02}");
        let proxy = Proxy::start(self.postgres.address()).await?;
        let first = Login::new(&name, first_password(&name));
        let role = format!(
            "CREATE ROLE {} LOGIN PASSWORD {}",
            Login::identifier(&name),
            Login::literal(&first.password)
        );
        self.postgres.admin(&role).await?;
        let mut value = first.secret(proxy.port());
        if kind != Kind::Own {
            let admin = Login::new(Postgres::ADMIN, self.postgres.admin_password());
            let input = json!({
                "Name": format!("{name}/admin"),
                "SecretString": admin.secret(proxy.port()).to_string(),
            });
            let made = self.secrets().call("CreateSecret", &input).await?;
            let arn = made.get("ARN").cloned().context("no ARN")?;
            value.as_object_mut().context("a secret is an object")?.insert("masterarn".into(), arn);
        }
        let input = json!({ "Name": name, "SecretString": value.to_string() });
        let made = self.secrets().call("CreateSecret", &input).await?;
        let arn = made.get("ARN").and_then(Value::as_str).context("no ARN")?.to_owned();
        if kind == Kind::ByAdmin {
            let tags = json!([{ "Key": "windlass:strategy", "Value": "single-user" }]);
            self.secrets().call("TagResource", &json!({ "SecretId": arn, "Tags": tags })).await?;
        }
        let known = vec![first];
        Ok(Subject { name, arn, kind, proxy, known, sets: 0, tests: 0, own_refused: 0 })
    }

    /// Secrets Manager as it is, not as functions see it.
    pub(super) fn secrets(&self) -> &SecretsManager {
        self.local.secrets()
    }

    pub(super) fn store(&self) -> std::path::PathBuf {
        self.work.path().join("store/secrets.db")
    }

    pub(super) fn logs(&self) -> &Path {
        &self.deployment.logs
    }

    pub(super) fn tally<T>(&self, note: impl FnOnce(&mut Tally) -> T) -> T {
        note(&mut lock(&self.tally))
    }

    /// Notes that an invariant does not hold; the soak comes to its end.
    pub(super) fn broken(&self, what: impl Into<String>) {
        self.tally(|tally| tally.broken.push(what.into()));
        self.stop();
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    pub(super) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Ends the servers and leaves the logs and the store where they are.
    pub(super) fn keep(self) -> Result<std::path::PathBuf> {
        // PostgreSQL's log is in a directory of its own, which goes with it.
        let log = self.postgres.log()?;
        std::fs::write(self.logs().join("postgres.err"), log.text()).context("keeping a log")?;
        let Self { lanes, spares, local, postgres, work, .. } = self;
        drop((lanes, spares, local, postgres));
        Ok(work.keep())
    }

    /// A step's event, with a rotation token of its own.
    pub(super) fn event(&self, subject: &Subject, step: &str, token: &str) -> Result<Value> {
        let rotation_token = World::token()?;
        lock(&self.rotation_tokens).push(rotation_token.clone());
        Ok(json!({
            "Step": step,
            "SecretId": subject.arn,
            "ClientRequestToken": token,
            "RotationToken": rotation_token,
        }))
    }

    /// Whether the database lets this login in.
    pub(super) async fn signs_in(&self, login: &Login) -> Result<bool> {
        let Login { username, password } = login;
        match self.postgres.psql(username, password, "postgres", "SELECT 1").await {
            Ok(_) => Ok(true),
            Err(error) if error.is_refused() => Ok(false),
            Err(error) => Err(error).with_context(|| format!("signing in as `{username}`")),
        }
    }
}

/// The password that an account is made with; it stands in the server's log, which has every
/// statement, and this one is the soak's own.
pub(super) fn first_password(name: &str) -> String {
    made_up_password(name)
}
