//! Conversations as MySQL and MariaDB have them, good and bad, and how each ends.

mod assessments;
mod changes;
mod pairs;
mod sign_in;

use super::Choice;
use crate::Seed;
use crate::ends::{Conversation, Ends};

const V8: &str = "8.0.36";
const MARIA: &str = "10.11.6-MariaDB";
const NATIVE: &str = "mysql_native_password";
const SHA2: &str = "caching_sha2_password";

/// What the corpus holds.
pub fn seeds() -> Vec<Seed> {
    Conversation::seeds(conversations())
}

/// By what happens in them.
pub(super) fn conversations() -> Vec<Conversation> {
    [sign_in::good(), sign_in::bad(), changes::own(), changes::own_on_mariadb()]
        .into_iter()
        .chain([changes::policies(), changes::dual(), changes::by_administrator()])
        .chain([pairs::on_mariadb(), pairs::on_mysql(), pairs::refused()])
        .chain([assessments::found(), assessments::marked()])
        .flatten()
        .collect()
}

fn seed(name: &'static str, ends: Ends, choice: u16, says: &[&[u8]]) -> Conversation {
    Conversation::new(name, ends, Choice(choice).before(says))
}

/// Nothing went wrong, and there are no rows.
const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];
const END: &[u8] = &[0xfe, 0, 0, 2, 0];

/// A packet. Its number is put in later.
fn packet(payload: &[u8]) -> Vec<u8> {
    let [low, middle, high, _] = u32::try_from(payload.len()).unwrap_or(0).to_le_bytes();
    [&[low, middle, high, 0], payload].concat()
}

fn ok() -> Vec<u8> {
    packet(OK)
}

/// PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH and TLS.
fn greeting(version: &str, method: &str) -> Vec<u8> {
    let [a, b, c, d] = ((1_u32 << 9) | (1 << 11) | (1 << 15) | (1 << 19)).to_le_bytes();
    packet(
        &[
            b"\x0a",
            version.as_bytes(),
            b"\0\x01\0\0\0nonceof8\0",
            &[a, b, 45, 2, 0, c, d, 21],
            &[0; 10],
            b"and-of-12byt\0",
            method.as_bytes(),
            b"\0",
        ]
        .concat(),
    )
}

fn switch(method: &str, nonce: &[u8]) -> Vec<u8> {
    packet(&[b"\xfe", method.as_bytes(), b"\0", nonce].concat())
}

fn error(number: u16, text: &str) -> Vec<u8> {
    packet(&[b"\xff", &number.to_le_bytes()[..], b"#HY000", text.as_bytes()].concat())
}

/// Texts of fewer than 251 bytes say their length in one.
fn rows(rows: &[&[&str]]) -> Vec<u8> {
    let columns = rows.first().map_or(1, |row| row.len());
    let mut packets = vec![packet(&[u8::try_from(columns).unwrap_or(1)])];
    packets.extend((0..columns).map(|_| packet(b"\x03def")));
    packets.push(packet(END));
    for row in rows {
        let value =
            |text: &&str| [&[u8::try_from(text.len()).unwrap_or(0)], text.as_bytes()].concat();
        packets.push(packet(&row.iter().map(value).collect::<Vec<_>>().concat()));
    }
    packets.push(packet(END));
    packets.concat()
}

/// Lets in whoever comes.
fn let_in(version: &str) -> Vec<u8> {
    [greeting(version, NATIVE), ok()].concat()
}

/// And answers what is asked first.
fn prepared(version: &str, account: &str) -> Vec<u8> {
    [let_in(version), rows(&[&[version, "", account]]), ok()].concat()
}

fn created(account: &str, rest: &str) -> Vec<u8> {
    rows(&[&[&format!("CREATE USER {account} IDENTIFIED {rest}")]])
}

fn granted(account: &str, rights: &[&str]) -> Vec<u8> {
    let texts: Vec<String> = rights.iter().map(|one| format!("GRANT {one} TO {account}")).collect();
    let table: Vec<[&str; 1]> = texts.iter().map(|text| [text.as_str()]).collect();
    rows(&table.iter().map(|row| &row[..]).collect::<Vec<_>>())
}
