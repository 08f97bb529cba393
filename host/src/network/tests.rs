//! Peers that speak something else than was tried: what is said of each.

use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// What a peer does once it has heard something, and then it closes the connection.
#[derive(Clone, Copy)]
enum Peer {
    Answers(&'static [u8]),
    Closes,
    /// It reads on and never answers.
    Waits,
    /// It greets before it hears anything.
    Greets(&'static [u8]),
}

const GREETING: &[u8] = b"\x4a\0\0\0\x0a8.0.36\0";
const ALERT: &[u8] = b"\x15\x03\x01\0\x02\x02\x46";

async fn connected(peer: Peer, deadline: Deadline) -> Stream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut heard = [0; 1024];
        if let Peer::Greets(greeting) = peer {
            socket.write_all(greeting).await.unwrap();
        }
        drop(socket.read(&mut heard).await);
        match peer {
            Peer::Answers(answer) => socket.write_all(answer).await.unwrap(),
            Peer::Waits => while !matches!(socket.read(&mut heard).await, Ok(0) | Err(_)) {},
            Peer::Closes | Peer::Greets(_) => {}
        }
        // Whatever is unread would turn the end into a reset.
        drop(socket.shutdown().await);
        while !matches!(socket.read(&mut heard).await, Ok(0) | Err(_)) {}
    });
    connect("db.example", &[address], deadline).await.unwrap()
}

async fn tls_with(peer: Peer, deadline: Deadline) -> NetworkError {
    let mut stream = connected(peer, deadline).await;
    stream.start_tls(&Tls::new(None), "db.example").await.unwrap_err()
}

#[tokio::test]
async fn tls_on_a_port_without_it_is_known_by_the_answer() {
    let remedy = "set the secret's `port` to the one with TLS, or, if the service has none, `\"ssl\": \
                  false`";
    for (peer, expected) in [
        (Peer::Answers(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "answered in HTTP without TLS"),
        (
            Peer::Answers(b"-ERR unknown command\r\n"),
            "answered without TLS, which is not available",
        ),
        (Peer::Greets(GREETING), "answered without TLS, which is not available"),
    ] {
        let error = tls_with(peer, Deadline::default()).await;
        assert_eq!(error.kind, NetworkErrorKind::Tls, "{error}");
        assert!(error.message.contains(expected) && error.message.contains(remedy), "{error}");
        assert!(error.own_words.contains(remedy), "{}", error.own_words);
    }
    // A server that speaks TLS, and refuses ours.
    let error = tls_with(Peer::Answers(ALERT), Deadline::default()).await;
    assert!(!error.message.contains("without TLS"), "{error}");
}

#[tokio::test]
async fn a_silent_peer_may_be_one_without_tls() {
    let soon = Deadline::until(Some(Instant::now() + std::time::Duration::from_millis(100)));
    let error = tls_with(Peer::Waits, soon).await;
    assert_eq!(error.kind, NetworkErrorKind::TimedOut, "{error}");
    for part in ["sent nothing", "without TLS on this port", "`port`", "overloaded"] {
        assert!(error.message.contains(part), "{part}: {error}");
    }
}

#[tokio::test]
async fn a_peer_that_agreed_to_tls_has_it_whatever_comes_then() {
    let mut stream = connected(Peer::Greets(GREETING), Deadline::default()).await;
    assert_eq!(stream.read(64).await.unwrap(), GREETING);
    let error = stream.start_tls(&Tls::new(None), "db.example").await.unwrap_err();
    assert!(!error.message.contains("`\"ssl\": false`"), "{error}");
}

#[tokio::test]
async fn a_port_that_expects_tls_is_known_by_its_alert_or_its_silence() {
    for limit in [1, 64] {
        let mut stream = connected(Peer::Answers(ALERT), Deadline::default()).await;
        stream.write(b"hello\n").await.unwrap();
        let error = stream.read(limit).await.unwrap_err();
        assert!(error.message.contains("answered with an alert of TLS: it expects TLS"), "{error}");
        assert_eq!(
            error.kind,
            NetworkErrorKind::Other,
            "no handshake failed, and a password may be out"
        );
    }
    let mut stream = connected(Peer::Closes, Deadline::default()).await;
    stream.write(b"hello\n").await.unwrap();
    assert!(stream.read(64).await.unwrap().is_empty(), "the interface's own sign of an end");
    let said = stream.closed_without_a_word().unwrap();
    assert!(said.contains("expects TLS") && said.contains("`\"ssl\": false`"), "{said}");
    // Whoever said something speaks our protocol.
    let mut stream = connected(Peer::Greets(b"hello"), Deadline::default()).await;
    assert_eq!(stream.read(64).await.unwrap(), b"hello");
    assert_eq!(stream.closed_without_a_word(), None);
}
