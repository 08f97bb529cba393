//! From an endpoint to the server's first answer to the startup packet.
//!
//! With TLS required nothing but the eight bytes of SSLRequest goes out in clear, and of the
//! answer exactly one byte is read and believed. The text of an error that comes instead is not:
//! it could be anybody's.
//!
//! The packet holds the product's settings. A pooler that refuses them says so before it asks for a
//! password: it is asked once more without.

use std::io::{Read, Write};

use bytes::BytesMut;
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;
use windlass_sdk::{Connection, Failure, FailureKind, Login, TlsInfo, TlsMode};

use crate::errors::ServerError;
use crate::product::Product;
use crate::wire::{Wire, parse};

/// What the server's session list shows.
const APPLICATION_NAME: &str = "windlass";

/// What poolers say to a setting that they do not take: protocol violation (PgBouncer), not supported.
const SETTING_REFUSED: &[&str] = &["08P01", "0A000"];

/// A connection on which the account has introduced itself.
pub(crate) struct Started {
    pub(crate) wire: Wire<Connection>,
    /// What the handshake offers; absent where there is no TLS.
    pub(crate) tls: Option<TlsInfo>,
    /// The server's first message, whole and unread.
    pub(crate) request: BytesMut,
    /// Whether the product's settings hold.
    pub(crate) has_settings: bool,
}

/// Connects, encrypts where required, and introduces the account.
pub(crate) fn start(product: &Product, login: &Login, username: &str) -> Result<Started, Failure> {
    product.dialect.check_name(username, "the secret's \"username\"")?;
    let database = login.database.as_deref().unwrap_or(product.default_database);
    product.dialect.check_name(database, "the secret's \"dbname\"")?;
    let started = introduce(product, login, username, database, product.startup)?;
    if product.startup.is_empty() || !is_setting_refused(&started.request) {
        return Ok(started);
    }
    introduce(product, login, username, database, &[])
}

fn introduce(
    product: &Product,
    login: &Login,
    username: &str,
    database: &str,
    settings: &[(&str, &str)],
) -> Result<Started, Failure> {
    let mut connection = login.server.connect()?;
    let tls = match login.tls {
        TlsMode::Required => Some(encrypt(product, &mut connection)?),
        TlsMode::Disabled => None,
    };
    let mut wire = Wire::new(connection, product.dialect.product);
    wire.send(|buffer| {
        let own = [
            ("user", username),
            ("database", database),
            // Names are compared as they are sent; everything here is UTF-8.
            ("client_encoding", "UTF8"),
            ("application_name", APPLICATION_NAME),
        ];
        frontend::startup_message(own.into_iter().chain(settings.iter().copied()), buffer)
    })?;
    let request = wire.receive_raw().map_err(|failure| in_clear(failure, product, login.tls))?;
    Ok(Started { wire, tls, request, has_settings: !settings.is_empty() })
}

fn is_setting_refused(request: &BytesMut) -> bool {
    match parse(request.clone()) {
        Ok(Message::ErrorResponse(body)) => {
            SETTING_REFUSED.contains(&ServerError::read(&body).code())
        }
        _ => false,
    }
}

/// A peer that speaks TLS at once answers the packet with an alert, which is no message.
fn in_clear(failure: Failure, product: &Product, tls: TlsMode) -> Failure {
    match failure.kind {
        FailureKind::Protocol if tls == TlsMode::Disabled => failure.with_remedy(format!(
            "set \"host\" and \"port\" in the secret to {}'s own; if only TLS is spoken there, \
                 remove \"ssl\": false from the secret",
            product.dialect.product
        )),
        _ => failure,
    }
}

fn encrypt(product: &Product, connection: &mut Connection) -> Result<TlsInfo, Failure> {
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    connection.write_all(&request)?;
    let mut answer = [0];
    connection.read_exact(&mut answer)?;
    match &answer {
        // An SSH server, say, has the same first letter; then more of its greeting is there.
        b"S" => connection.start_tls().map_err(|failure| match failure.kind {
            FailureKind::Protocol => failure.with_remedy(own_place(product.dialect.product)),
            _ => failure,
        }),
        b"N" => Err(Failure::no_tls("the server answered that it has no TLS")
            .with_remedy(product.remedies.no_tls)),
        b"E" => Err(Failure::unreachable("the server refused the request for TLS")
            .with_remedy("see the server's log for the reason")),
        [other] => Err(not_the_product(*other, product)),
    }
}

/// Whoever else listens there is known by the first byte.
fn not_the_product(answer: u8, product: &Product) -> Failure {
    let name = product.dialect.product;
    let (what, remedy) = match answer {
        // An alert, or a handshake, of a server that speaks TLS from the first byte on.
        0x15 | 0x16 => (
            "TLS at once",
            format!(
                "let \"host\" and \"port\" be {name}'s own, not a proxy that speaks TLS itself"
            ),
        ),
        b'H' | b'<' => ("what looks like HTTP", own_place(name)),
        _ => ("something else", own_place(name)),
    };
    Failure::protocol(format!(
        "the server answered the request for TLS with {what} (first byte {answer:#04x}): it may not be \
         {name}"
    ))
    .with_remedy(remedy)
}

fn own_place(name: &str) -> String {
    format!("set \"host\" and \"port\" in the secret to those where {name} listens")
}
