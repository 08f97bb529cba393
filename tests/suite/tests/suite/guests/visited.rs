//! A peer that remembers who came, what they sent, and whether they left.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use windlass_suite::within;

/// Between an end of a call and the end of its connections lies nothing but scheduling.
const LIMIT: Duration = Duration::from_secs(10);

/// How often is looked.
const POLL: Duration = Duration::from_millis(10);

/// What the peer does with a connection.
#[derive(Clone)]
pub(super) enum Manner {
    /// It listens.
    Listens,
    /// It sends without end.
    Sends,
    /// It says what this returns, and closes.
    Greets(Arc<dyn Fn() -> String + Send + Sync>),
}

/// One connection.
#[derive(Clone, Default)]
pub(super) struct Visit {
    /// What was sent.
    pub(super) bytes: Vec<u8>,
    /// Whether the other side has closed it.
    pub(super) over: bool,
}

/// The peer. Dropping it closes its connections.
pub(super) struct Visited {
    port: u16,
    visits: Arc<Mutex<Vec<Visit>>>,
    _task: JoinSet<()>,
}

impl Visited {
    /// Listens on a free port of 127.0.0.1.
    pub(super) async fn start(manner: Manner) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("listening")?;
        let port = listener.local_addr()?.port();
        let visits = Arc::<Mutex<Vec<Visit>>>::default();
        let known = Arc::clone(&visits);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let number = lock(&known).len();
                lock(&known).push(Visit::default());
                connections.spawn(receive(stream, manner.clone(), number, Arc::clone(&known)));
            }
        });
        Ok(Self { port, visits, _task: task })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Everybody who came so far.
    pub(super) fn visits(&self) -> Vec<Visit> {
        lock(&self.visits).clone()
    }

    /// The same, once all of them have left.
    pub(super) async fn all_left(&self) -> Result<Vec<Visit>> {
        let left = async {
            while !lock(&self.visits).iter().all(|visit| visit.over) {
                tokio::time::sleep(POLL).await;
            }
        };
        within(LIMIT, "the end of every connection", left).await?;
        Ok(self.visits())
    }
}

async fn receive(
    mut stream: TcpStream,
    manner: Manner,
    number: usize,
    visits: Arc<Mutex<Vec<Visit>>>,
) {
    match manner {
        Manner::Listens => {}
        Manner::Sends => {
            let piece = vec![b's'; 256 << 10];
            while stream.write_all(&piece).await.is_ok() {}
        }
        Manner::Greets(greeting) => {
            let _ = stream.write_all(greeting().as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    }
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = stream.read(&mut buffer).await.unwrap_or_default();
        let mut visits = lock(&visits);
        visits[number].bytes.extend_from_slice(&buffer[..read]);
        if read == 0 {
            visits[number].over = true;
            return;
        }
    }
}

fn lock(visits: &Mutex<Vec<Visit>>) -> MutexGuard<'_, Vec<Visit>> {
    visits.lock().unwrap_or_else(PoisonError::into_inner)
}
