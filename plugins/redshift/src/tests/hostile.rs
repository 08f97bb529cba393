//! Servers that mean harm in what is Redshift's own: the request for a digest, and the catalog. (What
//! all services of the protocol share, the PostgreSQL plugin's table of hostile servers tries.)
//!
//! For all of them: the call ends in a failure of the right kind, and no password goes out.

use FailureKind::*;
use windlass_sdk::testing::hostile::{self, Bounds, Call};
use windlass_sdk::{Endpoint, TlsMode};

use super::server::*;
use super::*;

fn in_clear(server: Endpoint) -> Result<(), Failure> {
    Redshift::verify(&calls::in_clear(server, "app"))
}

fn over_tls(server: Endpoint) -> Result<(), Failure> {
    Redshift::verify(&login(server, "app", PASSWORD))
}

/// `authentication` has its number and what is behind it, `error` its code and its text, `digest` asks for
/// one of the password in force.
fn words(word: &str, argument: &str, _: &[u8]) -> Option<Vec<u8>> {
    let (first, rest) = argument.split_once(' ').unwrap_or((argument, ""));
    Some(match word {
        "authentication" => authentication(first.parse().ok()?, rest.as_bytes()),
        "error" => error(first, rest),
        "digest" => ask_digest(0, b"salt", b"nonce"),
        _ => return None,
    })
}

#[test]
fn a_request_for_a_digest_that_lies_is_not_answered() {
    check_table("src/tests/hostile.txt");
}

pub(super) fn check_table(table: &str) {
    let bounds = Bounds { before_tls: SSL_REQUEST, read: 1024 * 1024, refused: "28000" };
    hostile::check(table, &bounds, words, |group| {
        Some(match group {
            "verify in clear" => (TlsMode::Disabled, in_clear as Call),
            "verify over TLS" => (TlsMode::Required, over_tls),
            _ => return None,
        })
    });
}

/// What the first two round trips of alternating users return.
fn alternating(first: Vec<u8>, second: Vec<u8>) -> Result<(), Failure> {
    let script: Script = Box::new(move |mut peer| {
        let_in(&mut peer);
        query(&mut peer);
        peer.send(&first);
        // Where the first answer is none, there is no second question.
        if receive(&mut peer).0 == b'Q' {
            peer.send(&second);
            assert_eq!(receive(&mut peer).0, b'X');
        }
        peer.expect_close();
    });
    change("admin", "app_clone", Some("app"), vec![script, asked_about("app", ASK_MD5.into())])
}

fn tables(all: &[&[Vec<u8>]]) -> Vec<u8> {
    let one = |rows: &&[Vec<u8>]| [head(), rows.concat(), complete("SELECT")].concat();
    let mut bytes: Vec<u8> = all.iter().flat_map(one).collect();
    bytes.extend(READY);
    bytes
}

/// A server that has what PostgreSQL has of the catalog.
fn there() -> Vec<u8> {
    tables(&[&[row(&[Some("pg_roles"), Some("rolconnlimit")])]])
}

fn user(name: &str) -> Vec<u8> {
    row(&[Some(name), Some("f"), Some("f"), None, None])
}

#[test]
fn a_catalog_that_makes_no_sense_ends_the_call() {
    let right =
        |list: &str| row(&[Some("t"), Some("s"), Some("t"), Some(""), Some("o"), Some(list)]);
    let long = "x".repeat(60_000);
    let limit = row(&[Some("app"), Some(&long), None, None]);
    let base = [user("app")];
    let cases: Vec<(Vec<u8>, Vec<u8>)> = vec![
        (tables(&[&[row(&[Some("pg_roles")])]]), Vec::new()),
        (tables(&[&[row(&[None, None])]]), Vec::new()),
        (there(), READY.to_vec()),
        (there(), tables(&[&[], &[], &[], &[], &[]])),
        (there(), tables(&[&[], &[], &[], &[], &[], &[], &[]])),
        (there(), tables(&[&[row(&[Some("app"); 500])], &[], &[], &[], &[], &[]])),
        (there(), tables(&[&base, &[row(&[None, None])], &[], &[], &[], &[]])),
        (there(), tables(&[&base, &[], &[], &[limit], &[], &[]])),
        (there(), tables(&[&base, &[], &[], &[], &[row(&[Some("app"), None, None])], &[]])),
        (there(), tables(&[&base, &[], &[], &[], &[], &[row(&[None])]])),
        (there(), tables(&[&base, &[], &[], &[], &[], &[right("app=r/\"o")]])),
        (there(), tables(&[&base, &[], &[], &[], &[], &[right(&format!("app={long}"))]])),
        (there(), tables(&[&base, &[], &[], &[], &[], &vec![right(&long); 20]])),
        (there(), row(&[Some("1")])),
    ];
    for (at, (first, second)) in cases.into_iter().enumerate() {
        let failure = alternating(first, second).unwrap_err();
        assert_eq!(failure.kind, Protocol, "case {at}: {failure}");
        assert!(failure.message.len() < 1000, "{failure}");
    }
}

#[test]
fn rights_without_end_are_not_read_without_end() {
    let right = row(&[Some("t"), Some("s"), Some("t"), Some(""), Some("o"), Some("")]);
    let page = vec![right; 1000];
    let first = tables(&[&[user("app")], &[], &[], &[], &[], &page]);
    let further = tables(&[&page]);
    let script: Script = Box::new(move |mut peer| {
        let_in(&mut peer);
        query(&mut peer);
        peer.send(&there());
        query(&mut peer);
        peer.send(&first);
        while receive(&mut peer).0 == b'Q' {
            peer.send(&further);
        }
        peer.expect_close();
    });
    let asked = asked_about("app", ASK_MD5.into());
    let outcome = change("admin", "app_clone", Some("app"), vec![script, asked]);
    assert_failure(outcome, Unsupported, "", "more than 100000 objects");
}

#[test]
fn a_name_in_the_catalog_that_can_not_be_written_is_not_the_secrets_fault() {
    let long = "x".repeat(128);
    for name in ["", &long] {
        let base = [user("app"), user("app_clone")];
        let mark = [row(&[Some("app_clone"), Some("windlass_clones")])];
        let group = [mark[0].clone(), row(&[Some("app"), Some(name)])];
        let role = [row(&[Some("app"), Some(name), Some("t")])];
        let right = |kind: &str, schema: &str, table: &str, detail: &str| {
            let list = "app=Ur/o";
            row(&[Some(kind), Some(schema), Some(table), Some(detail), Some("o"), Some(list)])
        };
        let rights = [
            right("n", "", name, ""),
            right("t", name, "t", ""),
            right("t", "s", name, ""),
            right("c", "s", "t", name),
            right("l", "", name, ""),
        ];
        let mut cases = vec![
            tables(&[&base, &group, &[], &[], &[], &[]]),
            tables(&[&base, &mark, &[], &[], &role, &[]]),
        ];
        cases.extend(rights.map(|right| tables(&[&base, &mark, &[], &[], &[], &[right]])));
        for case in cases {
            let failure = alternating(there(), case).unwrap_err();
            assert_eq!(failure.kind, Declined, "{failure}");
            assert!(failure.message.contains("can't be written"), "{failure}");
        }
    }
}

#[test]
fn names_from_the_catalog_can_not_break_out_of_a_message_or_a_statement() {
    let evil = "x\"; DROP USER app; --\u{1b}[2J";
    let limit = |name| row(&[Some(name), Some("-1"), None, None]);
    let right = row(&[Some("t"), Some(evil), Some(evil), Some(""), Some("o"), Some("app=r/o")]);
    let read = tables(&[
        &[user("app"), user("app_clone")],
        &[row(&[Some("app_clone"), Some("windlass_clones")])],
        &[row(&[Some("windlass_clones")])],
        &[limit("app"), limit("app_clone")],
        &[],
        &[right],
    ]);
    let script: Script = Box::new(move |mut peer| {
        let_in(&mut peer);
        query(&mut peer);
        peer.send(&there());
        query(&mut peer);
        peer.send(&read);
        let made = query(&mut peer);
        let quoted = "\"x\"\"; DROP USER app; --\u{1b}[2J\"";
        let expected = format!("GRANT SELECT ON TABLE {quoted}.{quoted} TO \"app_clone\"; ");
        assert!(made.starts_with(&expected), "{made}");
        peer.send(&read);
        goodbye(&mut peer);
    });
    let asked = asked_about("app", ASK_MD5.into());
    let failure = change("admin", "app_clone", Some("app"), vec![script, asked]).unwrap_err();
    assert_eq!(failure.kind, Declined);
    assert!(!failure.message.contains(char::is_control), "{failure:?}");
}
