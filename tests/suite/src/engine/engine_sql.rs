//! What engines say each in its own way: statements for their servers, and lines of their logs.

use crate::Login;

/// How a connection came about, by the server's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connected {
    /// Over TLS.
    Encrypted,
    /// Without TLS.
    InClear,
}

/// One engine's way. Statements end with a semicolon where they are to be strung together.
pub(super) trait EngineSql: Sync {
    /// Run once in a new server.
    fn prepare(&self) -> &'static str;

    /// What a secret has as `dbname`.
    fn database(&self) -> Option<&'static str>;

    /// An account with rights on a table of its own.
    fn account(&self, login: &Login) -> String;

    /// An account with hardly any rights: made quickly.
    fn bare(&self, login: &Login) -> String;

    /// The clone of a bare account, as it is after its turns.
    fn clone_of(&self, base: &Login, clone: &Login) -> String;

    /// What lets an account sign in without TLS.
    fn let_in_without_tls(&self, name: &str) -> Option<String>;

    /// Gives an account of [`account`](Self::account) one right and takes another.
    fn change_rights(&self, name: &str) -> String;

    /// A query for what an account may do, one right to a line.
    fn show_rights(&self, name: &str) -> String;

    /// Such a line without the account's name.
    fn nameless(&self, line: &str, name: &str) -> String;

    /// A query for the number of accounts of that name.
    fn count(&self, name: &str) -> String;

    /// Sets a password.
    fn set_password(&self, login: &Login) -> String;

    /// Whose password was refused, if this line of the log says that.
    fn refused<'a>(&self, line: &'a str) -> Option<&'a str>;

    /// How this user connected, if this line of the log says that.
    fn connected(&self, line: &str, user: &str) -> Option<Connected>;

    /// How many statements in this log set the password of this user.
    fn password_changes(&self, log: &str, user: &str) -> usize;
}
