//! How results, progress and failures are printed: the one place of the command line that writes to
//! standard output and standard error.
//!
//! Names, notes and messages may be somebody else's, so all of it is a line here: what would break it,
//! steer the terminal or turn the text around is escaped (see [`text`]), in JSON as well. The rest of
//! the command line is not allowed to print by itself; what is logged goes by
//! [`logging`](crate::logging).

#![expect(clippy::print_stderr, reason = "here texts are escaped")]

use std::io::{IsTerminal, Write};

use clap::ValueEnum;

use crate::error_type::ErrorType;
use crate::text;

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
            say(&text::line(&text.to_string()));
        }
    }

    /// The whole result, for programs.
    pub(super) fn object(self, object: &serde_json::Value) {
        if self == Self::Json {
            say(&text::json_line(&object.to_string()));
        }
    }

    /// A result of several lines in a language of its own, for people and programs alike.
    pub(super) fn document(self, document: &str) {
        document.lines().for_each(|line| say(&text::json_line(line)));
    }

    /// A failure: for people on standard error, for programs as the result.
    pub(super) fn failure(self, error_type: ErrorType, message: &str) {
        match self {
            Self::Text => eprintln!("windlass: {}", text::line(message)),
            Self::Json => self.object(&serde_json::json!({
                "error": { "type": error_type.as_str(), "message": message }
            })),
        }
    }

    /// Says what begins now, where a person watches; the line is completed or replaced later.
    pub(super) fn begin(self, text: impl std::fmt::Display) {
        if self == Self::Text && std::io::stderr().is_terminal() {
            eprint!("{} …", text::line(&text.to_string()));
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

    /// Asks, and waits for the answer in the same line.
    pub(super) fn ask(self, question: &str) {
        if self == Self::Text {
            eprint!("{} ", text::line(question));
            let _ = std::io::stderr().flush();
        }
    }
}

/// A reader that has heard enough, such as `head`, is not an error.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
