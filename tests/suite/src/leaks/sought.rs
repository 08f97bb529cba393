//! Passwords in every form in which somebody careless may write them, and parts of them, looked for
//! at once.
//!
//! Of a password that was made by chance, every part of [`PART`] characters or more is found, in the
//! commonest forms. Of one that somebody made of words, only those parts that hold no word: else
//! every message would be a leak.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use anyhow::{Context, Result};
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;

/// Shorter passwords stand in every text by chance.
const SHORTEST: usize = 6;

/// How much of a form is looked for at once; the rest is compared where that was found. It keeps
/// the search small where there are hundreds of passwords.
const PREFIX: usize = 12;

/// How many characters of a password are a leak: as many as the host masks of a long one. Three
/// hundred passwords, more than any test has, take half a second for all their parts.
const PART: usize = 8;

/// As many letters of one case in a row may be a word.
const WORD: usize = 4;

/// Many passwords, each in every form, to be looked for at once.
pub struct Sought {
    prefixes: AhoCorasick,
    forms: Vec<Form>,
    /// How many passwords there are.
    pub passwords: usize,
}

struct Form {
    name: &'static str,
    /// In lower case.
    text: Vec<u8>,
}

impl Sought {
    /// Looks for these; shorter ones than `SHORTEST` are passed over.
    ///
    /// # Errors
    /// If there are too many.
    pub fn new<'a>(passwords: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let long = |password: &&str| password.chars().count() >= SHORTEST;
        let passwords: BTreeSet<&str> = passwords.into_iter().filter(long).collect();
        let mut all = Vec::new();
        for password in &passwords {
            for (name, form) in forms(password).into_iter().chain(parts(password)) {
                // A log of JSON lines escapes what it is given.
                let escaped = json(&form);
                let again = if escaped == form { None } else { Some(escaped) };
                for text in std::iter::once(form).chain(again) {
                    all.push(Form { name, text: text.to_ascii_lowercase().into_bytes() });
                }
            }
        }
        let prefix = |form: &Form| form.text.iter().copied().take(PREFIX).collect::<Vec<_>>();
        let prefixes = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(all.iter().map(prefix))
            .context("too much is sought")?;
        Ok(Self { prefixes, forms: all, passwords: passwords.len() })
    }

    /// The form in which one of them stands in the text, and where.
    #[must_use]
    pub fn find(&self, text: &[u8]) -> Option<(&'static str, usize)> {
        // Base64 may be broken into lines, here or by whoever escaped the line ends.
        let unbroken = without_line_ends(text);
        [text, &unbroken].into_iter().find_map(|text| {
            self.prefixes.find_overlapping_iter(text).find_map(|found| {
                let form = self.forms.get(found.pattern().as_usize())?;
                let whole = text.get(found.start()..)?.get(..form.text.len())?;
                whole.eq_ignore_ascii_case(&form.text).then_some((form.name, found.start()))
            })
        })
    }
}

fn without_line_ends(text: &[u8]) -> Vec<u8> {
    let mut rest = text;
    let mut unbroken = Vec::with_capacity(text.len());
    while let Some((first, after)) = rest.split_first() {
        rest = match (first, after.first()) {
            (b'\n' | b'\r', _) => after,
            (b'\\', Some(b'n' | b'r')) => after.get(1..).unwrap_or_default(),
            _ => {
                unbroken.push(*first);
                after
            }
        };
    }
    unbroken
}

/// A password in every form in which somebody careless may write it; upper and lower case are the
/// same to the search.
fn forms(password: &str) -> Vec<(&'static str, String)> {
    let bytes = password.as_bytes();
    let backwards: String = password.chars().rev().collect();
    let wide: Vec<u8> = password.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let per_character = |write: &dyn Fn(char) -> String| password.chars().map(write).collect();
    let mut forms: Vec<(&'static str, String)> = vec![
        ("plain", password.to_owned()),
        ("backwards", backwards.clone()),
        ("json", json(password)),
        ("json with \\/", json(password).replace('/', "\\/")),
        ("json, all escaped", units(password)),
        ("json backwards", json(password).chars().rev().collect()),
        ("rust", per_character(&|c| c.escape_debug().to_string())),
        ("rust, all escaped", per_character(&|c| c.escape_unicode().to_string())),
        ("python", password.replace('\\', "\\\\").replace('\'', "\\'")),
        ("sql", password.replace('\'', "''")),
        ("sql with escapes", password.replace('\\', "\\\\").replace('\'', "''")),
        ("sql identifier", password.replace('"', "\"\"")),
        ("hex", numbers(bytes, "", &|b| format!("{b:02x}"))),
        ("hex with colons", numbers(bytes, ":", &|b| format!("{b:02x}"))),
        ("hex with spaces", numbers(bytes, " ", &|b| format!("{b:02x}"))),
        ("hex with \\x", numbers(bytes, "", &|b| format!("\\x{b:02x}"))),
        ("hex backwards", numbers(backwards.as_bytes(), "", &|b| format!("{b:02x}"))),
        ("hex of utf-16", numbers(&wide, "", &|b| format!("{b:02x}"))),
        ("list of bytes", numbers(bytes, ", ", &|b| b.to_string())),
        ("octal", numbers(bytes, "", &|b| format!("\\{b:03o}"))),
        ("url", url(bytes, "%20")),
        ("form", url(bytes, "+")),
        ("url, all escaped", numbers(bytes, "", &|b| format!("%{b:02x}"))),
        ("url twice", url(url(bytes, "%20").as_bytes(), "%20")),
        ("html", html(password)),
        ("html, all decimal", per_character(&|c| format!("&#{};", u32::from(c)))),
        ("html, all hex", per_character(&|c| format!("&#x{:x};", u32::from(c)))),
    ];
    for (name, bytes) in [
        ("base64", bytes),
        ("base64 of json", json(password).as_bytes()),
        ("base64 backwards", backwards.as_bytes()),
        ("base64 of utf-16", &wide),
    ] {
        for before in 0..3 {
            forms.push((name, base64(bytes, before, &STANDARD_NO_PAD)));
            forms.push((name, base64(bytes, before, &URL_SAFE_NO_PAD)));
        }
    }
    let mut seen = BTreeSet::new();
    forms.retain(|(_, form)| form.len() >= SHORTEST && seen.insert(form.clone()));
    forms
}

/// Parts of a password, in the forms in which servers and drivers quote them.
fn parts(password: &str) -> Vec<(&'static str, String)> {
    let characters: Vec<char> = password.chars().collect();
    let mut forms: Vec<(&'static str, String)> = Vec::new();
    for part in characters.windows(PART).filter(|part| is_made_by_chance(part)) {
        let text = String::from_iter(part);
        let bytes = text.as_bytes();
        forms.push(("a part", text.clone()));
        forms.push(("a part, backwards", part.iter().rev().collect()));
        forms.push(("a part, in json", json(&text)));
        forms.push(("a part, in a url", url(bytes, "%20")));
        forms.push(("a part, in hex", numbers(bytes, "", &|b| format!("{b:02x}"))));
        for before in 0..3 {
            forms.push(("a part, in base64", base64(bytes, before, &STANDARD_NO_PAD)));
        }
    }
    let mut seen = BTreeSet::new();
    forms.retain(|(_, form)| form.len() >= PART && seen.insert(form.clone()));
    forms
}

/// Whether a part of a password stands in no other text: it holds three kinds of characters, and no
/// word. What joins words is no kind.
fn is_made_by_chance(part: &[char]) -> bool {
    let kinds: [fn(&char) -> bool; 4] = [
        |c| c.is_lowercase(),
        |c| c.is_uppercase(),
        |c| c.is_numeric(),
        |c| !c.is_alphanumeric() && !matches!(c, ' ' | '-' | '_' | '.'),
    ];
    let held = kinds.into_iter().filter(|kind| part.iter().any(kind)).count();
    let word = |letters: &[char]| {
        letters.iter().all(|c| c.is_lowercase()) || letters.iter().all(|c| c.is_uppercase())
    };
    held >= 3 && !part.windows(WORD).any(word)
}

/// The digits of Base64 that are made of these bytes alone, `before` bytes from the beginning.
fn base64(bytes: &[u8], before: usize, alphabet: &impl base64::Engine) -> String {
    let shifted = [vec![0; before].as_slice(), bytes].concat();
    // Digits at both ends are shared with what stands there.
    let own = (before * 8).div_ceil(6)..shifted.len() * 8 / 6;
    alphabet.encode(&shifted).get(own).unwrap_or_default().to_owned()
}

/// How many kinds of forms there are.
pub(super) fn kinds() -> usize {
    forms("\"A 'password'/\\").into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>().len()
}

fn json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
}

fn units(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
}

fn numbers(bytes: &[u8], separator: &str, write: &dyn Fn(u8) -> String) -> String {
    bytes.iter().map(|byte| write(*byte)).collect::<Vec<_>>().join(separator)
}

fn url(bytes: &[u8], space: &str) -> String {
    numbers(bytes, "", &|byte| match byte {
        b' ' => space.to_owned(),
        b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02x}"),
    })
}

fn html(text: &str) -> String {
    let escapes = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", "&#39;")];
    escapes.into_iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    const PASSWORDS: [&str; 3] = ["Tr0ub4dor&3 'x' \"y\"/\\", "correct horse", "пароль-🔑"];

    #[test]
    fn every_form_is_found_in_whatever_stands_around_it() -> Result<()> {
        for password in PASSWORDS {
            let sought = Sought::new(PASSWORDS)?;
            for (name, form) in forms(password) {
                for text in [
                    form.clone(),
                    format!("before {form} after"),
                    format!("{{\"message\":{}}}", Value::from(form.as_str())),
                    form.to_ascii_uppercase(),
                ] {
                    assert!(sought.find(text.as_bytes()).is_some(), "{name}: {text}");
                }
            }
            // Not by the beginning alone.
            let beginning: String = password.chars().take(5).collect();
            assert_eq!(sought.find(beginning.as_bytes()), None);
        }
        Ok(())
    }

    #[test]
    fn every_part_of_a_password_is_found_in_the_commonest_forms() -> Result<()> {
        for password in
            ["k7Qvx2mWZr9tJ4sBnD", "p7#Kq2!vX9&mZ4@tR8$wB3%nL6*cF1?d", "Ж7-ю\"9Ля/2ъ'Щ5эЪ8"]
        {
            let sought = Sought::new([password])?;
            let characters: Vec<char> = password.chars().collect();
            for part in characters.windows(PART).map(String::from_iter) {
                for form in [
                    part.clone(),
                    part.chars().rev().collect(),
                    json(&part),
                    url(part.as_bytes(), "%20"),
                    numbers(part.as_bytes(), "", &|b| format!("{b:02X}")),
                    STANDARD_NO_PAD.encode(&part),
                    STANDARD_NO_PAD.encode(format!("a{part}bc")),
                    STANDARD_NO_PAD.encode(format!("ab{part}c")),
                ] {
                    let text = format!("{{\"message\":{}}}", Value::from(format!("near '{form}'")));
                    assert!(sought.find(text.as_bytes()).is_some(), "{text} of {password}");
                }
            }
            for missing in [&characters[1..], &characters[..characters.len() - 1]] {
                let text = String::from_iter(missing);
                assert!(sought.find(text.as_bytes()).is_some(), "{text} of {password}");
            }
        }
        Ok(())
    }

    #[test]
    fn words_of_a_password_are_no_leak() -> Result<()> {
        let passwords =
            ["what AWSCURRENT has", "a password that is wrong", "0123-4567-89ab-cdef-0123"];
        let sought = Sought::new(passwords)?;
        for text in ["it is what AWSCURRENT ha", "password that is wro", "4567-89ab-cdef"] {
            assert_eq!(sought.find(text.as_bytes()), None, "{text}");
        }
        Ok(())
    }

    #[test]
    fn base64_is_found_broken_into_lines_and_with_neighbours() -> Result<()> {
        let sought = Sought::new(["correct horse"])?;
        for before in ["", "a", "ab", "abc"] {
            let encoded = STANDARD_NO_PAD.encode(format!("{before}correct horse!"));
            let (first, second) = encoded.split_at(7);
            for text in
                [encoded.clone(), format!("{first}\n{second}"), format!("{first}\\n{second}")]
            {
                assert_eq!(sought.find(text.as_bytes()).map(|found| found.0), Some("base64"));
            }
        }
        Ok(())
    }
}
