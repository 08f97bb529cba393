//! Connections for a plugin that runs natively: to a real server, with TLS as the host would start
//! it, and cut where the test says.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto};
use windlass_sdk::testing::{Stream, dialled};
use windlass_sdk::{Endpoint, Failure, TlsInfo};

/// Longer than a server on a busy machine takes for any statement of a test.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a connection is cut, counted in messages that the plugin sends within TLS.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    /// This message does not arrive.
    Before(usize),
    /// This one does, and its answer does not.
    After(usize),
}

/// A server on 127.0.0.1, whose certificate `authority` (a PEM file) has signed. Every connection to
/// it is cut there.
#[must_use]
pub fn dial(port: u16, authority: &Path, cut: Option<Cut>) -> Endpoint {
    let authority = authority.to_owned();
    dialled(move || {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Box::new(Plain(stream, authority.clone(), cut)))
    })
}

/// A connection that has no TLS yet, the authority that it will trust, and where it will be cut.
#[derive(Debug)]
struct Plain(TcpStream, PathBuf, Option<Cut>);

#[derive(Debug)]
struct Encrypted {
    stream: StreamOwned<ClientConnection, TcpStream>,
    cut: Option<Cut>,
    sent: usize,
}

impl Read for Plain {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Plain {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.write(data)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Stream for Plain {
    fn start_tls(self: Box<Self>) -> Result<(Box<dyn Stream>, TlsInfo), Failure> {
        let stream =
            encrypt(self.0, &self.1).map_err(|error| Failure::tls_failed(error.to_string()))?;
        let encrypted = Encrypted { stream, cut: self.2, sent: 0 };
        Ok((Box::new(encrypted), TlsInfo::default()))
    }
}

impl Read for Encrypted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if matches!(self.cut, Some(Cut::After(last)) if self.sent > last) {
            // So that the server is done with what it got, whatever becomes of its answer.
            let _ = self.stream.read(buffer)?;
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        self.stream.read(buffer)
    }
}

impl Write for Encrypted {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if matches!(self.cut, Some(Cut::Before(last)) if self.sent >= last) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        self.sent += 1;
        self.stream.write_all(data)?;
        Ok(data.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Stream for Encrypted {
    fn start_tls(self: Box<Self>) -> Result<(Box<dyn Stream>, TlsInfo), Failure> {
        Err(Failure::protocol("TLS within TLS"))
    }
}

fn encrypt(
    mut stream: TcpStream,
    authority: &Path,
) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authority).map_err(io::Error::other)? {
        roots.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").map_err(io::Error::other)?;
    let mut session = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    while session.is_handshaking() {
        session.complete_io(&mut stream)?;
    }
    Ok(StreamOwned::new(session, stream))
}
