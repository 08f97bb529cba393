//! What leaves a plugin: no secret, in none of its usual encodings, no control character, and never
//! more than was allowed.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use windlass::Secret;
use windlass::redact::Redactor;

use crate::{Seed, is_one_line};

/// Between the parts of an input; in no UTF-8 text.
const SEPARATOR: u8 = 0xff;

/// The shortest secret of which it is asked that nothing is left. What is shorter stands in the
/// mask, or in other words, by chance.
const SHORTEST: usize = 4;

/// What an output of bounded length ends in where it was cut.
const CUT: &str = "…";

/// The parts are: a limit, secrets, and the text. In the text, low bytes stand for encodings of the
/// first secret: no chance finds those by itself.
pub fn run(data: &[u8]) {
    let Some((limit, rest)) = data.split_first() else { return };
    let limit = usize::from(*limit) * 8;
    let parts: Vec<_> =
        rest.split(|byte| *byte == SEPARATOR).map(String::from_utf8_lossy).collect();
    let Some((text, secrets)) = parts.split_last() else { return };
    let text = expand(text, secrets.first().map_or("", |secret| secret));
    let redactor = Redactor::default();
    for secret in secrets {
        redactor.learn(&Secret::new(secret.clone().into_owned()));
    }

    let cut = redactor.scrub(&text, limit);
    assert!(is_one_line(&cut), "{cut:?}");
    assert!(cut.strip_suffix(CUT).unwrap_or(&cut).len() <= limit, "{} bytes", cut.len());

    let whole = redactor.scrub(&text, usize::MAX);
    assert!(is_one_line(&whole), "{whole:?}");
    let kept = cut.strip_suffix(CUT).unwrap_or(&cut);
    assert!(whole.starts_with(kept) || cut.ends_with(CUT), "{whole:?} was cut to {cut:?}");
    if is_one_line(&text) {
        // Else an escape may spell what was not there.
        for secret in secrets.iter().filter(|secret| is_telling(secret)) {
            for form in forms(secret) {
                assert!(!whole.contains(&form), "{form:?} of {secret:?} is left in {whole:?}");
            }
        }
    }
    if secrets.iter().all(|secret| secret.is_empty()) && is_one_line(&text) {
        assert_eq!(whole, text, "nothing had to go");
    }
}

/// Whether finding it means that it was left, and not that a mask spells it.
fn is_telling(secret: &str) -> bool {
    secret.len() >= SHORTEST && !secret.contains(['[', ']', '\\']) && !"redacted".contains(secret)
}

/// The secret, and what it looks like in a URL, in hexadecimal and within Base64.
fn forms(secret: &str) -> Vec<String> {
    let mut forms =
        vec![secret.to_owned(), secret.chars().rev().collect(), hex(secret), percent(secret)];
    for before in 0..3 {
        let encoded = STANDARD.encode([&vec![b'x'; before], secret.as_bytes(), b"yyy"].concat());
        // The characters that are made of the secret's bits alone.
        let first = (before * 8).div_ceil(6);
        let last = (before + secret.len()) * 8 / 6;
        forms.extend(encoded.get(first..last).map(str::to_owned));
    }
    forms.retain(|form| form.len() >= SHORTEST && !"redacted".contains(form.as_str()));
    forms
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn expand(text: &str, secret: &str) -> String {
    let mut expanded = String::new();
    for character in text.chars() {
        match character {
            '\u{1}' => expanded.push_str(secret),
            '\u{2}' => expanded.push_str(&hex(secret)),
            '\u{3}' => expanded.push_str(&percent(secret)),
            '\u{4}' => expanded.push_str(&STANDARD.encode(format!("user:{secret}@host"))),
            '\u{5}' => expanded.push_str(&URL_SAFE_NO_PAD.encode(format!("\0user\0{secret}"))),
            '\u{6}' => expanded.extend(secret.chars().rev()),
            '\u{e}' => expanded.push_str(&serde_json::Value::from(secret).to_string()),
            other => expanded.push(other),
        }
    }
    expanded
}

/// Messages as servers write them, with secrets in every form.
pub fn seeds() -> Vec<Seed> {
    let input = |limit: u8, secrets: &[&str], text: &str| {
        let mut input = vec![limit];
        for part in secrets {
            input.extend(part.as_bytes());
            input.push(SEPARATOR);
        }
        input.extend(text.as_bytes());
        input
    };
    let secret = "Correct/horse 9";
    vec![
        Seed::new("plain", input(255, &[secret], "password \"\u{1}\" is wrong")),
        Seed::new("encoded", input(255, &[secret], "\u{2} \u{3} \u{4} \u{5} \u{6} \u{e}")),
        Seed::new("two", input(255, &["abcdef", "abc"], "abcdef abc abcdabcef")),
        Seed::new("overlapping", input(255, &["abcdef", "efghij"], "abcdefghij")),
        Seed::new("doubled", input(255, &["aaaa"], "aaaaaaaaa")),
        Seed::new("controls", input(255, &["secret"], "a\nb\u{1b}[2J\u{85}\u{2028}secret")),
        Seed::new("cut", input(1, &["secret"], "ääääääääääsecret")),
        Seed::new("quotes", input(255, &["p\"q\\r"], "\u{e} \u{1} \u{3}")),
        Seed::new("wide", input(255, &["pÄß\u{1f511}"], "\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{e}")),
        Seed::new("nothing", input(255, &[""], "FATAL: no pg_hba.conf entry for host \"::1\"")),
    ]
}
