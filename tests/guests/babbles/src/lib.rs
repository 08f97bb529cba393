//! Floods the log, with lines and with bytes.

use windlass_guest::{ChangeRequest, Failure, Guest, LogLevel, log};

/// The guest.
#[derive(Debug)]
pub struct Babbles;

impl Guest for Babbles {
    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        let long = "long ".repeat(20_000);
        for line in 0..10_000 {
            let text = if line % 2 == 0 { long.as_str() } else { "short" };
            log(LogLevel::Info, text);
        }
        Err(Failure::declined(format!("said it all of {}", request.username)))
    }
}

windlass_guest::guest!(Babbles);
