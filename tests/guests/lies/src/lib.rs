//! Describes itself wrongly, in the way that the letter behind `LIE` says; the test writes another
//! letter there before it hands the component to anybody, since nobody tells a plugin anything when
//! it is asked what it is.

#![allow(unsafe_code, reason = "what it does to the host is its sin")]

use windlass_guest::{Description, Guest, NameLength};

/// Where the test finds the letter.
#[used]
static LIE: [u8; 9] = *b"the lie:?";

/// The guest.
#[derive(Debug)]
pub struct Lies;

impl Guest for Lies {
    fn describe(honest: Description) -> Description {
        let mut wrong = honest;
        let rules = &mut wrong.password_rules;
        // SAFETY: it is a reference. Read at run time: the compiler must not know the letter.
        let [.., lie] = unsafe { std::ptr::read_volatile(&raw const LIE) };
        match lie {
            b'a' => wrong.name = "Lies".into(),
            b'b' => wrong.name = "\u{1b}[2J".into(),
            b'c' => wrong.name = "n".repeat(1 << 19),
            b'd' => wrong.engines = vec!["lies".into(), "two words".into()],
            b'e' => wrong.engines = Vec::new(),
            b'f' => wrong.engines = (0..33).map(|number| format!("engine-{number}")).collect(),
            b'g' => wrong.network = vec!["tcp://{host}:{port}".into(); 33],
            b'h' => wrong.network = vec!["tcp://*:*".into()],
            b'i' => wrong.network = vec![format!("tcp://{}:1", "h".repeat(600))],
            b'j' => wrong.network = vec!["tcp://\u{1b}[31mred".into()],
            b'k' => wrong.version = "1".repeat(1 << 20),
            b'l' => wrong.default_port = 0,
            b'm' => (rules.max_length, rules.default_length) = (Some(u32::MAX), u32::MAX),
            b'n' => (rules.max_length, rules.default_length) = (Some(u32::MAX), 4097),
            b'o' => rules.default_length = 0,
            b'p' => (rules.max_length, rules.default_length) = (Some(31), 32),
            b'q' => rules.default_length = 4,
            b'r' => rules.excluded_characters = ('!'..='~').filter(|c| *c != 'a').collect(),
            b's' => rules.excluded_characters = "x".repeat(600),
            b't' => rules.default_excluded_characters = "x".repeat(600),
            b'u' => wrong.username_rules.max_length = NameLength::Bytes(0),
            b'v' => wrong.username_rules.clone_suffix = "s".repeat(33),
            b'w' => wrong.username_rules.clone_suffix = "\n".into(),
            b'x' => wrong.features.alternating_users = true,
            b'A' => wrong.fields = vec!["password".into()],
            b'B' => wrong.fields = (0..33).map(|number| format!("field{number}")).collect(),
            b'C' => wrong.fields = vec!["f".repeat(600)],
            b'D' => {
                rules.required_classes.digit = true;
                rules.excluded_characters = "0123456789".into();
            }
            b'E' => wrong.username_rules.excluded_characters = "x".repeat(600),
            b'F' => {
                wrong.username_rules.clone_suffix = "_two".into();
                wrong.username_rules.excluded_characters = "_".into();
            }
            // True, and hard to believe.
            b'y' => rules.max_length = None,
            b'z' => wrong.username_rules.max_length = NameLength::Unlimited,
            _ => {}
        }
        wrong
    }
}

windlass_guest::guest!(Lies);
