//! How results are printed.

use std::io::{IsTerminal, Write};

use clap::ValueEnum;

/// For whom.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON object on standard output.
    Json,
}

impl Output {
    /// A line of the result, for people.
    pub(super) fn line(self, text: impl std::fmt::Display) {
        if self == Self::Text {
            say(&text);
        }
    }

    /// The whole result, for programs.
    pub(super) fn object(self, object: &serde_json::Value) {
        if self == Self::Json {
            say(object);
        }
    }

    /// Says what begins now, where a person watches; the line is completed or replaced later.
    pub(super) fn begin(self, text: impl std::fmt::Display) {
        if self == Self::Text && std::io::stderr().is_terminal() {
            eprint!("{text} …");
            // Progress that can't be shown is no reason to stop.
            let _ = std::io::stderr().flush();
        }
    }

    /// Removes what [`begin`](Self::begin) said.
    pub(super) fn clear(self) {
        if self == Self::Text && std::io::stderr().is_terminal() {
            eprint!("\r\x1b[K");
            let _ = std::io::stderr().flush();
        }
    }
}

/// A reader that has heard enough, such as `head`, is not an error.
fn say(text: &dyn std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
