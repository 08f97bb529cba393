//! What leaves a plugin: no run of a secret that is long enough to be one, wherever in the secret it
//! begins, in none of its usual encodings; no control character; and never more than was allowed.

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

/// The shortest part of a secret whose Base64 is found without the digits that it shares with its
/// neighbours: of a shorter one these hold too much.
const SHORTEST_CUT: usize = 5;

/// What an output of bounded length ends in where it was cut.
const CUT: &str = "…";

/// The parts are: a limit, secrets, and the text. In the text, low bytes stand for encodings of the
/// first secret, or of its middle: no chance finds those by itself.
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
    let short = || secrets.iter().filter(|secret| (1..SHORTEST).contains(&secret.chars().count()));
    if short().next().is_some() && whole.starts_with("[withheld: ") {
        return;
    }
    for secret in short() {
        // A mask would show it, so that what has it is withheld, and of one character everything.
        assert!(secret.chars().count() > 1, "beside a password of one character: {whole:?}");
        assert!(!text.contains(&**secret), "a password too short to be masked: {whole:?}");
    }
    if is_one_line(&text) {
        // Else an escape may spell what was not there.
        for run in secrets.iter().flat_map(|secret| runs(secret)) {
            for form in forms(&run) {
                assert!(!whole.contains(&form), "{form:?} of {run:?} is left in {whole:?}");
            }
        }
    }
    if secrets.iter().all(|secret| secret.is_empty()) && is_one_line(&text) {
        assert_eq!(whole, text, "nothing had to go");
    }
}

/// All parts of a secret that help a guesser: a half of it, but no word of five letters, and no more
/// than eight characters. All of it, if it is shorter.
fn runs(secret: &str) -> Vec<String> {
    let characters: Vec<char> = secret.chars().collect();
    let length = characters.len().div_ceil(2).clamp(6, 8).min(characters.len()).max(1);
    let runs = characters.windows(length).map(String::from_iter);
    runs.filter(|run| is_telling(run)).collect()
}

/// Whether finding it means that it was left, and not that a mask spells it.
fn is_telling(run: &str) -> bool {
    run.chars().count() >= SHORTEST && !run.contains(['[', ']', '\\']) && !"redacted".contains(run)
}

/// A run, and what it looks like in a URL, in hexadecimal and within Base64.
fn forms(run: &str) -> Vec<String> {
    let mut forms = vec![run.to_owned(), run.chars().rev().collect(), hex(run), percent(run)];
    for before in 0..3 {
        let encoded = STANDARD.encode([&vec![b'x'; before], run.as_bytes(), b"yyy"].concat());
        // The characters that are made of the run's bits alone.
        let first = (before * 8).div_ceil(6);
        let last = (before + run.len()) * 8 / 6;
        let own = encoded.get(first..last).filter(|_| run.len() >= SHORTEST_CUT);
        forms.extend(own.map(str::to_owned));
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
    let middle = middle(secret);
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
            '\u{f}' => expanded.push_str(&middle),
            '\u{10}' => expanded.push_str(&hex(&middle)),
            '\u{11}' => expanded.push_str(&STANDARD.encode(format!("user:{middle}@host"))),
            '\u{12}' => expanded.extend(middle.chars().rev()),
            '\u{13}' => expanded.push_str(&percent(&middle)),
            other => expanded.push(other),
        }
    }
    expanded
}

/// The secret without its first and its last character.
fn middle(secret: &str) -> String {
    let characters: Vec<char> = secret.chars().collect();
    characters.get(1..characters.len().saturating_sub(1)).unwrap_or_default().iter().collect()
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
        Seed::new("parts", input(255, &[secret], "C'\u{f}' 9, \u{10}, \u{11}, \u{12}, \u{13}")),
        Seed::new("part", input(255, &["k7Qvx2mWZr9tJ4sBnD"], "\"k7Qvx2mWZ\" r9tJ4sB <x2mWZr9tJ>")),
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
