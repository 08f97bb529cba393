//! What a search costs, and what happens where it would cost too much.

use std::time::Instant;

use super::*;

#[test]
fn a_megabyte_is_looked_at_no_further_than_it_is_told() {
    // Each of these made an earlier search look at every byte, some many times over.
    let all_alike = "a".repeat(4096);
    let redactor = knowing(&[&all_alike, "correct horse", "\\\\\\\\\\\\\\\\"]);
    for text in ["a", "\\", "correct horse", "%2525", "…a"] {
        let scrubbed = redactor.scrub(&text.repeat((1 << 20) / text.len()), 2 << 10);
        assert!(scrubbed.len() <= (2 << 10) + '…'.len_utf8(), "{text}");
    }
}

#[test]
fn what_could_not_be_searched_is_not_told() {
    // Each of its characters may be read in several ways, and every way is one of the secret's.
    let redactor = knowing(&["\\n\n\\\\nn\n\n\\n\n\\nn\nn\\\n", "correct/horse9"]);
    let text = format!("{}correct/horse9", "\\n".repeat(2 << 10));
    let scrubbed = redactor.scrub(&text, 64 << 10);
    assert!(scrubbed.ends_with('…') && !scrubbed.contains("correct"), "{}", scrubbed.len());
}

/// A secret of Secrets Manager's largest size, in texts of 20 characters.
fn large(of: usize) -> String {
    let leaves: Vec<_> = (0..of / 23).map(|n| format!("{:020x}", mixed(n))).collect();
    serde_json::to_string(&serde_json::json!({ "password": "correct/horse9", "more": leaves }))
        .unwrap()
}

/// A number with no pattern.
fn mixed(number: usize) -> u128 {
    let seed = number as u128 + 1;
    seed.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) >> 48
}

#[test]
fn of_a_secret_with_thousands_of_texts_each_is_masked() {
    let redactor = Redactor::default();
    for _ in 0..3 {
        redactor.learn_version(&Secret::new(large(64 << 10)));
    }
    let leaf = format!("{:020x}", mixed(1234));
    assert_eq!(redactor.scrub(&format!("<{leaf}>"), 99), format!("<{MASK}>"));
}

#[test]
fn long_texts_that_are_no_secret_cost_no_more_for_every_leaf_beside_them() {
    let name: String = (0..4000).map(|n| format!("{:x}", mixed(n))).collect();
    let leaves: Vec<_> = (0..3000).map(|n| format!("z{n:09}")).collect();
    let text = serde_json::json!({ "dbname": name, "more": leaves, "odd": &name[..9] });
    let redactor = Redactor::default();
    redactor.learn_version(&Secret::new(text.to_string()));
    assert_eq!(redactor.scrub(&format!("<{}>", leaves[7]), 99), format!("<{MASK}>"));
    let plain = format!("<{}>", &name[..9]);
    assert_eq!(redactor.scrub(&plain, 99), plain, "part of what is shown anyway");
}

#[test]
fn beyond_what_can_be_learnt_nothing_is_told() {
    let redactor = Redactor::default();
    redactor.learn_version(&Secret::new(large(64 << 10)));
    redactor.learn_version(&Secret::new(large(16 << 10).replace("\":[\"", "\":[\"another leaf: ")));
    assert_eq!(redactor.scrub("a plain message", 99), "a plain message");
    let other: Vec<_> = (0..3000).map(|n| format!("{:020}", mixed(n))).collect();
    redactor.learn_version(&Secret::new(serde_json::to_string(&other).unwrap()));
    for shown in [redactor.scrub("a plain message", 99), redactor.scrub_of_aws("a message", 99)] {
        assert_eq!(shown, TOO_MANY);
    }
}

/// How long it takes; run with `--ignored --nocapture`.
#[test]
#[ignore = "a measurement, with nothing to hold"]
fn measure_what_a_search_costs() {
    let words =
        "FATAL: password authentication failed for user \"app\" (SQLSTATE 28P01), line 12\n";
    let passwords = [
        "p7#Kq2!vX9&mZ4@tR8$wB3%nL6*cF1?d",
        "Hs5^Gy0~Jx2+Te8=Ua4/Ib7-Ok3_Pl9.",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ];
    let redactor = knowing(&passwords);
    for (name, text) in [
        ("words", words.repeat(40)),
        ("secrets", passwords.concat().repeat(40)),
        ("escapes", "\\u0041\\\\x41&#x41;%2541".repeat(200)),
        ("alike", "a".repeat(4096)),
        ("hex", "6161 ".repeat(900)),
    ] {
        let text = text.get(..2048).unwrap();
        let begun = Instant::now();
        let first = redactor.scrub(text, 4096);
        let (once, begun) = (begun.elapsed(), Instant::now());
        for _ in 0..20 {
            redactor.scrub(text, 4096);
        }
        let each = begun.elapsed() / 20;
        println!("2 KiB of {name}: {once:?}, then {each:?}; {} bytes", first.len());
    }
    let begun = Instant::now();
    let redactor = Redactor::default();
    redactor.learn_version(&Secret::new(large(64 << 10)));
    let learnt = begun.elapsed();
    redactor.scrub("", 9);
    println!("64 KiB: learnt in {learnt:?}, sorted after {:?}", begun.elapsed());
    let begun = Instant::now();
    redactor.scrub(words.repeat(40).get(..2048).unwrap(), 4096);
    println!("2 KiB of words searched for it in {:?}", begun.elapsed());
    let known = redactor.known();
    println!("{} bytes of tables for {} characters", known.runs.bytes(), known.learnt);
}
