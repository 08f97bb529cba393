//! Signing in: the server chooses the method, this side decides whether it is good enough.
//!
//! In this order: the product's own methods have the first look; where the server has to prove
//! itself and there is no TLS, every method that does not do that is refused before anything is sent;
//! a server that asks for nothing is refused (nothing would be proved); a password goes out in clear
//! inside TLS only; after the proof nothing but AuthenticationOk is taken. What means a wrong
//! password, the product says.

use bytes::BytesMut;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;
use windlass_sdk::{Connection, Failure, TlsInfo};

use crate::attempt::Attempt;
use crate::errors::ServerError;
use crate::product::Product;
use crate::wire::{Wire, parse};

/// How an account proved its password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// It was sent, inside TLS.
    Cleartext,
    /// By its MD5 hash.
    Md5,
    /// By one of the product's own [`Methods`].
    Own,
}

/// Whether a request was one of the product's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// It was, and the next message says whether the account is let in. The server has not proved
    /// anything.
    Proved,
    /// The same, and the server has proved that it knows the account's secret.
    ProvedMutually,
    /// It was not, and nothing was sent.
    NotMine,
}

/// Methods of signing in that only one product has.
pub trait Methods {
    /// Looks at the server's first message, whole and unread, and answers what is of a method of
    /// its own: up to AuthenticationOk, which is left to be read. `tls` is what the handshake
    /// offers, absent where there was none. Where the login's server must prove itself, a method in
    /// which it does not is [`Failure::unproven`], and nothing is sent.
    ///
    /// # Errors
    /// What the server says, or what makes its request one that is not answered.
    fn answer(
        &mut self,
        wire: &mut Wire<Connection>,
        request: &[u8],
        attempt: Attempt<'_>,
        tls: Option<&TlsInfo>,
    ) -> Result<Answered, Failure>;
}

/// Answers the server's request for authentication and reads until it has let the login in.
pub(crate) fn authenticate(
    wire: &mut Wire<Connection>,
    product: &Product,
    attempt: Attempt<'_>,
    tls: Option<&TlsInfo>,
    request: BytesMut,
    methods: &mut dyn Methods,
) -> Result<Method, Failure> {
    let login = attempt.login;
    let must_prove = login.server_must_prove_itself();
    let method = match methods.answer(wire, &request, attempt, tls)? {
        Answered::ProvedMutually => Method::Own,
        // The method should have refused before it sent anything; its sign-in counts for nothing.
        Answered::Proved if must_prove => return Err(Failure::unproven("a method of its own")),
        Answered::Proved => Method::Own,
        Answered::NotMine => {
            let request = parse(request)?;
            match one_sided(&request).filter(|_| must_prove) {
                Some(method) => return Err(Failure::unproven(method)),
                None => answer(wire, product, attempt, tls, request)?,
            }
        }
    };
    match wire.receive()? {
        Message::AuthenticationOk => Ok(method),
        Message::ErrorResponse(body) if method == Method::Cleartext => {
            Err(ServerError::read(&body).cleartext_failure(product, attempt))
        }
        other => Err(unexpected(other, product, attempt)),
    }
}

/// Answers the methods that all products have.
fn answer(
    wire: &mut Wire<Connection>,
    product: &Product,
    attempt: Attempt<'_>,
    tls: Option<&TlsInfo>,
    request: Message,
) -> Result<Method, Failure> {
    let password = attempt.password();
    match request {
        Message::AuthenticationMd5Password(request) => {
            let name = attempt.username.as_bytes();
            let answer = md5_hash(name, password.as_bytes(), request.salt());
            wire.send(|buffer| frontend::password_message(answer.as_bytes(), buffer))?;
            Ok(Method::Md5)
        }
        Message::AuthenticationCleartextPassword if tls.is_some() => {
            wire.send(|buffer| frontend::password_message(password.as_bytes(), buffer))?;
            Ok(Method::Cleartext)
        }
        Message::AuthenticationCleartextPassword => Err(cleartext_without_tls(product)),
        Message::AuthenticationOk => Err(asked_for_nothing(product)),
        other => {
            Err(unsupported(&other, product).unwrap_or_else(|| unexpected(other, product, attempt)))
        }
    }
}

/// A method that shows the account's knowledge to the server, or nothing, and proves nothing of the
/// server: in words that follow "the server asks for".
fn one_sided(message: &Message) -> Option<&'static str> {
    match message {
        Message::AuthenticationMd5Password(_) => Some("an MD5 hash (md5)"),
        Message::AuthenticationCleartextPassword => Some("the password in clear (password)"),
        Message::AuthenticationOk => Some("no password (trust)"),
        _ => None,
    }
}

/// A method that no password belongs to, by name.
fn unsupported(message: &Message, product: &Product) -> Option<Failure> {
    let method = match message {
        Message::AuthenticationGss | Message::AuthenticationGssContinue(_) => "GSSAPI",
        Message::AuthenticationSspi => "SSPI",
        Message::AuthenticationKerberosV5 => "Kerberos 5",
        Message::AuthenticationScmCredential => "SCM credentials",
        _ => return None,
    };
    Some(
        Failure::unsupported(format!(
            "the server asks this account for {method}, not for a password"
        ))
        .with_remedy(product.remedies.ask_for_password),
    )
}

/// Whatever else came: the server's own refusal, or a message out of order.
pub fn unexpected(message: Message, product: &Product, attempt: Attempt<'_>) -> Failure {
    match message {
        Message::ErrorResponse(body) => ServerError::read(&body).sign_in_failure(product, attempt),
        _ => Failure::protocol("the server's answer does not belong to this point of a sign-in"),
    }
}

/// Checks a password before anything is sent. The server takes an empty one as no password at all,
/// and can't be sent a zero byte.
///
/// # Errors
/// `invalid-secret`.
pub fn check_password(password: &str, what: &str) -> Result<(), Failure> {
    if password.is_empty() {
        return Err(Failure::invalid_secret(format!("{what} is empty")));
    }
    if password.contains('\0') {
        return Err(Failure::invalid_secret(format!("{what} holds a zero byte")));
    }
    Ok(())
}

fn cleartext_without_tls(product: &Product) -> Failure {
    Failure::unsupported("the server asks for the password in clear, and the connection has no TLS")
        .with_remedy(format!(
            "remove \"ssl\": false from the secret, or {}",
            product.remedies.ask_for_password
        ))
}

fn asked_for_nothing(product: &Product) -> Failure {
    let (how, what_to_do) = product.remedies.trust;
    Failure::declined(format!(
        "the server lets this account in without a password ({how}), so no password can be verified"
    ))
    .with_remedy(what_to_do)
}

#[cfg(test)]
mod tests {
    use windlass_sdk::FailureKind;

    use super::*;

    #[test]
    fn empty_passwords_and_zero_bytes_are_refused() {
        for wrong in ["", "a\0b"] {
            let failure = check_password(wrong, "the new password").unwrap_err();
            assert_eq!(failure.kind, FailureKind::InvalidSecret);
        }
        assert!(check_password(" ", "it").is_ok());
    }
}
