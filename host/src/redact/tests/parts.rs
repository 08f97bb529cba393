//! Parts of secrets: where they were cut, by whom, and how they are written.

use super::*;

/// A password without a word in it, of 18 characters.
const PASSWORD: &str = "k7/Qv\"x2m'Zr9\\tW4s";

#[test]
fn a_part_of_a_secret_is_masked_wherever_it_begins_and_however_it_is_written() {
    let mut wrong = Vec::new();
    for secret in [PASSWORD, "p7#Kq2!vX9&mZ4@tR8$wB3%nL6*cF1?d", "пароль-密码-🔑🔑-ключ"]
    {
        let redactor = knowing(&[secret]);
        let characters: Vec<_> = secret.chars().collect();
        let most = characters.len();
        for (from, to) in
            [(0, most - 1), (1, most), (1, most - 1), (4, 12), (0, 8), (most - 8, most)]
        {
            let part: String = characters[from..to].iter().collect();
            for (name, form) in forms(&part) {
                let scrubbed = redactor.scrub(&format!("before <{form}> after"), 4000);
                let list = name == "list of bytes";
                let masked = if list { format!("[{MASK}]") } else { MASK.to_owned() };
                if scrubbed != format!("before <{masked}> after") {
                    wrong.push(format!("{name} of {part:?}: {form}: {scrubbed}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn quotes_line_ends_and_whatever_else_stands_in_a_secret_hides_no_part_of_it() {
    let redactor = knowing(&["k7Qvx2mWZr9tJ4sBnD"]);
    for (text, expected) in [
        ("'k7Qvx2mWZr9tJ4sBn'D", "'[redacted]'D"),
        ("k\n7Qvx2mWZr9tJ4sBnD!", "k\\n[redacted]!"),
        ("near \"7Qvx2mWZr9tJ4sBn\" at", "near \"[redacted]\" at"),
        ("k7Qvx2mWZ|r9tJ4sBnD", "[redacted]|[redacted]"),
        ("(r9TJ4SBN)", "([redacted])"),
        // Runs that overlap, as somebody who reads in steps writes them.
        ("k7Qvx2mWx2mWZr9tZr9tJ4sB.", "[redacted]."),
        ("6b37517678326d57.5a7239744a3473426e44", "[redacted].[redacted]"),
        // Too little to help anybody.
        ("<k7Qvx2m>, <r9tJ4sB>", "<k7Qvx2m>, <r9tJ4sB>"),
    ] {
        assert_eq!(redactor.scrub(text, 99), expected, "{text}");
    }
}

#[test]
fn base64_that_was_cut_out_needs_none_of_the_digits_beside_it() {
    let secret = "k7Qvx2mWZr9tJ4sBnD";
    let redactor = knowing(&[secret]);
    for (from, before) in (0..=secret.len() - 8).flat_map(|from| (0..3).map(move |n| (from, n))) {
        let encoded = STANDARD.encode(format!("{}{}", "x".repeat(before), &secret[from..from + 8]));
        let own = &encoded[(before * 8_usize).div_ceil(6)..(before + 8) * 8 / 6];
        let scrubbed = redactor.scrub(&format!("<{own}>"), 99);
        assert_eq!(scrubbed, format!("<{MASK}>"), "{from}, {before}");
    }
}

#[test]
fn how_much_of_a_secret_counts_depends_on_its_length() {
    for (secret, part, masked) in [
        ("dragon", "drago", false),
        ("dragon", "dragon", true),
        ("dragon77", "ragon", false),
        ("dragon77", "ragon7", true),
        ("passwxrd", "password authentication failed", false),
        ("k7Qvx2mWZr9tJ4", "vx2mWZ", false),
        ("k7Qvx2mWZr9tJ4", "vx2mWZr", true),
    ] {
        let shown = knowing(&[secret]).scrub(&format!("- {part} -"), 99);
        assert_eq!(shown.contains(MASK), masked, "{secret}: {shown}");
    }
}

#[test]
fn where_a_text_is_cut_less_of_a_secret_counts() {
    let redactor = knowing(&["k7Qvx2mW"]);
    for (text, expected) in [
        ("password was k7Qv", "password was [redacted]"),
        ("it is `k7Qvx…` and", "it is `[redacted]…` and"),
        ("it is k7Qvx... and", "it is [redacted]... and"),
        ("…x2mW' is wrong", "…[redacted]' is wrong"),
        ("vx2mW is wrong", "[redacted] is wrong"),
        ("cut in an escape: k7Qv\\u00", "cut in an escape: [redacted]"),
        ("in hex: 6b375176", "in hex: [redacted]"),
        ("in hex, half a digit more: 6b3751767", "in hex, half a digit more: [redacted]"),
        ("in Base64: azdRdngy", "in Base64: [redacted]"),
        ("that is not k7Q", "that is not k7Q"),
        ("a k7Qv in between", "a k7Qv in between"),
    ] {
        assert_eq!(redactor.scrub(text, 99), expected, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        max_shrink_iters: 300,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_part_of_a_random_secret_gets_out(
        secret in "[!-Z^-~]{15,40}",
        from in 0_usize..8,
        before in "[ -~\\n]{0,30}",
        after in "[ -~\\n]{0,30}",
    ) {
        let redactor = knowing(&[&secret]);
        let part = &secret[from..(from + 7 + from).min(secret.len())];
        let part = if part.len() < 8 { &secret[..8] } else { part };
        for (name, form) in forms(part) {
            let scrubbed = redactor.scrub(&format!("{before}{form}{after}"), 4000);
            // What a mask has to do with it is no leak.
            for rest in scrubbed.split(MASK) {
                prop_assert!(!rest.contains(part), "{name} of {part:?}: {scrubbed}");
                prop_assert!(!rest.contains(&form), "{name} of {part:?}: {scrubbed}");
            }
        }
    }
}
