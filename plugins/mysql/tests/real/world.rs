//! A real server, its own client as the witness, and the plugin's calls over TLS as the host would
//! make them.

use tokio::runtime::Runtime;
pub(crate) use windlass_harness::Cut;
use windlass_harness::{
    Ca, Mariadb, MariadbOptions, MysqlKind, PluginCalls, SqlError, WorkDir, skip,
};
use windlass_plugin_mysql::Mysql;
use windlass_sdk::{Assessment, ChangeRequest, Failure, Login, TlsMode};

/// A server and what it takes to reach it.
pub(crate) struct World {
    runtime: Runtime,
    server: Mariadb,
    calls: PluginCalls<Mysql>,
    _work: WorkDir,
}

impl World {
    /// Starts a server of this kind; `None`, with the reason printed, where there can be none.
    pub(crate) fn start(kind: MysqlKind, options: &[&str]) -> Option<Self> {
        let options = options.iter().map(|&option| option.to_owned()).collect();
        Self::with(MariadbOptions { kind, options, ..MariadbOptions::default() })
    }

    /// The same, set up in some other way.
    pub(crate) fn with(options: MariadbOptions) -> Option<Self> {
        let kind = options.kind;
        if let Some(why) = Mariadb::missing(kind) {
            skip(&why);
            return None;
        }
        let runtime = Runtime::new().unwrap();
        let work = WorkDir::new().unwrap();
        let ca = Ca::new(work.path(), "ca").unwrap();
        let server = runtime.block_on(Mariadb::start(&ca, options)).unwrap();
        let calls = PluginCalls::new(server.port(), ca.certificate().to_owned());
        Some(Self { runtime, server, calls, _work: work })
    }

    /// Runs statements as the administrator.
    #[track_caller]
    pub(crate) fn admin(&self, sql: &str) -> String {
        self.runtime.block_on(self.server.admin(sql)).unwrap()
    }

    /// The same, where the server may not know how.
    pub(crate) fn try_admin(&self, sql: &str) -> Result<String, SqlError> {
        self.runtime.block_on(self.server.admin(sql))
    }

    /// Signs in with the server's own client.
    pub(crate) fn sql(&self, user: &str, password: &str, sql: &str) -> Result<String, SqlError> {
        self.runtime.block_on(self.server.sql(user, password, sql))
    }

    /// Whether the server's own client signs in.
    #[track_caller]
    pub(crate) fn signs_in(&self, user: &str, password: &str) -> bool {
        match self.sql(user, password, "SELECT 1") {
            Ok(_) => true,
            Err(error) if error.is_refused() => false,
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) fn login(&self, user: &str, password: &str, tls: TlsMode) -> Login {
        Login { tls, ..self.calls.login(user, password) }
    }

    pub(crate) fn verify(&self, user: &str, password: &str) -> Result<(), Failure> {
        self.calls.verify(user, password)
    }

    /// A change by the user itself.
    pub(crate) fn change(&self, user: &str, old: &str, new: &str) -> Result<(), Failure> {
        self.change_with(user, old, new, |_| ())
    }

    /// The same, with what `spoil` makes of the request.
    pub(crate) fn change_with(
        &self,
        user: &str,
        old: &str,
        new: &str,
        spoil: impl FnOnce(&mut ChangeRequest),
    ) -> Result<(), Failure> {
        self.calls.change(self.calls.login(user, old), user, new, |request| {
            request.old_password = Some(old.into());
            spoil(request);
        })
    }

    /// A change by the administrator, with what `spoil` makes of the request.
    pub(crate) fn change_by_admin(
        &self,
        user: &str,
        new: &str,
        spoil: impl FnOnce(&mut ChangeRequest),
    ) -> Result<(), Failure> {
        self.calls.change(self.administrator(), user, new, spoil)
    }

    /// What a turn or a change by the administrator would meet.
    pub(crate) fn assess(&self, user: &str, clone_of: Option<&str>) -> Result<Assessment, Failure> {
        self.calls.assess(self.administrator(), user, clone_of)
    }

    /// The same by somebody else.
    pub(crate) fn assess_as(&self, actor: Login, user: &str, clone_of: Option<&str>) -> Assessment {
        self.calls.assess(actor, user, clone_of).unwrap()
    }

    /// Marks two accounts as a pair, as the administrator.
    pub(crate) fn mark_pair(&self, user: &str, clone_of: &str) -> Result<(), Failure> {
        self.calls.mark_pair(self.administrator(), user, clone_of)
    }

    /// The same, where the admin secret says that the accounts at all hosts are one.
    pub(crate) fn mark_pair_at_all_hosts(&self, user: &str, clone_of: &str) -> Result<(), Failure> {
        let mut actor = self.administrator();
        actor.fields.push(("accountHosts".into(), "all".into()));
        self.calls.mark_pair(actor, user, clone_of)
    }

    /// The administrator's sign-in.
    pub(crate) fn administrator(&self) -> Login {
        self.login(Mariadb::ADMIN, self.server.admin_password(), TlsMode::Required)
    }

    /// The port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.server.port()
    }

    /// What the server has logged.
    pub(crate) fn log(&self) -> String {
        self.server.log().unwrap()
    }

    /// Runs `call` with its connections cut.
    pub(crate) fn cutting<T>(&self, cut: Cut, call: impl FnOnce() -> T) -> T {
        self.calls.cutting(cut, call)
    }
}
