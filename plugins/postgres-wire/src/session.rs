//! A signed-in session: statements and their rows.
//!
//! Only the simple query protocol is used, so that several statements cost one round trip. The
//! first error ends the request; a session after an error is only good for closing.
//!
//! A session counts only if it belongs to the account that signed in: a pooler may prove a password
//! itself and go on as another account.

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{DataRowBody, Message};
use postgres_protocol::message::frontend;
use windlass_sdk::{Connection, Failure, FailureKind, Login, clean};

use crate::attempt::Attempt;
use crate::auth::{self, Method, Methods, check_password};
use crate::errors::ServerError;
use crate::product::Product;
use crate::startup::{self, Started};
use crate::wire::{Wire, parse};

/// Tag of a function call.
const FUNCTION_CALL: u8 = b'F';

/// Tag of the answer to a function call.
const FUNCTION_CALL_RESPONSE: u8 = b'V';

/// A value of a row: absent where it is NULL.
pub type Value = Option<String>;

/// What the statements of one request returned.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The rows of each statement that returns rows, in order, even where there were none.
    pub tables: Vec<Vec<Vec<Value>>>,
    /// How the server named the last statement that it completed, such as `COMMIT`.
    pub last: String,
}

/// A session that the server has let in.
#[derive(Debug)]
pub struct Session {
    wire: Wire<Connection>,
    product: &'static Product,
    /// How the account proved its password.
    pub method: Method,
    username: String,
    /// Whether the product's settings of the startup packet hold.
    has_settings: bool,
}

impl Session {
    /// Connects and signs in: exactly one attempt.
    ///
    /// # Errors
    /// `refused` only if the server refused this name and password; `declined` if the server reports
    /// that the session belongs to another account.
    pub fn sign_in(
        product: &'static Product,
        attempt: Attempt<'_>,
        methods: &mut dyn Methods,
    ) -> Result<Self, Failure> {
        check_password(attempt.password(), "the secret's \"password\"")?;
        let started = startup::start(product, attempt.login, attempt.username)?;
        let Started { mut wire, tls, request, has_settings } = started;
        let method =
            auth::authenticate(&mut wire, product, attempt, tls.as_ref(), request, methods)?;
        loop {
            match wire.receive()? {
                Message::BackendKeyData(_) => {}
                Message::ReadyForQuery(_) => break,
                // A database that does not exist is reported here, as is a server that is full.
                other => return Err(auth::unexpected(other, product, attempt)),
            }
        }
        let username = attempt.username;
        match wire.session_user() {
            Some(user) if user != username.as_bytes() => {
                Err(another_account(username, &String::from_utf8_lossy(user)))
            }
            _ => Ok(Self { wire, product, method, username: username.to_owned(), has_settings }),
        }
    }

    /// Makes sure that the session can run a statement, and that it belongs to the account that
    /// signed in, which is what the statement asks.
    ///
    /// # Errors
    /// `declined` where it belongs to another.
    pub fn check(&mut self) -> Result<(), Failure> {
        const OPERATION: &str = "running a statement";
        let answer = self.run("SELECT session_user", OPERATION)?;
        let mut values = answer.tables.into_iter().flatten().flatten();
        match (values.next(), values.next()) {
            (Some(Some(user)), None) if user == self.username => Ok(()),
            (Some(Some(user)), None) => Err(another_account(&self.username, &user)),
            _ => Err(out_of_order(OPERATION)),
        }
    }

    /// What the server asks an account for, a whole message that is not read yet: no password is
    /// sent, and the connection is closed.
    ///
    /// # Errors
    /// What the stream says.
    pub fn first_request(
        product: &'static Product,
        login: &Login,
        username: &str,
    ) -> Result<BytesMut, Failure> {
        Ok(startup::start(product, login, username)?.request)
    }

    /// Runs statements, separated by semicolons, in one round trip. `operation` says in a failure
    /// what they were for.
    ///
    /// # Errors
    /// Never `refused`.
    pub fn run(&mut self, statements: &str, operation: &str) -> Result<Answer, Failure> {
        self.run_with(statements, operation, &[])
    }

    /// The same for statements that hold secrets, or work with them: a text of the server's that
    /// repeats a part of one is not passed on.
    ///
    /// # Errors
    /// Never `refused`.
    pub fn run_with(
        &mut self,
        statements: &str,
        operation: &str,
        secrets: &[&str],
    ) -> Result<Answer, Failure> {
        self.answer(statements, operation, |error, product| {
            error.statement_failure(product, operation, secrets)
        })
    }

    /// The same for statements that hold a password's hash: no text of the server's is passed on.
    ///
    /// # Errors
    /// Never `refused`.
    pub fn run_secret(&mut self, statements: &str, operation: &str) -> Result<Answer, Failure> {
        self.answer(statements, operation, |error, product| {
            error.secret_statement_failure(product, operation)
        })
    }

    /// Calls a function of the server's by its number, in one round trip and outside of any
    /// statement: whatever the server logs, the arguments are not in it.
    ///
    /// # Errors
    /// Never `refused`; none of the server's text is passed on.
    pub fn call(
        &mut self,
        function: u32,
        arguments: &[&str],
        operation: &str,
    ) -> Result<(), Failure> {
        let call = function_call(function, arguments)
            .ok_or_else(|| Failure::invalid_secret(format!("{operation}: a value is too long")))?;
        self.wire.send(|buffer| {
            buffer.extend_from_slice(&call);
            Ok(())
        })?;
        loop {
            let answer = self.wire.receive_raw().map_err(|failure| failure.during(operation))?;
            // The parser does not know the answer to a call, which means nothing here.
            if answer.first() == Some(&FUNCTION_CALL_RESPONSE) {
                continue;
            }
            match parse(answer)? {
                Message::ReadyForQuery(_) => return Ok(()),
                Message::ErrorResponse(body) => {
                    let error = ServerError::read(&body);
                    return Err(error.secret_statement_failure(self.product, operation));
                }
                _ => return Err(out_of_order(operation)),
            }
        }
    }

    /// After an error: undoes the transaction, so that another can begin.
    ///
    /// # Errors
    /// What the stream says.
    pub fn roll_back(&mut self, operation: &str) -> Result<(), Failure> {
        loop {
            match self.wire.receive().map_err(|failure| failure.during(operation))? {
                Message::ReadyForQuery(_) => break,
                Message::ErrorResponse(_) => {}
                _ => return Err(out_of_order(operation)),
            }
        }
        self.run("ROLLBACK", operation).map(drop)
    }

    fn answer(
        &mut self,
        statements: &str,
        operation: &str,
        failure: impl FnOnce(ServerError, &Product) -> Failure,
    ) -> Result<Answer, Failure> {
        self.wire.send(|buffer| frontend::query(statements, buffer))?;
        let mut answer = Answer::default();
        loop {
            match self.wire.receive().map_err(|failure| failure.during(operation))? {
                Message::RowDescription(_) => answer.tables.push(Vec::new()),
                Message::DataRow(row) => match answer.tables.last_mut() {
                    Some(table) => table.push(values(&row)?),
                    None => return Err(out_of_order(operation)),
                },
                Message::CommandComplete(complete) => {
                    answer.last = complete.tag().unwrap_or_default().to_owned();
                }
                Message::ReadyForQuery(_) => return Ok(answer),
                Message::ErrorResponse(body) => {
                    let failure = failure(ServerError::read(&body), self.product);
                    return Err(self.explain_cancelled(failure));
                }
                _ => return Err(out_of_order(operation)),
            }
        }
    }

    /// A statement that ran out of time ends so every time where the time is the account's, and the
    /// product's own limit could not be set in its place.
    fn explain_cancelled(&self, failure: Failure) -> Failure {
        if failure.code != "57014" || self.product.startup.is_empty() {
            return failure;
        }
        let kind = if self.has_settings { failure.kind } else { FailureKind::Declined };
        let remedy = format!(
            "raise statement_timeout where it is set: for the role (ALTER ROLE {0} RESET \
             statement_timeout, also IN DATABASE), for the database or for the server",
            self.product.dialect.identifier(&self.username).unwrap_or_default()
        );
        Failure { kind, ..failure }.with_remedy(remedy)
    }

    /// Says goodbye. What was not committed is undone by the server.
    pub fn close(mut self) {
        // Whoever does not hear it notices that the connection is closed.
        drop(self.wire.send(|buffer| {
            frontend::terminate(buffer);
            Ok(())
        }));
    }
}

/// The message that calls a function with arguments in text; `None` where one is too long for it.
fn function_call(function: u32, arguments: &[&str]) -> Option<Vec<u8>> {
    // All arguments are text, as is the result.
    let mut body = function.to_be_bytes().to_vec();
    body.extend(0_u16.to_be_bytes());
    body.extend(u16::try_from(arguments.len()).ok()?.to_be_bytes());
    for argument in arguments {
        body.extend(i32::try_from(argument.len()).ok()?.to_be_bytes());
        body.extend(argument.as_bytes());
    }
    body.extend(0_u16.to_be_bytes());
    let length = i32::try_from(body.len().checked_add(4)?).ok()?;
    Some([&[FUNCTION_CALL][..], &length.to_be_bytes(), &body].concat())
}

/// The values of a row. No text of PostgreSQL's holds a zero byte, and none could be written back.
/// What is no UTF-8 (a database in SQL_ASCII may hold anything) is marked by U+FFFD.
fn values(row: &DataRowBody) -> Result<Vec<Value>, Failure> {
    let unreadable = |why: &str| Failure::protocol(format!("reading a row: {why}"));
    let mut ranges = row.ranges();
    let mut values = Vec::new();
    while let Some(range) = ranges.next().map_err(|error| unreadable(&error.to_string()))? {
        let bytes = range.and_then(|range| row.buffer().get(range));
        if bytes.is_some_and(|bytes| bytes.contains(&0)) {
            return Err(unreadable("a value holds a zero byte"));
        }
        values.push(bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()));
    }
    Ok(values)
}

fn another_account(username: &str, found: &str) -> Failure {
    Failure::declined(format!(
        "signed in as {username:?}, the session belongs to {:?}, so {username:?} is not proven: something in between, such as a pooler with its own user, signs in as another account",
        clean(found)
    ))
    .with_remedy("set \"host\" and \"port\" in the secret to the database itself")
}

fn out_of_order(operation: &str) -> Failure {
    Failure::protocol("the server's answer does not belong to a statement").during(operation)
}
