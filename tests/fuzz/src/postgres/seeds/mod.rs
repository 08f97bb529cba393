//! Conversations as PostgreSQL has them, good and bad.

use super::Choice;
use super::server::{NONCE, PROOF};
use super::wire::*;
use crate::Seed;

const VERIFY: u8 = 0;
const OWN: u8 = 1;
const BY_ADMINISTRATOR: u8 = 2;
const ALTERNATING: u8 = 3;

/// SCRAM from the offer to the proof, of one round, which costs nothing.
fn scram(mechanisms: &str, change: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let offer = mechanisms.split(' ').map(|name| format!("{name}\0")).collect::<String>() + "\0";
    let nonce = String::from_utf8_lossy(NONCE);
    let challenge = format!("r={nonce}+server,s=c2FsdHNhbHRzYWx0c2FsdA==,i=1");
    [
        authentication(10, offer.as_bytes()),
        authentication(11, &change(challenge.into_bytes())),
        authentication(12, &change([b"v=", &PROOF[..]].concat())),
    ]
    .concat()
}

/// `text` with `by` in the place of `mark`.
fn replace(text: &[u8], mark: &[u8], by: &[u8]) -> Vec<u8> {
    match text.windows(mark.len()).position(|window| window == mark) {
        Some(at) => [&text[..at], by, &text[at + mark.len()..]].concat(),
        None => text.to_vec(),
    }
}

/// The shortest way in.
fn let_in() -> Vec<u8> {
    [authentication(5, &[1, 2, 3, 4]), welcome()].concat()
}

/// The answer to what a change asks first.
fn begun(tables: &[Vec<u8>]) -> Vec<u8> {
    let settings = table(&[row(&[Some("scram-sha-256"), Some("1"), None])]);
    [complete("BEGIN"), settings, tables.concat(), READY.to_vec()].concat()
}

fn committed() -> Vec<u8> {
    [complete("ALTER ROLE"), complete("COMMIT"), READY.to_vec()].concat()
}

/// What the catalog says about a pair.
fn catalog(
    roles: &[Vec<u8>],
    settings: &[Vec<u8>],
    member: bool,
    besides: &[Vec<u8>],
) -> Vec<Vec<u8>> {
    let membership = row(&[Some("t"), Some("f"), Some("f")]);
    let membership = if member { vec![membership] } else { Vec::new() };
    vec![table(roles), table(settings), table(&membership), table(besides)]
}

fn role(is_clone: &str, limit: &str, until: Option<&str>, comment: Option<&str>) -> Vec<u8> {
    let (yes, no) = (Some("t"), Some("f"));
    row(&[Some(is_clone), yes, yes, no, no, no, no, no, Some(limit), until, comment])
}

/// Conversations, by what happens in them.
pub fn seeds() -> Vec<Seed> {
    let seed = |name, choice: u8, says: &[&[u8]]| {
        Seed::new(name, [&[choice][..], &says.concat()].concat())
    };
    let put = |mark: &[u8], by: &[u8]| scram("SCRAM-SHA-256", |text| replace(&text, mark, by));
    let as_it_is = |text| text;
    let selected =
        [message(b'T', b"\0\0"), row(&[Some("app")]), complete("SELECT 1"), READY.to_vec()]
            .concat();
    let (plain, both) =
        (scram("SCRAM-SHA-256", as_it_is), scram("SCRAM-SHA-256-PLUS SCRAM-SHA-256", as_it_is));
    let in_tls = VERIFY | Choice::TLS;
    let bound = in_tls | Choice::BINDING;
    let mutual = VERIFY | Choice::MUTUAL;
    let elsewhere = table(&[row(&[Some("pooler")])]);
    let reported = message(b'S', b"session_authorization\0pooler\0");
    let cleartext = authentication(3, b"");
    let notices = [message(b'N', b"SNOTICE\0\0"), message(b'A', &[0; 6]), message(b'v', &[0; 8])];
    let settings = [
        row(&[Some("f"), Some("db"), Some("work_mem=8MB")]),
        row(&[Some("f"), None, Some("search_path=\"$user\", public, \"it's\"")]),
        row(&[Some("t"), None, Some("my.setting=a\\b'c")]),
    ];
    let base = role("f", "5", Some("2030-01-01 00:00:00+00"), None);
    let created = catalog(std::slice::from_ref(&base), &settings, false, &[]);
    let mark = Some("it's \\ ours; windlass: the clone of \"base\"");
    let marked = [base.clone(), role("t", "-1", None, mark)];
    let both_roles = [base, role("t", "-1", None, Some("it's \\ ours"))];
    let renewed = catalog(&marked, &settings, true, &[row(&[Some("a"), None])]);
    let adopted = catalog(&both_roles, &settings, true, &[]);
    let strangers = catalog(&both_roles, &[], false, &[]);
    let besides = [row(&[Some("a"), None]), row(&[Some("member"), Some("pay\nroll")])];
    let doubtful = catalog(&both_roles, &[], true, &besides);
    let found = table(&[row(&[Some("1")])]);
    vec![
        seed("scram", VERIFY, &[&plain, &welcome(), &selected]),
        seed("scram-in-tls", in_tls, &[b"S", &plain, &welcome(), &selected]),
        seed("scram-bound", bound, &[b"S", &both, &welcome(), &selected]),
        seed("scram-not-offered", bound, &[b"S", &plain, &welcome(), &selected]),
        seed("scram-in-pieces", VERIFY | Choice::IN_PIECES, &[&plain, &welcome(), &selected]),
        seed("scram-without-proof", VERIFY, &[&plain[..plain.len() - 55], &welcome()]),
        seed(
            "scram-with-a-wrong-proof",
            VERIFY,
            &[&put(PROOF, &[b'A'; 44]), &welcome(), &selected],
        ),
        seed("scram-with-another-nonce", VERIFY, &[&put(NONCE, &[b'A'; 24])]),
        seed("scram-with-a-sign", VERIFY, &[&put(b"i=1", b"i=+1"), &welcome()]),
        seed("scram-with-too-many-rounds", VERIFY, &[&put(b"i=1", b"i=600001"), &welcome()]),
        seed("scram-without-salt", VERIFY, &[&put(b"c2FsdHNhbHRzYWx0c2FsdA==", b"")]),
        seed("md5", VERIFY, &[&let_in(), &selected]),
        seed("mutual-scram", mutual, &[&plain, &welcome(), &selected]),
        seed("mutual-md5", mutual, &[&let_in(), &selected]),
        seed("mutual-trust", mutual, &[&welcome(), &selected]),
        seed("mutual-in-tls", mutual | Choice::TLS, &[b"S", &let_in(), &selected]),
        seed("another-account", VERIFY, &[&let_in(), &elsewhere, READY]),
        seed("another-reported", OWN, &[&authentication(5, b"salt"), OK, &reported, READY]),
        seed("cleartext-in-tls", in_tls, &[b"S", &cleartext, &welcome(), &selected]),
        seed(
            "refused-in-clear",
            in_tls,
            &[b"S", &cleartext, &error("28000", "LDAP authentication failed")],
        ),
        seed("cleartext", VERIFY, &[&cleartext, &welcome(), &selected]),
        seed("trust", VERIFY, &[&welcome(), &selected]),
        seed("gssapi", VERIFY, &[&authentication(7, b"")]),
        seed("no-tls", in_tls, &[b"N"]),
        seed("error-for-tls", in_tls, &[&error("28P01", "from anybody")]),
        seed("slipped-in", in_tls | Choice::AT_ONCE, &[b"S", OK, READY]),
        seed(
            "refused",
            VERIFY,
            &[&authentication(5, b"salt"), &error("28P01", "no such password")],
        ),
        seed("declined", VERIFY, &[&error("28000", "no pg_hba.conf entry")]),
        seed("no-database", VERIFY, &[&authentication(5, b"salt"), OK, &error("3D000", "none")]),
        seed("silent", VERIFY | Choice::SILENT, &[&authentication(5, b"salt")]),
        seed("notices", VERIFY, &[&notices.concat(), &let_in(), &notices.concat(), &selected]),
        seed("own", OWN, &[&let_in(), &begun(&[]), &committed()]),
        seed("own-by-scram", OWN, &[&plain, &welcome(), &begun(&[]), &committed()]),
        seed("rolled-back", OWN, &[&let_in(), &begun(&[]), &complete("ROLLBACK"), READY]),
        seed("denied", OWN, &[&let_in(), &begun(&[]), &error("42501", "permission denied")]),
        seed("standby", OWN, &[&let_in(), &error("0A000", "during recovery"), READY]),
        seed("by-administrator", BY_ADMINISTRATOR, &[&let_in(), &begun(&[found]), &committed()]),
        seed("nobody", BY_ADMINISTRATOR, &[&let_in(), &begun(&[table(&[])])]),
        seed("created", ALTERNATING, &[&let_in(), &begun(&created), &committed()]),
        seed("renewed", ALTERNATING, &[&let_in(), &begun(&renewed), &committed()]),
        seed("turned", ALTERNATING | Choice::SILENT, &[&let_in(), &begun(&renewed), &committed()]),
        seed("adopted", ALTERNATING, &[&let_in(), &begun(&adopted), &committed()]),
        seed("strangers", ALTERNATING, &[&let_in(), &begun(&strangers)]),
        seed("doubtful", ALTERNATING, &[&let_in(), &begun(&doubtful)]),
    ]
}
