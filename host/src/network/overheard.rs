//! What a peer answers with first, and what it is if it is not what was asked for.
//!
//! Two mistakes look like a broken server: TLS on a port without it, and no TLS on a port that begins
//! with it. The peer's first bytes tell them apart from the rest. They decide nothing: a
//! failure stays the failure that it is, and says more.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How many bytes are kept: a record's header, or the beginning of a greeting.
const KEPT: usize = 16;

/// The first bytes that came.
#[derive(Debug, Clone, Default)]
pub(super) struct FirstBytes(Arc<Mutex<Vec<u8>>>);

/// What they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// None came.
    Nothing,
    /// A record of TLS (RFC 8446, section 5.1), or the beginning of one.
    Tls,
    /// An answer of HTTP.
    Http,
    /// Anything else.
    Other,
}

/// How a handshake began: what an error of it may say of the port.
#[derive(Debug, Clone, Default)]
pub(super) struct Opening {
    /// The peer spoke in clear before, and agreed to TLS by the protocol's own means: then bytes that
    /// are not TLS are somebody's on the way, or a fault, and no reason to do without.
    pub(super) agreed: bool,
    pub(super) first: FirstBytes,
}

/// What helps where TLS was tried on a port without it.
macro_rules! remedy {
    () => {
        "set the secret's `port` to the one with TLS, or, if the service has none, `\"ssl\": false`"
    };
}

impl Opening {
    /// What a failed handshake was about, if the peer's answer tells.
    pub(super) fn advice(&self) -> Option<&'static str> {
        match self.first.answer() {
            _ if self.agreed => None,
            Answer::Http => Some(concat!("; the peer answered in HTTP without TLS: ", remedy!())),
            Answer::Other => Some(concat!(
                "; the peer answered without TLS, which is not available on this port; ",
                remedy!()
            )),
            Answer::Nothing | Answer::Tls => None,
        }
    }

    /// What a handshake that took too long may have been about.
    pub(super) fn why_slow(&self) -> &'static str {
        match self.first.answer() {
            Answer::Nothing if !self.agreed => concat!(
                "it accepted the connection and sent nothing, as a service without TLS on this \
                 port does: ",
                remedy!(),
                "; else check whether the service is overloaded or a firewall drops packets"
            ),
            _ => {
                "it accepted the connection and is slow or silent; check whether the service is \
                 overloaded or a firewall drops packets"
            }
        }
    }
}

impl FirstBytes {
    /// What the peer answered with.
    pub(super) fn answer(&self) -> Answer {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match bytes.as_slice() {
            [] => Answer::Nothing,
            [0x14..=0x17] | [0x14..=0x17, 0x03, ..] => Answer::Tls,
            [b'H', b'T', b'T', b'P', ..] => Answer::Http,
            _ => Answer::Other,
        }
    }

    fn keep(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = KEPT.saturating_sub(kept.len());
        kept.extend(bytes.iter().take(room));
    }
}

/// Whether bytes that came on a connection in clear are an alert of TLS (RFC 8446, section 6): a header
/// with the length of two, from a peer that took what it was sent for a broken record.
pub(super) fn is_tls_alert(bytes: &[u8]) -> bool {
    matches!(bytes, [0x15, 0x03, 0..=4, 0, 2, ..])
}

/// A socket whose first bytes are kept until a handshake is over.
#[derive(Debug)]
pub(super) struct Overheard {
    socket: TcpStream,
    first: Option<FirstBytes>,
}

impl Overheard {
    pub(super) fn new(socket: TcpStream, first: FirstBytes) -> Self {
        Self { socket, first: Some(first) }
    }

    /// From now on bytes only pass.
    pub(super) fn listen_no_more(&mut self) {
        self.first = None;
    }
}

impl AsyncRead for Overheard {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.socket).poll_read(context, buffer);
        if let Some(first) = &this.first {
            first.keep(buffer.filled().get(before..).unwrap_or_default());
        }
        polled
    }
}

impl AsyncWrite for Overheard {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().socket).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_known_by_its_first_bytes() {
        for (bytes, expected) in [
            (&b""[..], Answer::Nothing),
            (b"\x16\x03\x03\x00\x7a\x02", Answer::Tls),
            (b"\x15", Answer::Tls),
            (b"\x15\x03\x01\x00\x02\x02\x46", Answer::Tls),
            (b"HTTP/1.1 400 Bad Request", Answer::Http),
            // A greeting of MySQL, and an error of PostgreSQL.
            (b"\x4a\0\0\0\x0a8.0.36", Answer::Other),
            (b"E\0\0\0\x80SFATAL", Answer::Other),
            (b"\x16\x04", Answer::Other),
        ] {
            let first = FirstBytes::default();
            for byte in bytes {
                first.keep(&[*byte]);
            }
            assert_eq!(first.answer(), expected, "{bytes:?}");
        }
    }

    #[test]
    fn an_alert_is_known_in_clear() {
        for (bytes, expected) in [
            (&b"\x15\x03\x01\x00\x02\x02\x46"[..], true),
            (b"\x15\x03\x03\x00\x02", true),
            (b"\x15\x03\x03\x00\x03", false),
            (b"\x16\x03\x03\x00\x02", false),
            (b"\x15\x03", false),
        ] {
            assert_eq!(is_tls_alert(bytes), expected, "{bytes:?}");
        }
    }
}
