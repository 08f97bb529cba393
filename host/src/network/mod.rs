//! Connections for plugins: names, addresses, byte streams, TLS. Knows no plugin engine.
//!
//! What can go wrong is said with what was tried and where it stopped, since "connection failed"
//! is the message that costs operators their afternoon.

mod channel_binding;
mod deadline;
mod overheard;
mod roots;
mod stream;
#[cfg(test)]
mod tests;
mod tls;

pub use deadline::Deadline;
pub(crate) use deadline::seconds;
#[cfg(test)]
pub(crate) use stream::{ANSWER_TIMEOUT, CONNECT_TIMEOUT, TLS_TIMEOUT};
pub use stream::{Stream, connect, resolve};
pub use tls::{Tls, TlsSession};

/// Why a network operation did not succeed. The same cases as `network-error-kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkErrorKind {
    /// The name did not resolve.
    NameNotFound,
    /// Nothing listens there.
    Refused,
    /// No answer in time.
    TimedOut,
    /// The peer closed or reset the connection.
    Closed,
    /// The TLS handshake failed.
    Tls,
    /// The operator did not grant this host and port.
    NotGranted,
    /// A limit of this call was reached.
    Limit,
    /// The call makes no sense now.
    InvalidState,
    /// Anything else.
    Other,
}

/// A failed network operation, for people and for the plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NetworkError {
    /// What to act on.
    pub kind: NetworkErrorKind,
    /// What was tried, where it stopped, what usually causes that.
    pub message: String,
    /// The same without what the peer chose, such as the names in its certificate. No password goes
    /// into it.
    pub own_words: String,
}

impl NetworkError {
    /// An error with its message.
    pub fn new(kind: NetworkErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, own_words: message.clone(), message }
    }
}
