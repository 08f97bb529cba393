//! Fuzz targets: what must hold for every input, whoever made it.
//!
//! Each module is one target, a function of bytes that panics where something does not hold. It
//! says at its top what that is; "it does not panic" is never all. Most of them compare with a model
//! that is simpler and slower than the product, and written from its documentation.
//!
//! | folder | what is there |
//! |---|---|
//! | `src/` | the targets, ordinary functions |
//! | `fuzz_targets/` | the same for libFuzzer: `cargo xtask fuzz`, or cargo-fuzz for who has it |
//! | `corpus/` | where fuzzing starts: made by each target's `seeds` |
//! | `regressions/` | inputs that once found something |
//! | `dictionaries/` | words that chance would take long to find |
//!
//! `cargo test` runs the targets on everything in `corpus/` and `regressions/`, without libFuzzer. What
//! once found something in a conversation is a seed, which says how it ends: it would not notice
//! otherwise that the plugin has come to ask something else.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a panic is how a target reports that something does not hold"
)]

pub mod artifact;
mod connection;
mod ends;
pub mod event;
pub mod grant;
pub mod mysql;
pub mod postgres;
pub mod redactor;
pub mod redshift;
pub mod secret;

use ends::none_wrong;
use windlass_sdk::{Assessment, FINDINGS_MAX};

/// A target, for whoever runs all of them.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The name of its module, its program and its folders.
    pub name: &'static str,
    /// Panics where something does not hold.
    pub run: fn(&[u8]),
    /// What is in its corpus.
    pub seeds: fn() -> Vec<Seed>,
    /// Which of these do not end as they should, where a seed is a conversation.
    pub wrong_ends: fn() -> Vec<String>,
}

/// An input from which others are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    /// The name of its file.
    pub name: &'static str,
    /// The input.
    pub input: Vec<u8>,
}

impl Seed {
    fn new(name: &'static str, input: impl Into<Vec<u8>>) -> Self {
        Self { name, input: input.into() }
    }
}

/// All of them.
pub const TARGETS: [Target; 8] = [
    Target { name: "artifact", run: artifact::run, seeds: artifact::seeds, wrong_ends: none_wrong },
    Target { name: "event", run: event::run, seeds: event::seeds, wrong_ends: none_wrong },
    Target { name: "grant", run: grant::run, seeds: grant::seeds, wrong_ends: none_wrong },
    Target { name: "mysql", run: mysql::run, seeds: mysql::seeds, wrong_ends: mysql::wrong_ends },
    Target {
        name: "postgres",
        run: postgres::run,
        seeds: postgres::seeds,
        wrong_ends: postgres::wrong_ends,
    },
    Target { name: "redactor", run: redactor::run, seeds: redactor::seeds, wrong_ends: none_wrong },
    Target {
        name: "redshift",
        run: redshift::run,
        seeds: redshift::seeds,
        wrong_ends: redshift::wrong_ends,
    },
    Target { name: "secret", run: secret::run, seeds: secret::seeds, wrong_ends: none_wrong },
];

/// Whether a text is one that may go into a log as it is: nothing in it ends a line, drives a
/// terminal, or turns the direction of what stands around it.
fn is_one_line(text: &str) -> bool {
    let turns = |one| {
        "\u{61c}\u{200e}\u{200f}".contains(one)
            || ('\u{202a}'..='\u{202e}').contains(&one)
            || ('\u{2066}'..='\u{2069}').contains(&one)
    };
    !text.chars().any(|one| one.is_control() || turns(one) || "\u{2028}\u{2029}".contains(one))
}

/// Checks what an assessment says: as much, and in such words, as a message may.
fn check_assessment(found: Option<&Assessment>, longest: usize, is_kept: impl Fn(&str) -> bool) {
    let Some(found) = found else { panic!("an assessment without one") };
    let Assessment { session, lacks, differences, .. } = found;
    assert!(lacks.len() <= FINDINGS_MAX + 1 && differences.len() <= FINDINGS_MAX + 1, "{found:?}");
    let findings = lacks.iter().chain(differences);
    let texts = findings.flat_map(|finding| [&finding.text, &finding.remedy]);
    for text in texts.chain([session]) {
        assert!(is_one_line(text) && text.len() < longest, "{text:?}");
        assert!(is_kept(text), "a password: {text}");
    }
}

/// Whether `part` is somewhere in `whole`.
fn holds(whole: &[u8], part: &[u8]) -> bool {
    whole.windows(part.len()).any(|window| window == part)
}
