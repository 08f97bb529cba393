//! Places to connect to and the byte streams to them.
//!
//! A [`Connection`] is [`Read`] and [`Write`], so anything written for a socket works on it. In a
//! component it is the host's connection; natively it is the other end of a scripted server or a
//! plain socket (`crate::testing`), so protocol code is tested without a host and without a network.

use std::io::{self, Read, Write};

use crate::Failure;
use crate::bindings::windlass::plugin::network as host;

/// How many bytes one read asks of the host: what it hands over at most in one call.
const READ_LIMIT: u32 = 64 * 1024;

/// How many bytes one write hands to the host; it takes 1 MiB at most.
const WRITE_PIECE: usize = 256 * 1024;

/// What a finished TLS handshake offers to the protocol above it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsInfo {
    /// Channel binding data of type `tls-server-end-point` (RFC 5929), where the certificate
    /// defines it.
    pub tls_server_end_point: Option<Vec<u8>>,
}

/// A place that the operator granted; lives as long as the call that handed it out.
#[derive(Debug)]
pub struct Endpoint(Place);

#[derive(Debug)]
enum Place {
    Host(host::Endpoint),
    #[cfg(not(target_arch = "wasm32"))]
    Native(Box<dyn NativeServer>),
}

/// What stands in for the host where there is none: a server of a test.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) trait NativeServer: std::fmt::Debug + Send + Sync {
    /// Host and port, as a secret spells them.
    fn address(&self) -> (String, u16) {
        ("scripted.invalid".to_owned(), 1)
    }

    /// A connection.
    fn connect(&self) -> Result<Box<dyn NativeStream>, Failure>;

    /// Another member of the same service.
    fn redirect(&self, _host: &str, _port: u16) -> Result<Box<dyn NativeServer>, Failure> {
        Err(Failure::unreachable("a server of a test has no neighbours"))
    }
}

/// A connection to a [`NativeServer`].
#[cfg(not(target_arch = "wasm32"))]
pub(crate) trait NativeStream: std::fmt::Debug + Send {
    /// Upgrades to TLS in place.
    fn start_tls(&mut self) -> Result<TlsInfo, Failure>;

    /// What came; nothing once the peer has closed its side.
    fn receive(&mut self) -> io::Result<Vec<u8>>;

    /// Sends all of it.
    fn send(&mut self, data: &[u8]) -> io::Result<()>;
}

impl Endpoint {
    pub(crate) fn from_host(endpoint: host::Endpoint) -> Self {
        Self(Place::Host(endpoint))
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn native(peer: impl NativeServer + 'static) -> Self {
        Self(Place::Native(Box::new(peer)))
    }

    /// The host name as the secret spells it: for messages, and for protocols that repeat it.
    pub fn host(&self) -> String {
        match &self.0 {
            Place::Host(endpoint) => endpoint.host(),
            #[cfg(not(target_arch = "wasm32"))]
            Place::Native(peer) => peer.address().0,
        }
    }

    /// The TCP port.
    pub fn port(&self) -> u16 {
        match &self.0 {
            Place::Host(endpoint) => endpoint.port(),
            #[cfg(not(target_arch = "wasm32"))]
            Place::Native(peer) => peer.address().1,
        }
    }

    /// Opens a connection. Each call opens a new one.
    ///
    /// # Errors
    /// `Unreachable`, with what the host found out.
    pub fn connect(&self) -> Result<Connection, Failure> {
        let stream = match &self.0 {
            Place::Host(endpoint) => Stream::Host(endpoint.connect().map_err(failure)?),
            #[cfg(not(target_arch = "wasm32"))]
            Place::Native(peer) => Stream::Native(peer.connect()?),
        };
        Ok(Connection { stream, unread: Vec::new(), position: 0 })
    }

    /// Another member of the same service, named by the service itself.
    ///
    /// # Errors
    /// `Unreachable` if the operator did not grant that place.
    pub fn redirect(&self, host: &str, port: u16) -> Result<Self, Failure> {
        match &self.0 {
            Place::Host(endpoint) => {
                endpoint.redirect(host, port).map(Self::from_host).map_err(failure)
            }
            #[cfg(not(target_arch = "wasm32"))]
            Place::Native(peer) => Ok(Self(Place::Native(peer.redirect(host, port)?))),
        }
    }
}

/// A byte stream to a granted place. Dropping it closes it.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    /// Bytes that the host handed over and nobody read, from `position` on.
    unread: Vec<u8>,
    position: usize,
}

#[derive(Debug)]
enum Stream {
    Host(host::Connection),
    #[cfg(not(target_arch = "wasm32"))]
    Native(Box<dyn NativeStream>),
}

impl Connection {
    /// Upgrades to TLS in place; the host verifies the certificate.
    ///
    /// # Errors
    /// `TlsFailed` if the handshake failed; `Protocol` if the peer sent more bytes in clear than
    /// were read, because whoever stands in between could have put them there.
    pub fn start_tls(&mut self) -> Result<TlsInfo, Failure> {
        if self.position < self.unread.len() {
            return Err(Failure::protocol("the server sent data in clear after it agreed to TLS"));
        }
        match &mut self.stream {
            Stream::Host(connection) => connection
                .start_tls()
                .map(|info| TlsInfo { tls_server_end_point: info.tls_server_end_point })
                .map_err(failure),
            #[cfg(not(target_arch = "wasm32"))]
            Stream::Native(stream) => stream.start_tls(),
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.position = 0;
        self.unread = match &mut self.stream {
            Stream::Host(connection) => connection.read(READ_LIMIT).map_err(io_error)?,
            #[cfg(not(target_arch = "wasm32"))]
            Stream::Native(stream) => stream.receive()?,
        };
        Ok(())
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.position >= self.unread.len() {
            self.refill()?;
        }
        let mut rest = self.unread.get(self.position..).unwrap_or_default();
        let count = rest.read(buffer)?;
        self.position += count;
        Ok(count)
    }
}

impl Write for Connection {
    /// Sends all of `data`; there is no buffer to flush, so hand over whole messages.
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match &mut self.stream {
            Stream::Host(connection) => {
                for piece in data.chunks(WRITE_PIECE) {
                    connection.write(piece).map_err(io_error)?;
                }
            }
            #[cfg(not(target_arch = "wasm32"))]
            Stream::Native(stream) => stream.send(data)?,
        }
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A service that could not be reached may be reached later; what the operator did not grant, or a
/// limit forbids, stays so.
fn failure(error: host::NetworkError) -> Failure {
    use host::NetworkErrorKind as Kind;
    match error.kind {
        Kind::NotGranted | Kind::Limit => Failure::declined(error.message),
        Kind::Tls => Failure::tls_failed(error.message),
        Kind::NameNotFound
        | Kind::Refused
        | Kind::TimedOut
        | Kind::Closed
        | Kind::InvalidState
        | Kind::Other => Failure::unreachable(error.message),
    }
}

fn io_error(error: host::NetworkError) -> io::Error {
    use host::NetworkErrorKind as Kind;
    let kind = match error.kind {
        Kind::Refused => io::ErrorKind::ConnectionRefused,
        Kind::TimedOut => io::ErrorKind::TimedOut,
        Kind::Closed => io::ErrorKind::ConnectionReset,
        Kind::NotGranted => io::ErrorKind::PermissionDenied,
        Kind::Limit => io::ErrorKind::QuotaExceeded,
        Kind::NameNotFound | Kind::Tls | Kind::InvalidState | Kind::Other => io::ErrorKind::Other,
    };
    io::Error::new(kind, error.message)
}
