//! The proxy counts turns, and breaks where it was told to.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use windlass_harness::{Direction, Fault, Proxy};

/// Answers each byte with the same byte, and remembers nothing.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut byte = [0];
                while stream.read_exact(&mut byte).await.is_ok() {
                    if stream.write_all(&byte).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

async fn exchange(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"x").await?;
    stream.read_exact(&mut [0]).await.map(drop)
}

#[tokio::test]
async fn turns_and_bytes_are_counted() {
    let proxy = Proxy::start(echo().await).await.unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
    for _ in 0..3 {
        exchange(&mut stream).await.unwrap();
    }
    let traffic = proxy.traffic();
    assert_eq!(traffic.len(), 1);
    assert_eq!((traffic[0].to_server, traffic[0].to_client, traffic[0].round_trips()), (3, 3, 3));
}

#[tokio::test]
async fn each_fault_breaks_its_connection_and_no_other() {
    let proxy = Proxy::start(echo().await).await.unwrap();
    let cut = |direction, turn| Fault::CutAtTurn { direction, turn };
    let rows = [
        (Fault::Refuse, 0),
        (cut(Direction::ToServer, 1), 0),
        (cut(Direction::ToClient, 2), 1),
        (cut(Direction::ToServer, 3), 2),
        (Fault::CutAfterBytes { direction: Direction::ToClient, bytes: 3 }, 3),
    ];
    for (fault, expected) in rows {
        proxy.fail_next(fault);
        let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
        let mut answers = 0;
        while exchange(&mut stream).await.is_ok() {
            answers += 1;
        }
        assert_eq!(answers, expected, "{fault:?}");
    }
    let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
    exchange(&mut stream).await.unwrap();
}

#[tokio::test]
async fn one_connection_is_broken_by_its_number() {
    let proxy = Proxy::start(echo().await).await.unwrap();
    proxy.fail_connection(2, Fault::Refuse);
    for works in [true, false, true] {
        let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
        assert_eq!(exchange(&mut stream).await.is_ok(), works);
    }
    proxy.reset();
    proxy.fail_connection(1, Fault::Refuse);
    proxy.heal();
    let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
    exchange(&mut stream).await.unwrap();
}

#[tokio::test]
async fn silence_and_delay() {
    let proxy = Proxy::start(echo().await).await.unwrap();
    proxy.fail_all(Fault::Silence);
    let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
    let limit = Duration::from_millis(50);
    assert!(tokio::time::timeout(limit, exchange(&mut stream)).await.is_err());

    let each = Duration::from_millis(20);
    proxy.fail_all(Fault::Delay { each });
    let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
    let started = Instant::now();
    exchange(&mut stream).await.unwrap();
    assert!(started.elapsed() >= each * 2);

    proxy.heal();
    let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
    exchange(&mut stream).await.unwrap();
}
