//! SASL, which is SCRAM here: PostgreSQL's own way of signing in.
//!
//! SCRAM is bound to the TLS channel where both sides can, and counts when the server has proved
//! that it knows the account, too.

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{AuthenticationSaslBody, Message};
use postgres_protocol::message::frontend;
use windlass_postgres_wire::{Answered, Attempt, Methods, ServerError, Wire, parse, unexpected};
use windlass_sdk::{Connection, During, Failure, TlsInfo};

use crate::product::PRODUCT;
use crate::scram::{Binding, Client, SCRAM_SHA_256, SCRAM_SHA_256_PLUS};

/// What the server's request begins with: an authentication, its length left out, of SASL.
const REQUEST: (u8, [u8; 4]) = (b'R', 10_u32.to_be_bytes());

/// PostgreSQL's own methods.
pub(crate) struct Sasl;

impl Methods for Sasl {
    fn answer(
        &mut self,
        wire: &mut Wire<Connection>,
        request: &[u8],
        attempt: Attempt<'_>,
        tls: Option<&TlsInfo>,
    ) -> Result<Answered, Failure> {
        let is_sasl = request.first() == Some(&REQUEST.0) && request.get(5..9) == Some(&REQUEST.1);
        if !is_sasl {
            return Ok(Answered::NotMine);
        }
        match parse(BytesMut::from(request))? {
            Message::AuthenticationSasl(offer) => scram(wire, attempt, tls, &offer)?,
            _ => return Ok(Answered::NotMine),
        }
        Ok(Answered::ProvedMutually)
    }
}

/// SCRAM up to and including the server's proof.
fn scram(
    wire: &mut Wire<Connection>,
    attempt: Attempt<'_>,
    tls: Option<&TlsInfo>,
    offer: &AuthenticationSaslBody,
) -> Result<(), Failure> {
    let (mechanism, binding) = choose(&Offer::read(offer)?, tls)?;
    let client = Client::new(attempt.password(), binding);
    let first = client.first_message();
    wire.send(|buffer| frontend::sasl_initial_response(mechanism, first.as_bytes(), buffer))?;

    let challenge = match wire.receive()? {
        Message::AuthenticationSaslContinue(challenge) => challenge,
        Message::ErrorResponse(body) => {
            return Err(ServerError::read(&body).scram_failure(&PRODUCT, attempt));
        }
        other => return Err(unexpected(other, &PRODUCT, attempt)),
    };
    let (answer, proof) = client.answer(challenge.data())?;
    wire.send(|buffer| frontend::sasl_response(answer.as_bytes(), buffer))?;

    match wire.receive()? {
        Message::AuthenticationSaslFinal(last) => proof.check(last.data()),
        Message::AuthenticationOk => Err(Failure::protocol(
            "the server let the account in without proving that it knows it: it may be another \
             server than the one that the host name stands for",
        )),
        Message::ErrorResponse(body) => {
            Err(ServerError::read(&body).scram_failure(&PRODUCT, attempt))
        }
        other => Err(unexpected(other, &PRODUCT, attempt)),
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
