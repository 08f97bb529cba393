//! Which texts of a secret's version are secret: all but those that say where and how to sign in.
//!
//! A list of bad names would always lack one. So every text and number is learnt, at every depth, in
//! this order:
//!
//! 1. `password` at the top: whatever it is; one that is too short silences the step.
//! 2. Nothing of what the host prints itself: the values of [`PLACE_KEYS`] at the top, and whatever
//!    equals one of them, in either case.
//! 3. Below a key that holds one of [`CREDENTIAL_WORDS`]: from four characters on.
//! 4. Nothing that names a place, as the host names each to which a plugin connects: an address, or
//!    a host name in lower case with a dot in it. A grant may name any key that holds one.
//! 5. All else: from eight characters on, and as [`Kind::Leaf`]. Shorter ones (`prod`, `eu-1`, `5432`)
//!    stand in messages for other reasons. Of an address with a password in it, the password is a
//!    credential; of a text that is JSON itself, its own texts are learnt as well.
//!
//! A version that is no JSON object is one password, and so are its texts, if it is JSON.

use std::net::IpAddr;

use serde_json::Value;
use zeroize::Zeroize;

use super::runs::{FOLDED, Kind, Plain};
use super::{Known, SHORTEST, wipe};

/// Keys that say where and how to sign in: the host's messages name them with their values. The last
/// two are AWS's, of secrets that its console makes.
const PLACE_KEYS: [&str; 9] = [
    "engine",
    "host",
    "port",
    "username",
    "dbname",
    "ssl",
    "masterarn",
    "dbInstanceIdentifier",
    "dbClusterIdentifier",
];

/// What the names of keys hold that belong to credentials. They only decide from which length on a
/// text is masked, so a missing one costs little.
const CREDENTIAL_WORDS: [&str; 12] = [
    "pass", "pwd", "pin", "secret", "token", "key", "auth", "cred", "code", "otp", "salt",
    "private",
];

/// Learns what a version holds.
pub(super) fn learn(text: &str, known: &mut Known) {
    let none = &mut Plain::default();
    let Ok(mut value) = serde_json::from_str::<Value>(text) else {
        learn_from(SHORTEST, text, Kind::Credential, known, none);
        return;
    };
    match &value {
        Value::Object(fields) => {
            let place = |key: &str| PLACE_KEYS.iter().any(|own| own.eq_ignore_ascii_case(key));
            let places = fields.iter().filter(|(key, _)| place(key));
            let mut plain = Plain::new(places.filter_map(|(_, value)| leaf(value)).collect());
            // First, so that nothing else can take its room.
            if let Some(password) = fields.get("password").and_then(Value::as_str) {
                known.learn(password, Kind::Credential, none);
            }
            for (key, value) in fields {
                if !place(key) || leaf(value).is_none() {
                    walk(value, kind(key, Kind::Leaf), &mut plain, known);
                }
            }
        }
        other => {
            learn_from(SHORTEST, text, Kind::Credential, known, none);
            walk(other, Kind::Credential, none, known);
        }
    }
    wipe(&mut value);
}

/// Learns a value with all that is in it.
fn walk(value: &Value, of: Kind, plain: &mut Plain, known: &mut Known) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| walk(value, kind(key, of), plain, known));
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, of, plain, known)),
        leaf => {
            let Some(mut text) = self::leaf(leaf) else { return };
            if !plain.is(&text) {
                learn_leaf(&text, of, plain, known);
            }
            text.zeroize();
        }
    }
}

fn learn_leaf(text: &str, of: Kind, plain: &mut Plain, known: &mut Known) {
    match of {
        Kind::Credential => learn_from(SHORTEST, text, of, known, &mut Plain::default()),
        Kind::Leaf if names_place(text) => {}
        Kind::Leaf => learn_from(FOLDED, text, of, known, plain),
    }
    for password in passwords_of_address(text) {
        learn_from(SHORTEST, password, Kind::Credential, known, &mut Plain::default());
    }
    if text.trim_start().starts_with(['{', '['])
        && let Ok(mut inner) = serde_json::from_str::<Value>(text)
    {
        walk(&inner, of, plain, known);
        wipe(&mut inner);
    }
}

fn learn_from(shortest: usize, text: &str, of: Kind, known: &mut Known, plain: &mut Plain) {
    if text.chars().count() >= shortest {
        known.learn(text, of, plain);
    }
}

/// The kind of what a key names, within something of a kind.
fn kind(key: &str, within: Kind) -> Kind {
    let key = key.to_lowercase();
    let credential = CREDENTIAL_WORDS.iter().any(|word| key.contains(word));
    if credential { Kind::Credential } else { within }
}

/// A text, or the digits of a number.
fn leaf(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether a text names a place in the network and nothing else.
fn names_place(text: &str) -> bool {
    let label = |label: &str| {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !label.is_empty() && label.bytes().all(allowed)
    };
    let top = |label: &str| label.len() > 1 && label.bytes().all(|byte| byte.is_ascii_lowercase());
    let name =
        text.rsplit_once('.').is_some_and(|(below, last)| top(last) && below.split('.').all(label));
    name || text == "localhost" || text.parse::<IpAddr>().is_ok()
}

/// The password in `scheme://user:password@host`, in both ways to read it: an at sign may stand
/// behind the host, and somebody may not have escaped a slash.
fn passwords_of_address(text: &str) -> impl Iterator<Item = &str> {
    let rest = text.split_once("://").map(|(_, rest)| rest);
    let authority = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    let users = [authority, rest].into_iter().flatten().filter_map(|text| text.rsplit_once('@'));
    users.filter_map(|(user, _)| Some(user.split_once(':')?.1))
}
