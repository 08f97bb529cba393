//! Name resolution and byte streams, every operation bounded in time.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use super::overheard::{Opening, Overheard, is_tls_alert};
use super::tls::{Tls, TlsSession};
use super::{Deadline, NetworkError, NetworkErrorKind as Kind, seconds};

/// How long a name may take to resolve. Inside a VPC the resolver answers in milliseconds.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long one address may take to accept a connection: what AWS's functions allow. Silence here
/// is a security group or a route.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a TLS handshake may take.
pub(crate) const TLS_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the peer may be silent when it has to answer. Some engines need seconds for a password
/// change; Lambda's own deadline ends the step if it comes first.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// Resolves a name, or takes an address as it is.
///
/// # Errors
/// `NameNotFound` or `TimedOut`.
pub async fn resolve(host: &str, deadline: Deadline) -> Result<Vec<IpAddr>, NetworkError> {
    if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Ok(vec![address]);
    }
    let time = deadline.at_most(RESOLVE_TIMEOUT);
    let lookup = timeout(time, tokio::net::lookup_host((host, 0)));
    match lookup.await {
        Ok(Ok(found)) => {
            let mut addresses = Vec::new();
            for address in found.map(|socket| socket.ip()) {
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
            Ok(addresses)
        }
        Ok(Err(error)) => Err(NetworkError::new(
            Kind::NameNotFound,
            format!(
                "the name `{host}` does not resolve ({error}); check the secret's `host` and the \
                 DNS settings of the function's VPC"
            ),
        )),
        Err(_) => Err(NetworkError::new(
            Kind::TimedOut,
            format!(
                "resolving the name `{host}` took longer than {}; check the DNS settings of the \
                 function's VPC",
                seconds(time)
            ),
        )),
    }
}

/// Connects to the first of `addresses` that accepts.
///
/// # Errors
/// What every address answered.
pub async fn connect(
    host: &str,
    addresses: &[SocketAddr],
    deadline: Deadline,
) -> Result<Stream, NetworkError> {
    let mut failures = Vec::new();
    let mut kind = Kind::NameNotFound;
    for address in addresses {
        let time = deadline.at_most(CONNECT_TIMEOUT);
        let (what, why) = match timeout(time, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => {
                // Protocols here are question and answer: waiting to fill a packet only costs time.
                // A socket without this option still works.
                drop(socket.set_nodelay(true));
                let state = State::Plain(socket);
                return Ok(Stream { state, peer: *address, deadline, spoke_in_clear: false });
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => (
                Kind::Refused,
                "connection refused; nothing listens there: check the port and that the service \
                 runs"
                    .to_owned(),
            ),
            Ok(Err(error)) if is_unroutable(&error) => (
                Kind::Other,
                format!("no route ({error}); check the route tables of the function's subnets"),
            ),
            Ok(Err(error)) => (Kind::Other, format!("connecting failed: {error}")),
            Err(_) => (
                Kind::TimedOut,
                format!(
                    "no answer within {}; check that the security groups of the function and of \
                     the service let this port pass, and that there is a route",
                    seconds(time)
                ),
            ),
        };
        kind = what;
        failures.push(format!("{address}: {why}"));
    }
    if failures.is_empty() {
        failures.push("the name resolved to no address".to_owned());
    }
    Err(NetworkError::new(kind, format!("`{host}` could not be reached; {}", failures.join("; "))))
}

/// Whether the machine itself, or a router, knows no way there.
fn is_unroutable(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable)
}

/// What is wrong where a peer expected TLS and got none.
const EXPECTS_TLS: &str = "it expects TLS from the first byte on this port, and got none; if the \
                           secret \
                           has `\"ssl\": false`, remove that, else set its `port` to the \
                           service's usual \
                           one";

/// What may be wrong where it says nothing.
const MAYBE_TLS: &str = "a port that expects TLS from the first byte does that to whoever begins \
                         without, \
                         and so does a proxy without a service behind it: if the secret has \
                         `\"ssl\": \
                         false`, remove that, else check its `port`, and that the service runs";

/// A byte stream to a service.
#[derive(Debug)]
pub struct Stream {
    state: State,
    peer: SocketAddr,
    deadline: Deadline,
    /// Whether the peer has sent anything without TLS.
    spoke_in_clear: bool,
}

#[derive(Debug)]
enum State {
    Plain(TcpStream),
    Tls(Box<TlsStream<Overheard>>),
    /// A TLS handshake failed.
    Broken,
}

impl Stream {
    /// The address that it is connected to.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Waits for bytes; returns at most `limit`. Empty: the peer closed its side.
    ///
    /// # Errors
    /// `TimedOut`, `Closed`, `InvalidState`.
    pub async fn read(&mut self, limit: usize) -> Result<Vec<u8>, NetworkError> {
        self.look_for_an_alert().await?;
        let mut buffer = vec![0; limit];
        let read = async {
            match &mut self.state {
                State::Plain(socket) => socket.read(&mut buffer).await,
                State::Tls(tls) => match tls.read(&mut buffer).await {
                    // Many servers close without TLS's own goodbye. The protocols here say
                    // themselves where a message ends, so nothing can be cut off unnoticed.
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
                    answer => answer,
                },
                State::Broken => Err(io::Error::from(io::ErrorKind::NotConnected)),
            }
        };
        let count = bounded(self.peer, self.deadline, read).await;
        let count = count.map_err(|error| self.of_a_silent_peer(error))?;
        self.spoke_in_clear |= count > 0;
        buffer.truncate(count);
        Ok(buffer)
    }

    /// Makes sure that the first bytes of a peer in clear are not those of one that expected TLS. They
    /// are left where they are, and so is whatever else happens to the connection.
    async fn look_for_an_alert(&mut self) -> Result<(), NetworkError> {
        let State::Plain(socket) = &self.state else { return Ok(()) };
        if self.spoke_in_clear {
            return Ok(());
        }
        let mut first = [0; 5];
        let peek = bounded(self.peer, self.deadline, socket.peek(&mut first)).await;
        peek.map_err(|error| self.of_a_silent_peer(error))?;
        if is_tls_alert(&first) {
            return Err(NetworkError::new(
                Kind::Other,
                format!("{} answered with an alert of TLS: {EXPECTS_TLS}", self.peer),
            ));
        }
        Ok(())
    }

    /// What is to be said of a peer that closed the connection, besides that it did.
    pub fn closed_without_a_word(&self) -> Option<String> {
        let silent = matches!(self.state, State::Plain(_)) && !self.spoke_in_clear;
        silent.then(|| {
            format!("{} closed the connection before it sent anything; {MAYBE_TLS}", self.peer)
        })
    }

    fn of_a_silent_peer(&self, error: NetworkError) -> NetworkError {
        match self.closed_without_a_word() {
            Some(message) if error.kind == Kind::Closed => NetworkError::new(Kind::Closed, message),
            _ => error,
        }
    }

    /// Writes all of `data`.
    ///
    /// # Errors
    /// `TimedOut`, `Closed`, `InvalidState`.
    pub async fn write(&mut self, data: &[u8]) -> Result<(), NetworkError> {
        let write = async {
            match &mut self.state {
                State::Plain(socket) => socket.write_all(data).await,
                State::Tls(tls) => {
                    tls.write_all(data).await?;
                    tls.flush().await
                }
                State::Broken => Err(io::Error::from(io::ErrorKind::NotConnected)),
            }
        };
        bounded(self.peer, self.deadline, write).await
    }

    /// Upgrades to TLS in place.
    ///
    /// # Errors
    /// `Tls` with the certificate's problem, also if the peer sent anything in clear that was not
    /// read; `InvalidState` for a second call.
    pub async fn start_tls(&mut self, tls: &Tls, host: &str) -> Result<TlsSession, NetworkError> {
        let socket = match std::mem::replace(&mut self.state, State::Broken) {
            State::Plain(socket) => socket,
            tls @ State::Tls(_) => {
                self.state = tls;
                return Err(NetworkError::new(
                    Kind::InvalidState,
                    "the connection has TLS already",
                ));
            }
            State::Broken => return Err(broken()),
        };
        // Nothing was read ahead here, so bytes that somebody slipped in after the answer in clear
        // are the first that the handshake sees, and break it.
        let time = self.deadline.at_most(TLS_TIMEOUT);
        let opening = Opening { agreed: self.spoke_in_clear, ..Opening::default() };
        let handshake = tls.handshake(socket, host, self.peer, &opening);
        let Ok(handshake) = timeout(time, handshake).await else {
            return Err(NetworkError::new(
                Kind::TimedOut,
                format!(
                    "the TLS handshake with `{host}` at {} took longer than {}: {}",
                    self.peer,
                    seconds(time),
                    opening.why_slow()
                ),
            ));
        };
        let (stream, session) = handshake?;
        self.state = State::Tls(Box::new(stream));
        Ok(session)
    }
}

async fn bounded<T>(
    peer: SocketAddr,
    deadline: Deadline,
    operation: impl Future<Output = io::Result<T>>,
) -> Result<T, NetworkError> {
    let time = deadline.at_most(ANSWER_TIMEOUT);
    match timeout(time, operation).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(match error.kind() {
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => {
                NetworkError::new(Kind::Closed, format!("{peer} closed the connection"))
            }
            io::ErrorKind::NotConnected => broken(),
            _ => {
                NetworkError::new(Kind::Other, format!("the connection to {peer} failed: {error}"))
            }
        }),
        Err(_) => Err(NetworkError::new(Kind::TimedOut, unanswered(peer, time))),
    }
}

/// What is said of a peer that was waited for in vain. Where the step's time ended the waiting, the
/// peer may have answered everything before, slowly.
fn unanswered(peer: SocketAddr, time: Duration) -> String {
    let how = if time < ANSWER_TIMEOUT {
        ", all that was left of the step's time (the function's timeout, or --timeout): it is \
         connected, and silent or slow"
    } else {
        ": it is connected and silent"
    };
    format!(
        "{peer} did not answer within {}{how}; check whether the service is overloaded or \
         another service listens there",
        seconds(time)
    )
}

fn broken() -> NetworkError {
    NetworkError::new(Kind::InvalidState, "the connection is unusable since its TLS failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_steps_time_ends_the_waiting_the_message_says_so() {
        let peer = SocketAddr::from(([127, 0, 0, 1], 5432));
        let usual = unanswered(peer, ANSWER_TIMEOUT);
        assert!(usual.contains("within 20 s: it is connected and silent;"), "{usual}");
        let cut = unanswered(peer, Duration::from_millis(100));
        assert!(cut.contains("within 0.1 s, all that was left of the step's time"), "{cut}");
        assert!(cut.contains("--timeout") && cut.contains("silent or slow"), "{cut}");
    }
}
