//! The servers of a soak, and its secrets.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use windlass_harness::{
    Ca, FunctionOptions, Local, LocalOptions, Programs, Proxy, SecretsManager, Supervision, WorkDir,
};

use super::lanes::{Deployment, Lane, Lanes};
use super::lock;
use super::tally::Tally;
use crate::world::with_all_logged;
use crate::{Engine, Login, NewAccount, RealServer, Tls, World, made_up_password};

/// How many functions wait for events that come twice: there are seldom more at once.
const SPARES: usize = 2;

/// All servers, running.
pub(super) struct Stage {
    pub(super) lanes: Lanes,
    /// For events that come twice: the others usually are all in use.
    pub(super) spares: Lanes,
    pub(super) deployment: Deployment,
    pub(super) local: Local,
    pub(super) engine: Engine,
    pub(super) server: Arc<dyn RealServer>,
    /// Where its log was when it was set up: what stands before is ours.
    pub(super) log_begins: u64,
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
    pub(super) async fn start(
        programs: &Programs,
        engine: Engine,
        functions: usize,
    ) -> Result<Self> {
        let work = WorkDir::new()?;
        let ca = Ca::new(work.path(), "ca")?;
        let server = (engine.start)(&ca, Tls::On).await?;
        let log_begins = server.log_length()?;
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
            engine,
            server,
            log_begins,
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
        let proxy = Proxy::start_for(self.server.address(), self.engine.opening).await?;
        let first = Login::new(&name, first_password(&name));
        let mut account = NewAccount::bare(&first);
        if kind == Kind::Alternating && self.engine.clones_one_by_one {
            // Rotations that make clones at the same time would fail, with no fault to explain it.
            account = account.cloned_as(&Login::made_up(clone_of(&name)));
        }
        self.server.create(&[account]).await?;
        let mut value = self.engine.secret(&first, proxy.port());
        if kind != Kind::Own {
            let admin = self.engine.secret(&self.server.superuser(), proxy.port());
            let input = json!({
                "Name": format!("{name}/admin"),
                "SecretString": admin.to_string(),
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
        // The server's log is in a directory of its own, which goes with it.
        let (log, _) = self.server.log_from(0)?;
        let kept = self.logs().join(format!("{}.err", self.engine.name));
        std::fs::write(kept, log).context("keeping a log")?;
        let Self { lanes, spares, local, server, work, .. } = self;
        drop((lanes, spares, local, server));
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
        let let_in = self.server.sign_in(login).await;
        let let_in = let_in.with_context(|| format!("signing in as `{}`", login.username))?;
        Ok(let_in.is_some())
    }
}

/// The other half of a pair.
pub(super) fn clone_of(name: &str) -> String {
    format!("{name}_clone")
}

/// The password that an account is made with; it stands in the server's log, which has every
/// statement, and this one is the soak's own.
pub(super) fn first_password(name: &str) -> String {
    made_up_password(name)
}
