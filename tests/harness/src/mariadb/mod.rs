//! A real MariaDB or MySQL server with TLS, and their own client as the witness.
//!
//! The administrator `master` may do and hand on everything. TLS is offered, not demanded: an
//! account's `REQUIRE` decides. The general log has every connection and every statement, so a test
//! can look for a password that should not be there.

mod binaries;
mod client;
mod data;

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::signal::Signal;

use binaries::Binaries;
pub use binaries::Kind;
pub use client::SqlError;
use data::Owner;

use crate::process::{Process, describe_exit};
use crate::sync::lock;
use crate::{Ca, Identity, Validity, WorkDir};

/// A cold machine with a busy disk needs 10 s to make the data, and 5 s to start.
const START_LIMIT: Duration = Duration::from_secs(120);

/// How often the server is asked whether it has started.
const START_POLL: Duration = Duration::from_millis(100);

/// Between finding a free port and the server's using it, another process may take it.
const PORT_ATTEMPTS: usize = 5;

/// How a server is to be set up.
#[derive(Clone, Debug)]
pub struct MariadbOptions {
    /// Which of the two.
    pub kind: Kind,
    /// Which of the versions of MariaDB that are unpacked beside the system, such as `11.8`; else the
    /// system's.
    pub version: Option<&'static str>,
    /// The password of the administrator `master`.
    pub admin_password: String,
    /// Options of the command line, beside the harness's own.
    pub options: Vec<String>,
    /// The server's certificate, if not a valid one of the [`Ca`].
    pub identity: Option<Identity>,
    /// Whether it offers TLS. Where it does not, its own client goes without.
    pub tls: bool,
    /// Whether it resolves clients' addresses to names. Only then it counts failed connections by
    /// address (`max_connect_errors`).
    pub resolves_names: bool,
}

impl Default for MariadbOptions {
    fn default() -> Self {
        Self {
            kind: Kind::Mariadb,
            version: None,
            admin_password: "master-of-the-harness".to_owned(),
            options: Vec::new(),
            identity: None,
            tls: true,
            resolves_names: false,
        }
    }
}

/// A running server. Dropping it ends it and removes its data.
#[derive(Debug)]
pub struct Mariadb {
    // Ends before its directory is removed: fields are dropped in this order.
    process: Process,
    binaries: Binaries,
    directory: PathBuf,
    _work: WorkDir,
    port: u16,
    /// `None`: it has no TLS.
    trusted: Option<PathBuf>,
    admin_password: String,
    statements: Mutex<Vec<String>>,
}

impl Mariadb {
    /// The administrator's name.
    pub const ADMIN: &'static str = "master";

    /// Why there can be no server of this kind here, if there can't.
    #[must_use]
    pub fn missing(kind: Kind) -> Option<String> {
        Binaries::find(kind, None).err().map(|error| error.to_string())
    }

    /// Why there can be no MariaDB of this version here, if there can't.
    #[must_use]
    pub fn missing_version(version: &str) -> Option<String> {
        Binaries::find(Kind::Mariadb, Some(version)).err().map(|error| error.to_string())
    }

    /// Where a MySQL is looked for that is unpacked beside the system, or this version of MariaDB.
    #[must_use]
    pub fn place(kind: Kind, version: Option<&str>) -> PathBuf {
        binaries::place(kind, version)
    }

    /// Makes the data and starts the server; returns when it accepts connections.
    ///
    /// # Errors
    /// If the server is not installed, or does not start; then with the end of its log.
    pub async fn start(ca: &Ca, options: MariadbOptions) -> Result<Self> {
        let binaries = Binaries::find(options.kind, options.version)?;
        let work = WorkDir::new()?;
        let owner = Owner::choose(options.kind)?;
        let directory = work.private("mariadb")?;
        let identity = match options.identity.clone() {
            Some(identity) => identity,
            None => ca.issue("mariadb", Validity::Valid)?,
        };
        let first = directory.join("first.sql");
        fs::write(&first, first_statements(&options)).context("writing first.sql")?;
        let files = [
            (identity.certificate.as_path(), directory.join("server.crt")),
            (identity.key.as_path(), directory.join("server.key")),
            (ca.certificate(), directory.join("ca.crt")),
        ];
        for (from, to) in &files {
            copy(from, to)?;
            owner.give(to)?;
        }
        owner.give(&first)?;
        owner.give(&directory)?;

        data::initialise(&binaries, &owner, &directory).await?;
        let trusted = options.tls.then(|| ca.certificate().to_owned());
        for _ in 0..PORT_ATTEMPTS {
            let port = free_port()?;
            let process = serve(&binaries, &owner, &directory, port, &options)?;
            let server = Self {
                process,
                binaries: binaries.clone(),
                directory: directory.clone(),
                _work: WorkDir::new()?,
                port,
                trusted: trusted.clone(),
                admin_password: options.admin_password.clone(),
                statements: Mutex::default(),
            };
            if server.accepts().await? {
                return Ok(Self { _work: work, ..server });
            }
        }
        Err(anyhow!("found no free port in {PORT_ATTEMPTS} attempts"))
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

    /// Runs `sql` as `user` with the real client, over TLS with the name and chain verified where
    /// the server has TLS, and returns what it printed: rows by line, columns by tab.
    ///
    /// # Errors
    /// [`SqlError::Refused`] if the server did not accept the password.
    pub async fn sql(&self, user: &str, password: &str, sql: &str) -> Result<String, SqlError> {
        lock(&self.statements).push(sql.to_owned());
        client::Session {
            binaries: &self.binaries,
            trusted: self.trusted.as_deref(),
            home: &self.directory,
            port: self.port,
        }
        .run(user, password, sql)
        .await
    }

    /// Runs `sql` as the administrator.
    ///
    /// # Errors
    /// If a statement fails.
    pub async fn admin(&self, sql: &str) -> Result<String, SqlError> {
        self.sql(Self::ADMIN, &self.admin_password, sql).await
    }

    /// Every statement that was run through [`sql`](Self::sql): what the server logged of these is
    /// ours.
    #[must_use]
    pub fn own_statements(&self) -> Vec<String> {
        lock(&self.statements).clone()
    }

    /// Every connection and statement that the server has logged so far.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn log(&self) -> Result<String> {
        let path = self.log_path();
        let bytes = fs::read(&path).with_context(|| format!("reading `{}`", path.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// How many bytes the server has logged so far.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn log_length(&self) -> Result<u64> {
        let path = self.log_path();
        let log = fs::metadata(&path).with_context(|| format!("reading `{}`", path.display()))?;
        Ok(log.len())
    }

    /// What the server has logged from this byte on, and where that ends: for those who read a
    /// long log again and again. Whole lines only.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn log_from(&self, start: u64) -> Result<(String, u64)> {
        let path = self.log_path();
        let mut bytes = Vec::new();
        File::open(&path)
            .and_then(|mut file| {
                file.seek(SeekFrom::Start(start))?;
                file.read_to_end(&mut bytes)
            })
            .with_context(|| format!("reading `{}`", path.display()))?;
        let end = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        bytes.truncate(end);
        Ok((String::from_utf8_lossy(&bytes).into_owned(), start + end as u64))
    }

    fn log_path(&self) -> PathBuf {
        self.directory.join("general.log")
    }

    /// Whether it has started; `false` if another process took its port.
    async fn accepts(&self) -> Result<bool> {
        let limit = Instant::now() + START_LIMIT;
        loop {
            // Another server that took the port meanwhile knows the same administrator.
            let error = match self.admin("SELECT @@datadir").await {
                Ok(data) if Path::new(&data) == self.directory.join("data") => return Ok(true),
                Ok(data) => format!("the server of `{data}` answers"),
                // A certificate does not get better by waiting.
                Err(error) if error.is_tls() => return Err(error.into()),
                Err(error) => error.to_string(),
            };
            if let Some(status) = self.process.exited()? {
                let log = self.process.stderr()?;
                if log.contains("already in use") || log.contains("Can't start server: Bind") {
                    return Ok(false);
                }
                bail!("the server {}; its log: {}", describe_exit(status), log.trim());
            }
            if Instant::now() > limit {
                bail!("the server is not ready after {} s: {error}", START_LIMIT.as_secs());
            }
            tokio::time::sleep(START_POLL).await;
        }
    }
}

fn serve(
    binaries: &Binaries,
    owner: &Owner,
    directory: &Path,
    port: u16,
    options: &MariadbOptions,
) -> Result<Process> {
    let file = |name: &str| directory.join(name).display().to_string();
    let (program, own): (_, &[&str]) = match binaries.kind {
        Kind::Mariadb => {
            ("sbin/mariadbd", &["--plugin-load-add=auth_ed25519", "--innodb-log-file-size=8M"])
        }
        Kind::Mysql => (
            "sbin/mysqld",
            &[
                "--mysqlx=OFF",
                "--skip-log-bin",
                "--performance-schema=OFF",
                "--secure-file-priv=NULL",
            ],
        ),
    };
    let without_tls: &[&str] = match (options.tls, binaries.kind) {
        (true, _) => &[],
        (false, Kind::Mariadb) => &["--skip-ssl"],
        (false, Kind::Mysql) => &["--tls-version="],
    };
    let mut launch = binaries.launch(program);
    if owner.other.is_some() {
        launch = launch.args(["--no-defaults"]);
    }
    owner
        .launch(launch)
        .env("TMPDIR", directory)
        .args(binaries.options())
        .args([
            format!("--datadir={}", file("data")),
            format!("--port={port}"),
            format!("--socket={}", file("socket")),
            format!("--pid-file={}", file("pid")),
            format!("--init-file={}", file("first.sql")),
            format!("--ssl-ca={}", file("ca.crt")),
            format!("--ssl-cert={}", file("server.crt")),
            format!("--ssl-key={}", file("server.key")),
            format!("--general-log-file={}", file("general.log")),
        ])
        .args(["--bind-address=127.0.0.1", "--general-log=1"])
        // MySQL's is not taken back by a later `=OFF`.
        .args((!options.resolves_names).then_some("--skip-name-resolve"))
        // The data does not outlive the test.
        .args(["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M"])
        // The kernel has so many requests of that kind for all servers together.
        .args(["--innodb-use-native-aio=0"])
        .args(own)
        .args(without_tls)
        .args(&options.options)
        // One that is asked to end writes what it holds to files that may be gone by then; MySQL was
        // seen to try that for ever.
        .ended_by(Signal::SIGKILL)
        .start(directory, "server")
}

/// Makes the administrator. Run at each start of the server.
fn first_statements(options: &MariadbOptions) -> String {
    let name = Mariadb::ADMIN;
    let password = options.admin_password.replace('\'', "''");
    let proxy = match options.kind {
        Kind::Mysql => format!("GRANT PROXY ON ''@'' TO '{name}'@'%' WITH GRANT OPTION"),
        // Nobody in particular runs this file, and only somebody may grant PROXY here.
        Kind::Mariadb => format!(
            "REPLACE INTO mysql.proxies_priv VALUES ('%', '{name}', '', '', 1, '', NOW());\n\
             FLUSH PRIVILEGES"
        ),
    };
    // One statement to a line: the server reads this file by lines.
    format!(
        "CREATE USER IF NOT EXISTS '{name}'@'%' IDENTIFIED BY '{password}';\n\
         GRANT ALL PRIVILEGES ON *.* TO '{name}'@'%' WITH GRANT OPTION;\n{proxy};\n"
    )
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("finding a free port")?;
    Ok(listener.local_addr().context("finding a free port")?.port())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .and_then(|_| fs::set_permissions(to, fs::Permissions::from_mode(0o600)))
        .with_context(|| format!("copying `{}` to `{}`", from.display(), to.display()))
}
