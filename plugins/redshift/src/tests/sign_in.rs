//! Each way of signing in, and what no password belongs to.

use FailureKind::*;

use super::server::*;
use super::*;

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
fn by_digest_in_tls_and_without_it() {
    for salt in [&[0x5a; 32][..], &[b'f'; 64], b"any"] {
        let stored = Stored::new(PASSWORD, salt);
        let in_tls = stored.clone();
        verify(move |mut peer| {
            accept_tls(&mut peer, None);
            let packet = startup(&mut peer);
            assert_eq!(value(&packet, "user"), "app");
            assert_eq!(value(&packet, "database"), "dev");
            assert!(digest_is_right(&mut peer, &in_tls));
            welcome(&mut peer);
            select_one(&mut peer);
        })
        .unwrap();
        verify_in_clear(move |mut peer| {
            let_in_by_digest(&mut peer, &stored);
            select_one(&mut peer);
        })
        .unwrap();
    }
}

#[test]
fn by_md5_and_in_clear_inside_tls() {
    verify_in_clear(|mut peer| {
        let_in(&mut peer);
        select_one(&mut peer);
    })
    .unwrap();
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
fn without_tls_a_server_that_has_to_prove_itself_gets_nothing() {
    let cases: [(Vec<u8>, &str); 4] = [
        (ask_digest(0, &[1; 32], NONCE), "a SHA-256 digest (digest)"),
        (ASK_MD5.to_vec(), "an MD5 hash (md5)"),
        (ASK_CLEARTEXT.to_vec(), "the password in clear (password)"),
        (OK.to_vec(), "no password (trust)"),
    ];
    for (request, method) in cases {
        let script: Script = Box::new(move |mut peer| {
            startup(&mut peer);
            peer.send(&request);
            peer.expect_close();
        });
        let outcome = run(vec![script], |server| {
            Redshift::verify(&Login { proof: Proof::Mutual, ..in_clear(server, "app") })
        });
        assert_eq!(outcome.unwrap_err(), Failure::unproven(method));
    }
    let script: Script = Box::new(|mut peer| {
        accept_tls(&mut peer, None);
        let_in_by_digest(&mut peer, &in_force());
        select_one(&mut peer);
    });
    run(vec![script], |server| {
        Redshift::verify(&Login { proof: Proof::Mutual, ..login(server, "app", PASSWORD) })
    })
    .unwrap();
}

#[test]
fn a_session_of_another_user_proves_nothing() {
    let outcome = verify_in_clear(|mut peer| {
        let_in(&mut peer);
        belongs_to(&mut peer, "other");
        goodbye(&mut peer);
    });
    assert_failure(outcome, Declined, "", "the session belongs to \"other\"");
    let script: Script = Box::new(|mut peer| {
        startup(&mut peer);
        peer.send(ASK_MD5);
        receive(&mut peer);
        welcome_as(&mut peer, "other");
        peer.expect_close();
    });
    let outcome = change("app", "app", None, vec![script]);
    assert_failure(outcome, Declined, "", "the session belongs to \"other\"");
}

#[test]
fn whom_a_server_lets_in_without_a_password_has_proved_nothing() {
    let outcome = verify(|mut peer| {
        accept_tls(&mut peer, None);
        startup(&mut peer);
        peer.send(OK);
        peer.expect_close();
    });
    assert_failure(outcome, Declined, "", "without a password");
}

#[test]
fn after_the_digest_nothing_but_the_outcome_is_taken() {
    for instead in [READY.to_vec(), ASK_MD5.to_vec(), ask_digest(0, b"s", b"n"), row(&[None])] {
        let outcome = verify_in_clear(move |mut peer| {
            startup(&mut peer);
            assert!(digest_is_right(&mut peer, &in_force()));
            peer.send(&instead);
            peer.expect_close();
        });
        assert_eq!(outcome.unwrap_err().kind, Protocol);
    }
}

#[test]
fn names_that_can_not_be_sent_are_refused_before_connecting() {
    for username in ["", "a\0b", &"x".repeat(128)] {
        let script: Script = Box::new(|mut peer| peer.expect_close());
        let outcome =
            run(vec![script], |server| Redshift::verify(&login(server, username, PASSWORD)));
        assert_eq!(outcome.unwrap_err().kind, InvalidSecret);
    }
    // Longer than PostgreSQL takes.
    let script: Script = Box::new(|mut peer| {
        accept_tls(&mut peer, None);
        startup(&mut peer);
        peer.send(&wrong_password());
        peer.expect_close();
    });
    let long = "x".repeat(127);
    let outcome = run(vec![script], |server| Redshift::verify(&login(server, &long, PASSWORD)));
    assert_eq!(outcome.unwrap_err().kind, Refused);
}
