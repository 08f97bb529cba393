//! A real server, its own client as the witness, and the plugin's calls over TLS as the host would
//! make them.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tokio::runtime::Runtime;
use windlass_harness::{Ca, Mariadb, MariadbOptions, MysqlKind, SqlError, WorkDir};
use windlass_plugin_mysql::Mysql;
use windlass_sdk::testing::{Stream, dialled};
use windlass_sdk::{ChangeRequest, Endpoint, Failure, Login, Plugin, TlsInfo, TlsMode};

/// Longer than a server on a busy machine takes for any statement here.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a connection is cut, counted in messages that the plugin sends within TLS.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    /// This message does not arrive.
    Before(usize),
    /// This one does, and its answer does not.
    After(usize),
}

/// A server and what it takes to reach it.
pub(crate) struct World {
    runtime: Runtime,
    server: Mariadb,
    authority: PathBuf,
    cut: Cell<Option<Cut>>,
    _work: WorkDir,
}

impl World {
    /// Starts a server of this kind; `None`, with the reason printed, where there can be none.
    pub(crate) fn start(kind: MysqlKind, options: &[&str]) -> Option<Self> {
        if let Some(why) = Mariadb::missing(kind) {
            eprintln!("SKIPPED, no {kind:?} here: {why}");
            return None;
        }
        let runtime = Runtime::new().unwrap();
        let work = WorkDir::new().unwrap();
        let ca = Ca::new(work.path(), "ca").unwrap();
        let options = options.iter().map(|&option| option.to_owned()).collect();
        let options = MariadbOptions { kind, options, ..MariadbOptions::default() };
        let server = runtime.block_on(Mariadb::start(&ca, options)).unwrap();
        let authority = ca.certificate().to_owned();
        Some(Self { runtime, server, authority, cut: Cell::new(None), _work: work })
    }

    /// Runs statements as the administrator.
    #[track_caller]
    pub(crate) fn admin(&self, sql: &str) -> String {
        self.runtime.block_on(self.server.admin(sql)).unwrap()
    }

    /// The same, where the server may not know how.
    pub(crate) fn try_admin(&self, sql: &str) -> Result<String, SqlError> {
        self.runtime.block_on(self.server.admin(sql))
    }

    /// Signs in with the server's own client.
    pub(crate) fn sql(&self, user: &str, password: &str, sql: &str) -> Result<String, SqlError> {
        self.runtime.block_on(self.server.sql(user, password, sql))
    }

    /// Whether the server's own client signs in.
    #[track_caller]
    pub(crate) fn signs_in(&self, user: &str, password: &str) -> bool {
        match self.sql(user, password, "SELECT 1") {
            Ok(_) => true,
            Err(error) if error.is_refused() => false,
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) fn login(&self, user: &str, password: &str, tls: TlsMode) -> Login {
        Login {
            server: self.endpoint(),
            username: user.into(),
            password: password.into(),
            database: None,
            tls,
            fields: Vec::new(),
        }
    }

    pub(crate) fn verify(&self, user: &str, password: &str) -> Result<(), Failure> {
        Mysql::verify(&self.login(user, password, TlsMode::Required))
    }

    /// A change by the user itself.
    pub(crate) fn change(&self, user: &str, old: &str, new: &str) -> Result<(), Failure> {
        Mysql::change(&ChangeRequest {
            actor: self.login(user, old, TlsMode::Required),
            username: user.into(),
            new_password: new.into(),
            old_password: Some(old.into()),
            clone_of: None,
            keep_old_valid: false,
        })
    }

    /// A change by the administrator, with what `spoil` makes of the request.
    pub(crate) fn change_by_admin(
        &self,
        user: &str,
        new: &str,
        spoil: impl FnOnce(&mut ChangeRequest),
    ) -> Result<(), Failure> {
        let actor = self.login(Mariadb::ADMIN, self.server.admin_password(), TlsMode::Required);
        let mut request = ChangeRequest {
            actor,
            username: user.into(),
            new_password: new.into(),
            old_password: None,
            clone_of: None,
            keep_old_valid: false,
        };
        spoil(&mut request);
        Mysql::change(&request)
    }

    /// What the server has logged.
    pub(crate) fn log(&self) -> String {
        self.server.log().unwrap()
    }

    /// Runs `call` with its connections cut.
    pub(crate) fn cutting<T>(&self, cut: Cut, call: impl FnOnce() -> T) -> T {
        self.cut.set(Some(cut));
        let outcome = call();
        self.cut.set(None);
        outcome
    }

    fn endpoint(&self) -> Endpoint {
        let cut = self.cut.get();
        let (port, authority) = (self.server.port(), self.authority.clone());
        dialled(move || {
            let stream = TcpStream::connect(("127.0.0.1", port))?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            Ok(Box::new(Plain(stream, authority.clone(), cut)))
        })
    }
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
            encrypt(self.0, &self.1).map_err(|error| Failure::no_tls(error.to_string()))?;
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
    for certificate in CertificateDer::pem_file_iter(authority).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut session = ClientConnection::new(Arc::new(config), name).unwrap();
    while session.is_handshaking() {
        session.complete_io(&mut stream)?;
    }
    Ok(StreamOwned::new(session, stream))
}
