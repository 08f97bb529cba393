//! Peers that are not the service: silent, speaking nonsense, closing, unreachable, or with a
//! certificate of one's choice.

use std::fs::File;
use std::io::BufReader;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::Identity;
use crate::listener::{Listener, bind};

/// Connections that the kernel takes for a listener which accepts none: one more than its backlog.
const BACKLOG: u32 = 1;

/// What the peer does with a connection.
#[derive(Clone)]
pub enum Behaviour {
    /// It reads and never answers.
    Silent,
    /// To the first bytes it answers with these, then it is silent.
    Says(&'static [u8]),
    /// To the first bytes it answers with these, over and over, for as long as somebody reads.
    Repeats(&'static [u8]),
    /// Whenever it has read something, it answers with what this makes of how many times it answered
    /// before and of all that it has read; with nothing, it closes.
    Answers(fn(usize, &[u8]) -> Vec<u8>),
    /// It says this before it has read anything, and then goes on in the other way.
    Greets(Vec<u8>, Box<Self>),
    /// It closes as soon as it has read something.
    Closes,
    /// It ends TLS with this certificate and passes everything on.
    Tls {
        /// Its certificate and key.
        identity: Identity,
        /// To whom, in clear.
        upstream: SocketAddr,
    },
    /// As [`Tls`](Self::Tls), once it has read this many bytes in clear and answered with these.
    TlsOnRequest {
        /// How much is read first.
        request: usize,
        /// What it answers.
        answer: &'static [u8],
        /// Its certificate and key.
        identity: Identity,
        /// To whom everything is passed on, in clear.
        upstream: SocketAddr,
    },
}

/// A listening peer. Dropping it closes its connections.
#[derive(Debug)]
pub struct Peer {
    port: u16,
    _kept: Kept,
}

/// What the peer lives from.
#[derive(Debug)]
#[expect(dead_code, reason = "what is in it is kept, and never looked at")]
enum Kept {
    Listening(Listener),
    /// A black hole: a listener that accepts nothing, and what fills its backlog.
    Full(TcpListener, Vec<TcpStream>),
}

impl Peer {
    /// Starts one on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// If no port can be listened on, or the certificate can't be used.
    pub async fn start(behaviour: Behaviour) -> Result<Self> {
        let tls = identity_of(&behaviour).map(acceptor).transpose()?;
        let listener =
            Listener::start(move |client| converse(client, behaviour.clone(), tls.clone()));
        let listener = listener.await?;
        Ok(Self { port: listener.address().port(), _kept: Kept::Listening(listener) })
    }

    /// A port whose packets go nowhere, as behind a security group that drops them: a listener that
    /// accepts nothing and whose backlog is full.
    ///
    /// # Errors
    /// If no port can be listened on.
    pub async fn black_hole() -> Result<Self> {
        let socket = TcpSocket::new_v4().context("making a socket")?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).context("binding to 127.0.0.1")?;
        let listener = socket.listen(BACKLOG).context("listening on 127.0.0.1")?;
        let address = listener.local_addr().context("asking for the port")?;
        let mut held = Vec::new();
        for _ in 0..=BACKLOG {
            held.push(TcpStream::connect(address).await.context("filling the backlog")?);
        }
        Ok(Self { port: address.port(), _kept: Kept::Full(listener, held) })
    }

    /// A port on which nobody listens: one that was taken until now.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn nobody() -> Result<u16> {
        let listener = bind().await?;
        Ok(listener.local_addr().context("asking for the port")?.port())
    }

    /// The port that clients connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

fn identity_of(behaviour: &Behaviour) -> Option<&Identity> {
    match behaviour {
        Behaviour::Tls { identity, .. } | Behaviour::TlsOnRequest { identity, .. } => {
            Some(identity)
        }
        Behaviour::Greets(_, then) => identity_of(then),
        _ => None,
    }
}

async fn converse(mut client: TcpStream, mut behaviour: Behaviour, tls: Option<TlsAcceptor>) {
    let mut buffer = [0; 4096];
    while let Behaviour::Greets(greeting, then) = behaviour {
        if client.write_all(&greeting).await.is_err() {
            return;
        }
        behaviour = *then;
    }
    match behaviour {
        // It has been said above.
        Behaviour::Greets(..) => {}
        Behaviour::Silent => while client.read(&mut buffer).await.is_ok_and(|read| read > 0) {},
        Behaviour::Says(answer) => {
            if client.read(&mut buffer).await.is_ok_and(|read| read > 0)
                && client.write_all(answer).await.is_ok()
            {
                while client.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
            }
        }
        Behaviour::Closes => {
            let _ = client.read(&mut buffer).await;
        }
        Behaviour::Repeats(answer) => {
            // Many at once: an answer of a few bytes would mostly be system calls.
            let answer = answer.repeat(buffer.len().div_ceil(answer.len().max(1)));
            if client.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                while client.write_all(&answer).await.is_ok() {}
            }
        }
        Behaviour::Answers(answer) => {
            let mut heard = Vec::new();
            for answered in 0.. {
                let Ok(read @ 1..) = client.read(&mut buffer).await else { return };
                heard.extend(buffer.iter().take(read));
                let answer = answer(answered, &heard);
                if answer.is_empty() || client.write_all(&answer).await.is_err() {
                    return;
                }
            }
        }
        Behaviour::Tls { upstream, .. } => pass_on(client, tls, upstream).await,
        Behaviour::TlsOnRequest { request, answer, upstream, .. } => {
            let mut asked = vec![0; request];
            if client.read_exact(&mut asked).await.is_ok() && client.write_all(answer).await.is_ok()
            {
                pass_on(client, tls, upstream).await;
            }
        }
    }
}

async fn pass_on(client: TcpStream, tls: Option<TlsAcceptor>, upstream: SocketAddr) {
    let Some(tls) = tls else { return };
    let Ok(mut client) = tls.accept(client).await else { return };
    let Ok(mut server) = TcpStream::connect(upstream).await else { return };
    let _ = copy_bidirectional(&mut client, &mut server).await;
}

fn acceptor(identity: &Identity) -> Result<TlsAcceptor> {
    let read = |path| File::open(path).map(BufReader::new);
    let certificates = CertificateDer::pem_reader_iter(read(&identity.certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .context("reading the certificate")?;
    let key = PrivateKeyDer::from_pem_reader(read(&identity.key)?).context("reading the key")?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .context("using the certificate")?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
