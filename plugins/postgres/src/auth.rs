//! Signing in: the server chooses the method, this side decides whether it is good enough.
//!
//! In this order: a server that asks for nothing is refused (nothing would be proved), a password
//! goes out in clear inside TLS only, SCRAM is bound to the TLS channel where both sides can, and
//! after SCRAM nothing but AuthenticationOk is taken. Only SQLSTATE 28P01 means a wrong password.

use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::message::backend::{AuthenticationSaslBody, Message};
use postgres_protocol::message::frontend;
use windlass_sdk::{Connection, During, Failure, Login, TlsInfo};

use crate::errors::ServerError;
use crate::scram::{Binding, Client, SCRAM_SHA_256, SCRAM_SHA_256_PLUS};
use crate::verifier::check_password;
use crate::wire::Wire;

/// Answers the server's request for authentication and reads until it has let the login in.
/// `tls` is what the handshake offers, absent where there was none.
pub(crate) fn authenticate(
    wire: &mut Wire<Connection>,
    login: &Login,
    tls: Option<&TlsInfo>,
) -> Result<(), Failure> {
    check_password(&login.password, "the secret's \"password\"")?;
    match wire.receive()? {
        Message::AuthenticationSasl(offer) => scram(wire, login, tls, &offer)?,
        Message::AuthenticationMd5Password(request) => {
            let (name, password) = (login.username.as_bytes(), login.password.as_bytes());
            let answer = md5_hash(name, password, request.salt());
            wire.send(|buffer| frontend::password_message(answer.as_bytes(), buffer))?;
        }
        Message::AuthenticationCleartextPassword if tls.is_some() => {
            wire.send(|buffer| frontend::password_message(login.password.as_bytes(), buffer))?;
        }
        Message::AuthenticationCleartextPassword => return Err(cleartext_without_tls()),
        Message::AuthenticationOk => return Err(asked_for_nothing()),
        other => return Err(unsupported(&other).unwrap_or_else(|| unexpected(other, login))),
    }
    match wire.receive()? {
        Message::AuthenticationOk => Ok(()),
        other => Err(unexpected(other, login)),
    }
}

/// SCRAM up to and including the server's proof.
fn scram(
    wire: &mut Wire<Connection>,
    login: &Login,
    tls: Option<&TlsInfo>,
    offer: &AuthenticationSaslBody,
) -> Result<(), Failure> {
    let (mechanism, binding) = choose(&Offer::read(offer)?, tls)?;
    let client = Client::new(&login.password, binding);
    let first = client.first_message();
    wire.send(|buffer| frontend::sasl_initial_response(mechanism, first.as_bytes(), buffer))?;

    let challenge = match wire.receive()? {
        Message::AuthenticationSaslContinue(challenge) => challenge,
        Message::ErrorResponse(body) => return Err(ServerError::read(&body).of_scram(login.tls)),
        other => return Err(unexpected(other, login)),
    };
    let (answer, proof) = client.answer(challenge.data())?;
    wire.send(|buffer| frontend::sasl_response(answer.as_bytes(), buffer))?;

    match wire.receive()? {
        Message::AuthenticationSaslFinal(last) => proof.check(last.data()),
        Message::AuthenticationOk => Err(Failure::protocol(
            "the server let the account in without proving that it knows it: it may be another \
             server than the one that the host name stands for",
        )),
        Message::ErrorResponse(body) => Err(ServerError::read(&body).of_scram(login.tls)),
        other => Err(unexpected(other, login)),
    }
}

/// Which of the known mechanisms the server offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Offer {
    plain: bool,
    bound: bool,
}

impl Offer {
    fn read(body: &AuthenticationSaslBody) -> Result<Self, Failure> {
        let mut offer = Self { plain: false, bound: false };
        let mut mechanisms = body.mechanisms();
        while let Some(mechanism) = mechanisms
            .next()
            .map_err(|error| Failure::protocol(error.to_string()))
            .during("reading what the server offers for SASL")?
        {
            match mechanism {
                SCRAM_SHA_256 => offer.plain = true,
                SCRAM_SHA_256_PLUS => offer.bound = true,
                _ => {}
            }
        }
        Ok(offer)
    }
}

/// The mechanism, and what to say about channel binding. `NotOffered` is what uncovers somebody in
/// between who struck the offer out: a server that made it ends the exchange.
fn choose(offer: &Offer, tls: Option<&TlsInfo>) -> Result<(&'static str, Binding), Failure> {
    let hash = tls.and_then(|tls| tls.tls_server_end_point.clone());
    match (*offer, hash) {
        (Offer { bound: true, .. }, _) if tls.is_none() => Err(Failure::protocol(
            "the server offers channel binding, but the connection has no TLS",
        )),
        (Offer { bound: true, .. }, Some(hash)) => {
            Ok((SCRAM_SHA_256_PLUS, Binding::TlsServerEndPoint(hash)))
        }
        (Offer { plain: true, .. }, Some(_)) => Ok((SCRAM_SHA_256, Binding::NotOffered)),
        (Offer { plain: true, .. }, None) => Ok((SCRAM_SHA_256, Binding::Unable)),
        (Offer { bound: true, plain: false }, None) => Err(Failure::unsupported(
            "the server insists on channel binding, which its certificate's signature algorithm \
             does not define",
        )),
        (Offer { bound: false, plain: false }, _) => Err(Failure::unsupported(
            "the server offers no SASL mechanism that this plugin knows: it takes SCRAM-SHA-256",
        )),
    }
}

/// A method that no password belongs to, by name.
fn unsupported(message: &Message) -> Option<Failure> {
    let method = match message {
        Message::AuthenticationGss | Message::AuthenticationGssContinue(_) => "GSSAPI",
        Message::AuthenticationSspi => "SSPI",
        Message::AuthenticationKerberosV5 => "Kerberos 5",
        Message::AuthenticationScmCredential => "SCM credentials",
        _ => return None,
    };
    Some(Failure::unsupported(format!(
        "the server asks this account for {method}, not for a password: let pg_hba.conf ask for \
         scram-sha-256"
    )))
}

/// Whatever else came: the server's own refusal, or a message out of order.
pub(crate) fn unexpected(message: Message, login: &Login) -> Failure {
    match message {
        Message::ErrorResponse(body) => ServerError::read(&body).of_sign_in(login.tls),
        _ => Failure::protocol("the server's answer does not belong to this point of a sign-in"),
    }
}

fn cleartext_without_tls() -> Failure {
    Failure::unsupported(
        "the server asks for the password in clear, and the connection has no TLS: let \
         pg_hba.conf ask for scram-sha-256, or remove \"ssl\": false from the secret",
    )
}

fn asked_for_nothing() -> Failure {
    Failure::unsupported(
        "the server lets this account in without a password (trust in pg_hba.conf), so no \
         password can be proved right: let it ask for scram-sha-256",
    )
}

#[cfg(test)]
mod tests {
    use windlass_sdk::FailureKind;

    use super::*;

    const PLAIN: Offer = Offer { plain: true, bound: false };
    const BOTH: Offer = Offer { plain: true, bound: true };
    const BOUND: Offer = Offer { plain: false, bound: true };
    const NEITHER: Offer = Offer { plain: false, bound: false };

    #[test]
    fn channel_binding_is_used_where_both_can_and_never_given_up_silently() {
        let hash = TlsInfo { tls_server_end_point: Some(vec![7; 32]) };
        let no_hash = TlsInfo::default();
        let bound = Binding::TlsServerEndPoint(vec![7; 32]);

        let chosen = |offer, tls| choose(&offer, tls);
        assert_eq!(chosen(BOTH, Some(&hash)), Ok((SCRAM_SHA_256_PLUS, bound.clone())));
        assert_eq!(chosen(BOUND, Some(&hash)), Ok((SCRAM_SHA_256_PLUS, bound)));
        assert_eq!(chosen(PLAIN, Some(&hash)), Ok((SCRAM_SHA_256, Binding::NotOffered)));
        assert_eq!(chosen(BOTH, Some(&no_hash)), Ok((SCRAM_SHA_256, Binding::Unable)));
        assert_eq!(chosen(PLAIN, Some(&no_hash)), Ok((SCRAM_SHA_256, Binding::Unable)));
        assert_eq!(chosen(PLAIN, None), Ok((SCRAM_SHA_256, Binding::Unable)));

        let kind = |offer, tls| choose(&offer, tls).unwrap_err().kind;
        assert_eq!(kind(BOUND, Some(&no_hash)), FailureKind::Unsupported);
        assert_eq!(kind(NEITHER, Some(&hash)), FailureKind::Unsupported);
        assert_eq!(kind(BOTH, None), FailureKind::Protocol);
    }
}
