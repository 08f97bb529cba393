//! A real server, `psql` as the witness, and the plugin's calls over TLS as the host would make them.

use tokio::runtime::Runtime;
use windlass_harness::{Ca, PluginCalls, Postgres as Server, PostgresOptions, PsqlError, WorkDir};
use windlass_plugin_postgres::Postgres;
use windlass_sdk::{Assessment, ChangeRequest, Failure, Login, Plugin as _};

/// A server and what it takes to reach it.
pub(crate) struct World {
    runtime: Runtime,
    server: Server,
    calls: PluginCalls<Postgres>,
    _work: WorkDir,
}

impl World {
    pub(crate) fn start() -> Self {
        Self::with(|_| PostgresOptions::default())
    }

    /// A server with these settings.
    pub(crate) fn set_to(settings: &[(&str, &str)]) -> Self {
        Self::with(|_| options(settings))
    }

    /// A server with options that may need something in the test's own directory.
    pub(crate) fn with(options: impl FnOnce(&WorkDir) -> PostgresOptions) -> Self {
        let runtime = Runtime::new().unwrap();
        let work = WorkDir::new().unwrap();
        let ca = Ca::new(work.path(), "ca").unwrap();
        let options = options(&work);
        let server = runtime.block_on(Server::start(&ca, options)).unwrap();
        let calls = PluginCalls::new(server.port(), ca.certificate().to_owned());
        Self { runtime, server, calls, _work: work }
    }

    /// Runs statements as `user`.
    pub(crate) fn psql(&self, user: &str, password: &str, sql: &str) -> Result<String, PsqlError> {
        self.runtime.block_on(self.server.psql(user, password, "postgres", sql))
    }

    /// Runs statements as the administrator.
    #[track_caller]
    pub(crate) fn admin(&self, sql: &str) -> String {
        let outcome = self.psql(Server::ADMIN, self.server.admin_password(), sql);
        outcome.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Whether `psql` signs in.
    #[track_caller]
    pub(crate) fn signs_in(&self, user: &str, password: &str) -> bool {
        match self.psql(user, password, "SELECT 1") {
            Ok(_) => true,
            Err(error) if error.is_refused() => false,
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) fn verify(&self, user: &str, password: &str) -> Result<(), Failure> {
        self.calls.verify(user, password)
    }

    /// A sign-in to this database.
    pub(crate) fn verify_in(
        &self,
        database: &str,
        user: &str,
        password: &str,
    ) -> Result<(), Failure> {
        let login = self.calls.login(user, password);
        Postgres::verify(&Login { database: Some(database.into()), ..login })
    }

    /// A turn of `next`, by the administrator.
    pub(crate) fn turn(&self, current: &str, next: &str, password: &str) -> Result<(), Failure> {
        self.turn_by(self.master(), current, next, password)
    }

    /// The same by another.
    pub(crate) fn turn_by(
        &self,
        actor: (&str, &str),
        current: &str,
        next: &str,
        password: &str,
    ) -> Result<(), Failure> {
        self.ask(actor, next, password, |request| request.clone_of = Some(current.into()))
    }

    /// The same, with the password as text where the server asks for that.
    pub(crate) fn turn_in_text(
        &self,
        actor: (&str, &str),
        current: &str,
        next: &str,
        password: &str,
    ) -> Result<(), Failure> {
        self.ask(actor, next, password, |request| {
            request.clone_of = Some(current.into());
            request.may_send_text = true;
        })
    }

    /// A change of one account.
    pub(crate) fn change(
        &self,
        actor: (&str, &str),
        user: &str,
        password: &str,
    ) -> Result<(), Failure> {
        self.ask(actor, user, password, |_| ())
    }

    /// The same, with the password as text where the server asks for that.
    pub(crate) fn change_in_text(
        &self,
        actor: (&str, &str),
        user: &str,
        password: &str,
    ) -> Result<(), Failure> {
        self.ask(actor, user, password, |request| request.may_send_text = true)
    }

    /// A change, with what `adjust` makes of the request.
    fn ask(
        &self,
        actor: (&str, &str),
        user: &str,
        password: &str,
        adjust: impl FnOnce(&mut ChangeRequest),
    ) -> Result<(), Failure> {
        self.calls.change(self.calls.login(actor.0, actor.1), user, password, adjust)
    }

    pub(crate) fn assess(
        &self,
        actor: (&str, &str),
        user: &str,
        clone_of: Option<&str>,
    ) -> Assessment {
        self.calls.assess(self.calls.login(actor.0, actor.1), user, clone_of).unwrap()
    }

    pub(crate) fn mark(
        &self,
        actor: (&str, &str),
        user: &str,
        clone_of: &str,
    ) -> Result<(), Failure> {
        self.calls.mark_pair(self.calls.login(actor.0, actor.1), user, clone_of)
    }

    /// The administrator's name and password.
    pub(crate) fn master(&self) -> (&str, &str) {
        (Server::ADMIN, self.server.admin_password())
    }

    /// What the server has logged.
    pub(crate) fn log(&self) -> String {
        self.server.log().unwrap().text().to_owned()
    }

    /// Whether the stored form of a role's password begins so.
    pub(crate) fn stores(&self, role: &str, kind: &str) -> bool {
        let sql = format!(
            "SELECT starts_with(rolpassword, '{kind}') FROM pg_authid WHERE rolname = '{role}'"
        );
        self.admin(&sql) == "t"
    }
}

/// The harness's own, with these settings beside.
pub(crate) fn options(settings: &[(&str, &str)]) -> PostgresOptions {
    let settings =
        settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    PostgresOptions { settings, ..PostgresOptions::default() }
}
