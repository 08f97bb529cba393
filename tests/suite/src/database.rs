//! The PostgreSQL that all tests share, for what is PostgreSQL's own; and the authority that signed
//! every server's certificate.
//!
//! Beyond the harness's own rules, two roles open doors to their members: `plain_signers` may
//! connect without TLS, `md5_signers` sign in by MD5.

use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::sync::OnceCell;
use windlass_harness::{Ca, Postgres, PostgresOptions, WorkDir};

use crate::engine::postgres::Postgresql;
use crate::engine::{self, Engine, Server};
use crate::{Login, leaks};

static AUTHORITY: OnceCell<Authority> = OnceCell::const_new();
static SHARED: OnceCell<Database> = OnceCell::const_new();

/// The authority, and where its files are.
struct Authority {
    ca: Ca,
    work: WorkDir,
}

impl Authority {
    async fn shared() -> Result<&'static Self> {
        let made = AUTHORITY.get_or_try_init(async || {
            clean_up_after_us()?;
            let work = WorkDir::new()?;
            let ca = Ca::new(work.path(), "ca")?;
            anyhow::Ok(Self { ca, work })
        });
        made.await
    }
}

/// The shared server.
pub struct Database {
    postgres: Arc<Postgres>,
    server: Server,
    authority: &'static Authority,
}

impl Database {
    /// The server, started by whoever asks first.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn shared() -> Result<&'static Self> {
        SHARED.get_or_try_init(Self::start).await
    }

    async fn start() -> Result<Self> {
        let authority = Authority::shared().await?;
        let rule = |rule: &str| format!("{rule} 127.0.0.1/32 ");
        let options = PostgresOptions {
            first_rules: vec![
                rule("hostssl   all +md5_signers  ") + "md5",
                rule("hostnossl all +plain_signers") + "scram-sha-256",
            ],
            ..PostgresOptions::default()
        };
        let postgres = Arc::new(Postgres::start(&authority.ca, options).await?);
        postgres.admin("CREATE ROLE md5_signers; CREATE ROLE plain_signers").await?;
        let running = Postgresql::shared(Arc::clone(&postgres)).await?;
        let server = Server::new(Engine::POSTGRES, running, &authority.ca);
        engine::note_running(server.clone());
        Ok(Self { postgres, server, authority })
    }

    /// The server itself.
    #[must_use]
    pub fn postgres(&self) -> &Postgres {
        &self.postgres
    }

    /// The same server, as one of many engines'.
    #[must_use]
    pub fn server(&self) -> Server {
        self.server.clone()
    }

    /// The authority that signs the certificates of all shared servers.
    ///
    /// # Errors
    /// If its files can't be written.
    pub async fn authority() -> Result<&'static Ca> {
        Ok(&Authority::shared().await?.ca)
    }

    /// The authority that signed its certificate, and those of all shared servers.
    #[must_use]
    pub fn ca(&self) -> &'static Ca {
        &self.authority.ca
    }

    /// Another authority, which signed nothing here.
    ///
    /// # Errors
    /// If its files can't be written.
    pub fn stranger(&self) -> Result<Ca> {
        Ca::new(self.authority.work.path(), "stranger")
    }

    /// Makes an account that may sign in, with the options given, such as `CONNECTION LIMIT 3`.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn account(&self, name: &str, options: &str) -> Result<Login> {
        let login = Login::made_up(name);
        leaks::note_account(&login.password);
        self.postgres
            .admin(&format!(
                "CREATE ROLE {} LOGIN {options} PASSWORD {}",
                Login::identifier(name),
                Login::literal(&login.password)
            ))
            .await
            .with_context(|| format!("making the account `{name}`"))?;
        Ok(login)
    }

    /// Runs `sql` as the superuser.
    ///
    /// # Errors
    /// If it fails.
    pub async fn admin(&self, sql: &str) -> Result<String> {
        self.postgres.admin(sql).await.with_context(|| format!("running `{sql}`"))
    }

    /// The superuser's credential.
    #[must_use]
    pub fn superuser(&self) -> Login {
        self.server.superuser()
    }

    /// How often the server refused a password of `user`, by its log.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn refused_sign_ins(&self, user: &str) -> Result<usize> {
        self.server.refused_sign_ins(user)
    }

    /// Whether the server's log has `text` anywhere.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn logged(&self, text: &str) -> Result<bool> {
        self.server.logged(text)
    }
}

/// Nothing in a `static` is dropped when a test binary ends. The server ends with us (see the
/// harness); its directory is removed by this child, which waits for the end of the pipe that only
/// we hold open.
fn clean_up_after_us() -> Result<()> {
    let directories =
        std::env::temp_dir().join(format!("windlass-harness-{}-", std::process::id()));
    // The server may still be writing its last lines when its directory is first removed.
    let script =
        "trap '' INT TERM HUP; cat; for try in 1 2 3 4 5; do sleep 0.2; rm -rf \"$0\"*; done";
    let cleaner = Command::new("sh")
        .args(["-c", script])
        .arg(directories)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("starting the cleaner")?;
    // Its standard input has to stay open as long as we live.
    std::mem::forget(cleaner);
    Ok(())
}
