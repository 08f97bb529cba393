//! A real PostgreSQL server with TLS and SCRAM-SHA-256, and `psql` as the witness.
//!
//! It speaks TLS only, but for the user `plain`; `md5user` signs in by md5; more rules go before
//! these with [`PostgresOptions::first_rules`]. Its log has every connection, every refused sign-in
//! and every statement, so a test can count them and look for a password that should not be there.

mod binaries;
mod log;
mod psql;

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, User};

pub use binaries::PostgresBinaries;
pub use log::ServerLog;
pub use psql::PsqlError;

use crate::process::{Launch, Process, describe_exit};
use crate::sync::lock;
use crate::{Ca, Identity, Validity, WorkDir};

/// A cold machine with a busy disk needs 5 s to make a cluster, and 2 s to start it.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How often the server's log is looked at while it starts.
const START_POLL: Duration = Duration::from_millis(20);

/// Between finding a free port and the server's using it, another process may take it.
const PORT_ATTEMPTS: usize = 5;

/// What follows [`PostgresOptions::first_rules`] in `pg_hba.conf`.
const RULES: &str = "\
hostssl   all md5user 127.0.0.1/32 md5
hostssl   all all     127.0.0.1/32 scram-sha-256
hostnossl all plain   127.0.0.1/32 scram-sha-256
hostnossl all all     127.0.0.1/32 reject
";

/// How a server is to be set up. The default is what the demo uses.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// The major version; else the one that is installed.
    pub version: Option<u32>,
    /// The password of the administrator `master`.
    pub admin_password: String,
    /// Lines of `pg_hba.conf` that go before the harness's own.
    pub first_rules: Vec<String>,
    /// Settings, beside the harness's own: `("password_encryption", "md5")`.
    pub settings: Vec<(String, String)>,
    /// The server's certificate, if not a valid one of the [`Ca`].
    pub identity: Option<Identity>,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            version: None,
            admin_password: "master-of-the-harness".to_owned(),
            first_rules: Vec::new(),
            settings: Vec::new(),
            identity: None,
        }
    }
}

/// A running server. Dropping it ends it and removes its data.
#[derive(Debug)]
pub struct Postgres {
    // Ends before its directory is removed: fields are dropped in this order.
    process: Process,
    binaries: PostgresBinaries,
    directory: PathBuf,
    _work: WorkDir,
    port: u16,
    trusted: PathBuf,
    admin_password: String,
    statements: Mutex<Vec<String>>,
}

impl Postgres {
    /// The administrator's name.
    pub const ADMIN: &'static str = "master";

    /// Why there can be no server of this major version here, if there can't.
    #[must_use]
    pub fn missing(major: u32) -> Option<String> {
        PostgresBinaries::of_version(major).err().map(|error| error.to_string())
    }

    /// Makes a cluster and starts it; returns when it accepts connections.
    ///
    /// # Errors
    /// If PostgreSQL is not installed, or does not start; then with the end of its log.
    pub async fn start(ca: &Ca, options: PostgresOptions) -> Result<Self> {
        let binaries = match options.version {
            None => PostgresBinaries::find()?,
            Some(major) => PostgresBinaries::of_version(major)?,
        };
        let work = WorkDir::new()?;
        let owner = Owner::choose()?;
        let directory = work.private("postgres")?;
        let identity = match options.identity {
            Some(identity) => identity,
            None => ca.issue("postgres", Validity::Valid)?,
        };
        let certificate = directory.join("server.crt");
        let key = directory.join("server.key");
        copy(&identity.certificate, &certificate, 0o600)?;
        copy(&identity.key, &key, 0o600)?;
        let password_file = directory.join("password");
        fs::write(&password_file, &options.admin_password).context("writing the password file")?;
        for path in [&directory, &certificate, &key, &password_file] {
            owner.give(path)?;
        }

        let data = directory.join("data");
        initialise(&binaries, &owner, &data, &password_file).await?;
        let rules = data.join("pg_hba.conf");
        fs::write(&rules, rules_file(&options.first_rules)).context("writing pg_hba.conf")?;
        fs::write(data.join("postgresql.auto.conf"), settings_file(&options.settings))
            .context("writing postgresql.auto.conf")?;

        let (process, port) = serve(&binaries, &owner, &directory).await?;
        Ok(Self {
            process,
            binaries,
            directory,
            _work: work,
            port,
            trusted: ca.certificate().to_owned(),
            admin_password: options.admin_password,
            statements: Mutex::default(),
        })
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The whole address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// The administrator's password, for an admin secret.
    #[must_use]
    pub fn admin_password(&self) -> &str {
        &self.admin_password
    }

    /// Runs `sql` as `user` with the real `psql`, over TLS with the name and chain verified, and
    /// returns what it printed: rows by line, columns by `|`.
    ///
    /// # Errors
    /// [`PsqlError::Refused`] if the server did not accept the password.
    pub async fn psql(
        &self,
        user: &str,
        password: &str,
        database: &str,
        sql: &str,
    ) -> Result<String, PsqlError> {
        lock(&self.statements).push(sql.to_owned());
        psql::Session {
            program: self.binaries.psql(),
            trusted: &self.trusted,
            home: &self.directory,
            port: self.port,
        }
        .run(user, password, database, sql)
        .await
    }

    /// Runs `sql` as the administrator in the database `postgres`.
    ///
    /// # Errors
    /// If a statement fails.
    pub async fn admin(&self, sql: &str) -> Result<String, PsqlError> {
        self.psql(Self::ADMIN, &self.admin_password, "postgres", sql).await
    }

    /// Every statement that was run through [`psql`](Self::psql): what the server logged of these
    /// is ours.
    #[must_use]
    pub fn own_statements(&self) -> Vec<String> {
        lock(&self.statements).clone()
    }

    /// What the server has logged so far.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn log(&self) -> Result<ServerLog> {
        Ok(ServerLog::new(self.process.stderr()?))
    }

    /// How many bytes the server has logged so far.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn log_length(&self) -> Result<u64> {
        let path = self.process.stderr_path();
        let log = fs::metadata(path).with_context(|| format!("reading `{}`", path.display()))?;
        Ok(log.len())
    }

    /// What the server has logged from this byte on, and where that ends: for those who read a
    /// long log again and again. Whole lines only.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn log_from(&self, start: u64) -> Result<(ServerLog, u64)> {
        let path = self.process.stderr_path();
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|mut file| {
                file.seek(SeekFrom::Start(start))?;
                file.read_to_end(&mut bytes)
            })
            .with_context(|| format!("reading `{}`", path.display()))?;
        let end = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        bytes.truncate(end);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok((ServerLog::new(text), start + end as u64))
    }

    /// Replaces the rules that go before the harness's own, in the running server.
    ///
    /// # Errors
    /// If the server has not read them within the limit.
    pub async fn set_first_rules(&self, rules: &[String]) -> Result<()> {
        let before = self.log()?.reloads();
        fs::write(self.directory.join("data/pg_hba.conf"), rules_file(rules))
            .context("writing pg_hba.conf")?;
        self.process.signal(Signal::SIGHUP)?;
        let limit = Instant::now() + START_LIMIT;
        while self.log()?.reloads() == before {
            if Instant::now() > limit {
                bail!("PostgreSQL did not reload its rules");
            }
            tokio::time::sleep(START_POLL).await;
        }
        Ok(())
    }
}

/// Who the server runs as: PostgreSQL refuses to be root.
struct Owner {
    other: Option<User>,
}

impl Owner {
    fn choose() -> Result<Self> {
        if !Uid::effective().is_root() {
            return Ok(Self { other: None });
        }
        let user = User::from_name("postgres").context("looking up the user `postgres`")?;
        let user = user.context(
            "PostgreSQL does not run as root, and there is no user `postgres`: run `cargo xtask setup`",
        )?;
        Ok(Self { other: Some(user) })
    }

    fn give(&self, path: &Path) -> Result<()> {
        let Some(user) = &self.other else { return Ok(()) };
        let (uid, gid): (Uid, Gid) = (user.uid, user.gid);
        chown(path, Some(uid.as_raw()), Some(gid.as_raw()))
            .with_context(|| format!("giving `{}` to `{}`", path.display(), user.name))
    }

    fn launch(&self, program: PathBuf) -> Launch {
        let launch = Launch::new(program).env("LC_ALL", "C");
        match &self.other {
            Some(user) => launch.user(&user.name),
            None => launch,
        }
    }
}

async fn initialise(
    binaries: &PostgresBinaries,
    owner: &Owner,
    data: &Path,
    password_file: &Path,
) -> Result<()> {
    let output = owner
        .launch(binaries.initdb())
        .args(["--username", Postgres::ADMIN, "--auth", "scram-sha-256", "--encoding", "UTF8"])
        .args(["--no-locale", "--no-sync"])
        .arg_pair("--pgdata", data)
        .arg_pair("--pwfile", password_file)
        .finish(START_LIMIT)
        .await?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        bail!("initdb {}: {}", describe_exit(output.status), text.trim());
    }
    Ok(())
}

/// Starts the server on a free port, and again on another if that one was taken meanwhile.
async fn serve(
    binaries: &PostgresBinaries,
    owner: &Owner,
    directory: &Path,
) -> Result<(Process, u16)> {
    for _ in 0..PORT_ATTEMPTS {
        let port = free_port()?;
        let process = owner
            .launch(binaries.postgres())
            .arg_pair("-D", &directory.join("data"))
            .args(["-p", &port.to_string()])
            // Immediate shutdown: the data is thrown away.
            .ended_by(Signal::SIGQUIT)
            .start(directory, "postgres")?;
        match ready(&process).await? {
            Readiness::Accepting => return Ok((process, port)),
            Readiness::PortTaken => {}
        }
    }
    Err(anyhow!("found no free port for PostgreSQL in {PORT_ATTEMPTS} attempts"))
}

enum Readiness {
    Accepting,
    PortTaken,
}

async fn ready(process: &Process) -> Result<Readiness> {
    let limit = Instant::now() + START_LIMIT;
    loop {
        let log = process.stderr()?;
        if log.contains("database system is ready to accept connections") {
            return Ok(Readiness::Accepting);
        }
        if let Some(status) = process.exited()? {
            if log.contains("could not bind") {
                return Ok(Readiness::PortTaken);
            }
            bail!("PostgreSQL {}; its log: {}", describe_exit(status), log.trim());
        }
        if Instant::now() > limit {
            bail!("PostgreSQL is not ready after {} s; its log: {log}", START_LIMIT.as_secs());
        }
        tokio::time::sleep(START_POLL).await;
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("finding a free port")?;
    Ok(listener.local_addr().context("finding a free port")?.port())
}

fn rules_file(first: &[String]) -> String {
    let mut text = first.join("\n");
    text.push('\n');
    text.push_str(RULES);
    text
}

fn settings_file(extra: &[(String, String)]) -> String {
    let own = [
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
        ("ssl", "on"),
        ("ssl_cert_file", "../server.crt"),
        ("ssl_key_file", "../server.key"),
        ("password_encryption", "scram-sha-256"),
        // The data does not outlive the test.
        ("fsync", "off"),
        ("shared_buffers", "16MB"),
        // What `ServerLog` reads.
        ("log_connections", "on"),
        ("log_statement", "all"),
        ("log_line_prefix", "%m [%p] "),
    ];
    let own = own.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    own.chain(extra.iter().cloned())
        .map(|(name, value)| format!("{name} = '{}'\n", value.replace('\'', "''")))
        .collect()
}

fn copy(from: &Path, to: &Path, mode: u32) -> Result<()> {
    fs::copy(from, to)
        .and_then(|_| fs::set_permissions(to, fs::Permissions::from_mode(mode)))
        .with_context(|| format!("copying `{}` to `{}`", from.display(), to.display()))
}
