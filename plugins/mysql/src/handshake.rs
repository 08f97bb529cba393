//! From an endpoint to a stream on which the account has introduced itself.
//!
//! With TLS required nothing but the request for it (36 bytes without a name) goes out in clear. What
//! the greeting says in clear is used for the conversation only: the version that decides
//! statements is asked again after the sign-in.

use windlass_sdk::{Connection, Failure, Login, TlsMode};

use crate::bytes::Fields;
use crate::errors::{ERROR, ServerError};
use crate::quote::check_name;
use crate::wire::Wire;

/// Capabilities by their names in the protocol.
mod capability {
    pub(super) const LONG_PASSWORD: u32 = 1;
    pub(super) const CONNECT_WITH_DB: u32 = 8;
    pub(super) const PROTOCOL_41: u32 = 1 << 9;
    pub(super) const SSL: u32 = 1 << 11;
    pub(super) const SECURE_CONNECTION: u32 = 1 << 15;
    pub(super) const PLUGIN_AUTH: u32 = 1 << 19;
    pub(super) const CAN_HANDLE_EXPIRED_PASSWORDS: u32 = 1 << 22;
}
use capability::*;

/// What a server must speak: that of MySQL 5.5 and everything since.
const NEEDED: u32 = PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH;

/// The version of the protocol that every server since MySQL 3.21 greets with.
const PROTOCOL_VERSION: u8 = 10;

/// utf8mb4_general_ci, which every version has: a password outside ASCII must mean the same bytes on
/// both sides.
const COLLATION: u8 = 45;

/// The longest packet that the client announces to take; what MySQL's own say.
const CLIENT_PACKET_MAX: u32 = 16 * 1024 * 1024;

/// How long the nonce in a greeting is, and that of every method but ed25519.
pub(crate) const NONCE_LENGTH: usize = 20;

/// How the server introduced itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Greeting {
    /// Its version, as it writes it; in clear.
    pub(crate) version: String,
    capabilities: u32,
    /// What the answer to its method of signing in depends on.
    pub(crate) nonce: Vec<u8>,
    /// The method that it prefers, by the name of its plugin.
    pub(crate) method: String,
}

impl Greeting {
    fn read(packet: &[u8], login: &Login) -> Result<Self, Failure> {
        let mut fields = Fields::new(packet);
        match fields.byte()? {
            PROTOCOL_VERSION => {}
            ERROR => return Err(ServerError::read(packet)?.greeting_failure(login)),
            _ => {
                return Err(Failure::protocol(
                    "the server's first packet is not a greeting: it may be neither MySQL nor MariaDB",
                ));
            }
        }
        let version = String::from_utf8_lossy(fields.terminated()?).into_owned();
        fields.take(4)?; // the connection's number
        let mut nonce = fields.take(8)?.to_vec();
        fields.take(1)?;
        let low = fields.number(2)?;
        fields.take(3)?; // collation and status
        let high = fields.number(2)?;
        let capabilities = u32::try_from(low | (high << 16)).unwrap_or(0);
        if capabilities & NEEDED != NEEDED {
            return Err(Failure::unsupported(
                "the server speaks a protocol from before MySQL 5.5: its capabilities lack \
                 pluggable authentication",
            ));
        }
        let nonce_length = usize::from(fields.byte()?);
        fields.take(10)?;
        let rest = fields.take(nonce_length.saturating_sub(nonce.len()).max(13))?;
        // Twenty bytes in all and a zero, whatever the method.
        nonce.extend(rest.iter().take(NONCE_LENGTH - nonce.len()));
        // Some old servers forget the zero behind the name.
        let method = fields.rest().split(|byte| *byte == 0).next().unwrap_or_default();
        let method = String::from_utf8_lossy(method).into_owned();
        Ok(Self { version, capabilities, nonce, method })
    }
}

/// Connects, reads the greeting and encrypts where required.
pub(crate) fn start(login: &Login) -> Result<(Wire<Connection>, Greeting), Failure> {
    check_name(&login.username, "the secret's \"username\"")?;
    if login.database.as_deref().is_some_and(|name| name.is_empty() || name.contains('\0')) {
        return Err(Failure::invalid_secret(
            "the secret's \"dbname\" is empty or holds a zero byte",
        ));
    }
    let mut wire = Wire::new(login.server.connect()?);
    let greeting = Greeting::read(&wire.receive()?, login)?;
    if login.tls == TlsMode::Required {
        if greeting.capabilities & SSL == 0 {
            return Err(Failure::no_tls("the server has no TLS").with_remedy(
                "turn TLS on (ssl_cert and ssl_key in the server's configuration), or, if the server \
                 is meant to do without, set \"ssl\": false in the secret",
            ));
        }
        wire.send(&head(login))?;
        wire.stream().start_tls()?;
    }
    Ok((wire, greeting))
}

/// The answer to the greeting: who signs in, and with which proof.
pub(crate) fn response(login: &Login, method: &str, proof: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut packet = head(login);
    packet.extend(login.username.as_bytes());
    packet.push(0);
    let length = u8::try_from(proof.len());
    packet.push(length.map_err(|_| Failure::protocol("the proof is too long"))?);
    packet.extend(proof);
    if let Some(database) = &login.database {
        packet.extend(database.as_bytes());
        packet.push(0);
    }
    packet.extend(method.as_bytes());
    packet.push(0);
    Ok(packet)
}

/// What the request for TLS and the answer to the greeting begin with.
fn head(login: &Login) -> Vec<u8> {
    // LONG_PASSWORD tells MariaDB that no capabilities of its own follow.
    let mut capabilities = NEEDED | LONG_PASSWORD | CAN_HANDLE_EXPIRED_PASSWORDS;
    if login.database.is_some() {
        capabilities |= CONNECT_WITH_DB;
    }
    if login.tls == TlsMode::Required {
        capabilities |= SSL;
    }
    let mut packet = capabilities.to_le_bytes().to_vec();
    packet.extend(CLIENT_PACKET_MAX.to_le_bytes());
    packet.push(COLLATION);
    packet.extend([0; 23]);
    packet
}
