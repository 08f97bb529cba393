//! How results look: marks and durations, coloured only where a person reads them.

use std::env;
use std::io::{IsTerminal, stdout};
use std::time::Duration;

/// Whether something held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It did.
    Held,
    /// It did not.
    Failed,
}

impl From<bool> for Verdict {
    fn from(held: bool) -> Self {
        if held { Self::Held } else { Self::Failed }
    }
}

/// A mark that reads the same without colour.
pub(crate) fn mark(verdict: Verdict) -> String {
    let (text, colour) = match verdict {
        Verdict::Held => ("ok    ", "32"),
        Verdict::Failed => ("FAILED", "31"),
    };
    painted(text, colour)
}

/// A heading.
pub(crate) fn heading(text: &str) -> String {
    painted(text, "1")
}

/// Milliseconds, with one digit behind the point.
pub(crate) fn milliseconds(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

fn painted(text: &str, colour: &str) -> String {
    if stdout().is_terminal() && env::var_os("NO_COLOR").is_none() {
        format!("\x1b[{colour}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}
