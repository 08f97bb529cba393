//! What PostgreSQL takes and is told, where it differs from other services of its protocol; and the
//! words that the rest of the plugin uses for it.

use bytes::BytesMut;
use postgres_protocol::message::backend::Message;
use windlass_postgres_wire::{Attempt, Dialect, Product, Remedies, Session, parse};
use windlass_sdk::{Failure, Login};

use crate::remedies;
use crate::sasl::Sasl;

/// The longest name of a role or a database, in bytes: NAMEDATALEN less one.
pub(crate) const NAME_MAX: u32 = 63;

/// How long a statement may take, in milliseconds: less than the host waits for an answer (20 s).
/// This side would have gone by then, and the server would change the password all the same.
pub(crate) const STATEMENT_TIMEOUT: &str = "15000";

pub(crate) static PRODUCT: Product = Product {
    dialect: Dialect { product: "PostgreSQL", name_max: NAME_MAX, account: "ROLE" },
    // The database that exists in every cluster unless somebody dropped it.
    default_database: "postgres",
    // Of what can be set for a role or a database this alone may end the first statement.
    startup: &[("statement_timeout", STATEMENT_TIMEOUT)],
    is_refusal: |code, _| code == "28P01",
    passes_by_itself: |_, _| false,
    sign_in_remedy: remedies::of_sign_in,
    remedies: Remedies {
        no_tls: "turn it on (ssl = on in postgresql.conf), or, if it is meant to do without, set \
                 \"ssl\": false in the secret",
        ask_for_password: "let pg_hba.conf ask for scram-sha-256",
        trust: ("trust in pg_hba.conf", "let pg_hba.conf ask for scram-sha-256"),
        read_only: READ_ONLY,
    },
};

/// What to do where the server takes no changes.
pub(crate) const READ_ONLY: &str =
    "let the host in the secret be the primary, not a read replica or a standby";

/// What the server asks an account for, before it has seen a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    /// SCRAM: whatever is stored, nothing else signs in here, or something else is not stored.
    Scram,
    /// An MD5 hash, which the account has.
    Md5,
    /// The password itself: both stored forms sign in here.
    Cleartext,
    /// Nothing that a stored password answers: the account may not sign in from here, say.
    Other,
}

/// Asks, on a connection of its own that is closed without an answer. No sign-in fails by it: psql
/// does the same before it asks for a password.
pub(crate) fn asks(login: &Login, username: &str) -> Result<Asks, Failure> {
    let request: BytesMut = Session::first_request(&PRODUCT, login, username)
        .map_err(|failure| failure.during("asking how the account signs in"))?;
    Ok(match parse(request)? {
        Message::AuthenticationSasl(_) => Asks::Scram,
        Message::AuthenticationMd5Password(_) => Asks::Md5,
        Message::AuthenticationCleartextPassword => Asks::Cleartext,
        _ => Asks::Other,
    })
}

/// Connects and signs in: exactly one attempt.
pub(crate) fn sign_in(login: &Login) -> Result<Session, Failure> {
    Session::sign_in(&PRODUCT, Attempt::of(login), &mut Sasl)
}

/// Checks a name that is sent to the server as it is; `what` is named in the failure.
pub(crate) fn check_name(name: &str, what: &str) -> Result<(), Failure> {
    PRODUCT.dialect.check_name(name, what)
}

/// A name as a quoted identifier.
pub(crate) fn identifier(name: &str) -> Result<String, Failure> {
    PRODUCT.dialect.identifier(name)
}
