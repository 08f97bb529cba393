//! A server in the plugin's own thread: it gets what the plugin sends, and asked for bytes when
//! the plugin waits for some. For tables of many conversations, for servers without end, and for
//! fuzzing, where a thread per conversation would be most of the cost.
//!
//! ```
//! use std::io::{self, Read};
//! use windlass_sdk::testing::{Server, in_memory};
//! use windlass_sdk::{Failure, TlsInfo};
//!
//! /// It says the same for ever.
//! struct Broken;
//!
//! impl Server for Broken {
//!     fn hear(&mut self, _data: &[u8]) {}
//!     fn start_tls(&mut self) -> Result<TlsInfo, Failure> {
//!         Err(Failure::tls_failed("there is none"))
//!     }
//!     fn speak(&mut self) -> io::Result<Vec<u8>> {
//!         Ok(b"again ".to_vec())
//!     }
//! }
//!
//! let mut connection = in_memory(Broken).connect().unwrap();
//! let mut said = [0; 12];
//! connection.read_exact(&mut said).unwrap();
//! assert_eq!(&said, b"again again ");
//! ```

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use crate::network::{NativeServer, NativeStream};
use crate::{Endpoint, Failure, TlsInfo};

/// The server's end of one connection.
pub trait Server: Send {
    /// The plugin sent this.
    fn hear(&mut self, data: &[u8]);

    /// The plugin starts TLS; what follows is inside of it.
    ///
    /// # Errors
    /// What the plugin is to get where there is no TLS.
    fn start_tls(&mut self) -> Result<TlsInfo, Failure>;

    /// The plugin waits for bytes. No bytes: the connection is closed.
    ///
    /// # Errors
    /// What the plugin is to get where the connection broke; `TimedOut` for a silent server.
    fn speak(&mut self) -> io::Result<Vec<u8>>;
}

/// A server that the test keeps, to look afterwards at what it heard.
impl<S: Server> Server for Arc<Mutex<S>> {
    fn hear(&mut self, data: &[u8]) {
        self.lock().unwrap_or_else(PoisonError::into_inner).hear(data);
    }

    fn start_tls(&mut self) -> Result<TlsInfo, Failure> {
        self.lock().unwrap_or_else(PoisonError::into_inner).start_tls()
    }

    fn speak(&mut self) -> io::Result<Vec<u8>> {
        self.lock().unwrap_or_else(PoisonError::into_inner).speak()
    }
}

/// An endpoint whose first connection leads to `server`. A second connection is closed at once.
pub fn in_memory(server: impl Server + 'static) -> Endpoint {
    Endpoint::native(InMemory(Mutex::new(Some(Box::new(server)))))
}

/// The server, until somebody connects to it.
struct InMemory(Mutex<Option<Box<dyn Server>>>);

impl NativeServer for InMemory {
    fn connect(&self) -> Result<Box<dyn NativeStream>, Failure> {
        let server = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(Box::new(InMemoryStream(server)))
    }
}

impl fmt::Debug for InMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemory").finish_non_exhaustive()
    }
}

/// The plugin's end; without a server it is closed.
struct InMemoryStream(Option<Box<dyn Server>>);

impl NativeStream for InMemoryStream {
    fn send(&mut self, data: &[u8]) -> io::Result<()> {
        let server = self.0.as_mut().ok_or(io::ErrorKind::ConnectionReset)?;
        server.hear(data);
        Ok(())
    }

    fn receive(&mut self) -> io::Result<Vec<u8>> {
        self.0.as_mut().map_or(Ok(Vec::new()), |server| server.speak())
    }

    fn start_tls(&mut self) -> Result<TlsInfo, Failure> {
        let gone = || Failure::tls_failed("the server closed the connection during TLS");
        self.0.as_mut().ok_or_else(gone)?.start_tls()
    }
}

impl fmt::Debug for InMemoryStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemoryStream").finish_non_exhaustive()
    }
}
