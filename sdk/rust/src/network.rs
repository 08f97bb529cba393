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
    Scripted(crate::testing::ScriptedServer),
    #[cfg(not(target_arch = "wasm32"))]
    InMemory(crate::testing::InMemory),
    #[cfg(not(target_arch = "wasm32"))]
    Tcp(String, u16),
    #[cfg(not(target_arch = "wasm32"))]
    Dialled(crate::testing::Dial),
}

impl Endpoint {
    pub(crate) fn of_host(endpoint: host::Endpoint) -> Self {
        Self(Place::Host(endpoint))
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn scripted(server: crate::testing::ScriptedServer) -> Self {
        Self(Place::Scripted(server))
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn in_memory(server: crate::testing::InMemory) -> Self {
        Self(Place::InMemory(server))
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn tcp(host: String, port: u16) -> Self {
        Self(Place::Tcp(host, port))
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn dialled(dial: crate::testing::Dial) -> Self {
        Self(Place::Dialled(dial))
    }

    /// The host name as the secret spells it: for messages, and for protocols that repeat it.
    pub fn host(&self) -> String {
        match &self.0 {
            Place::Host(endpoint) => endpoint.host(),
            #[cfg(not(target_arch = "wasm32"))]
            Place::Scripted(_) | Place::InMemory(_) | Place::Dialled(_) => {
                "scripted.invalid".to_owned()
            }
            #[cfg(not(target_arch = "wasm32"))]
            Place::Tcp(host, _) => host.clone(),
        }
    }

    /// The TCP port.
    pub fn port(&self) -> u16 {
        match &self.0 {
            Place::Host(endpoint) => endpoint.port(),
            #[cfg(not(target_arch = "wasm32"))]
            Place::Scripted(_) | Place::InMemory(_) | Place::Dialled(_) => 1,
            #[cfg(not(target_arch = "wasm32"))]
            Place::Tcp(_, port) => *port,
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
            Place::Scripted(server) => Stream::Scripted(server.accept()),
            #[cfg(not(target_arch = "wasm32"))]
            Place::InMemory(server) => Stream::InMemory(server.accept()),
            #[cfg(not(target_arch = "wasm32"))]
            Place::Tcp(host, port) => Stream::Tcp(crate::testing::connect(host, *port)?),
            #[cfg(not(target_arch = "wasm32"))]
            Place::Dialled(dial) => Stream::Dialled(Some(dial.connect()?)),
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
                endpoint.redirect(host, port).map(Self::of_host).map_err(failure)
            }
            #[cfg(not(target_arch = "wasm32"))]
            Place::Scripted(_) | Place::InMemory(_) | Place::Dialled(_) => {
                Err(Failure::unreachable("a server of a test has no neighbours"))
            }
            #[cfg(not(target_arch = "wasm32"))]
            Place::Tcp(..) => Ok(Self::tcp(host.to_owned(), port)),
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
    Scripted(crate::testing::ScriptedStream),
    #[cfg(not(target_arch = "wasm32"))]
    InMemory(crate::testing::InMemoryStream),
    #[cfg(not(target_arch = "wasm32"))]
    Tcp(std::net::TcpStream),
    /// Absent once a handshake has failed.
    #[cfg(not(target_arch = "wasm32"))]
    Dialled(Option<Box<dyn crate::testing::Stream>>),
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
            Stream::Scripted(stream) => stream.start_tls(),
            #[cfg(not(target_arch = "wasm32"))]
            Stream::InMemory(stream) => stream.start_tls(),
            #[cfg(not(target_arch = "wasm32"))]
            Stream::Tcp(_) => Err(Failure::unsupported("no TLS here: it is the host's")),
            #[cfg(not(target_arch = "wasm32"))]
            Stream::Dialled(stream) => {
                let (encrypted, info) = stream.take().ok_or_else(unusable)?.start_tls()?;
                *stream = Some(encrypted);
                Ok(info)
            }
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.position = 0;
        self.unread = match &mut self.stream {
            Stream::Host(connection) => connection.read(READ_LIMIT).map_err(io_error)?,
            #[cfg(not(target_arch = "wasm32"))]
            Stream::Scripted(stream) => stream.receive()?,
            #[cfg(not(target_arch = "wasm32"))]
            Stream::InMemory(stream) => stream.receive()?,
            #[cfg(not(target_arch = "wasm32"))]
            Stream::Tcp(stream) => {
                let mut data = vec![0; 16 * 1024];
                let count = stream.read(&mut data)?;
                data.truncate(count);
                data
            }
            #[cfg(not(target_arch = "wasm32"))]
            Stream::Dialled(stream) => {
                let mut data = vec![0; 16 * 1024];
                let count = stream.as_mut().ok_or_else(unusable)?.read(&mut data)?;
                data.truncate(count);
                data
            }
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
            Stream::Scripted(stream) => stream.send(data)?,
            #[cfg(not(target_arch = "wasm32"))]
            Stream::InMemory(stream) => stream.send(data)?,
            #[cfg(not(target_arch = "wasm32"))]
            Stream::Tcp(stream) => stream.write_all(data)?,
            #[cfg(not(target_arch = "wasm32"))]
            Stream::Dialled(stream) => stream.as_mut().ok_or_else(unusable)?.write_all(data)?,
        }
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A stream whose handshake failed.
#[cfg(not(target_arch = "wasm32"))]
fn unusable() -> io::Error {
    io::Error::from(io::ErrorKind::NotConnected)
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
