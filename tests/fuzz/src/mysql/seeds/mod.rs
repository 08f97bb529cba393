//! Conversations as MySQL and MariaDB have them, good and bad.

use super::Choice;
use super::proof::native_hash;
use super::{NEW_PASSWORD, PASSWORD};
use crate::Seed;

const VERIFY: u8 = 0;
const OWN: u8 = 1;
const BY_ADMINISTRATOR: u8 = 2;
const ALTERNATING: u8 = 3;
const TLS: u8 = Choice::TLS;

const V8: &str = "8.0.36";
const MARIA: &str = "10.11.6-MariaDB";
const NATIVE: &str = "mysql_native_password";
const SHA2: &str = "caching_sha2_password";

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

/// What MariaDB says about a pair, the clone marked.
fn pair(base: &[&str], clone: &[&str]) -> Vec<u8> {
    let old = native_hash(PASSWORD);
    let marked = format!("VIA {NATIVE} USING '{old}' OR {NATIVE} USING 'invalid'");
    [
        prepared(MARIA, "app@%"),
        rows(&[&["%", "base"], &["%", "base_clone"]]),
        created("`base_clone`@`%`", &marked),
        granted("`base_clone`@`%`", clone),
        created("`base`@`%`", &format!("BY PASSWORD '{old}'")),
        granted("`base`@`%`", base),
    ]
    .concat()
}

/// What the corpus holds.
pub fn seeds() -> Vec<Seed> {
    let seed = |name, choice: u8, says: &[&[u8]]| {
        Seed::new(name, [&[choice][..], &says.concat()].concat())
    };
    let one = || rows(&[&["app@%"]]);
    let usage = "USAGE ON *.*";
    let read = "SELECT ON `d`.*";
    let told = format!("VIA ed25519 USING 'x' OR {NATIVE} USING 'invalid'");
    vec![
        seed("native", VERIFY, &[&let_in(MARIA), &one()]),
        seed("anonymous", VERIFY, &[&let_in(MARIA), &rows(&[&["@%"]])]),
        seed("unproven", VERIFY | Choice::KEEP, &[&let_in(MARIA), &one()]),
        seed("proved", VERIFY | TLS | Choice::KEEP, &[&let_in(MARIA), &one()]),
        seed("fast", VERIFY | TLS, &[&greeting(V8, SHA2), &packet(&[1, 3]), &ok(), &one()]),
        seed("full", VERIFY | TLS, &[&greeting(V8, SHA2), &packet(&[1, 4]), &ok(), &one()]),
        seed("full-in-clear", VERIFY, &[&greeting(V8, SHA2), &packet(&[1, 4])]),
        seed(
            "switched",
            VERIFY | TLS,
            &[&greeting(V8, SHA2), &switch("client_ed25519", &[7; 32]), &ok(), &one()],
        ),
        seed(
            "whole-password",
            VERIFY | TLS,
            &[&greeting(V8, SHA2), &switch("sha256_password", &[7; 20]), &ok(), &one()],
        ),
        seed(
            "parsec",
            VERIFY | TLS,
            &[
                &greeting(MARIA, NATIVE),
                &switch("parsec", &[7; 32]),
                &packet(&[&[1, b'P', 0][..], &[7; 18]].concat()),
                &ok(),
                &one(),
            ],
        ),
        seed(
            "refused",
            VERIFY,
            &[&greeting(V8, SHA2), &error(1045, "Access denied for user 'app'")],
        ),
        seed("turned-away", VERIFY, &[&error(1130, "Host '10.0.0.1' is not allowed to connect")]),
        seed("multi-factor", VERIFY, &[&greeting(V8, SHA2), &packet(b"\x02x\0")]),
        seed("no-plugin", VERIFY, &[&greeting(V8, SHA2), &switch("dialog", b"password:")]),
        seed(
            "expired",
            OWN,
            &[&let_in("9.0.0"), &error(1820, "reset it"), &error(1820, "reset it"), &ok(), &ok()],
        ),
        seed("file", VERIFY, &[&let_in(V8), &packet(b"\xfb/etc/passwd")]),
        seed("in-pieces", VERIFY | Choice::IN_PIECES, &[&let_in(MARIA), &one()]),
        seed("at-once", VERIFY | Choice::AT_ONCE, &[&let_in(MARIA), &one()]),
        seed("out-of-order", VERIFY | Choice::RAW, &[&let_in(MARIA), &one()]),
        seed("silent", VERIFY | Choice::SILENT, &[&greeting(V8, SHA2)]),
        seed("own-mysql", OWN, &[&prepared(V8, "app@%"), &ok(), &error(1227, "denied")]),
        seed(
            "own-with-current",
            OWN,
            &[&prepared("8.4.0", "app@%"), &error(3892, "specify it"), &ok(), &ok()],
        ),
        seed("own-mariadb", OWN, &[&prepared(MARIA, "app@%"), &created("`app`@`%`", &told), &ok()]),
        seed(
            "policy",
            OWN,
            &[
                &prepared(MARIA, "app@%"),
                &created("`app`@`%`", &told),
                &error(1290, "strict"),
                &ok(),
            ],
        ),
        seed("proxied", OWN, &[&prepared(V8, "other@%")]),
        seed("kept", OWN | Choice::KEEP, &[&prepared("8.0.14", "app@%"), &ok()]),
        seed(
            "kept-again",
            OWN | Choice::KEEP,
            &[&prepared("9.7.0", "app@%"), &error(3891, "incorrect")],
        ),
        seed("too-old", OWN, &[&prepared("5.6.51", "app@%")]),
        seed(
            "by-administrator",
            BY_ADMINISTRATOR,
            &[
                &prepared(V8, "app@%"),
                &rows(&[&["%", "it's `x`"]]),
                &created("`it's ``x```@`%`", &format!("WITH '{NATIVE}' AS '*24' REQUIRE NONE")),
                &ok(),
                &ok(),
            ],
        ),
        seed(
            "has-it-already",
            BY_ADMINISTRATOR,
            &[
                &prepared(V8, "app@%"),
                &rows(&[&["%", "it's `x`"]]),
                &created(
                    "`it's ``x```@`%`",
                    &format!("WITH '{NATIVE}' AS '{}'", native_hash(NEW_PASSWORD)),
                ),
            ],
        ),
        seed(
            "several",
            BY_ADMINISTRATOR,
            &[&prepared(V8, "app@%"), &rows(&[&["%", "it's `x`"], &["10.%", "it's `x`"]])],
        ),
        seed(
            "nobody",
            BY_ADMINISTRATOR,
            &[
                &prepared(V8, "app@%"),
                &packet(&[2]),
                &packet(b"a"),
                &packet(b"b"),
                &packet(END),
                &packet(END),
            ],
        ),
        seed("turned", ALTERNATING, &[&pair(&[read], &[read]), &ok()]),
        seed("back", ALTERNATING | Choice::SILENT, &[&pair(&[read], &[read]), &ok()]),
        seed(
            "mended",
            ALTERNATING,
            &[
                &pair(&[usage, "SELECT (`a``b`), UPDATE ON `d`.`t`"], &[usage, "INSERT ON `d`.*"]),
                &ok(),
                &ok(),
                &created("`base_clone`@`%`", &told),
                &granted("`base_clone`@`%`", &[usage, "SELECT (`a``b`), UPDATE ON `d`.`t`"]),
                &ok(),
            ],
        ),
        seed(
            "created",
            ALTERNATING,
            &[
                &prepared(MARIA, "app@%"),
                &rows(&[&["%", "base"]]),
                &created("`base`@`%`", "BY PASSWORD '*24' REQUIRE SSL"),
                &granted("`base`@`%`", &[usage]),
                &ok(),
                &created("`base_clone`@`%`", &format!("{told} REQUIRE SSL")),
                &granted("`base_clone`@`%`", &[usage]),
                &ok(),
            ],
        ),
        seed("strangers", ALTERNATING, &[&pair(&[read], &["ALL PRIVILEGES ON *.*"])]),
    ]
}
