//! What happens before anything of the protocol proper is said.

use FailureKind::*;

use super::server::*;
use super::*;

#[test]
fn nothing_follows_a_request_for_tls_that_is_not_granted() {
    let table: &[(&[u8], FailureKind, &str)] = &[
        (b"N", NoTls, "\"ssl\": false"),
        (b"H", Protocol, "HTTP (first byte 0x48): it may not be PostgreSQL"),
        // The length of MySQL's greeting.
        (b"J", Protocol, "something else (first byte 0x4a)"),
        (b"\x15", Protocol, "TLS at once (first byte 0x15)"),
        (b"\x15", Protocol, "not a proxy that speaks TLS itself"),
        (b"", Unreachable, "closed the connection"),
    ];
    for (answer, kind, part) in table {
        let outcome = verify(|mut peer| {
            peer.expect(SSL_REQUEST);
            if !answer.is_empty() {
                peer.send(answer);
                peer.expect_close();
            }
        });
        assert_failure(outcome, *kind, "", part);
    }
}

#[test]
fn an_error_in_clear_is_not_repeated() {
    let outcome = verify(|mut peer| {
        peer.expect(SSL_REQUEST);
        peer.send(&error("28P01", "go to evil.example"));
        peer.expect_close();
    });
    let failure = outcome.unwrap_err();
    assert_eq!(failure.message, "the server refused the request for TLS");
    assert!(failure.kind == Unreachable && !failure.remedy.contains("evil"), "{failure:?}");
}

#[test]
fn a_server_that_speaks_tls_only_says_what_to_remove_from_the_secret() {
    let outcome = verify_in_clear(|mut peer| {
        startup(&mut peer);
        // A fatal alert: unexpected message.
        peer.send(b"\x15\x03\x01\0\x02\x02\x0a");
        peer.expect_close();
    });
    assert_failure(outcome, Protocol, "", "remove \"ssl\": false from the secret");
}

#[test]
fn bytes_slipped_in_before_tls_end_the_call() {
    let outcome = verify(|mut peer| {
        peer.expect(SSL_REQUEST);
        peer.send(&[b"S", OK].concat());
        peer.expect_close();
    });
    assert_failure(outcome, Protocol, "", "in clear");
    let outcome = verify(|mut peer| {
        peer.expect(SSL_REQUEST);
        peer.send(b"SSH-2.0-OpenSSH_9.2\r\n");
        peer.expect_close();
    });
    assert_failure(outcome, Protocol, "", "to those where PostgreSQL listens");
}

#[test]
fn a_failed_handshake_is_no_lack_of_tls() {
    let outcome = verify(|mut peer| {
        peer.expect(SSL_REQUEST);
        peer.send(b"S");
        peer.refuse_tls("certificate expired");
        peer.expect_close();
    });
    assert_failure(outcome, TlsFailed, "", "certificate expired");
}
