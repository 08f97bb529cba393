//! Writes what a terminal or a log viewer could take for something else.

use windlass_guest::{ChangeRequest, Failure, Guest, LogLevel, log};

/// What it writes.
const LINES: [&str; 7] = [
    "a line of its own\n{\"level\":\"INFO\",\"message\":\"forged\"}",
    "a carriage return\rover what stood there",
    "\u{1b}[2J\u{1b}[31mred on an empty screen",
    "a bell\u{7} and a backspace\u{8}",
    "an end\0here",
    "a line separator\u{2028}and a paragraph's\u{2029}here",
    "an operating system command\u{9d}0;title\u{9c}",
];

/// The guest.
#[derive(Debug)]
pub struct Scrawls;

impl Guest for Scrawls {
    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        for line in LINES {
            log(LogLevel::Info, line);
        }
        let all = LINES.join("; ");
        Err(Failure::declined(format!("{all} for {}", request.username)).with_code("\n{}\u{1b}[2J"))
    }
}

windlass_guest::guest!(Scrawls);
