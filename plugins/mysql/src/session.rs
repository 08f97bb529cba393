//! A signed-in session: statements and their rows.
//!
//! A session counts for the account that signed in only if it belongs to an account of that name
//! (`CURRENT_USER()`): an anonymous account, or one with a proxy, lets other names in with a password
//! of its own.
//!
//! One statement at a time, and the session is prepared before the first one that quotes anything:
//! [`Session::prepare`] sets the characters, the one rule of quoting, and how long a lock is waited
//! for. A session after an error is only good for closing, unless the caller knows the error.

use windlass_sdk::{Connection, Failure, FailureKind, Login, clean};

use crate::auth::{Method, authenticate};
use crate::bytes::Fields;
use crate::errno;
use crate::errors::{ERROR, INIT_CONNECT, ServerError};
use crate::handshake;
use crate::quote::{REMEDY_MAX, for_people, identifier};
use crate::version::Version;
use crate::wire::Wire;

const QUERY: u8 = 0x03;
const QUIT: u8 = 0x01;
const OK: u8 = 0x00;
const END_OF_ROWS: u8 = 0xfe;
/// A request for a file of the client's (LOAD DATA LOCAL): never answered.
const LOCAL_FILE: u8 = 0xfb;

/// The most columns that a query here asks for is 5.
const COLUMNS_MAX: u64 = 16;

/// Backslashes stand for themselves.
const NO_ESCAPES: &str = "NO_BACKSLASH_ESCAPES";
/// Besides, `GRANT` makes no account unless it says how that is to sign in. MySQL 8 has no such mode.
const SQL_MODE: &str = "NO_BACKSLASH_ESCAPES,NO_AUTO_CREATE_USER";

/// What keeping a row or a value costs beyond its text, in bytes: where it is, how long, and what the
/// allocator adds. Together less than a grant is long.
const KEPT: usize = 24;

/// A row's values; absent where they are NULL.
pub(crate) type Row = Vec<Option<String>>;

/// An account: a name and the hosts from which it may sign in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AccountName {
    pub(crate) user: String,
    pub(crate) host: String,
}

/// What is known once the session is prepared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prepared {
    pub(crate) version: Version,
    /// The account that the session belongs to, one of the name that signed in. Not known where the
    /// password has expired, because nothing can be asked then; where it is another's there is no
    /// session.
    pub(crate) account: Option<AccountName>,
    /// Whether the one rule of quoting holds. Not where the password has expired on MySQL, which
    /// lets such a session change nothing but the password.
    pub(crate) quoting: bool,
}

/// A session that the server has let in.
#[derive(Debug)]
pub(crate) struct Session {
    wire: Wire<Connection>,
    /// How the account signs in.
    pub(crate) method: Method,
    greeted_as: String,
    username: String,
    /// Whether the server has answered a statement.
    has_answered: bool,
}

impl Session {
    /// Connects and signs in: exactly one attempt.
    pub(crate) fn sign_in(login: &Login) -> Result<Self, Failure> {
        Self::sign_in_as(login, &login.password)
    }

    /// The same with another password.
    pub(crate) fn sign_in_as(login: &Login, password: &str) -> Result<Self, Failure> {
        let (mut wire, greeting) = handshake::start(login)?;
        let method = authenticate(&mut wire, login, password, &greeting)?;
        Ok(Self {
            wire,
            method,
            greeted_as: greeting.version,
            username: login.username.clone(),
            has_answered: false,
        })
    }

    /// Makes sure that the session can run a statement, and that it belongs to the account that
    /// signed in, which is what the statement asks.
    pub(crate) fn check(&mut self) -> Result<(), Failure> {
        let rows = self.query("SELECT CURRENT_USER()", "running a statement")?;
        let account = rows.into_iter().flatten().flatten().next();
        self.check_account(&account.ok_or_else(out_of_order)?).map(drop)
    }

    /// `account` is what the server says that the session belongs to.
    fn check_account(&self, account: &str) -> Result<AccountName, Failure> {
        let account = AccountName::read(account).ok_or_else(out_of_order)?;
        let username = &self.username;
        if account.user == *username {
            return Ok(account);
        }
        let found = clean(&account.quoted());
        let (why, remedy) = if account.user.is_empty() {
            let remedy = format!(
                "as an administrator, run DROP USER {found}, or RENAME USER or CREATE USER for \
                 {username:?} with a host part that fits this sign-in better"
            );
            ("the server takes this anonymous account for it", remedy)
        } else {
            let remedy = format!(
                "as an administrator, run REVOKE PROXY ON {found} FROM {}@'HOST', or put the account \
                 itself into the secret",
                identifier(username)
            );
            ("the server takes it for a proxy of that account (GRANT PROXY)", remedy)
        };
        Err(Failure::declined(format!(
            "signed in as {username:?}, the session belongs to {found}, so nothing is proved about \
             {username:?}: {why}"
        ))
        .with_remedy(for_people(&remedy, REMEDY_MAX)))
    }

    /// Asks who is there and sets what every statement relies on.
    ///
    /// - UTF-8, or a password outside ASCII would be stored as another one.
    /// - Backslashes stand for themselves. No other mode is on: names are in backticks, and `GRANT`
    ///   never makes an account (`NO_AUTO_CREATE_USER`, where there is such a mode).
    /// - A lock is waited for so long that an ordinary statement ends first, and no longer: this
    ///   side may have gone by then, and the server would change the password all the same.
    /// - Where descriptions of accounts are going to be read, salts are printed in readable form: they
    ///   hold any byte.
    pub(crate) fn prepare(&mut self, describes: bool) -> Result<Prepared, Failure> {
        let who = "SELECT VERSION(), @@version_comment, CURRENT_USER()";
        let mut prepared = match self.query(who, "asking for the server's version") {
            Ok(rows) => {
                let mut values = rows.into_iter().next().unwrap_or_default().into_iter().flatten();
                let (Some(version), Some(comment), Some(account)) =
                    (values.next(), values.next(), values.next())
                else {
                    return Err(Failure::protocol("the server does not say which version it is"));
                };
                let account = Some(self.check_account(&account)?);
                Prepared { version: Version::read(&version, &comment), account, quoting: true }
            }
            Err(failure) if errno::is(&failure, errno::MUST_CHANGE_PASSWORD) => {
                let version = Version::read(&self.greeted_as, "");
                Prepared { version, account: None, quoting: true }
            }
            Err(failure) => return Err(failure),
        };
        let version = prepared.version;
        if !version.is_known() {
            return Err(Failure::unsupported(format!(
                "the server is {version}; this plugin changes passwords on MySQL 5.7 and MariaDB \
                 10.4 and later"
            )));
        }
        let mode = if version.grant_creates() { SQL_MODE } else { NO_ESCAPES };
        let hex = match describes && version.prints_hex() {
            true => ", SESSION print_identified_with_as_hex = ON",
            false => "",
        };
        let set = format!(
            "SET NAMES utf8mb4, SESSION sql_mode = '{mode}', \
             SESSION sql_quote_show_create = 1, SESSION lock_wait_timeout = 10{hex}"
        );
        match self.query(&set, "preparing the session") {
            Err(failure) if errno::is(&failure, errno::MUST_CHANGE_PASSWORD) => {
                prepared.quoting = false
            }
            outcome => drop(outcome?),
        }
        Ok(prepared)
    }

    /// Runs a statement. `operation` says in a failure what it was for.
    pub(crate) fn query(&mut self, statement: &str, operation: &str) -> Result<Vec<Row>, Failure> {
        self.run(statement, operation, ServerError::statement_failure)
    }

    /// The same with MariaDB's Oracle mode on, without which it does not understand some statements.
    pub(crate) fn query_in_oracle_mode(
        &mut self,
        statement: &str,
        operation: &str,
    ) -> Result<Vec<Row>, Failure> {
        self.query(&format!("SET SESSION sql_mode = '{SQL_MODE},ORACLE'"), operation)?;
        let outcome = self.query(statement, operation);
        self.query(&format!("SET SESSION sql_mode = '{SQL_MODE}'"), operation)?;
        outcome
    }

    /// Runs a statement that holds a password or its hash: a failure has nothing of the server's
    /// text.
    pub(crate) fn secret(&mut self, statement: &str, operation: &str) -> Result<(), Failure> {
        self.run(statement, operation, ServerError::secret_statement_failure).map(drop)
    }

    /// Says goodbye.
    pub(crate) fn close(mut self) {
        // Whoever does not hear it notices that the connection is closed.
        drop(self.wire.command(&[QUIT]));
    }

    fn run(
        &mut self,
        statement: &str,
        operation: &str,
        failure: fn(&ServerError, &str) -> Failure,
    ) -> Result<Vec<Row>, Failure> {
        let mut command = vec![QUERY];
        command.extend(statement.as_bytes());
        let answer = self.wire.command(&command).and_then(|()| self.answer());
        let is_first = !std::mem::replace(&mut self.has_answered, true);
        answer
            .map_err(|failure| match failure.kind {
                FailureKind::Unreachable if is_first => ended_at_once(failure),
                _ => failure,
            })
            .map_err(|failure| failure.during(operation))?
            .map_err(|error| failure(&error, operation))
    }

    /// Rows, or what the server said instead.
    fn answer(&mut self) -> Result<Result<Vec<Row>, ServerError>, Failure> {
        let first = self.wire.receive()?;
        let columns = match first.first() {
            Some(&OK) => return Ok(Ok(Vec::new())),
            Some(&ERROR) => return ServerError::read(&first).map(Err),
            Some(&LOCAL_FILE) => {
                return Err(Failure::protocol(
                    "the server asks the client for a file (LOAD DATA LOCAL)",
                ));
            }
            _ => Fields::new(&first).length()?.filter(|count| *count <= COLUMNS_MAX),
        };
        let columns = columns.ok_or_else(out_of_order)?;
        let row = KEPT + usize::try_from(columns).unwrap_or(usize::MAX).saturating_mul(KEPT);
        for _ in 0..columns {
            // What a column is called is known here.
            self.wire.receive()?;
        }
        if !is_end(&self.wire.receive()?) {
            return Err(out_of_order());
        }
        let mut rows = Vec::new();
        loop {
            let packet = self.wire.receive()?;
            if is_end(&packet) {
                return Ok(Ok(rows));
            }
            if packet.first() == Some(&ERROR) {
                return ServerError::read(&packet).map(Err);
            }
            self.wire.keep(row)?;
            let mut fields = Fields::new(&packet);
            let values = (0..columns).map(|_| {
                let value = fields.counted()?;
                Ok(value.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
            });
            rows.push(values.collect::<Result<Row, Failure>>()?);
        }
    }
}

impl AccountName {
    /// Reads `CURRENT_USER()`: a host never holds an `@`, a name may.
    fn read(text: &str) -> Option<Self> {
        let (user, host) = text.rsplit_once('@')?;
        Some(Self { user: user.into(), host: host.into() })
    }
}

/// A connection that broke at the first statement. There a server ends the session where
/// `init_connect` fails, and its word about it may be lost with the connection.
fn ended_at_once(failure: Failure) -> Failure {
    failure.during("right after the sign-in").with_remedy(format!(
        "try again; if it ends so every time, init_connect fails for this account: {INIT_CONNECT}"
    ))
}

/// An end-of-data packet; a row that begins with the same byte is longer.
fn is_end(packet: &[u8]) -> bool {
    packet.first() == Some(&END_OF_ROWS) && packet.len() < 9
}

fn out_of_order() -> Failure {
    Failure::protocol("the server's answer does not belong to a statement")
}
