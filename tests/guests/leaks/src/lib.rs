//! Tells every password that it was handed, plainly and in disguise, in its log, its message and its
//! code.
//!
//! What can't be caught: a disguise that nobody thought of, and a password told letter by letter, a
//! letter in each line. A plugin whose author means harm is kept from the network, not from the log;
//! whoever reads the log should not be somebody whom the password is kept from.

use windlass_guest::{ChangeRequest, Failure, Guest, LogLevel, log};

/// The guest.
#[derive(Debug)]
pub struct Leaks;

impl Guest for Leaks {
    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        let (old, new) = (&request.actor.password, &request.new_password);
        log(LogLevel::Warn, &format!("from {old} to {new}"));
        for password in [old, new] {
            let padded = format!("user:{password}:service");
            let disguises = [
                ("backwards", password.chars().rev().collect()),
                ("in hexadecimal", bytewise(password, |byte| format!("{byte:02x}"))),
                ("in HEXADECIMAL", bytewise(password, |byte| format!("{byte:02X}"))),
                ("in a URL", bytewise(password, percent)),
                ("in JSON", password.replace('\\', "\\\\").replace('"', "\\\"")),
                ("in Base64", base64(password.as_bytes(), b'+', b'/')),
                ("in Base64 for URLs", base64(password.as_bytes(), b'-', b'_')),
                ("in Base64 of more", base64(padded.as_bytes(), b'+', b'/')),
                // A line has 2048 bytes, of which these words are 34.
                ("across the place where it is cut", format!("{}{password}", "x".repeat(2008))),
            ];
            for (how, disguised) in disguises {
                log(LogLevel::Info, &format!("{how}: {disguised}"));
            }
        }
        let hex = bytewise(new, |byte| format!("{byte:02x}"));
        Err(Failure::declined(format!("{old} can't become {new}, which is {hex}"))
            .with_code(new.as_str()))
    }
}

fn bytewise(text: &str, write: impl Fn(u8) -> String) -> String {
    text.bytes().map(write).collect()
}

fn percent(byte: u8) -> String {
    let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
}

/// Without the `=` at its end.
fn base64(bytes: &[u8], sixty_two: u8, sixty_three: u8) -> String {
    let digit = |value: u32| match value & 63 {
        62 => char::from(sixty_two),
        63 => char::from(sixty_three),
        value => {
            let digits = (b'A'..=b'Z').chain(b'a'..=b'z').chain(b'0'..=b'9');
            digits.map(char::from).nth(value as usize).unwrap_or('?')
        }
    };
    let of_three = |three: &[u8]| {
        let value = three.iter().fold(0, |value, byte| (value << 8) | u32::from(*byte));
        let value = value << (8 * (3 - three.len()));
        let digits: Vec<_> = [18, 12, 6, 0].map(|shift| digit(value >> shift)).into();
        digits.into_iter().take(three.len() + 1).collect::<String>()
    };
    bytes.chunks(3).map(of_three).collect()
}

windlass_guest::guest!(Leaks);
