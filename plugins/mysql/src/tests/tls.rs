//! What happens before anything of the protocol proper is said.

use FailureKind::*;

use super::server::*;
use super::*;

const METHOD: &str = "caching_sha2_password";

#[test]
fn a_server_without_tls_gets_nothing() {
    let outcome = verify(|peer| {
        let mut server = Server::new(peer);
        server.send(&greeting("8.0.36", METHOD, 0));
        server.peer.expect_close();
    });
    assert_failure(outcome, NoTls, "", "\"ssl\": false");
}

#[test]
fn a_failed_handshake_is_no_lack_of_tls() {
    let outcome = verify(|peer| {
        let mut server = Server::new(peer);
        server.send(&greeting("8.0.36", METHOD, SSL));
        server.receive();
        server.peer.refuse_tls("certificate expired");
        server.peer.expect_close();
    });
    assert_failure(outcome, TlsFailed, "", "certificate expired");
}

#[test]
fn bytes_slipped_in_before_tls_end_the_call() {
    let outcome = verify(|peer| {
        let mut server = Server::new(peer);
        let mut both = server.packet(&greeting("8.0.36", METHOD, SSL));
        both.extend(b"\x07\0\0\x02\0\0\0\x02\0\0\0");
        server.peer.send(&both);
        server.receive();
        server.peer.expect_close();
    });
    assert_failure(outcome, Protocol, "", "in clear");
}

#[test]
fn an_error_in_clear_is_not_repeated_and_never_a_refusal() {
    for (number, kind) in
        [(1045, Unreachable), (1040, Unreachable), (1129, Declined), (1130, Declined)]
    {
        let outcome = verify(move |peer| {
            let mut server = Server::new(peer);
            server.error(number, "go to evil.example");
            server.peer.expect_close();
        });
        let failure = outcome.unwrap_err();
        assert_eq!((failure.kind, failure.code), (kind, number.to_string()));
        assert!(!failure.message.contains("evil"));
    }
}

#[test]
fn greetings_that_are_none() {
    let good = greeting("8.0.36", METHOD, SSL);
    let mut table: Vec<(Vec<u8>, FailureKind)> = vec![
        (b"\x09old".to_vec(), Protocol),
        (b"\x0ano end of the version".to_vec(), Protocol),
        (b"HTTP".to_vec(), Protocol),
    ];
    // Cut at every byte before the name of the method.
    table.extend((1..good.len() - METHOD.len() - 2).map(|end| (good[..end].to_vec(), Protocol)));
    let mut incapable = good;
    incapable[8 + 4 + 8 + 1] = 0;
    incapable[8 + 4 + 8 + 2] = 0;
    table.push((incapable, Unsupported));
    for (greeting, kind) in table {
        let sent = greeting.clone();
        let outcome = verify(move |peer| {
            let mut server = Server::new(peer);
            server.send(&sent);
            server.peer.expect_close();
        });
        assert_eq!(outcome.unwrap_err().kind, kind, "{greeting:?}");
    }
    let outcome = verify(|mut peer| {
        peer.send(b"HTTP/1.1 400 Bad Request\r\n");
        peer.expect_close();
    });
    assert_failure(outcome, Protocol, "", "neither MySQL nor MariaDB");
}
