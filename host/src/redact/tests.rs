//! Secrets in every form, in tables and at random. The forms are made here by other code than that
//! which finds them.

mod bounds;
mod leaves;
mod parts;

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;

fn knowing(secrets: &[&str]) -> Redactor {
    let redactor = Redactor::default();
    secrets.iter().for_each(|secret| redactor.learn(&Secret::new((*secret).to_owned())));
    redactor
}

fn each(bytes: &[u8], separator: &str, write: impl Fn(u8) -> String) -> String {
    bytes.iter().map(|byte| write(*byte)).collect::<Vec<_>>().join(separator)
}

fn spelled(secret: &str, write: impl Fn(char) -> String) -> String {
    secret.chars().map(write).collect()
}

fn backwards(text: &str) -> String {
    text.chars().rev().collect()
}

fn json(secret: &str) -> String {
    let quoted = serde_json::to_string(secret).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

fn json_u(secret: &str) -> String {
    secret.encode_utf16().fold(String::new(), |mut all, unit| {
        write!(all, "\\u{unit:04X}").unwrap();
        all
    })
}

fn percent(secret: &str, space: &str, write: impl Fn(u8) -> String) -> String {
    each(secret.as_bytes(), "", |byte| match byte {
        b' ' => space.to_owned(),
        byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => char::from(byte).into(),
        byte => write(byte),
    })
}

fn wrapped(text: &str, width: usize) -> String {
    let digits: Vec<_> = text.chars().collect();
    let lines: Vec<String> = digits.chunks(width).map(|line| line.iter().collect()).collect();
    lines.join("\n")
}

/// Name and text of every form.
fn forms(secret: &str) -> Vec<(String, String)> {
    let bytes = secret.as_bytes();
    let low = |byte: u8| format!("{byte:02x}");
    let up = |byte: u8| format!("{byte:02X}");
    let utf16_le: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16_be: Vec<u8> = secret.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let debug = format!("{secret:?}");
    let mut forms = vec![
        ("plain", secret.to_owned()),
        ("backwards", backwards(secret)),
        ("JSON", json(secret)),
        ("JSON, slashes escaped", json(secret).replace('/', "\\/")),
        ("JSON, all escaped", json_u(secret)),
        ("JSON, all escaped, lower case", json_u(secret).to_lowercase().replace("\\U", "\\u")),
        ("JSON in JSON", json(&json(secret))),
        ("JSON, all escaped, in JSON", json(&json_u(secret))),
        ("JSON, backwards", backwards(&json(secret))),
        ("Rust", debug[1..debug.len() - 1].to_owned()),
        ("Rust, all escaped", secret.escape_unicode().to_string()),
        ("Rust's bytes", secret.bytes().map(|b| b.escape_ascii().to_string()).collect()),
        ("list of bytes", format!("{bytes:?}")),
        ("Python", secret.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n")),
        ("Python, all escaped", spelled(secret, |c| format!("\\U{:08x}", u32::from(c)))),
        ("C, octal", each(bytes, "", |byte| format!("\\{byte:03o}"))),
        ("SQL", secret.replace('\'', "''")),
        ("SQL with escapes", secret.replace('\\', "\\\\").replace('\'', "''")),
        ("SQL identifier", secret.replace('"', "\"\"")),
        ("bytea", each(bytes, "", low)),
        ("hex", each(bytes, "", up)),
        ("hex:colons", each(bytes, ":", low)),
        ("hex spaces", each(bytes, " ", up)),
        ("hex \\x", each(bytes, "", |byte| format!("\\x{byte:02x}"))),
        ("hex 0x", each(bytes, ", ", |byte| format!("0x{byte:02X}"))[2..].to_owned()),
        ("hex backwards", each(backwards(secret).as_bytes(), "", low)),
        ("hex of UTF-16LE", each(&utf16_le, "", low)),
        ("hex of UTF-16BE", each(&utf16_be, " ", up)),
        (
            "UTF-16 taken for bytes",
            spelled(secret, |c| format!("{c}\0")).trim_end_matches('\0').to_owned(),
        ),
        ("URL", percent(secret, "%20", |byte| format!("%{byte:02X}"))),
        ("URL, lower case", percent(secret, "%20", |byte| format!("%{byte:02x}"))),
        ("form", percent(secret, "+", |byte| format!("%{byte:02X}"))),
        ("URL, all escaped", each(bytes, "", |byte| format!("%{byte:02x}"))),
        ("URL in URL", percent(secret, "%2520", |byte| format!("%25{byte:02X}"))),
        ("mail", each(bytes, "", |byte| format!("={byte:02X}"))),
        ("LDAP", percent(secret, "\\20", |byte| format!("\\{byte:02x}"))),
        ("HTML, decimal", spelled(secret, |c| format!("&#{};", u32::from(c)))),
        ("HTML, hex", spelled(secret, |c| format!("&#x{:X};", u32::from(c)))),
        (
            "HTML",
            secret
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;")
                .replace('\'', "&#39;"),
        ),
        ("Base64", STANDARD.encode(bytes)),
        ("Base64, no padding", STANDARD_NO_PAD.encode(bytes)),
        ("Base64 for URLs", URL_SAFE.encode(bytes)),
        ("Base64 for URLs, no padding", URL_SAFE_NO_PAD.encode(bytes)),
        ("Base64 in lines", wrapped(&STANDARD.encode(bytes), 5)),
        ("Base64 of JSON", STANDARD.encode(json(secret))),
        ("Base64 backwards", STANDARD.encode(backwards(secret))),
        ("Base64 of UTF-16LE", STANDARD.encode(&utf16_le)),
        ("Base64 of UTF-16BE", STANDARD.encode(&utf16_be)),
    ];
    if secret.chars().count() >= FOLDED {
        forms.push(("upper case", secret.to_ascii_uppercase()));
        forms.push(("lower case", secret.to_ascii_lowercase()));
        forms.push(("backwards, upper case", backwards(secret).to_ascii_uppercase()));
    }
    forms.into_iter().map(|(name, form)| (name.to_owned(), form)).collect()
}

/// Secrets that are awkward for one form or another.
const AWKWARD: [&str; 12] = [
    "Correct/horse9",
    "pÄ\"sS/w rd\"",
    "o'clock's\\'n",
    "a\\nb\\\\u0041",
    "''''''''",
    "aaaa",
    "&amp;&lt;",
    "100%25+ =41",
    "line\nline\ttab\u{1b}",
    "пароль-密码-🔑🔑",
    "0123456789abcdef",
    "{\"a\":[1]}",
];

#[test]
fn every_form_of_a_secret_is_masked_whole() {
    let mut wrong = Vec::new();
    for secret in AWKWARD {
        let redactor = knowing(&[secret]);
        for (name, form) in forms(secret) {
            let scrubbed = redactor.scrub(&format!("before <{form}> after"), 4000);
            let list = name == "list of bytes";
            let masked = if list { format!("[{MASK}]") } else { MASK.to_owned() };
            if scrubbed != format!("before <{masked}> after") {
                wrong.push(format!("{name} of {secret:?}: {form}: {scrubbed}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn base64_of_something_longer_is_masked_where_the_secret_is() {
    let redactor = knowing(&["Correct/horse9"]);
    for user in ["", "a", "ab", "abc", "\0app\0"] {
        let encoded = STANDARD.encode(format!("{user}Correct/horse9 and more"));
        let scrubbed = redactor.scrub(&encoded, 200);
        let (before, after) = scrubbed.split_once(MASK).expect(user);
        // The rest is the neighbours' alone: of each shared digit nothing is left.
        assert!(before.len() <= user.len() * 8 / 6, "{user:?}: {scrubbed}");
        assert!(after.len() <= " and more".len() * 8 / 6 + 4, "{user:?}: {scrubbed}");
    }
}

#[test]
fn base64_that_was_cut_out_of_something_longer_is_masked_too() {
    // The digits that are all of the secret, without those that it shares with its neighbours.
    let redactor = knowing(&["abcdef"]);
    for text in ["FiY2RlZ", "aeFiY2RlZibf", "hYmNkZW", "YWJjZGVm", "(FiY2RlZ)"] {
        let scrubbed = redactor.scrub(text, 99);
        assert!(scrubbed.contains(MASK) && !scrubbed.contains("2Rl"), "{text}: {scrubbed}");
        assert!(!scrubbed.contains("NkZW") && !scrubbed.contains("jZGV"), "{text}: {scrubbed}");
    }
}

#[test]
fn what_overlaps_or_touches_leaves_no_rest() {
    for (secrets, text, expected) in [
        (&["abcde", "abcdefgh"][..], "abcdefgh abcde", "[redacted] [redacted]"),
        (&["abcdef", "defghi"], "<abcdefghi>", "<[redacted]>"),
        (&["abcdef", "defghi"], "abcdefdefghi.", "[redacted]."),
        (&["abcdef", "ghijkl"], "abcdefghijkl.", "[redacted]."),
        (&["aaaa"], "aaaaaaaaaaa.", "[redacted]."),
    ] {
        assert_eq!(knowing(secrets).scrub(text, 99), expected, "{secrets:?}");
    }
}

#[test]
fn our_own_cut_leaves_no_part_of_a_secret() {
    let secret = "correct horse battery";
    let redactor = knowing(&[secret]);
    // The brackets of a list stay.
    for (name, form) in forms(secret).into_iter().filter(|(name, _)| name != "list of bytes") {
        for before in 0..40 {
            let text = format!("{}{form}", "-".repeat(before));
            let scrubbed = redactor.scrub(&text, 30);
            let rest = scrubbed.trim_start_matches('-').trim_end_matches('…');
            assert!(MASK.starts_with(rest), "{name}, {before}: {scrubbed}");
        }
        // A text that is all secrets is given up early, and not within one.
        let scrubbed = redactor.scrub(&format!("{form} ").repeat(2000), 30);
        let mut rests = scrubbed.trim_end_matches('…').split(MASK).map(str::trim_start);
        assert!(rests.all(|rest| MASK.starts_with(rest)), "{name}: {scrubbed}");
    }
}

/// However much of it masks hide, what is cut off within a run is not shown up to the cut.
#[test]
fn where_the_search_ends_no_part_of_a_secret_is_told() {
    const LIMIT: usize = 32;
    let secret = "k7Qx2mZp9Wt4Lr8v";
    let redactor = knowing(&[secret]);
    let spelled: String =
        secret.chars().map(|c| format!("\\\\\\\\u{:04x}", u32::from(c))).collect();
    let hidden = secret.repeat(LIMIT * EXAMINED / secret.len());
    for short_of in 0..64 {
        let text = format!("{}{spelled}", hidden.get(short_of..).unwrap());
        let scrubbed = redactor.scrub(&text, LIMIT);
        assert!(!scrubbed.contains("\\u"), "{short_of}: {scrubbed}");
    }
}

#[test]
fn the_functions_own_credentials_are_known_and_placeholders_are_not() {
    let redactor = Redactor::from_session(|name| match name {
        "AWS_SESSION_TOKEN" => Some("IQoJb3JpZ2luX2VjEOj".to_owned()),
        "AWS_SECRET_ACCESS_KEY" => Some("any-key".to_owned()),
        other => panic!("{other}"),
    });
    let scrubbed = redactor.scrub("token=IQoJb3JpZ2luX2VjEOj key=any-key", 99);
    assert_eq!(scrubbed, format!("token={MASK} key=any-key"));
    let exact = |_: &str| Some("k7Qx2mZp".to_owned());
    assert_eq!(Redactor::from_session(exact).scrub("k7Qx2mZp", 99), MASK, "eight are enough");
}

/// Of what is only a text of a version a longer part may be shown than of a credential.
#[test]
fn what_turns_out_to_be_a_credential_is_masked_as_one() {
    let text = "k7Qx2mZp9Wt4Lr8vB3nY";
    let redactor = Redactor::default();
    redactor.learn_version(&Secret::new(format!("{{\"note\":\"{text}\"}}")));
    let part = &text[2..11];
    assert_eq!(redactor.scrub(part, 99), part, "nine of twenty, of a note");
    redactor.learn(&Secret::new(text.to_owned()));
    assert_eq!(redactor.scrub(part, 99), MASK);
}

#[test]
fn either_case_counts_where_a_secret_is_long_enough_to_stand_nowhere_by_chance() {
    assert_eq!(
        knowing(&["Tr0ub4dor&3"]).scrub("TR0UB4DOR&3 tr0ub4dor&3", 99),
        format!("{MASK} {MASK}")
    );
    assert_eq!(knowing(&["Zeit"]).scrub("zeit Zeit", 99), format!("zeit {MASK}"));
}

#[test]
fn beside_a_password_of_one_character_nothing_is_told() {
    for secret in ["a", "ä", "'"] {
        let redactor = knowing(&["correct horse", secret]);
        assert_eq!(redactor.scrub("bcd", 99), cut(WITHHELD, 99));
        assert_eq!(redactor.scrub("", 200), WITHHELD, "nor whether there was anything");
        assert_eq!(redactor.scrub_of_aws("a correct horse", 99), format!("a {MASK}"));
    }
    assert_eq!(knowing(&[""]).scrub("a plain message", 99), "a plain message");
}

#[test]
fn beside_a_password_of_two_or_three_a_text_is_told_that_holds_it_in_no_form() {
    for secret in ["q7", "q7#", "äöü", "\\\"'", "\u{1}\u{2}\u{3}", "🔑🔑"] {
        let redactor = knowing(&["correct horse", secret]);
        let shown = redactor.scrub("connection refused: correct horse", 200);
        assert_eq!(shown, format!("connection refused: {MASK}"), "{secret}");
        let mut forms = forms(secret);
        forms.push(("upper case".to_owned(), secret.to_uppercase()));
        for (name, form) in forms {
            for text in [form.clone(), format!("is <{form}>"), format!("long{form}word")] {
                assert_eq!(redactor.scrub(&text, 200), WITHHELD, "{secret}, {name}: {text}");
            }
        }
    }
}

/// What is left of a text that is longer than allowed.
fn cut(text: &str, limit: usize) -> String {
    format!("{}…", text.get(..limit).unwrap())
}

#[test]
fn control_characters_are_escaped_and_long_texts_cut_at_a_character() {
    let redactor = Redactor::default();
    assert_eq!(redactor.scrub("a\n{\"level\":1}\u{1b}[2J", 99), "a\\n{\"level\":1}\\u{1b}[2J");
    assert_eq!(redactor.scrub("turned \u{202e}around", 99), "turned \\u{202e}around");
    assert_eq!(redactor.scrub("ääää", 5), "ää…");
    assert_eq!(redactor.scrub("abcde", 5), "abcde");
}

#[test]
fn escaping_makes_no_secret_of_what_was_none() {
    assert_eq!(knowing(&["ab\\ncd"]).scrub("ab\ncd", 99), MASK);
}

/// What a password may be made of, and what forms stumble over.
fn secret() -> impl Strategy<Value = String> {
    let awkward = "[ -~]{4,40}|[\\\\\"'%&+=/\\n\\t u0x-]{4,20}|[a-f0-9]{4,16}|\\PC{4,20}";
    awkward.prop_filter("the mask itself says nothing", |secret| !MASK.contains(secret.as_str()))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        max_shrink_iters: 300,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_form_of_a_random_secret_gets_out(
        secret in secret(),
        other in secret(),
        before in "[\\PC\\n]{0,30}",
        after in "[\\PC\\n]{0,30}",
        limit in 1_usize..300,
    ) {
        let redactor = knowing(&[&secret, &other]);
        for (name, form) in forms(&secret) {
            let scrubbed = redactor.scrub(&format!("{before}{form}{after}"), limit);
            prop_assert!(scrubbed.len() <= limit + '…'.len_utf8(), "{name}: {scrubbed}");
            prop_assert!(!scrubbed.chars().any(char::is_control), "{name}: {scrubbed}");
            // What a mask has to do with it is no leak.
            for rest in scrubbed.split(MASK) {
                prop_assert!(!rest.contains(&secret), "{name} of {secret:?}: {scrubbed}");
                prop_assert!(!rest.contains(&form), "{name} of {secret:?}: {scrubbed}");
            }
        }
    }

    #[test]
    fn any_text_and_secret_are_survived_and_bounded(
        secrets in prop::collection::vec("\\PC{0,12}|[\\\\u0-9a-f{}%&#;=+]{0,12}", 0..4),
        text in "[\\PC\\n]{0,80}|[\\\\u0-9a-f{}%&#;=+….]{0,120}",
        limit in 0_usize..100,
    ) {
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        let redactor = knowing(&secrets);
        let scrubbed = redactor.scrub(&text, limit);
        prop_assert!(scrubbed.len() <= limit.max(WITHHELD.len()) + '…'.len_utf8());
        prop_assert!(!scrubbed.chars().any(char::is_control));
    }

    #[test]
    fn texts_without_secrets_pass_unchanged_but_for_escaping(
        text in "[a-zA-Z ,.:`'\"(){}/\\\\%&;äß\\n]{0,200}",
    ) {
        // A password as they are generated: no digit of it is in the text.
        let redactor = knowing(&["7391#5082@6414!2950*8337?1162^4471"]);
        prop_assert_eq!(redactor.scrub(&text, 4000), text.replace('\n', "\\n"));
    }
}
