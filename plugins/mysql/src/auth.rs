//! Signing in: the server chooses the method, this side decides whether it is good enough.
//!
//! 1. Where the server has to prove itself and there is no TLS, the sign-in ends before anything is
//!    sent: no method here proves a server.
//! 2. A method that this plugin does not know, or that would show the password to somebody else than
//!    the server, ends the sign-in.
//! 3. The password goes out in clear inside TLS only, once, and only where caching_sha2_password or
//!    sha256_password ask for it; without TLS it is encrypted with a key from the secret, never with
//!    one that the server sends.
//!
//! Every exchange is bounded. Only error 1045 means a wrong password.

use windlass_sdk::{Connection, Failure, Login, TlsMode, clean};

use crate::errors::{ERROR, ServerError};
use crate::handshake::{Greeting, NONCE_LENGTH, response};
use crate::parsec;
use crate::quote::check_password;
use crate::rsa::{self, PublicKey};
use crate::scramble;
use crate::wire::Wire;

const OK: u8 = 0x00;
const MORE_DATA: u8 = 0x01;
const NEXT_FACTOR: u8 = 0x02;
const SWITCH: u8 = 0xfe;

/// What caching_sha2_password says after the proof: the server had the password's hash at hand.
const FAST_AUTHENTICATION_DONE: u8 = 3;
/// And where it had not: it needs the password itself.
const FULL_AUTHENTICATION: u8 = 4;

/// How many methods a server may go through. An account of MariaDB may have several; three are
/// known here, and the greeting may name one that the account does not have.
const SWITCHES_MAX: usize = 4;

/// A way to prove a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// SHA-1 with a nonce.
    Native,
    /// SHA-256 with a nonce; the password itself where the server does not remember it.
    CachingSha2,
    /// The password itself.
    Sha256,
    /// MariaDB's signature.
    Ed25519,
    /// MariaDB's signature under a key with a salt.
    Parsec,
}

impl Method {
    /// By the name of the server's plugin, or of the client's.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "mysql_native_password" => Self::Native,
            "caching_sha2_password" => Self::CachingSha2,
            "sha256_password" => Self::Sha256,
            "client_ed25519" | "ed25519" => Self::Ed25519,
            "parsec" => Self::Parsec,
            _ => return None,
        })
    }

    fn client_name(self) -> &'static str {
        match self {
            Self::Native => "mysql_native_password",
            Self::CachingSha2 => "caching_sha2_password",
            Self::Sha256 => "sha256_password",
            Self::Ed25519 => "client_ed25519",
            Self::Parsec => "parsec",
        }
    }

    /// How long the server's nonce is. It is cut to this: in a request to switch, some servers put
    /// a zero behind it, and the last byte of ed25519's may itself be one.
    fn nonce_length(self) -> usize {
        match self {
            Self::Native | Self::CachingSha2 | Self::Sha256 => NONCE_LENGTH,
            Self::Ed25519 | Self::Parsec => 32,
        }
    }

    /// What is sent first.
    fn proof(self, login: &Login, password: &str, nonce: &[u8]) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Native => Ok(scramble::native(password, nonce)),
            Self::CachingSha2 => Ok(scramble::caching_sha2(password, nonce)),
            Self::Ed25519 => Ok(scramble::ed25519(password, nonce)),
            Self::Sha256 => whole_password(login, password, nonce),
            // Asks for the salt.
            Self::Parsec => Ok(Vec::new()),
        }
    }
}

/// Answers the greeting and reads until the server has let the login in. Returns the method that
/// counted: the account's own.
pub(crate) fn authenticate(
    wire: &mut Wire<Connection>,
    login: &Login,
    password: &str,
    greeting: &Greeting,
) -> Result<Method, Failure> {
    check_password(password, "the password to sign in with")?;
    if login.server_must_prove_itself() {
        // The answer to the greeting would hold a proof already. Whatever the account's own method
        // is, it is one of those that prove the client alone.
        let greeted = Method::named(&greeting.method).map(Method::client_name);
        return Err(Failure::unproven(greeted.unwrap_or("a method of MySQL's or MariaDB's")));
    }
    // The server's default method is the account's more often than not. Where it is one that would
    // send the password at once, the server has to ask for it.
    let method = match Method::named(&greeting.method) {
        Some(method @ (Method::Native | Method::CachingSha2)) => method,
        _ => Method::Native,
    };
    let proof = method.proof(login, password, &greeting.nonce)?;
    wire.send(&response(login, method.client_name(), &proof)?)?;
    let nonce = greeting.nonce.clone();
    let mut exchange =
        Exchange { login, password, method, nonce, switches: 0, asked_for_password: false };
    loop {
        let packet = wire.receive()?;
        match exchange.answer(&packet)? {
            Answer::LetIn => return Ok(exchange.method),
            Answer::Wait => {}
            Answer::Send(bytes) => wire.send(&bytes)?,
        }
    }
}

/// A sign-in under way.
struct Exchange<'a> {
    login: &'a Login,
    password: &'a str,
    method: Method,
    nonce: Vec<u8>,
    switches: usize,
    /// Nothing but the verdict may follow, or another method.
    asked_for_password: bool,
}

/// What follows a packet of the server's.
enum Answer {
    /// Nothing: the server has let the login in.
    LetIn,
    /// Nothing: the server goes on.
    Wait,
    /// These bytes.
    Send(Vec<u8>),
}

impl Exchange<'_> {
    fn answer(&mut self, packet: &[u8]) -> Result<Answer, Failure> {
        let Self { login, password, .. } = *self;
        let first = !self.asked_for_password;
        match packet {
            [OK, ..] => Ok(Answer::LetIn),
            [ERROR, ..] => Err(ServerError::read(packet)?.sign_in_failure(login)),
            [SWITCH] => Err(unsupported("mysql_old_password")),
            [SWITCH, request @ ..] if self.switches < SWITCHES_MAX => {
                self.switches += 1;
                (self.method, self.nonce) = split_switch(request)?;
                self.asked_for_password = false;
                self.method.proof(login, password, &self.nonce).map(Answer::Send)
            }
            [MORE_DATA, FAST_AUTHENTICATION_DONE] if self.is(Method::CachingSha2) && first => {
                self.asked_for_password = true;
                Ok(Answer::Wait)
            }
            [MORE_DATA, FULL_AUTHENTICATION] if self.is(Method::CachingSha2) && first => {
                self.asked_for_password = true;
                whole_password(login, password, &self.nonce).map(Answer::Send)
            }
            [MORE_DATA, salt @ ..] if self.is(Method::Parsec) && first => {
                self.asked_for_password = true;
                parsec::proof(password, &self.nonce, salt).map(Answer::Send)
            }
            [NEXT_FACTOR, ..] => Err(Failure::unsupported(
                "the account signs in with more than a password (multi-factor authentication), \
                 which no rotation can prove",
            )),
            _ => Err(Failure::protocol(
                "the server's answer does not belong to this point of a sign-in",
            )),
        }
    }

    fn is(&self, method: Method) -> bool {
        self.method == method
    }
}

/// The method and its nonce.
fn split_switch(request: &[u8]) -> Result<(Method, Vec<u8>), Failure> {
    let mut fields = crate::bytes::Fields::new(request);
    let name = String::from_utf8_lossy(fields.terminated()?).into_owned();
    let method = Method::named(&name).ok_or_else(|| unsupported(&name))?;
    let nonce = fields.rest().get(..method.nonce_length()).ok_or_else(|| {
        Failure::protocol("the server's nonce is shorter than its method of signing in has it")
    })?;
    Ok((method, nonce.to_vec()))
}

/// The password itself, with the zero that ends it: inside TLS as it is, else encrypted with the key
/// that the secret holds, if it does.
fn whole_password(login: &Login, password: &str, nonce: &[u8]) -> Result<Vec<u8>, Failure> {
    if login.tls == TlsMode::Required {
        return Ok([password.as_bytes(), &[0]].concat());
    }
    match login.field(rsa::FIELD) {
        Some(pem) => PublicKey::read(pem)?.encrypt(password, nonce),
        None => Err(Failure::unsupported(
            "the server asks for the password itself (caching_sha2_password, sha256_password), and \
             the connection has no TLS",
        )
        .with_remedy(format!(
            "remove \"ssl\": false from the secret, or put the server's public RSA key into its {:?}",
            rsa::FIELD
        ))),
    }
}

fn unsupported(method: &str) -> Failure {
    let method = clean(method);
    let why = match method.as_str() {
        "mysql_clear_password" | "dialog" | "authentication_ldap_sasl_client" => {
            "its password is kept elsewhere (IAM, LDAP, PAM), where no statement changes it"
        }
        "auth_gssapi_client" | "authentication_kerberos_client" | "auth_socket" | "unix_socket" => {
            "it has no password"
        }
        _ => {
            "this plugin knows caching_sha2_password, sha256_password, mysql_native_password, \
             ed25519 and parsec"
        }
    };
    Failure::unsupported(format!("the account signs in with {method:?}: {why}"))
}
