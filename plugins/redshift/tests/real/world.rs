//! A real server, `psql` as the witness, and the plugin's calls over TLS as the host would make them.

use tokio::runtime::Runtime;
pub(crate) use windlass_harness::Cut;
use windlass_harness::{Ca, PluginCalls, Postgres, PostgresOptions, WorkDir};
use windlass_plugin_redshift::Redshift;
use windlass_sdk::{Assessment, ChangeRequest, Failure, Login};

/// A superuser with a password in MD5; the server's first administrator has SCRAM.
pub(crate) const ADMIN: (&str, &str) = ("awsuser", "Admin-P4ss");

/// A server and what it takes to reach it.
pub(crate) struct World {
    runtime: Runtime,
    server: Postgres,
    calls: PluginCalls<Redshift>,
    _work: WorkDir,
}

impl World {
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let work = WorkDir::new().unwrap();
        let ca = Ca::new(work.path(), "ca").unwrap();
        let options = PostgresOptions {
            first_rules: vec!["hostssl all all 127.0.0.1/32 md5".into()],
            settings: vec![
                ("password_encryption".into(), "md5".into()),
                ("log_statement".into(), "all".into()),
            ],
            ..PostgresOptions::default()
        };
        let server = runtime.block_on(Postgres::start(&ca, options)).unwrap();
        let calls = PluginCalls::new(server.port(), ca.certificate().to_owned());
        let world = Self { runtime, server, calls, _work: work };
        // One by one: a database is not created within a transaction.
        world.admin("CREATE DATABASE dev");
        world.admin(&format!("CREATE USER {} SUPERUSER PASSWORD '{}'", ADMIN.0, ADMIN.1));
        world
    }

    /// Runs statements as the server's first administrator, in the database `dev` where there is one.
    #[track_caller]
    pub(crate) fn admin(&self, sql: &str) -> String {
        let database = if sql.contains("CREATE DATABASE dev") { "postgres" } else { "dev" };
        let password = self.server.admin_password();
        let outcome = self.server.psql(Postgres::ADMIN, password, database, sql);
        self.runtime.block_on(outcome).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Whether `psql` signs in.
    #[track_caller]
    pub(crate) fn signs_in(&self, user: &str, password: &str) -> bool {
        match self.runtime.block_on(self.server.psql(user, password, "dev", "SELECT 1")) {
            Ok(_) => true,
            Err(error) if error.is_refused() => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// Whether a statement succeeds.
    pub(crate) fn may(&self, user: &str, password: &str, sql: &str) -> bool {
        self.runtime.block_on(self.server.psql(user, password, "dev", sql)).is_ok()
    }

    pub(crate) fn login(&self, user: &str, password: &str) -> Login {
        self.calls.login(user, password)
    }

    pub(crate) fn verify(&self, user: &str, password: &str) -> Result<(), Failure> {
        self.calls.verify(user, password)
    }

    /// A change by `actor`, with what `spoil` makes of the request.
    pub(crate) fn change(
        &self,
        actor: (&str, &str),
        user: &str,
        new: &str,
        spoil: impl FnOnce(&mut ChangeRequest),
    ) -> Result<(), Failure> {
        self.calls.change(self.login(actor.0, actor.1), user, new, spoil)
    }

    /// A turn of `next`, by the administrator.
    pub(crate) fn turn(&self, current: &str, next: &str, password: &str) -> Result<(), Failure> {
        self.change(ADMIN, next, password, |request| request.clone_of = Some(current.into()))
    }

    pub(crate) fn assess(
        &self,
        actor: (&str, &str),
        user: &str,
        clone_of: Option<&str>,
    ) -> Assessment {
        self.calls.assess(self.login(actor.0, actor.1), user, clone_of).unwrap()
    }

    pub(crate) fn mark(
        &self,
        actor: (&str, &str),
        user: &str,
        clone_of: &str,
    ) -> Result<(), Failure> {
        self.calls.mark_pair(self.login(actor.0, actor.1), user, clone_of)
    }

    /// What the server has logged.
    pub(crate) fn log(&self) -> String {
        self.server.log().unwrap().text().to_owned()
    }

    /// Runs `call` with its connections cut.
    pub(crate) fn cutting<T>(&self, cut: Cut, call: impl FnOnce() -> T) -> T {
        self.calls.cutting(cut, call)
    }
}
