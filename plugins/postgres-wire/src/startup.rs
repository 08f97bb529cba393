//! From an endpoint to a stream on which the startup packet has been sent.
//!
//! With TLS required nothing but the eight bytes of SSLRequest goes out in clear, and of the
//! answer exactly one byte is read and believed. The text of an error that comes instead is not:
//! it could be anybody's.

use std::io::{Read, Write};

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use windlass_sdk::{Connection, Failure, Login, TlsInfo, TlsMode};

use crate::product::Product;
use crate::wire::Wire;

/// What the server's session list shows.
const APPLICATION_NAME: &str = "windlass";

/// Connects, encrypts where required, and introduces the account. Whether TLS is on can be told from
/// what it offers.
pub(crate) fn start(
    product: &Product,
    login: &Login,
    username: &str,
) -> Result<(Wire<Connection>, Option<TlsInfo>), Failure> {
    let database = login.database.as_deref().unwrap_or(product.default_database);
    product.dialect.check_name(username, "the secret's \"username\"")?;
    product.dialect.check_name(database, "the secret's \"dbname\"")?;

    let mut connection = login.server.connect()?;
    let tls = match login.tls {
        TlsMode::Required => Some(encrypt(product, &mut connection)?),
        TlsMode::Disabled => None,
    };
    let mut wire = Wire::new(connection, product.dialect.product);
    wire.send(|buffer| {
        frontend::startup_message(
            [
                ("user", username),
                ("database", database),
                // Names are compared as they are sent; everything here is UTF-8.
                ("client_encoding", "UTF8"),
                ("application_name", APPLICATION_NAME),
            ],
            buffer,
        )
    })?;
    Ok((wire, tls))
}

fn encrypt(product: &Product, connection: &mut Connection) -> Result<TlsInfo, Failure> {
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    connection.write_all(&request)?;
    let mut answer = [0];
    connection.read_exact(&mut answer)?;
    match &answer {
        b"S" => connection.start_tls(),
        b"N" => Err(Failure::no_tls(format!("the server has no TLS: {}", product.hints.no_tls))),
        b"E" => Err(Failure::unreachable("the server refused the request for TLS")),
        _ => Err(Failure::protocol(format!(
            "the server's answer to the request for TLS is none: it may not be {}",
            product.dialect.product
        ))),
    }
}
