//! A TCP proxy that counts, and that fails on demand.
//!
//! Put between a client and a real server it shows how often the two waited for each other, and
//! breaks the connection at a chosen moment. Bytes are grouped into *turns*: all that one side
//! sends before the other side says something; what nobody waits for ([`asides`]) is none. A round
//! trip is a turn of the client followed by one of the server. TLS stays intact; only its records are seen, and can be counted as well
//! ([`records`]).
//!
//! A fault is decided before bytes are passed on: cutting at the n-th turn towards the server means
//! that the server never sees it; towards the client, that the server has acted and the client
//! never learns of it.

mod asides;
mod records;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use crate::listener::Listener;
use crate::sync::lock;
use records::Records;

/// More than a TLS record, so that one is seldom split.
const CHUNK: usize = 32 * 1024;

/// Between a client's last words and the end of its connection lies nothing but scheduling.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// When one side has closed, the other is heard out for so long: its answer is on its way, on a busy
/// machine as well. Less than [`CLOSE_LIMIT`], so that this is no error there.
const FAREWELL: Duration = Duration::from_secs(3);

const CLOSE_POLL: Duration = Duration::from_millis(5);

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client.
    ToServer,
    /// From the server.
    ToClient,
}

/// What is said before TLS: by it, messages are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// The client asks for TLS, and the server answers with one byte.
    Postgres,
    /// The server greets, and the client asks for TLS: a packet each.
    Mysql,
}

/// What goes wrong with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is closed as soon as it is accepted.
    Refuse,
    /// It is accepted, and nothing is ever answered.
    Silence,
    /// It is closed instead of passing on the `turn`-th turn (from 1) in this direction.
    CutAtTurn {
        /// Which way.
        direction: Direction,
        /// Counted from 1.
        turn: u32,
    },
    /// It is closed instead of passing on the `record`-th message in this direction: what is said
    /// before TLS ([`Opening`]) is the first, TLS records are the others.
    CutAtRecord {
        /// Which way.
        direction: Direction,
        /// Counted from 1.
        record: u32,
    },
    /// It is closed when this many bytes have been passed on in this direction.
    CutAfterBytes {
        /// Which way.
        direction: Direction,
        /// How many are still passed on.
        bytes: u64,
    },
    /// Nothing breaks, but every piece waits this long before it is passed on.
    Delay {
        /// In each direction.
        each: Duration,
    },
}

/// What passed through one connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes from the client.
    pub to_server: u64,
    /// Bytes from the server.
    pub to_client: u64,
    /// Turns of the client.
    pub client_turns: u32,
    /// Turns of the server.
    pub server_turns: u32,
    /// Messages of the client, counted as in [`Fault::CutAtRecord`].
    pub client_records: u32,
    /// Messages of the server.
    pub server_records: u32,
    /// How long it was open, once it is closed.
    pub open_for: Option<Duration>,
    last: Option<Direction>,
    /// One side has closed: a goodbye that nobody waits for is no turn.
    closing: bool,
    /// All that the client said since the server's latest turn is the end of the TLS handshake.
    only_finished: bool,
}

impl Traffic {
    /// How often the client waited for an answer.
    #[must_use]
    pub fn round_trips(&self) -> u32 {
        self.client_turns.min(self.server_turns)
    }

    fn turns(&mut self, direction: Direction) -> &mut u32 {
        match direction {
            Direction::ToServer => &mut self.client_turns,
            Direction::ToClient => &mut self.server_turns,
        }
    }

    fn records(&mut self, direction: Direction) -> &mut u32 {
        match direction {
            Direction::ToServer => &mut self.client_records,
            Direction::ToClient => &mut self.server_records,
        }
    }

    fn bytes(&mut self, direction: Direction) -> &mut u64 {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }
}

#[derive(Debug, Default)]
struct State {
    connections: Vec<Arc<Mutex<Traffic>>>,
    numbered_faults: HashMap<usize, Fault>,
    next_faults: VecDeque<Fault>,
    fault: Option<Fault>,
}

/// A listening proxy. Dropping it closes its connections.
#[derive(Debug)]
pub struct Proxy {
    state: Arc<Mutex<State>>,
    listener: Listener,
}

impl Proxy {
    /// Passes connections to `upstream` on, from a free port of 127.0.0.1. Messages are counted as
    /// PostgreSQL's.
    ///
    /// # Errors
    /// If no port can be listened on.
    pub async fn start(upstream: SocketAddr) -> Result<Self> {
        Self::start_for(upstream, Opening::Postgres).await
    }

    /// The same for connections that begin in this way.
    ///
    /// # Errors
    /// If no port can be listened on.
    pub async fn start_for(upstream: SocketAddr, opening: Opening) -> Result<Self> {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let listener = Listener::start(move |client| {
            let (traffic, fault) = admit(&shared);
            async move {
                let opened = Instant::now();
                carry(client, upstream, opening, &traffic, fault).await;
                lock(&traffic).open_for = Some(opened.elapsed());
            }
        });
        Ok(Self { state, listener: listener.await? })
    }

    /// The port that clients connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.listener.address().port()
    }

    /// What passed through each connection, in the order in which they came.
    #[must_use]
    pub fn traffic(&self) -> Vec<Traffic> {
        lock(&self.state).connections.iter().map(|traffic| *lock(traffic)).collect()
    }

    /// Waits until every connection is closed, and returns what passed through each.
    ///
    /// # Errors
    /// If one is still open after 5 seconds.
    pub async fn all_closed(&self) -> Result<Vec<Traffic>> {
        let limit = Instant::now() + CLOSE_LIMIT;
        loop {
            let traffic = self.traffic();
            if traffic.iter().all(|one| one.open_for.is_some()) {
                return Ok(traffic);
            }
            if Instant::now() > limit {
                bail!("a connection is still open after {} s", CLOSE_LIMIT.as_secs());
            }
            tokio::time::sleep(CLOSE_POLL).await;
        }
    }

    /// Forgets the connections so far.
    pub fn reset(&self) {
        lock(&self.state).connections.clear();
    }

    /// Breaks one coming connection; called again, the one after it.
    pub fn fail_next(&self, fault: Fault) {
        lock(&self.state).next_faults.push_back(fault);
    }

    /// Breaks connection `number`, counted from 1 since the start or the last reset.
    pub fn fail_connection(&self, number: usize, fault: Fault) {
        lock(&self.state).numbered_faults.insert(number, fault);
    }

    /// Breaks every coming connection, until [`Proxy::heal`].
    pub fn fail_all(&self, fault: Fault) {
        lock(&self.state).fault = Some(fault);
    }

    /// From now on, connections work.
    pub fn heal(&self) {
        let mut state = lock(&self.state);
        state.fault = None;
        state.numbered_faults.clear();
        state.next_faults.clear();
    }
}

fn admit(state: &Mutex<State>) -> (Arc<Mutex<Traffic>>, Option<Fault>) {
    let mut state = lock(state);
    let traffic = Arc::new(Mutex::new(Traffic::default()));
    state.connections.push(Arc::clone(&traffic));
    let numbered = state.numbered_faults.get(&state.connections.len()).copied();
    let fault = numbered.or_else(|| state.next_faults.pop_front()).or(state.fault);
    (traffic, fault)
}

async fn carry(
    mut client: TcpStream,
    upstream: SocketAddr,
    opening: Opening,
    traffic: &Mutex<Traffic>,
    fault: Option<Fault>,
) {
    match fault {
        Some(Fault::Refuse) => return,
        Some(Fault::Silence) => {
            // Reads, so that the client sees no error either; ends when the client gives up.
            let mut nothing = [0; 1024];
            while client.read(&mut nothing).await.is_ok_and(|read| read > 0) {}
            return;
        }
        _ => {}
    }
    let Ok(server) = TcpStream::connect(upstream).await else { return };
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let there = Records::new(Direction::ToServer, opening);
    let there = pump(Direction::ToServer, there, from_client, to_server, traffic, fault);
    let back = Records::new(Direction::ToClient, opening);
    let back = pump(Direction::ToClient, back, from_server, to_client, traffic, fault);
    let (mut there, mut back) = (pin!(there), pin!(back));
    // What the other side still says is heard, so that what is counted does not depend on who was
    // faster; then a half-closed connection is of no use to the protocols here.
    tokio::select! {
        end = &mut there => if end == PumpEnd::Closed {
            let _ = tokio::time::timeout(FAREWELL, back).await;
        },
        end = &mut back => if end == PumpEnd::Closed {
            let _ = tokio::time::timeout(FAREWELL, there).await;
        },
    }
}

/// Why no more is passed on in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PumpEnd {
    /// One side has closed.
    Closed,
    /// The fault says so.
    Cut,
}

async fn pump(
    direction: Direction,
    mut records: Records,
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    traffic: &Mutex<Traffic>,
    fault: Option<Fault>,
) -> PumpEnd {
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = match from.read(&mut buffer).await {
            Ok(0) | Err(_) => {
                lock(traffic).closing = true;
                let _ = to.shutdown().await;
                return PumpEnd::Closed;
            }
            Ok(read) => read,
        };
        let Some(chunk) = buffer.get(..read) else { return PumpEnd::Closed };
        let pass = account(&mut lock(traffic), &mut records, direction, chunk, fault);
        if let Some(Fault::Delay { each }) = fault {
            tokio::time::sleep(each).await;
        }
        let Some(passed) = chunk.get(..pass) else { return PumpEnd::Closed };
        let written = to.write_all(passed).await;
        if pass < read {
            let _ = to.flush().await;
            return PumpEnd::Cut;
        }
        if written.is_err() {
            return PumpEnd::Closed;
        }
    }
}

/// Counts a piece and says how much of it is passed on; less than all means: then close.
fn account(
    traffic: &mut Traffic,
    records: &mut Records,
    direction: Direction,
    chunk: &[u8],
    fault: Option<Fault>,
) -> usize {
    // What a server says to the end of the handshake alone are tickets for other sessions.
    let ticket = direction == Direction::ToClient && traffic.only_finished;
    if direction == Direction::ToServer {
        traffic.only_finished = asides::is_finished(chunk);
    }
    let aside = ticket || asides::is_goodbye(chunk);
    if traffic.last != Some(direction) && !traffic.closing && !aside {
        traffic.last = Some(direction);
        *traffic.turns(direction) += 1;
    }
    let turn = *traffic.turns(direction);
    let before = *traffic.bytes(direction);
    let stop = match fault {
        Some(Fault::CutAtRecord { direction: cut, record }) if cut == direction => Some(record),
        _ => None,
    };
    let in_records = records.read(chunk, stop);
    *traffic.records(direction) = records.begun();
    let length = chunk.len();
    let pass = match fault {
        Some(Fault::CutAtTurn { direction: cut, turn: at }) if cut == direction && turn >= at => 0,
        Some(Fault::CutAfterBytes { direction: cut, bytes }) if cut == direction => {
            usize::try_from(bytes.saturating_sub(before)).map_or(length, |left| left.min(length))
        }
        _ => in_records,
    };
    *traffic.bytes(direction) += pass as u64;
    pass
}
