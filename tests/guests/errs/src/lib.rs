//! Fails as the secret's key `kind` says, whatever happened; nothing did.

use windlass_guest::{ChangeRequest, Failure, Guest, Login, field};

/// The guest.
#[derive(Debug)]
pub struct Errs;

impl Guest for Errs {
    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        Self::verify(&request.actor)
    }

    fn verify(login: &Login) -> Result<(), Failure> {
        let lie = "so it says";
        Err(match field(login, "kind")? {
            "refused" => Failure::refused(lie),
            "unreachable" => Failure::unreachable(lie),
            "no-tls" => Failure::no_tls(lie),
            "tls-failed" => Failure::tls_failed(lie),
            "unproven" => Failure::unproven(lie),
            "declined" => Failure::declined(lie),
            "protocol" => Failure::protocol(lie),
            "unsupported" => Failure::unsupported(lie),
            "text-required" => Failure::text_required(lie),
            "not-a-pair" => Failure::not_a_pair(lie),
            "remedy" => Failure::declined(lie).with_remedy("do as it says"),
            _ => Failure::invalid_secret(lie),
        })
    }
}

windlass_guest::guest!(Errs);
