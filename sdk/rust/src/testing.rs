//! Scripted servers: protocol code tested natively, against a peer that the test writes.
//!
//! ```
//! use std::io::{Read, Write};
//! use windlass_sdk::testing::scripted;
//!
//! let (endpoint, server) = scripted(|mut peer| {
//!     peer.expect(b"PING\n");
//!     peer.accept_tls(None);
//!     peer.send(b"+PONG\n");
//! });
//! let mut connection = endpoint.connect().unwrap();
//! connection.write_all(b"PING\n").unwrap();
//! connection.start_tls().unwrap();
//! let mut answer = [0; 6];
//! connection.read_exact(&mut answer).unwrap();
//! assert_eq!(&answer, b"+PONG\n");
//! server.finish();
//! ```

pub mod calls;
pub mod hostile;
mod in_memory;

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::network::{NativeServer, NativeStream};
use crate::{Endpoint, Failure, Login, Proof, TlsInfo, TlsMode};
pub use in_memory::{Server, in_memory};

/// How long either side waits for the other. A script that is out of step fails instead of
/// hanging; nothing in a scripted conversation takes this long.
const PATIENCE: Duration = Duration::from_secs(10);

/// What passes between the two ends.
#[derive(Debug)]
enum Event {
    Data(Vec<u8>),
    StartTls,
    TlsReady(TlsInfo),
    TlsRefused(String),
}

/// An endpoint whose first connection is answered by `script`, which runs in a thread of its own.
/// A second connection finds the peer closed; for several, see [`scripted_each`].
pub fn scripted(script: impl FnOnce(Peer) + Send + 'static) -> (Endpoint, ScriptHandle) {
    scripted_each(vec![Box::new(script)])
}

/// One connection's script.
pub type Script = Box<dyn FnOnce(Peer) + Send>;

/// An endpoint whose n-th connection is answered by the n-th of `scripts`.
pub fn scripted_each(scripts: Vec<Script>) -> (Endpoint, ScriptHandle) {
    let mut waiting = VecDeque::new();
    let mut threads = Vec::new();
    for script in scripts {
        let (to_server, from_client) = channel();
        let (to_client, from_server) = channel();
        waiting.push_back(ScriptedStream { outgoing: to_server, incoming: from_server });
        threads.push(std::thread::spawn(move || {
            script(Peer { outgoing: to_client, incoming: from_client, unread: VecDeque::new() });
        }));
    }
    let server = ScriptedServer { waiting: Arc::new(Mutex::new(waiting)) };
    (Endpoint::native(server), ScriptHandle { threads })
}

/// A real server, without TLS: for trying a plugin natively, and for measuring what the same code
/// costs outside a component. Nothing is granted or refused here.
pub fn tcp(host: &str, port: u16) -> Endpoint {
    Endpoint::native(Tcp { host: host.to_owned(), port })
}

pub(crate) fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port))?;
    // As the host does: requests and answers take turns, so waiting to fill a packet only delays.
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// A byte stream of the test's own making: to a real server with TLS, say.
pub trait Stream: Read + Write + Send + fmt::Debug {
    /// The same stream with TLS, as the host would start it.
    ///
    /// # Errors
    /// `TlsFailed` if the handshake failed.
    fn start_tls(self: Box<Self>) -> Result<(Box<dyn Stream>, TlsInfo), Failure>;
}

/// An endpoint whose connections `connect` makes. Nothing is granted or refused here.
pub fn dialled(
    connect: impl Fn() -> io::Result<Box<dyn Stream>> + Send + Sync + 'static,
) -> Endpoint {
    Endpoint::native(Dial(Box::new(connect)))
}

/// Makes connections.
struct Dial(Box<dyn Fn() -> io::Result<Box<dyn Stream>> + Send + Sync>);

impl NativeServer for Dial {
    fn connect(&self) -> Result<Box<dyn NativeStream>, Failure> {
        Ok(Box::new(Dialled(Some((self.0)()?))))
    }
}

/// Absent once a handshake has failed.
#[derive(Debug)]
struct Dialled(Option<Box<dyn Stream>>);

impl Dialled {
    fn stream(&mut self) -> io::Result<&mut Box<dyn Stream>> {
        self.0.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl NativeStream for Dialled {
    fn start_tls(&mut self) -> Result<TlsInfo, Failure> {
        let stream = self.0.take().ok_or(io::Error::from(io::ErrorKind::NotConnected))?;
        let (encrypted, info) = stream.start_tls()?;
        self.0 = Some(encrypted);
        Ok(info)
    }

    fn receive(&mut self) -> io::Result<Vec<u8>> {
        read_some(self.stream()?)
    }

    fn send(&mut self, data: &[u8]) -> io::Result<()> {
        self.stream()?.write_all(data)
    }
}

/// A plain socket.
#[derive(Debug)]
struct Tcp {
    host: String,
    port: u16,
}

impl NativeServer for Tcp {
    fn address(&self) -> (String, u16) {
        (self.host.clone(), self.port)
    }

    fn connect(&self) -> Result<Box<dyn NativeStream>, Failure> {
        Ok(Box::new(connect(&self.host, self.port)?))
    }

    fn redirect(&self, host: &str, port: u16) -> Result<Box<dyn NativeServer>, Failure> {
        Ok(Box::new(Self { host: host.to_owned(), port }))
    }
}

impl NativeStream for TcpStream {
    fn start_tls(&mut self) -> Result<TlsInfo, Failure> {
        Err(Failure::unsupported("no TLS here: it is the host's"))
    }

    fn receive(&mut self) -> io::Result<Vec<u8>> {
        read_some(self)
    }

    fn send(&mut self, data: &[u8]) -> io::Result<()> {
        self.write_all(data)
    }
}

fn read_some(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut data = vec![0; 16 * 1024];
    let count = stream.read(&mut data)?;
    data.truncate(count);
    Ok(data)
}

impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dial")
    }
}

/// A login on a scripted endpoint, TLS required, no database.
pub fn login(server: Endpoint, username: &str, password: &str) -> Login {
    Login {
        server,
        username: username.to_owned(),
        password: password.to_owned(),
        database: None,
        tls: TlsMode::Required,
        proof: Proof::Accepted,
        fields: Vec::new(),
    }
}

/// The scripts' threads.
#[derive(Debug)]
pub struct ScriptHandle {
    threads: Vec<JoinHandle<()>>,
}

impl ScriptHandle {
    /// Waits for every script to end.
    ///
    /// # Panics
    /// Where a script panicked: an expectation of the test was not met.
    pub fn finish(self) {
        for thread in self.threads {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

/// The connections that wait to be taken up.
#[derive(Debug)]
struct ScriptedServer {
    waiting: Arc<Mutex<VecDeque<ScriptedStream>>>,
}

impl NativeServer for ScriptedServer {
    fn connect(&self) -> Result<Box<dyn NativeStream>, Failure> {
        Ok(Box::new(self.accept()))
    }
}

impl ScriptedServer {
    /// The next scripted connection, or one that is closed where the scripts are used up.
    fn accept(&self) -> ScriptedStream {
        let mut waiting = self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        waiting.pop_front().unwrap_or_else(|| {
            let ((outgoing, _), (_, incoming)) = (channel(), channel());
            ScriptedStream { outgoing, incoming }
        })
    }
}

/// The plugin's end.
#[derive(Debug)]
struct ScriptedStream {
    outgoing: Sender<Event>,
    incoming: Receiver<Event>,
}

impl NativeStream for ScriptedStream {
    fn send(&mut self, data: &[u8]) -> io::Result<()> {
        self.outgoing
            .send(Event::Data(data.to_vec()))
            .map_err(|_| io::Error::from(io::ErrorKind::ConnectionReset))
    }

    fn receive(&mut self) -> io::Result<Vec<u8>> {
        match self.incoming.recv_timeout(PATIENCE) {
            Ok(Event::Data(data)) => Ok(data),
            Ok(_) => Err(io::Error::other("TLS offered where the plugin waits for data")),
            Err(RecvTimeoutError::Disconnected) => Ok(Vec::new()),
            Err(RecvTimeoutError::Timeout) => Err(io::Error::from(io::ErrorKind::TimedOut)),
        }
    }

    fn start_tls(&mut self) -> Result<TlsInfo, Failure> {
        let gone = || Failure::tls_failed("the server closed the connection during TLS");
        self.outgoing.send(Event::StartTls).map_err(|_| gone())?;
        match self.incoming.recv_timeout(PATIENCE) {
            Ok(Event::TlsReady(info)) => Ok(info),
            Ok(Event::TlsRefused(why)) => Err(Failure::tls_failed(why)),
            Ok(_) => Err(Failure::protocol("the server sent data in clear before TLS")),
            Err(_) => Err(gone()),
        }
    }
}

/// The server's end: what a script talks to. Every method panics where the plugin does not do
/// what the script says, which fails the test at [`ScriptHandle::finish`].
#[derive(Debug)]
pub struct Peer {
    outgoing: Sender<Event>,
    incoming: Receiver<Event>,
    unread: VecDeque<u8>,
}

#[allow(clippy::panic, reason = "a script's expectation is an assertion")]
impl Peer {
    /// The next `count` bytes that the plugin sends.
    pub fn receive(&mut self, count: usize) -> Vec<u8> {
        while self.unread.len() < count {
            match self.incoming.recv_timeout(PATIENCE) {
                Ok(Event::Data(data)) => self.unread.extend(data),
                other => panic!("script waits for {count} bytes of data, the plugin: {other:?}"),
            }
        }
        self.unread.drain(..count).collect()
    }

    /// Requires that the plugin sends exactly these bytes next.
    pub fn expect(&mut self, bytes: &[u8]) {
        let received = self.receive(bytes.len());
        assert_eq!(
            String::from_utf8_lossy(&received),
            String::from_utf8_lossy(bytes),
            "the plugin sent other bytes than the script expects"
        );
    }

    /// Sends bytes to the plugin. A plugin that has hung up is not an error here: what it does
    /// next is for the test to judge.
    pub fn send(&mut self, bytes: &[u8]) {
        drop(self.outgoing.send(Event::Data(bytes.to_vec())));
    }

    /// Requires that the plugin starts TLS next, and lets it succeed.
    pub fn accept_tls(&mut self, tls_server_end_point: Option<Vec<u8>>) {
        self.expect_start_tls();
        drop(self.outgoing.send(Event::TlsReady(TlsInfo { tls_server_end_point })));
    }

    /// Requires that the plugin starts TLS next, and lets the handshake fail.
    pub fn refuse_tls(&mut self, why: &str) {
        self.expect_start_tls();
        drop(self.outgoing.send(Event::TlsRefused(why.to_owned())));
    }

    /// Requires that the plugin closes the connection without sending anything more.
    pub fn expect_close(&mut self) {
        match self.incoming.recv_timeout(PATIENCE) {
            Err(RecvTimeoutError::Disconnected) if self.unread.is_empty() => {}
            other => panic!("script waits for the end of the connection, the plugin: {other:?}"),
        }
    }

    /// Closes this side, and takes whatever the plugin still sends until it closes its own.
    pub fn hang_up(self) {
        drop(self.outgoing);
        while self.incoming.recv_timeout(PATIENCE).is_ok() {}
    }

    fn expect_start_tls(&mut self) {
        assert!(self.unread.is_empty(), "the plugin sent data where the script expects TLS");
        match self.incoming.recv_timeout(PATIENCE) {
            Ok(Event::StartTls) => {}
            other => panic!("script waits for the start of TLS, the plugin: {other:?}"),
        }
    }
}
