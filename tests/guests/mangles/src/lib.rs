//! Hands over bytes that are not UTF-8 as text, around a password. In its log, or with the key `in` of
//! its secret in its failure or in a name to connect to.

#![allow(unsafe_code, reason = "what it does to the host is its sin")]

use windlass_guest::{ChangeRequest, Failure, Guest, LogLevel, field, log};

/// The guest.
#[derive(Debug)]
pub struct Mangles;

impl Guest for Mangles {
    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        let bytes = [b"\xff\xfe", request.new_password.as_bytes(), b"\xc3"].concat();
        // SAFETY: it is not UTF-8, which is this guest's sin; nothing here looks into it.
        let text = unsafe { String::from_utf8_unchecked(bytes) };
        match field(&request.actor, "in")? {
            "log" => log(LogLevel::Info, &text),
            "name" => drop(request.actor.server.redirect(&text, 1)),
            _ => return Err(Failure::declined(text)),
        }
        Err(Failure::declined("it was taken"))
    }
}

windlass_guest::guest!(Mangles);
