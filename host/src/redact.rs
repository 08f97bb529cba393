//! Texts that leave a plugin, scrubbed of every secret that it was handed.
//!
//! A plugin is not trusted to keep a password out of its messages, and a server may echo one. So
//! every text is searched for each secret of the call, as it is and in its usual encodings, before
//! it goes into a log or an error; control characters are escaped, and what is too long is cut.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// What stands where a secret stood.
const MASK: &str = "[redacted]";

/// The secrets of one call to a plugin.
#[derive(Default)]
pub struct Redactor {
    /// Every form of every secret.
    forms: Vec<Zeroizing<String>>,
}

impl Redactor {
    /// Scrubs these secrets.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        Self { forms: secrets.into_iter().flat_map(forms_of).collect() }
    }

    /// The text without secrets and control characters, at most `limit` bytes long (and a mark
    /// where it was cut). Secrets that overlap go as a whole: masked one after the other, the first
    /// would leave the end of the second.
    pub fn scrub(&self, text: &str, limit: usize) -> String {
        let mut secret = vec![false; text.len()];
        for form in &self.forms {
            let mut from = 0;
            // One character on after each find: a form may overlap with itself.
            while let Some(found) = text.get(from..).and_then(|rest| rest.find(form.as_str())) {
                let start = from + found;
                secret.iter_mut().skip(start).take(form.len()).for_each(|byte| *byte = true);
                from = start + form.chars().next().map_or(1, char::len_utf8);
            }
        }
        let mut masked = String::with_capacity(text.len());
        let mut within = false;
        for (at, character) in text.char_indices() {
            let is_secret = secret.get(at) == Some(&true);
            match (is_secret, within) {
                (false, _) => masked.push(character),
                (true, false) => masked.push_str(MASK),
                (true, true) => {}
            }
            within = is_secret;
        }
        escape_and_cut(&masked, limit)
    }
}

fn forms_of(secret: &Secret) -> Vec<Zeroizing<String>> {
    let text = secret.reveal();
    if text.is_empty() {
        return Vec::new();
    }
    let json = serde_json::Value::from(text).to_string();
    let json = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or(&json);
    let mut forms = vec![text.to_owned(), json.to_owned(), text.chars().rev().collect()];
    forms.push(hex(text, |byte| format!("{byte:02x}")));
    forms.push(hex(text, |byte| format!("{byte:02X}")));
    forms.push(percent(text, "%20", |byte| format!("%{byte:02X}")));
    forms.push(percent(text, "%20", |byte| format!("%{byte:02x}")));
    forms.push(percent(text, "+", |byte| format!("%{byte:02X}")));
    forms.extend(base64(text));
    forms.into_iter().map(Zeroizing::new).collect()
}

fn hex(text: &str, digits: impl Fn(u8) -> String) -> String {
    text.bytes().map(digits).collect()
}

fn percent(text: &str, space: &str, escape: impl Fn(u8) -> String) -> String {
    text.bytes()
        .map(|byte| match byte {
            b' ' => space.to_owned(),
            b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => escape(byte),
        })
        .collect()
}

/// What the text looks like within Base64 of something longer (`user:password`, say), in both
/// alphabets: its characters depend on how many bytes stand before it, and those at its ends on
/// the neighbours, so only the middle is looked for.
fn base64(text: &str) -> Vec<String> {
    let mut forms = Vec::new();
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        forms.push(engine.encode(text));
        for before in 0..3_usize {
            let shifted = [vec![0; before].as_slice(), text.as_bytes()].concat();
            let encoded = engine.encode(&shifted);
            let first = (before * 8).div_ceil(6);
            let last = shifted.len() * 8 / 6;
            forms
                .extend(encoded.get(first..last).filter(|form| form.len() >= 4).map(str::to_owned));
        }
    }
    forms
}

fn escape_and_cut(text: &str, limit: usize) -> String {
    let mut safe = String::with_capacity(text.len().min(limit));
    for character in text.chars() {
        if character.is_control() || misleads(character) {
            safe.extend(character.escape_default());
        } else {
            safe.push(character);
        }
        if safe.len() > limit {
            safe.truncate(safe.floor_char_boundary(limit));
            safe.push('…');
            break;
        }
    }
    safe
}

/// Separators of lines and paragraphs break lines in some viewers, too; and what turns the direction
/// of the text around it makes a line read as it is not written.
fn misleads(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_is_scrubbed_as_it_is_and_encoded() {
        let secret = Secret::new("pÄ\"sS/w rd\"".to_owned());
        let redactor = Redactor::new([&secret]);
        for form in forms_of(&secret) {
            let scrubbed = redactor.scrub(&format!("before {} after", form.as_str()), 200);
            assert_eq!(scrubbed, format!("before {MASK} after"), "{}", form.as_str());
        }
    }

    #[test]
    fn a_secret_within_other_encoded_text_is_scrubbed() {
        let secret = Secret::new("Correct/horse9".to_owned());
        let redactor = Redactor::new([&secret]);
        for user in ["", "a", "ab", "abc", "\0app\0"] {
            let encoded = STANDARD_NO_PAD.encode(format!("{user}Correct/horse9!"));
            let scrubbed = redactor.scrub(&encoded, 200);
            assert!(scrubbed.contains(MASK), "{user:?}: {scrubbed}");
        }
        assert_eq!(redactor.scrub("Correct%2fhorse9", 99), MASK);
    }

    #[test]
    fn a_secret_that_is_part_of_another_leaves_no_rest() {
        let secrets = [Secret::new("abc".to_owned()), Secret::new("abcdef".to_owned())];
        assert_eq!(Redactor::new(&secrets).scrub("abcdef abc", 99), format!("{MASK} {MASK}"));
    }

    #[test]
    fn secrets_that_overlap_go_as_a_whole() {
        let secrets = ["abcdef", "efghij", "aba"].map(|text| Secret::new(text.to_owned()));
        let redactor = Redactor::new(&secrets);
        assert_eq!(redactor.scrub("<abcdefghij>", 99), format!("<{MASK}>"));
        assert_eq!(redactor.scrub("<ababa>", 99), format!("<{MASK}>"));
    }

    #[test]
    fn a_mask_is_not_searched_for_secrets_in_its_turn() {
        let secrets = ["e", "d", "r"].map(|text| Secret::new(text.to_owned()));
        assert_eq!(Redactor::new(&secrets).scrub("x red x", 99), format!("x {MASK} x"));
    }

    #[test]
    fn control_characters_are_escaped_and_long_texts_cut_at_a_character() {
        let redactor = Redactor::default();
        assert_eq!(redactor.scrub("a\n{\"level\":1}\u{1b}[2J", 99), "a\\n{\"level\":1}\\u{1b}[2J");
        assert_eq!(redactor.scrub("a\u{202e}b\u{2028}", 99), "a\\u{202e}b\\u{2028}");
        assert_eq!(redactor.scrub("ääää", 5), "ää…");
    }
}
