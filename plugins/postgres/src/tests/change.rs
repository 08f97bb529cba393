//! Changes: which statements are sent as whom, and when the answer counts as done.

use FailureKind::*;

use super::server::*;
use super::*;

/// What the first round trip says about settings.
fn facts(encryption: &str) -> Vec<u8> {
    let values = [Some(encryption), None, Some("150004"), None, None];
    [head(), row(&values), complete("SELECT 1")].concat()
}

/// Answers the first round trip; returns its statements.
fn begin(peer: &mut Peer, tables: &[Vec<u8>]) -> String {
    let statements = query(peer);
    peer.send(&[complete("BEGIN"), facts("scram-sha-256"), tables.concat(), READY.into()].concat());
    statements
}

/// Answers the second round trip; returns its statements.
fn commit(peer: &mut Peer) -> String {
    let statements = query(peer);
    peer.send(&[complete("ALTER ROLE"), complete("COMMIT"), READY.into()].concat());
    goodbye(peer);
    assert!(!statements.contains(NEW_PASSWORD), "{statements}");
    statements
}

#[test]
fn ones_own_password_in_two_round_trips() {
    change("a\"pp", "a\"pp", None, |mut peer| {
        let_in(&mut peer);
        let first = begin(&mut peer, &[]);
        let (begin, role) =
            (
                "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout TO 15000;",
                " SET LOCAL ROLE NONE;",
            );
        assert!(first.starts_with(&format!("{begin}{role}")), "{first}");
        let second = commit(&mut peer);
        assert!(
            second.starts_with("ALTER ROLE \"a\"\"pp\" PASSWORD 'SCRAM-SHA-256$4096:"),
            "{second}"
        );
        assert!(second.ends_with("'; COMMIT"), "{second}");
        assert_eq!(second.matches(';').count(), 1, "{second}");
    })
    .unwrap();
}

#[test]
fn nothing_that_outlives_the_transaction_is_set() {
    change("app", "app", None, |mut peer| {
        let_in(&mut peer);
        let first = begin(&mut peer, &[]);
        for set in first.match_indices("SET ").map(|(at, _)| &first[at..]) {
            assert!(set.starts_with("SET LOCAL "), "{set}");
        }
        commit(&mut peer);
    })
    .unwrap();
}

#[test]
fn the_server_chooses_the_stored_form() {
    change("app", "app", None, |mut peer| {
        let_in(&mut peer);
        query(&mut peer);
        peer.send(&[complete("BEGIN"), facts("md5"), READY.into()].concat());
        let hash = postgres_protocol::password::md5(NEW_PASSWORD.as_bytes(), "app");
        assert_eq!(commit(&mut peer), format!("ALTER ROLE \"app\" PASSWORD '{hash}'; COMMIT"));
    })
    .unwrap();
    let outcome = change("app", "app", None, |mut peer| {
        let_in(&mut peer);
        query(&mut peer);
        peer.send(&[complete("BEGIN"), facts("argon2id"), READY.into()].concat());
        goodbye(&mut peer);
    });
    assert_failure(outcome, Unsupported, "", "argon2id");
}

/// What an administrator stores for `app` where the server asks for MD5 and, on a connection of its
/// own, asks that account for `request`.
fn stored_by_an_administrator(request: Vec<u8>) -> String {
    let (stored, was_stored) = std::sync::mpsc::channel();
    let changing: Script = Box::new(move |mut peer| {
        let_in(&mut peer);
        query(&mut peer);
        let found = [head(), row(&[Some("t"), Some("f")]), complete("SELECT 1")].concat();
        peer.send(&[complete("BEGIN"), facts("md5"), found, READY.into()].concat());
        stored.send(commit(&mut peer)).unwrap();
    });
    let asking: Script = Box::new(move |mut peer| {
        assert_eq!(startup(&mut peer)[1], "app");
        peer.send(&request);
        // No password.
        peer.expect_close();
    });
    calls::run(vec![changing, asking], |server| {
        Postgres::change(&calls::request(server, "admin", "app"))
    })
    .unwrap();
    was_stored.recv().unwrap()
}

#[test]
fn an_administrator_stores_a_hash_only_where_the_account_is_asked_for_one() {
    for (request, form) in [
        (authentication(10, b"SCRAM-SHA-256\0\0"), "'SCRAM-SHA-256$"),
        (error("28000", "no pg_hba.conf entry"), "'SCRAM-SHA-256$"),
        (ASK_MD5.to_vec(), "'md5"),
        (ASK_CLEARTEXT.to_vec(), "'SCRAM-SHA-256$"),
    ] {
        let statements = stored_by_an_administrator(request.clone());
        assert!(statements.contains(&format!("PASSWORD {form}")), "{request:?}: {statements}");
    }
}

/// Nothing is sent that a password could be found in, whoever allows it, without TLS.
#[test]
fn without_tls_no_text_is_sent_whatever_the_operator_allows() {
    let refusing: Script = Box::new(|mut peer| {
        let_in(&mut peer);
        begin(&mut peer, &[]);
        query(&mut peer);
        peer.send(&error("28000", "password type is not a plain text"));
        goodbye(&mut peer);
    });
    let outcome = calls::run(vec![refusing], |server| {
        let request = request(server, "app", "app");
        Postgres::change(&ChangeRequest { may_send_text: true, ..request })
    });
    assert_failure(outcome, TextRequired, "28000", "remove \"ssl\": false from the secret");
}

/// An error that only the second attempt meets is not put down to the password.
#[test]
fn a_text_that_a_check_does_not_take_is_sent_once() {
    let function_called = |peer: &mut Peer| {
        let (tag, body) = receive(peer);
        assert_eq!((tag, &body[..4]), (b'F', &2078_u32.to_be_bytes()[..]));
        assert!(body.windows(NEW_PASSWORD.len()).any(|part| part == NEW_PASSWORD.as_bytes()));
        peer.send(&[message(b'V', &[0, 0, 0, 0]), READY.into()].concat());
    };
    for (first, second, kind) in [
        ("password type is not a plain text", "password is too short", PasswordRejected),
        ("you may not", "you may not", Declined),
        ("it is hashed", "so new-p4ssword is too weak", PasswordRejected),
    ] {
        let script: Script = Box::new(move |mut peer| {
            accept_tls(&mut peer, None);
            let_in(&mut peer);
            begin(&mut peer, &[]);
            assert!(query(&mut peer).contains("'SCRAM-SHA-256$"));
            peer.send(&[error("28000", first), READY.into()].concat());
            assert_eq!(query(&mut peer), "ROLLBACK");
            peer.send(&[complete("ROLLBACK"), READY.into()].concat());
            begin(&mut peer, &[]);
            let settings = query(&mut peer);
            assert!(settings.contains("password_encryption TO 'scram-sha-256'; "), "{settings}");
            peer.send(&[complete("SET"), READY.into()].concat());
            function_called(&mut peer);
            let statements = query(&mut peer);
            assert!(statements.starts_with("DO LANGUAGE plpgsql "), "{statements}");
            assert!(!statements.contains(NEW_PASSWORD), "{statements}");
            peer.send(&error("28000", second));
            goodbye(&mut peer);
        });
        let outcome = calls::run(vec![script], |server| {
            let mut request = request(server, "app", "app");
            request.actor.tls = TlsMode::Required;
            Postgres::change(&ChangeRequest { may_send_text: true, ..request })
        });
        assert_failure(outcome, kind, "28000", "changing the password: ");
    }
}

#[test]
fn an_administrator_keeps_the_role_that_its_sessions_start_as() {
    change("admin", "it's", None, |mut peer| {
        let_in(&mut peer);
        let found = [head(), row(&[Some("t"), Some("f")]), complete("SELECT 1")].concat();
        let first = begin(&mut peer, &[found]);
        assert!(!first.contains("ROLE NONE"), "{first}");
        assert!(first.contains("rolname = 'it''s'"), "{first}");
        assert!(commit(&mut peer).starts_with("ALTER ROLE \"it's\" PASSWORD "));
    })
    .unwrap();
}

#[test]
fn an_account_that_does_not_exist_is_not_changed() {
    let outcome = change("admin", "gone", None, |mut peer| {
        let_in(&mut peer);
        begin(&mut peer, &[[head(), complete("SELECT 0")].concat()]);
        goodbye(&mut peer);
    });
    assert_failure(outcome, Declined, "", "\"gone\"");
}

#[test]
fn a_change_is_done_when_the_server_says_commit() {
    let table: &[(Vec<u8>, FailureKind, &str)] = &[
        // What COMMIT says in a transaction that failed.
        ([complete("ALTER ROLE"), complete("ROLLBACK"), READY.into()].concat(), Protocol, ""),
        ([complete("ALTER ROLE"), READY.into()].concat(), Protocol, ""),
        (READY.into(), Protocol, ""),
        (error("42501", "permission denied"), Declined, "42501"),
        (error("40001", "could not serialize"), Unreachable, "40001"),
        (error("28P01", "whatever it means here"), Declined, "28P01"),
    ];
    for (answer, kind, code) in table.iter().cloned() {
        let outcome = change("app", "app", None, move |mut peer| {
            let_in(&mut peer);
            begin(&mut peer, &[]);
            query(&mut peer);
            peer.send(&answer);
            goodbye(&mut peer);
        });
        assert_failure(outcome, kind, code, "changing the password: ");
    }
}

#[test]
fn a_connection_that_breaks_is_unreachable_at_every_point() {
    for answered in 0..3 {
        let outcome = change("app", "app", None, move |mut peer| {
            if answered > 0 {
                let_in(&mut peer);
            }
            if answered > 1 {
                begin(&mut peer, &[]);
                query(&mut peer);
                peer.send(&complete("ALTER ROLE"));
            }
        });
        assert_eq!(outcome.unwrap_err().kind, Unreachable, "after {answered}");
    }
}

#[test]
fn a_standby_says_what_to_do() {
    let outcome = change("app", "app", None, |mut peer| {
        let_in(&mut peer);
        query(&mut peer);
        peer.send(&error("0A000", "cannot set transaction read-write mode during recovery"));
        goodbye(&mut peer);
    });
    assert_failure(outcome, Declined, "0A000", "to the primary");
}

#[test]
fn what_can_not_be_done_is_said_before_connecting() {
    type Spoil = fn(&mut ChangeRequest);
    let table: &[(Spoil, FailureKind)] = &[
        (|request| request.keep_old_valid = true, Unsupported),
        (|request| request.new_password.clear(), InvalidSecret),
        (|request| request.new_password.push('\0'), InvalidSecret),
        (|request| request.username = "x".repeat(64), InvalidSecret),
        (|request| request.clone_of = Some("other".into()), InvalidSecret),
    ];
    for (spoil, kind) in table {
        let outcome = run(
            |mut peer| peer.expect_close(),
            |server| {
                let mut request = request(server, "app", "app");
                spoil(&mut request);
                Postgres::change(&request)
            },
        );
        assert_eq!(outcome.unwrap_err().kind, *kind);
    }
}

/// The rows that the catalog has about a pair: the roles, and whether one is a member of the other.
fn catalog(clone_exists: bool, member: bool) -> Vec<Vec<u8>> {
    let role = |is_clone: &str| {
        let (yes, no) = (Some("t"), Some("f"));
        let comment = Some("windlass: the clone of \"app\"").filter(|_| is_clone == "t");
        row(&[Some(is_clone), yes, yes, no, no, no, no, no, Some("-1"), None, no, comment])
    };
    let mut roles = [head(), role("f")].concat();
    if clone_exists {
        roles.extend(role("t"));
    }
    let setting = row(&[Some("f"), Some("db"), Some("work_mem=8MB"), Some("f")]);
    let membership = if member { row(&[Some("t"), Some("t"), Some("f")]) } else { Vec::new() };
    [roles, [head(), setting].concat(), [head(), membership].concat(), head()]
        .map(|table| [table, complete("SELECT")].concat())
        .to_vec()
}

/// Two roles that have nothing to do with each other.
fn unmarked() -> Vec<Vec<u8>> {
    let mut tables = catalog(true, false);
    let mark = b"windlass: the clone of \"app\"";
    let at = tables[0].windows(mark.len()).position(|part| part == mark).unwrap();
    tables[0][at] = b'W';
    tables
}

#[test]
fn alternating_users_take_two_round_trips_as_well() {
    change("admin", "app_clone", Some("app"), |mut peer| {
        let_in(&mut peer);
        let first = begin(&mut peer, &catalog(false, false));
        assert!(!first.contains("ROLE NONE"), "{first}");
        let second = commit(&mut peer);
        let statements: Vec<_> = second.split("; ").collect();
        assert!(statements[0].starts_with("CREATE ROLE \"app_clone\" LOGIN"), "{second}");
        assert_eq!(
            statements[1..],
            [
                "GRANT \"app\" TO \"app_clone\"",
                "COMMENT ON ROLE \"app_clone\" IS 'windlass: the clone of \"app\"'",
                "ALTER ROLE \"app_clone\" SET \"role\" TO 'app'",
                "ALTER ROLE \"app_clone\" IN DATABASE \"db\" SET \"work_mem\" TO '8MB'",
                "COMMIT"
            ]
        );
    })
    .unwrap();
    let outcome = change("admin", "app_clone", Some("app"), |mut peer| {
        let_in(&mut peer);
        begin(&mut peer, &unmarked());
        goodbye(&mut peer);
    });
    assert_failure(outcome, NotAPair, "", "not a member");
}

#[test]
fn a_catalog_that_makes_no_sense_is_a_protocol_failure() {
    let mut cut = catalog(true, true);
    cut.pop();
    let mut odd = catalog(true, true);
    odd[2] = [head(), row(&[Some("maybe"), Some("t"), Some("f")]), complete("SELECT")].concat();
    let mut narrow = catalog(true, true);
    narrow[0] = [head(), row(&[Some("t")]), complete("SELECT")].concat();
    for tables in [cut, odd, narrow] {
        let outcome = change("admin", "app_clone", Some("app"), move |mut peer| {
            let_in(&mut peer);
            begin(&mut peer, &tables);
            goodbye(&mut peer);
        });
        assert_failure(outcome, Protocol, "", "catalog");
    }
}
