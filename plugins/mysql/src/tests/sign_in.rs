//! Each method of signing in, and servers that are none or play false.

use FailureKind::*;

use super::server::*;
use super::*;
use crate::scramble;

const V8: &str = "8.0.36";
const MARIA: &str = "5.5.5-10.11.6-MariaDB";

/// What a well-behaved server does once it has let somebody in.
fn select_one(mut server: Server) {
    server.send(OK);
    server.belongs_to("app@%");
    server.goodbye();
}

/// The answer to a greeting: the name, the proof, the method.
fn answer(name: &str, proof: &[u8], method: &str) -> Vec<u8> {
    let length = u8::try_from(proof.len()).unwrap();
    [name.as_bytes(), &[0, length], proof, method.as_bytes(), b"\0"].concat()
}

/// Of which answers the password is the matter, and what to do about each.
#[test]
fn each_answer_to_a_sign_in_comes_to_what_the_table_says() {
    hostile::check_table("src/tests/sign-in.txt");
}

#[test]
fn native_passwords() {
    verify_in_clear(|peer| {
        let mut server = Server::new(peer);
        let method = "mysql_native_password";
        let sent = server.greet(MARIA, method);
        assert_eq!(sent, answer("app", &scramble::native(PASSWORD, NONCE), method));
        select_one(server);
    })
    .unwrap();
}

#[test]
fn caching_sha2_the_fast_way_and_the_full_one() {
    for full in [false, true] {
        verify(move |peer| {
            let mut server = Server::new(peer);
            let method = "caching_sha2_password";
            let sent = server.greet_with_tls(V8, method);
            assert_eq!(sent, answer("app", &scramble::caching_sha2(PASSWORD, NONCE), method));
            if full {
                server.send(&[1, 4]);
                assert_eq!(server.receive(), format!("{PASSWORD}\0").into_bytes());
            } else {
                server.send(&[1, 3]);
            }
            select_one(server);
        })
        .unwrap();
    }
}

#[test]
fn a_method_that_the_account_has_and_the_server_did_not_greet_with() {
    type Proof = fn(&str, &[u8]) -> Vec<u8>;
    let table: &[(&str, usize, Proof)] = &[
        ("mysql_native_password", 20, scramble::native),
        ("caching_sha2_password", 20, scramble::caching_sha2),
        ("client_ed25519", 32, scramble::ed25519),
        ("sha256_password", 20, |password, _| format!("{password}\0").into_bytes()),
    ];
    for (method, length, proof) in table.iter().copied() {
        for greeted in ["mysql_native_password", "caching_sha2_password", "something_new", ""] {
            // Random bytes may end with the zero that some servers put behind them.
            for (last, behind) in [(9, ""), (9, "\0"), (0, ""), (0, "\0")] {
                let mut nonce = vec![9; length];
                nonce[length - 1] = last;
                verify(move |peer| {
                    let mut server = Server::new(peer);
                    server.greet_with_tls(V8, greeted);
                    let request =
                        [b"\xfe", method.as_bytes(), b"\0", &nonce, behind.as_bytes()].concat();
                    server.send(&request);
                    assert_eq!(server.receive(), proof(PASSWORD, &nonce), "{method}");
                    select_one(server);
                })
                .unwrap();
            }
        }
    }
}

#[test]
fn without_tls_a_server_that_has_to_prove_itself_gets_nothing() {
    let verify = |login: Login| Mysql::verify(&login);
    let change = |login: Login| {
        Mysql::change(&ChangeRequest {
            actor: login,
            username: "app".into(),
            new_password: NEW_PASSWORD.into(),
            old_password: None,
            clone_of: None,
            keep_old_valid: false,
            may_send_text: false,
        })
    };
    for (greeted, named) in [
        ("mysql_native_password", "mysql_native_password"),
        ("caching_sha2_password", "caching_sha2_password"),
        ("sha256_password", "sha256_password"),
        ("client_ed25519", "client_ed25519"),
        ("parsec", "parsec"),
        ("go to evil.example", "a method of MySQL's or MariaDB's"),
    ] {
        for call in [verify as fn(Login) -> Result<(), Failure>, change] {
            let outcome = run(
                |peer| {
                    let mut server = Server::new(peer);
                    server.send(&greeting(V8, greeted, SSL));
                    server.peer.expect_close();
                },
                |server| {
                    // With a key, too: the password would be safe, but the server proves nothing.
                    let key = (crate::rsa::FIELD.to_owned(), "a key".to_owned());
                    let login = Login { fields: vec![key], ..in_clear(server, "app") };
                    call(Login { proof: Proof::Mutual, ..login })
                },
            );
            assert_eq!(outcome.unwrap_err(), Failure::unproven(named));
        }
    }
    // With TLS the certificate has proved the server.
    run(
        |peer| {
            let mut server = Server::new(peer);
            server.greet_with_tls(V8, "caching_sha2_password");
            server.send(&[1, 3]);
            select_one(server);
        },
        |server| verify(Login { proof: Proof::Mutual, ..login(server, "app", PASSWORD) }),
    )
    .unwrap();
}

#[test]
fn a_session_of_another_account_proves_nothing() {
    for (account, part) in [
        (
            "@%",
            "the session belongs to ``@`%`, so nothing is proved about \"app\": the server \
                takes this anonymous account for it; as an administrator, run DROP USER ``@`%`",
        ),
        ("proxied@%", "the session belongs to `proxied`@`%`"),
        ("App@%", "the session belongs to `App`@`%`"),
        ("app @%", "the session belongs to"),
        ("app@x@%", "the session belongs to `app@x`@`%`"),
    ] {
        let outcome = verify_in_clear(move |peer| {
            let mut server = Server::new(peer);
            server.let_in(V8);
            server.belongs_to(account);
            server.goodbye();
        });
        assert_failure(outcome, Declined, "", part);
    }
    // What is no account is none of that name.
    for rows in [None, Some("app")] {
        let outcome = verify_in_clear(move |peer| {
            let mut server = Server::new(peer);
            server.let_in(V8);
            server.query();
            match rows {
                None => server.rows(1, &[]),
                Some(account) => server.rows(1, &[&[account]]),
            }
            server.goodbye();
        });
        assert_eq!(outcome.unwrap_err().kind, Protocol);
    }
}

#[test]
fn a_nonce_that_is_cut_short_is_a_protocol_failure() {
    for method in ["mysql_native_password", "client_ed25519", "sha256_password"] {
        let outcome = verify(move |peer| {
            let mut server = Server::new(peer);
            server.greet_with_tls(V8, "caching_sha2_password");
            server.send(&switch(method, &[9; 10]));
            server.peer.expect_close();
        });
        assert_failure(outcome, Protocol, "", "nonce");
    }
}

#[test]
fn the_password_itself_goes_out_inside_tls_only() {
    for request in [vec![1, 4], switch("sha256_password", NONCE)] {
        let outcome = verify_in_clear(move |peer| {
            let mut server = Server::new(peer);
            server.greet(V8, "caching_sha2_password");
            server.send(&request);
            server.peer.expect_close();
        });
        assert_failure(outcome, Unsupported, "", "no TLS");
    }
}

#[test]
fn a_conversation_out_of_step_is_a_protocol_failure() {
    let table: &[&[&[u8]]] = &[
        // The password is given once, and never after the server had it at hand.
        &[&[1, 4], &[1, 4]],
        &[&[1, 3], &[1, 4]],
        &[&[1, 3], &[1, 3]],
        &[&[1]],
        &[&[1, 2]],
        &[&[1, 4, 4]],
        &[b"\x01-----BEGIN PUBLIC KEY-----"],
        &[&[7]],
        &[&[10]],
        &[b"\xfeno zero"],
        &[b"\xff\x15"],
    ];
    for packets in table {
        let outcome = verify(move |peer| {
            let mut server = Server::new(peer);
            server.greet_with_tls(V8, "caching_sha2_password");
            for (index, packet) in packets.iter().enumerate() {
                server.send(packet);
                if index == 0 && *packet == [1, 4] {
                    assert_eq!(server.receive(), format!("{PASSWORD}\0").into_bytes());
                }
            }
            server.peer.expect_close();
        });
        assert_eq!(outcome.unwrap_err().kind, Protocol, "{packets:?}");
    }
    // More data where the method has none.
    let outcome = verify(|peer| {
        let mut server = Server::new(peer);
        server.greet_with_tls(V8, "mysql_native_password");
        server.send(&[1, 4]);
        server.peer.expect_close();
    });
    assert_eq!(outcome.unwrap_err().kind, Protocol);
}

#[test]
fn methods_without_end_are_not_gone_through_without_end() {
    let outcome = verify(|peer| {
        let mut server = Server::new(peer);
        server.greet_with_tls(V8, "caching_sha2_password");
        for _ in 0..4 {
            server.send(&switch("mysql_native_password", NONCE));
            server.receive();
        }
        server.send(&switch("mysql_native_password", NONCE));
        server.peer.expect_close();
    });
    assert_failure(outcome, Protocol, "", "does not belong");
}

#[test]
fn a_session_that_can_do_nothing_is_not_verified() {
    let outcome = verify_in_clear(|peer| {
        let mut server = Server::new(peer);
        server.let_in(V8);
        server.query();
        server.error(1820, "You must reset your password");
        server.goodbye();
    });
    assert_failure(outcome, Declined, "1820", "has expired");
    let table: &[&[&[u8]]] = &[
        // A request for a file of the client's.
        &[b"\xfb/etc/passwd"],
        &[&[0xfc, 0xff, 0xff]],
        &[&[1], b"column", b"no end of columns"],
        &[&[1], b"column", &[0xfe, 0, 0, 2, 0], &[5, b'x']],
        &[
            &[1],
            b"column",
            &[0xfe, 0, 0, 2, 0],
            &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ],
    ];
    for packets in table {
        let outcome = verify_in_clear(move |peer| {
            let mut server = Server::new(peer);
            server.let_in(V8);
            server.query();
            packets.iter().for_each(|packet| server.send(packet));
            server.goodbye();
        });
        assert_eq!(outcome.unwrap_err().kind, Protocol, "{packets:?}");
    }
}

#[test]
fn a_flood_is_cut_off() {
    let outcome = verify_in_clear(|peer| {
        let mut server = Server::new(peer);
        server.let_in(V8);
        server.query();
        server.send(&[1]);
        server.send(b"column");
        server.send(&[0xfe, 0, 0, 2, 0]);
        let row = [&[0xfd, 0, 0, 4][..], &[b'x'; 0x4_0000]].concat();
        (0..20).for_each(|_| server.send(&row));
        server.goodbye();
    });
    assert_failure(outcome, Protocol, "", "longer than");
}

#[test]
fn rows_of_hardly_anything_are_cut_off_before_they_fill_the_memory() {
    let outcome = verify_in_clear(|peer| {
        let mut server = Server::new(peer);
        server.let_in(V8);
        server.query();
        server.send(&[1]);
        server.send(b"column");
        server.send(&[0xfe, 0, 0, 2, 0]);
        // Hardly more than half of what an answer may be long, were it for the bytes alone.
        let rows: Vec<u8> = (0..400_000).flat_map(|_| server.packet(b"\x01x")).collect();
        server.peer.send(&rows);
        server.goodbye();
    });
    assert_failure(outcome, Protocol, "", "longer than");
}

#[test]
fn names_and_passwords_that_can_not_be_sent_are_refused_before_they_are() {
    let long = "x".repeat(300);
    for (username, database, password) in [
        ("", None, PASSWORD),
        ("a\0b", None, PASSWORD),
        ("app ", None, PASSWORD),
        (long.as_str(), None, PASSWORD),
        ("app", Some(""), PASSWORD),
        ("app", Some("a\0b"), PASSWORD),
    ] {
        let outcome = run(
            |mut peer| peer.expect_close(),
            |server| {
                let database = database.map(str::to_owned);
                Mysql::verify(&Login { database, ..login(server, username, password) })
            },
        );
        assert_eq!(outcome.unwrap_err().kind, InvalidSecret);
    }
}
