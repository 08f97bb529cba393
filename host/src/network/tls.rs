//! TLS as client, owned by the host: roots, names, versions, ciphers. A plugin only says when.
//!
//! TLS 1.2 and 1.3 with rustls and ring. The certificate must be valid for the host name that the
//! secret spells; there is no switch to turn that off.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, NamedGroup, RootCertStore,
    SignatureScheme,
};

use super::channel_binding::tls_server_end_point;
use super::overheard::{Opening, Overheard};
use super::roots::Roots;
use super::{NetworkError, NetworkErrorKind as Kind};

/// The host's TLS client.
#[derive(Debug, Clone)]
pub struct Tls {
    roots: Arc<Roots>,
    provider: Arc<CryptoProvider>,
}

/// What a handshake resulted in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSession {
    /// Channel binding (RFC 5929), where the certificate defines it.
    pub tls_server_end_point: Option<Vec<u8>>,
}

impl Tls {
    /// Trusts the bundle alone, or else RDS's roots and the system's.
    pub fn new(bundle: Option<PathBuf>) -> Self {
        Self { roots: Arc::new(Roots::new(bundle)), provider: Arc::new(provider()) }
    }

    /// Whether the operator's own roots can be read. The system's are not looked for before a
    /// connection needs them.
    ///
    /// # Errors
    /// What is wrong with the bundle.
    pub fn foresee(&self) -> Result<(), String> {
        self.roots.foresee()
    }

    pub(super) async fn handshake(
        &self,
        socket: TcpStream,
        host: &str,
        peer: SocketAddr,
        opening: &Opening,
    ) -> Result<(TlsStream<Overheard>, TlsSession), NetworkError> {
        let name =
            ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(|_| {
                NetworkError::new(Kind::Tls, format!("`{host}` can't be the name in a certificate"))
            })?;
        let config = self.config(host).map_err(|error| {
            NetworkError::new(Kind::Tls, format!("TLS could not be set up: {error}"))
        })?;
        let mut stream = TlsConnector::from(Arc::new(config))
            .connect(name, Overheard::new(socket, opening.first.clone()))
            .await
            .map_err(|error| explain(host, peer, opening, &error))?;
        stream.get_mut().0.listen_no_more();
        let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let tls_server_end_point = certificate.and_then(|leaf| tls_server_end_point(leaf));
        Ok((stream, TlsSession { tls_server_end_point }))
    }

    fn config(&self, host: &str) -> Result<ClientConfig, Error> {
        let verifier = Verifier {
            rds: self.roots.rds(host),
            roots: Arc::clone(&self.roots),
            provider: Arc::clone(&self.provider),
        };
        Ok(ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth())
    }
}

/// rustls's algorithms, with P-256 offered before X25519.
///
/// A handshake begins with a key for one group; a server that wants another one asks again, which is
/// a round trip more. PostgreSQL before 18 has `ssl_ecdh_curve = prime256v1` and nothing else unless
/// somebody sets it, and what takes X25519 takes P-256 as well.
fn provider() -> CryptoProvider {
    let mut provider = ring::default_provider();
    provider.kx_groups.sort_by_key(|group| group.name() != NamedGroup::secp256r1);
    provider
}

/// Verifies with webpki against RDS's roots first, where the name is RDS's, and against the
/// general ones where those do not know the issuer. Exists only to load roots late.
#[derive(Debug)]
struct Verifier {
    rds: Option<Arc<RootCertStore>>,
    roots: Arc<Roots>,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn against(&self, store: Arc<RootCertStore>) -> Result<Arc<WebPkiServerVerifier>, Error> {
        WebPkiServerVerifier::builder_with_provider(store, Arc::clone(&self.provider))
            .build()
            .map_err(|error| Error::General(error.to_string()))
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(rds) = &self.rds {
            let verifier = self.against(Arc::clone(rds))?;
            let answer = verifier.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            );
            if !matches!(answer, Err(Error::InvalidCertificate(CertificateError::UnknownIssuer))) {
                return answer;
            }
        }
        let general = self.roots.general().map_err(Error::General)?;
        self.against(general)?.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Says which certificate error it was and what usually causes it.
fn explain(
    host: &str,
    peer: SocketAddr,
    opening: &Opening,
    error: &std::io::Error,
) -> NetworkError {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    let advice = match inner {
        Some(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            "; its certificate is not signed by a trusted authority: set WINDLASS_CA_BUNDLE to a \
             file with the service's CA certificate"
        }
        Some(Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => {
            "; its certificate is for another name: the secret's `host` must be the name in the \
             certificate, not an alias"
        }
        Some(Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        )) => "; its certificate has expired: renew it on the server",
        Some(Error::InvalidMessage(_)) => opening.advice().unwrap_or(
            "; its answer is not TLS: check that the secret's `host` and `port` are the service's",
        ),
        None if matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof) => {
            "; the peer closed the connection: it may not speak TLS on this port"
        }
        _ => opening.advice().unwrap_or_default(),
    };
    let cause = match inner {
        // The long form tells the time in seconds since 1970.
        Some(Error::InvalidCertificate(CertificateError::ExpiredContext { .. })) => {
            Error::InvalidCertificate(CertificateError::Expired).to_string()
        }
        _ => error.to_string(),
    };
    // A connection that breaks off says nothing about whether the peer has TLS.
    let broke_off = matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof);
    let failed = format!("the TLS handshake with `{host}` at {peer} failed");
    NetworkError {
        kind: if broke_off && inner.is_none() { Kind::Closed } else { Kind::Tls },
        message: format!("{failed}: {cause}{advice}"),
        own_words: format!("{failed}{advice}"),
    }
}
