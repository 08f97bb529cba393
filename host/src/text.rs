//! Texts that others chose, made fit for where they go: a line on a terminal or in a log, a line of
//! JSON, a word of a shell command.
//!
//! A line stays one line, and nothing in it steers the terminal or turns around what stands beside
//! it: each such character is written as its escape. The escape of an escape is not made, so a text
//! that went through here once (by [`redact`](crate::redact), say) goes through unchanged again.

use std::borrow::Cow;

/// What is no control character and still breaks lines in some viewers, or turns them around.
const CONTROLS: [char; 14] = [
    '\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{202a}', '\u{202b}', '\u{202c}',
    '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
];

/// Whether a character does more to a line than stand in it.
pub(crate) fn steers(character: char) -> bool {
    character.is_control() || CONTROLS.contains(&character)
}

/// The text as a line for people, with Rust's escapes: `\n`, `\u{1b}`.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    escaped(text, |line, character| line.extend(character.escape_default()))
}

/// A line of JSON with JSON's escapes for what [`steers`]. Outside of its strings JSON has no such
/// character, and inside an escape means the same.
pub(crate) fn json_line(json: &str) -> Cow<'_, str> {
    escaped(json, |line, character| {
        let mut units = [0; 2];
        for unit in character.encode_utf16(&mut units) {
            line.push_str(&format!("\\u{unit:04x}"));
        }
    })
}

fn escaped(text: &str, mut escape: impl FnMut(&mut String, char)) -> Cow<'_, str> {
    if !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if steers(character) {
            escape(&mut safe, character);
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// The text as one word of a POSIX shell command, whatever is in it: for commands that a message
/// suggests. What [`steers`] is escaped when the message is printed, and the command then names
/// something that does not exist.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clears the screen, forges a line, turns the rest around, and what terminals take as an
    /// introducer of either.
    const HOSTILE: &str = "a\u{1b}[2J\r\nwindlass: done\u{85}\u{9b}31m\u{202e}b\u{2028}\u{7f}\tc";

    #[test]
    fn a_line_stays_one_line_that_steers_nothing() {
        let line = line(HOSTILE);
        assert!(!line.chars().any(steers), "{line}");
        assert_eq!(line, r"a\u{1b}[2J\r\nwindlass: done\u{85}\u{9b}31m\u{202e}b\u{2028}\u{7f}\tc");
        assert_eq!(super::line(&line), line, "and a second time nothing changes");
        for plain in ["", "größer, 名前, 👩‍💻", r"C:\new"] {
            assert!(matches!(super::line(plain), Cow::Borrowed(same) if same == plain));
        }
    }

    #[test]
    fn json_says_the_same_without_such_characters() {
        let value = serde_json::json!({ HOSTILE: [HOSTILE, "größer, 👩‍💻"] });
        let text = value.to_string();
        assert!(text.chars().any(steers), "the library leaves some: {text}");
        let line = json_line(&text);
        assert!(!line.chars().any(steers), "{line}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap(), value);
    }

    #[test]
    fn a_quoted_text_is_one_word_for_the_shell() {
        for text in ["db", "", "it's", "a b; rm -rf $HOME `id` \"x\" \\", "''", "--help", "!$*?"] {
            let script = format!("printf '%s|' {}", quoted(text));
            let ran = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&ran.stdout), format!("{text}|"));
        }
    }
}
