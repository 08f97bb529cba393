//! Changes: which statements are sent as whom and in which form, and when the answer counts as done.

use std::sync::mpsc::channel;

use FailureKind::*;

use super::server::*;
use super::*;

/// Takes a change and reports it done; returns its statements.
fn changed(peer: &mut Peer) -> String {
    let statements = query(peer);
    peer.send(&[complete("ALTER USER"), complete("COMMIT"), READY.into()].concat());
    assert!(!statements.contains(NEW_PASSWORD), "{statements}");
    statements
}

fn md5(username: &str) -> String {
    postgres_protocol::password::md5(NEW_PASSWORD.as_bytes(), username)
}

#[test]
fn ones_own_password_in_one_round_trip_and_in_the_form_of_the_sign_in() {
    let script: Script = Box::new(|mut peer| {
        let_in(&mut peer);
        assert_eq!(
            changed(&mut peer),
            format!(
                "BEGIN READ WRITE; SET LOCAL statement_timeout TO 15000; \
                 ALTER USER \"a\"\"pp\" PASSWORD '{}'; COMMIT",
                md5("a\"pp")
            )
        );
        goodbye(&mut peer);
    });
    change("a\"pp", "a\"pp", None, vec![script]).unwrap();
}

/// A change by digest: what was set must sign in on the next connection.
fn by_digest(salt: &'static [u8], as_bytes: bool) {
    let (set, was_set) = channel();
    let first: Script = Box::new(move |mut peer| {
        let_in_by_digest(&mut peer, &Stored::new(PASSWORD, salt));
        set.send(Stored::set(&changed(&mut peer), as_bytes)).unwrap();
        goodbye(&mut peer);
    });
    let second: Script = Box::new(move |mut peer| {
        let_in_by_digest(&mut peer, &was_set.recv().unwrap());
        goodbye(&mut peer);
    });
    change("app", "app", None, vec![first, second]).unwrap();
}

#[test]
fn a_digest_is_made_over_the_salt_as_the_server_sends_it_and_proved() {
    by_digest(&[0x5a; 32], true);
    by_digest(&[b'e'; 64], false);
}

#[test]
fn a_digest_that_does_not_sign_in_gives_way_to_md5_before_anybody_is_locked_out() {
    let first: Script = Box::new(|mut peer| {
        let_in_by_digest(&mut peer, &in_force());
        assert!(changed(&mut peer).contains("PASSWORD 'sha256|"));
        assert!(changed(&mut peer).contains(&format!("PASSWORD '{}'", md5("app"))));
        goodbye(&mut peer);
    });
    let second: Script = Box::new(|mut peer| {
        startup(&mut peer);
        assert!(!digest_is_right(&mut peer, &in_force()));
        peer.send(&wrong_password());
        peer.expect_close();
    });
    change("app", "app", None, vec![first, second]).unwrap();
}

#[test]
fn a_proof_that_can_not_be_had_is_no_reason_to_change_again() {
    for answer in [error("53300", "too many connections"), Vec::new()] {
        let first: Script = Box::new(|mut peer| {
            let_in_by_digest(&mut peer, &in_force());
            changed(&mut peer);
            goodbye(&mut peer);
        });
        let second: Script = Box::new(move |mut peer| {
            startup(&mut peer);
            peer.send(&answer);
            peer.hang_up();
        });
        change("app", "app", None, vec![first, second]).unwrap();
    }
}

#[test]
fn a_salt_of_another_kind_is_not_imitated() {
    let script: Script = Box::new(|mut peer| {
        let_in_by_digest(&mut peer, &Stored::new(PASSWORD, &[7; 16]));
        assert!(changed(&mut peer).contains("PASSWORD 'md5"));
        goodbye(&mut peer);
    });
    change("app", "app", None, vec![script]).unwrap();
}

#[test]
fn an_administrator_asks_how_the_account_signs_in_and_sends_no_password() {
    // Whatever the administrator's own form is, the account keeps its own.
    let by_md5: Script = Box::new(|mut peer| {
        let_in_by_digest(&mut peer, &in_force());
        let expected = format!("ALTER USER \"it's\" PASSWORD '{}'", md5("it's"));
        assert!(changed(&mut peer).contains(&expected));
        goodbye(&mut peer);
    });
    change("admin", "it's", None, vec![by_md5, asked_about("it's", ASK_MD5.into())]).unwrap();

    let (set, was_set) = channel();
    let by_digest: Script = Box::new(move |mut peer| {
        let_in(&mut peer);
        set.send(Stored::set(&changed(&mut peer), true)).unwrap();
        goodbye(&mut peer);
    });
    let proof: Script = Box::new(move |mut peer| {
        let_in_by_digest(&mut peer, &was_set.recv().unwrap());
        goodbye(&mut peer);
    });
    let asked = asked_about("app", ask_digest(0, &[1; 32], NONCE));
    change("admin", "app", None, vec![by_digest, asked, proof]).unwrap();

    // What does not say how leads to the form that every driver knows.
    for answer in [wrong_password(), authentication(7, b""), authentication(10, b"X\0\0")] {
        let script: Script = Box::new(|mut peer| {
            let_in(&mut peer);
            assert!(changed(&mut peer).contains("PASSWORD 'md5"));
            goodbye(&mut peer);
        });
        change("admin", "app", None, vec![script, asked_about("app", answer)]).unwrap();
    }
}

#[test]
fn where_nobody_can_be_asked_nothing_is_changed() {
    let script: Script = Box::new(|mut peer| {
        let_in(&mut peer);
        goodbye(&mut peer);
    });
    let outcome = change("admin", "app", None, vec![script]);
    assert_failure(outcome, Unreachable, "", "asking how the account signs in");
    for nonsense in [b"HTTP/1.1 400 Bad Request".to_vec(), authentication(13, b"\0\0")] {
        let script: Script = Box::new(|mut peer| {
            let_in(&mut peer);
            goodbye(&mut peer);
        });
        let outcome = change("admin", "app", None, vec![script, asked_about("app", nonsense)]);
        assert_eq!(outcome.unwrap_err().kind, Protocol);
    }
}

#[test]
fn a_change_is_done_when_the_server_says_commit() {
    let table: &[(Vec<u8>, FailureKind, &str)] = &[
        // What COMMIT says in a transaction that failed.
        ([complete("ALTER USER"), complete("ROLLBACK"), READY.into()].concat(), Protocol, ""),
        ([complete("ALTER USER"), READY.into()].concat(), Protocol, ""),
        (READY.into(), Protocol, ""),
        (error("42501", "permission denied"), Declined, "42501"),
        (error("42704", "user \"app\" does not exist"), Declined, "42704"),
        (error("42601", "syntax error at or near \"new-p4ssword\""), Declined, "42601"),
        (error("XX000", "1023"), Unreachable, "XX000"),
        (error("40001", "could not serialize"), Unreachable, "40001"),
        (error("28000", "password authentication failed for user"), Declined, "28000"),
    ];
    for (answer, kind, code) in table.iter().cloned() {
        let script: Script = Box::new(move |mut peer| {
            let_in(&mut peer);
            query(&mut peer);
            peer.send(&answer);
            goodbye(&mut peer);
        });
        let outcome = change("app", "app", None, vec![script]);
        assert_failure(outcome, kind, code, "changing the password: ");
    }
}

#[test]
fn what_can_not_be_done_is_said_before_connecting() {
    type Spoil = fn(&mut ChangeRequest);
    let table: &[(Spoil, FailureKind)] = &[
        (|request| request.keep_old_valid = true, Unsupported),
        (|request| request.new_password.clear(), InvalidSecret),
        (|request| request.new_password.push('\0'), InvalidSecret),
        (|request| request.username = "x".repeat(128), InvalidSecret),
        (|request| request.clone_of = Some("other".into()), InvalidSecret),
        (
            |request| {
                request.username = format!("{}_clone", "x".repeat(122));
                request.clone_of = Some("x".repeat(122));
            },
            InvalidSecret,
        ),
    ];
    for (spoil, kind) in table {
        let script: Script = Box::new(|mut peer| peer.expect_close());
        let outcome = run(vec![script], |server| {
            let mut request = ChangeRequest {
                actor: in_clear(server, "app"),
                username: "app".into(),
                new_password: NEW_PASSWORD.into(),
                old_password: None,
                clone_of: None,
                keep_old_valid: false,
                may_send_text: false,
            };
            spoil(&mut request);
            Redshift::change(&request)
        });
        assert_eq!(outcome.unwrap_err().kind, *kind);
    }
}

/// The rows of a result.
type Rows<'a> = Vec<Vec<Option<&'a str>>>;

fn table(rows: Rows<'_>) -> Vec<u8> {
    let rows: Vec<u8> = rows.iter().flat_map(|values| row(values)).collect();
    [head(), rows, complete("SELECT")].concat()
}

/// What there is on Redshift, as it answers to the first question.
fn redshift_catalog() -> Vec<u8> {
    let columns = [
        ["pg_attribute_info", "attacl"],
        ["pg_default_acl", "defacluser"],
        ["pg_proc_info", "prokind"],
        ["svl_user_info", "sessiontimeout"],
        ["svv_user_grants", "admin_option"],
    ];
    let rows = columns.iter().map(|pair| pair.map(Some).to_vec()).collect();
    [complete("BEGIN"), complete("SET"), table(rows), READY.into()].concat()
}

/// A base and, where it is there, its equal.
fn state(clone: bool) -> Vec<u8> {
    let names = if clone { vec!["app", "app_clone"] } else { vec!["app"] };
    let each = |values: &[Option<&'static str>]| -> Rows<'static> {
        names.iter().map(|name| [&[Some(*name)], values].concat()).collect()
    };
    let list = if clone { "app=r*/o,app_clone=r*/o" } else { "app=r*/o" };
    let right = ["t", "S", "t", "", "o", list].map(Some).to_vec();
    let mark = ["app_clone", "windlass_clones"].map(Some).to_vec();
    [
        table(each(&[Some("f"), Some("f"), None, None])),
        table(if clone { vec![mark] } else { vec![] }),
        table(vec![vec![Some("windlass_clones")]]),
        table(each(&[Some("UNLIMITED"), Some("UNRESTRICTED"), Some("0")])),
        table(each(&[Some("analyst"), Some("False")])),
        table(vec![right]),
        READY.into(),
    ]
    .concat()
}

#[test]
fn alternating_users_take_three_round_trips_and_a_fourth_where_something_differs() {
    for exists in [true, false] {
        let script: Script = Box::new(move |mut peer| {
            let_in(&mut peer);
            let begin = query(&mut peer);
            assert!(begin.starts_with("BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE; SET LOCAL "));
            peer.send(&redshift_catalog());
            let read = query(&mut peer);
            for part in ["svl_user_info", "svv_user_grants", "pg_proc_info", "f.defacluser"] {
                assert!(read.contains(part), "{read}");
            }
            peer.send(&state(exists));
            if !exists {
                let made = query(&mut peer);
                let statements: Vec<_> = made.split("; ").take(7).collect();
                let created = "CREATE USER \"app_clone\" PASSWORD 'md5";
                assert!(statements[1].starts_with(created), "{made}");
                assert_eq!(
                    [&statements[..1], &statements[2..6]].concat(),
                    [
                        "SET LOCAL enable_case_sensitive_identifier TO true",
                        "ALTER GROUP \"windlass_clones\" ADD USER \"app_clone\"",
                        "ALTER USER \"app_clone\" SYSLOG ACCESS UNRESTRICTED",
                        "GRANT ROLE \"analyst\" TO \"app_clone\"",
                        "GRANT SELECT ON TABLE \"S\".\"t\" TO \"app_clone\" WITH GRANT OPTION",
                    ]
                );
                assert!(statements[6].starts_with("SELECT usename"), "{made}");
                peer.send(&state(true));
            }
            let expected =
                format!("ALTER USER \"app_clone\" PASSWORD '{}'; COMMIT", md5("app_clone"));
            assert_eq!(changed(&mut peer), expected);
            goodbye(&mut peer);
        });
        // The base is asked about: the clone may not be there yet.
        let asked = asked_about("app", ASK_MD5.into());
        change("admin", "app_clone", Some("app"), vec![script, asked]).unwrap();
    }
}

#[test]
fn what_did_not_become_equal_is_not_committed() {
    let script: Script = Box::new(|mut peer| {
        let_in(&mut peer);
        query(&mut peer);
        peer.send(&redshift_catalog());
        query(&mut peer);
        peer.send(&state(false));
        query(&mut peer);
        peer.send(&state(false));
        goodbye(&mut peer);
    });
    let asked = asked_about("app", ASK_MD5.into());
    let outcome = change("admin", "app_clone", Some("app"), vec![script, asked]);
    assert_failure(outcome, Declined, "", "nothing was changed");
}
