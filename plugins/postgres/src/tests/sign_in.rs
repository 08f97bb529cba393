//! Each method of authentication, and servers that are none or play false.

use FailureKind::*;

use super::server::*;
use super::*;

/// What a well-behaved server does once the proofs are exchanged.
fn select_one(peer: &mut Peer) {
    belongs_to(peer, "app");
    goodbye(peer);
}

/// Of which answers the password is the matter, and what to do about each.
#[test]
fn each_answer_to_a_sign_in_comes_to_what_the_table_says() {
    hostile::check_table("src/tests/sign-in.txt");
}

#[test]
fn scram_bound_to_the_tls_channel() {
    verify(|mut peer| {
        accept_tls(&mut peer, Some(b"certificate hash".to_vec()));
        let packet = startup(&mut peer);
        let value = |name| packet[packet.iter().position(|text| text == name).unwrap() + 1].clone();
        assert_eq!((value("user"), value("database")), ("app".into(), "postgres".into()));
        assert_eq!(value("client_encoding"), "UTF8");
        let scram = Scram::challenge(&mut peer, &["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]);
        assert_eq!(scram.mechanism, "SCRAM-SHA-256-PLUS");
        assert_eq!(scram.binding, b"p=tls-server-end-point,,certificate hash");
        peer.send(&scram.proof());
        welcome(&mut peer);
        select_one(&mut peer);
    })
    .unwrap();
}

#[test]
fn scram_without_binding_says_why() {
    for (hash, said) in [(Some(vec![1]), "y,,"), (None, "n,,")] {
        verify(move |mut peer| {
            accept_tls(&mut peer, hash);
            startup(&mut peer);
            let scram = Scram::challenge(&mut peer, &["SCRAM-SHA-256"]);
            assert_eq!(scram.mechanism, "SCRAM-SHA-256");
            assert_eq!(scram.binding, said.as_bytes());
            peer.send(&scram.proof());
            welcome(&mut peer);
            select_one(&mut peer);
        })
        .unwrap();
    }
}

#[test]
fn a_password_goes_out_in_clear_inside_tls_only() {
    verify(|mut peer| {
        accept_tls(&mut peer, None);
        startup(&mut peer);
        peer.send(ASK_CLEARTEXT);
        assert_eq!(receive(&mut peer), (b'p', format!("{PASSWORD}\0").into_bytes()));
        welcome(&mut peer);
        select_one(&mut peer);
    })
    .unwrap();
    let outcome = verify_in_clear(|mut peer| {
        startup(&mut peer);
        peer.send(ASK_CLEARTEXT);
        peer.expect_close();
    });
    assert_failure(outcome, Unsupported, "", "in clear");
}

#[test]
fn md5_answers_the_servers_salt() {
    verify_in_clear(|mut peer| {
        startup(&mut peer);
        peer.send(ASK_MD5);
        let hash =
            postgres_protocol::authentication::md5_hash(b"app", PASSWORD.as_bytes(), [1, 2, 3, 4]);
        assert_eq!(receive(&mut peer), (b'p', format!("{hash}\0").into_bytes()));
        welcome(&mut peer);
        select_one(&mut peer);
    })
    .unwrap();
}

#[test]
fn without_tls_a_server_that_has_to_prove_itself_gets_nothing_but_scram() {
    for (request, method) in [
        (ASK_MD5, "an MD5 hash (md5)"),
        (ASK_CLEARTEXT, "the password in clear (password)"),
        (OK, "no password (trust)"),
    ] {
        let outcome = verify_mutually(move |mut peer| {
            startup(&mut peer);
            peer.send(request);
            peer.expect_close();
        });
        assert_eq!(outcome.unwrap_err(), Failure::unproven(method));
    }
    verify_mutually(|mut peer| {
        startup(&mut peer);
        let scram = Scram::challenge(&mut peer, &["SCRAM-SHA-256"]);
        peer.send(&scram.proof());
        welcome(&mut peer);
        select_one(&mut peer);
    })
    .unwrap();
    // A proof that is none, or left out, is no sign-in there either.
    for instead in [OK.to_vec(), authentication(12, b"v=AAAA")] {
        let outcome = verify_mutually(move |mut peer| {
            startup(&mut peer);
            Scram::challenge(&mut peer, &["SCRAM-SHA-256"]);
            peer.send(&instead);
            peer.expect_close();
        });
        assert_eq!(outcome.unwrap_err().kind, Protocol);
    }
    // With TLS the certificate has proved the server.
    run(
        |mut peer| {
            accept_tls(&mut peer, None);
            let_in(&mut peer);
            select_one(&mut peer);
        },
        |server| {
            Postgres::verify(&Login { proof: Proof::Mutual, ..login(server, "app", PASSWORD) })
        },
    )
    .unwrap();
}

#[test]
fn a_session_of_another_account_proves_nothing() {
    let outcome = verify_in_clear(|mut peer| {
        let_in(&mut peer);
        belongs_to(&mut peer, "pool\u{1b}er");
        goodbye(&mut peer);
    });
    assert_failure(outcome, Declined, "", "as \"app\", the session belongs to \"pool er\"");
    // Nor is anything changed by it, whoever's password that would be.
    for (actor, username) in [("app", "app"), ("admin", "app")] {
        let outcome = change(actor, username, None, |mut peer| {
            startup(&mut peer);
            peer.send(ASK_MD5);
            receive(&mut peer);
            welcome_as(&mut peer, "pooler");
            peer.expect_close();
        });
        assert_failure(outcome, Declined, "", "the session belongs to \"pooler\"");
    }
    verify_in_clear(|mut peer| {
        startup(&mut peer);
        peer.send(ASK_MD5);
        receive(&mut peer);
        welcome_as(&mut peer, "app");
        select_one(&mut peer);
    })
    .unwrap();
}

#[test]
fn whom_a_server_lets_in_without_a_password_has_proved_nothing() {
    let outcome = verify(|mut peer| {
        accept_tls(&mut peer, None);
        startup(&mut peer);
        peer.send(OK);
        peer.expect_close();
    });
    assert_failure(outcome, Declined, "", "trust in pg_hba.conf");
}

#[test]
fn requests_that_make_no_sense_are_a_protocol_failure() {
    for request in [
        authentication(10, b"SCRAM-SHA-256"),
        authentication(11, b"r=,s=,i=1"),
        authentication(12, b"v="),
        authentication(13, b""),
        authentication(5, b"\x01\x02"),
        READY.to_vec(),
        message(b'?', b""),
        // Channel binding where there is no TLS.
        authentication(10, b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"),
    ] {
        let outcome = verify_in_clear(move |mut peer| {
            startup(&mut peer);
            peer.send(&request);
            peer.expect_close();
        });
        assert_eq!(outcome.unwrap_err().kind, Protocol);
    }
}

#[test]
fn a_server_that_does_not_prove_itself_is_left() {
    /// What the server presents in the place of its proof.
    type Instead = fn(&Scram) -> Vec<u8>;
    let table: &[Instead] = &[
        |_| authentication(12, b"v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        |_| authentication(12, b"e=other-error"),
        |_| OK.to_vec(),
        |_| READY.to_vec(),
        |_| ASK_CLEARTEXT.to_vec(),
        // Proved, and then something else than "come in".
        |scram| [scram.proof(), ASK_CLEARTEXT.to_vec()].concat(),
        |scram| [scram.proof(), READY.to_vec()].concat(),
        |scram| [scram.proof(), scram.proof()].concat(),
    ];
    for instead in table {
        let outcome = verify(|mut peer| {
            accept_tls(&mut peer, None);
            startup(&mut peer);
            let scram = Scram::challenge(&mut peer, &["SCRAM-SHA-256"]);
            peer.send(&instead(&scram));
            peer.expect_close();
        });
        assert_eq!(outcome.unwrap_err().kind, Protocol);
    }
}

#[test]
fn a_costly_challenge_is_not_answered() {
    let outcome = verify(|mut peer| {
        accept_tls(&mut peer, None);
        startup(&mut peer);
        let (_, first) = Scram::offer(&mut peer, &["SCRAM-SHA-256"]);
        let nonce = first.strip_prefix("n,,n=,r=").unwrap();
        let bomb = format!("r={nonce}x,s=c2FsdA==,i=2000000000");
        peer.send(&authentication(11, bomb.as_bytes()));
        peer.expect_close();
    });
    assert_failure(outcome, Unsupported, "", "2000000000 SCRAM iterations");
}

#[test]
fn the_accounts_statement_timeout_is_overridden_before_the_first_statement() {
    verify(|mut peer| {
        accept_tls(&mut peer, None);
        let packet = startup(&mut peer);
        let at = packet.iter().position(|text| text == "statement_timeout").unwrap();
        assert_eq!(packet[at + 1], "15000");
        peer.send(ASK_MD5);
        receive(&mut peer);
        welcome(&mut peer);
        select_one(&mut peer);
    })
    .unwrap();
}

/// PgBouncer, say. It has seen no password then.
#[test]
fn a_pooler_that_takes_no_settings_is_asked_without_and_the_timeout_is_explained() {
    for code in ["08P01", "0A000"] {
        let outcome = run_twice(
            move |mut peer| {
                assert!(startup(&mut peer).iter().any(|text| text == "statement_timeout"));
                peer.send(&error(code, "unsupported startup parameter: statement_timeout"));
                peer.expect_close();
            },
            |mut peer| {
                assert!(!startup(&mut peer).iter().any(|text| text == "statement_timeout"));
                peer.send(ASK_MD5);
                receive(&mut peer);
                welcome(&mut peer);
                query(&mut peer);
                peer.send(&error("57014", "canceling statement due to statement timeout"));
                goodbye(&mut peer);
            },
        );
        assert_failure(outcome, Declined, "57014", "ALTER ROLE \"app\" RESET statement_timeout");
    }
    // Where the limit is this plugin's own, the next attempt may have more luck.
    let outcome = verify_in_clear(|mut peer| {
        let_in(&mut peer);
        query(&mut peer);
        peer.send(&error("57014", "canceling statement due to statement timeout"));
        goodbye(&mut peer);
    });
    assert_failure(outcome, Unreachable, "57014", "statement timeout");
    // And an error is not asked about twice.
    let outcome = run_twice(
        |mut peer| {
            startup(&mut peer);
            peer.send(&error("08P01", "no"));
            peer.expect_close();
        },
        |mut peer| {
            startup(&mut peer);
            peer.send(&error("08P01", "no"));
            peer.expect_close();
        },
    );
    assert_failure(outcome, Protocol, "08P01", "no");
}

/// LDAP, PAM and RADIUS lock accounts, too, and the server has one code for whatever they say.
#[test]
fn a_password_that_was_sent_and_not_taken_is_refused_whatever_the_code() {
    for text in ["LDAP authentication failed for user", "PAM authentication failed for user"] {
        let outcome = verify(move |mut peer| {
            accept_tls(&mut peer, None);
            startup(&mut peer);
            peer.send(&authentication(3, b""));
            receive(&mut peer);
            peer.send(&error("28000", text));
            peer.expect_close();
        });
        assert_failure(
            outcome,
            Refused,
            "28000",
            "where it is kept, if that is not PostgreSQL (LDAP, PAM, RADIUS, on RDS",
        );
    }
    // The password was right, and the role may not log in.
    let outcome = verify(|mut peer| {
        accept_tls(&mut peer, None);
        startup(&mut peer);
        peer.send(&authentication(3, b""));
        receive(&mut peer);
        peer.send(&[OK.to_vec(), error("28000", "may not log in")].concat());
        peer.expect_close();
    });
    assert_failure(outcome, Declined, "28000", "whether it may log in");
}

#[test]
fn a_failed_channel_binding_says_so() {
    let outcome = verify(|mut peer| {
        accept_tls(&mut peer, Some(vec![7; 32]));
        startup(&mut peer);
        Scram::challenge(&mut peer, &["SCRAM-SHA-256-PLUS"]);
        peer.send(&error("28000", "SCRAM channel binding check failed"));
        peer.expect_close();
    });
    assert_failure(outcome, Declined, "28000", "something between");
}

#[test]
fn a_flood_is_cut_off() {
    for request in [&[][..], OK] {
        let outcome = verify_in_clear(move |mut peer| {
            startup(&mut peer);
            if !request.is_empty() {
                peer.send(ASK_MD5);
                receive(&mut peer);
                peer.send(request);
            }
            peer.send(&message(b'S', b"name\0value\0").repeat(100_000));
            peer.expect_close();
        });
        assert_failure(outcome, Protocol, "", "longer than");
    }
}

#[test]
fn a_session_that_can_do_nothing_is_not_verified() {
    let outcome = verify_in_clear(|mut peer| {
        let_in(&mut peer);
        query(&mut peer);
        peer.send(&error("57P01", "terminating connection due to administrator command"));
        goodbye(&mut peer);
    });
    assert_failure(outcome, Unreachable, "57P01", "running a statement: terminating");
    for nonsense in [row(&[Some("1")]), message(b'G', b"\0\0\0"), OK.to_vec()] {
        let outcome = verify_in_clear(move |mut peer| {
            let_in(&mut peer);
            query(&mut peer);
            peer.send(&nonsense);
            goodbye(&mut peer);
        });
        assert_eq!(outcome.unwrap_err().kind, Protocol);
    }
}

#[test]
fn names_and_passwords_that_can_not_be_sent_are_refused_before_connecting() {
    let long = "x".repeat(64);
    for (username, database, password) in [
        ("", None, PASSWORD),
        ("a\0b", None, PASSWORD),
        (long.as_str(), None, PASSWORD),
        ("app", Some(""), PASSWORD),
        ("app", Some(long.as_str()), PASSWORD),
    ] {
        let outcome = run(
            |mut peer| peer.expect_close(),
            |server| {
                let database = database.map(str::to_owned);
                Postgres::verify(&Login { database, ..login(server, username, password) })
            },
        );
        assert_eq!(outcome.unwrap_err().kind, InvalidSecret);
    }
}
