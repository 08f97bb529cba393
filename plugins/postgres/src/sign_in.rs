//! Signing in, and asking how an account signs in.

use bytes::BytesMut;
use postgres_protocol::message::backend::Message;
use windlass_postgres_wire::{Attempt, Session, parse};
use windlass_sdk::{Failure, Login};

use crate::product::PRODUCT;
use crate::sasl::Sasl;

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
    Session::sign_in(&PRODUCT, Attempt::new(login), &mut Sasl)
}
