//! The peers do what they say.

use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use windlass_harness::{Behaviour, Peer};

/// Long enough that an answer on loopback would have come.
const MOMENT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn each_peer_behaves_as_it_is_told() -> Result<()> {
    let said = Peer::start(Behaviour::Says(b"no")).await?;
    let mut client = TcpStream::connect(("127.0.0.1", said.port())).await?;
    client.write_all(b"hello").await?;
    let mut answer = [0; 2];
    client.read_exact(&mut answer).await?;
    assert_eq!(&answer, b"no");

    let repeats = Peer::start(Behaviour::Repeats(b"no")).await?;
    let mut client = TcpStream::connect(("127.0.0.1", repeats.port())).await?;
    client.write_all(b"hello").await?;
    let mut answers = vec![0; 1024 * 1024];
    client.read_exact(&mut answers).await?;
    assert!(answers.chunks(2).all(|answer| answer == b"no"));

    let count = |answered: usize, heard: &[u8]| format!("{answered}{}", heard.len()).into_bytes();
    let answering = Peer::start(Behaviour::Answers(count)).await?;
    let mut client = TcpStream::connect(("127.0.0.1", answering.port())).await?;
    for expected in [b"02", b"14"] {
        client.write_all(b"hi").await?;
        client.read_exact(&mut answer).await?;
        assert_eq!(&answer, expected);
    }

    let closing = Peer::start(Behaviour::Closes).await?;
    let mut client = TcpStream::connect(("127.0.0.1", closing.port())).await?;
    client.write_all(b"hello").await?;
    assert_eq!(client.read(&mut answer).await.unwrap_or(0), 0);

    let silent = Peer::start(Behaviour::Silent).await?;
    let mut client = TcpStream::connect(("127.0.0.1", silent.port())).await?;
    client.write_all(b"hello").await?;
    assert!(tokio::time::timeout(MOMENT, client.read(&mut answer)).await.is_err());
    Ok(())
}

#[tokio::test]
async fn nothing_comes_back_from_a_black_hole_and_nobody_refuses() -> Result<()> {
    let hole = Peer::black_hole().await?;
    let connecting = TcpStream::connect(("127.0.0.1", hole.port()));
    assert!(tokio::time::timeout(MOMENT, connecting).await.is_err());
    let nobody = TcpStream::connect(("127.0.0.1", Peer::nobody().await?)).await;
    assert_eq!(nobody.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    Ok(())
}
