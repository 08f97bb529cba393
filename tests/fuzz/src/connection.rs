//! Several connections to one server, which goes on in each where it was.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use windlass_sdk::testing::{Server, Stream, dialled};
use windlass_sdk::{Endpoint, Failure, TlsInfo};

/// A server that is spoken to on several connections.
pub(crate) trait Shared: Server + fmt::Debug + 'static {
    /// Somebody connects.
    fn begin(&mut self) {}
    /// What follows is said on a connection with TLS, or without it.
    fn resume(&mut self, in_tls: bool);
}

/// An endpoint of which every connection leads to this server.
pub(crate) fn to<S: Shared>(server: Arc<Mutex<S>>) -> Endpoint {
    dialled(move || {
        let connection =
            Connection { server: Arc::clone(&server), in_tls: false, unread: VecDeque::new() };
        connection.server().begin();
        Ok(Box::new(connection))
    })
}

/// One of them.
#[derive(Debug)]
struct Connection<S> {
    server: Arc<Mutex<S>>,
    in_tls: bool,
    unread: VecDeque<u8>,
}

impl<S: Shared> Connection<S> {
    fn server(&self) -> MutexGuard<'_, S> {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        server.resume(self.in_tls);
        server
    }
}

impl<S: Shared> Read for Connection<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.unread.is_empty() {
            let said = self.server().speak()?;
            self.unread.extend(said);
        }
        self.unread.read(buffer)
    }
}

impl<S: Shared> Write for Connection<S> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.server().hear(data);
        Ok(data.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: Shared> Stream for Connection<S> {
    fn start_tls(mut self: Box<Self>) -> Result<(Box<dyn Stream>, TlsInfo), Failure> {
        if !self.unread.is_empty() {
            return Err(Failure::protocol("the server sent data in clear before TLS"));
        }
        let info = self.server().start_tls()?;
        self.in_tls = true;
        Ok((self, info))
    }
}
