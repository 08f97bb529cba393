//! What happens before anything of the protocol proper is said.

use FailureKind::*;

use super::server::*;
use super::*;

#[test]
fn nothing_follows_a_request_for_tls_that_is_not_granted() {
    let table: &[(&[u8], FailureKind, &str)] = &[
        (b"N", NoTls, "\"ssl\": false"),
        (b"H", Protocol, "may not be PostgreSQL"),
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
    assert_eq!(
        outcome.unwrap_err(),
        Failure::unreachable("the server refused the request for TLS")
    );
}

#[test]
fn bytes_slipped_in_before_tls_end_the_call() {
    let outcome = verify(|mut peer| {
        peer.expect(SSL_REQUEST);
        peer.send(&[b"S", OK].concat());
        peer.expect_close();
    });
    assert_failure(outcome, Protocol, "", "in clear");
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
