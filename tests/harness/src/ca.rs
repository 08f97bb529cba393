//! A certificate authority made on the spot, and server certificates in every state of validity.
//!
//! Clients trust [`Ca::certificate`] alone. To test a client against an authority that it does not
//! trust, make a second [`Ca`] and let that one issue the server's certificate.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

/// What a client that checks will find about a server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Names `localhost` and 127.0.0.1, in its time.
    Valid,
    /// As `Valid`, but it ended in 2021.
    Expired,
    /// In its time, but it names `elsewhere.example`.
    WrongName,
}

/// A server's certificate and key, as PEM files.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its private key, mode 0600.
    pub key: PathBuf,
}

/// A certificate authority whose files live in one directory.
pub struct Ca {
    issuer: Issuer<'static, KeyPair>,
    directory: PathBuf,
    certificate: PathBuf,
    /// How many certificates it has issued.
    issued: AtomicUsize,
}

impl Ca {
    /// Makes an authority called `name`; its files go into `directory`.
    ///
    /// # Errors
    /// If the files can't be written.
    pub fn new(directory: &Path, name: &str) -> Result<Self> {
        let mut params = CertificateParams::new(Vec::<String>::new()).context("CA parameters")?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2049, 12, 31);
        let key = KeyPair::generate().context("making the CA's key")?;
        let signed = params.self_signed(&key).context("signing the CA's certificate")?;
        let certificate = directory.join(format!("{name}.crt"));
        fs::write(&certificate, signed.pem())
            .with_context(|| format!("writing `{}`", certificate.display()))?;
        let (issuer, directory) = (Issuer::new(params, key), directory.to_owned());
        Ok(Self { issuer, directory, certificate, issued: AtomicUsize::new(0) })
    }

    /// The authority's certificate: a PEM file for `WINDLASS_CA_BUNDLE` and `PGSSLROOTCERT`.
    #[must_use]
    pub fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// Issues a server certificate for `name`, in files of its own: two servers of a name may be
    /// started at once.
    ///
    /// # Errors
    /// If the files can't be written.
    pub fn issue(&self, name: &str, validity: Validity) -> Result<Identity> {
        let names: &[&str] = match validity {
            Validity::Valid | Validity::Expired => &["localhost", "127.0.0.1"],
            Validity::WrongName => &["elsewhere.example"],
        };
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).context("server certificate parameters")?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = match validity {
            Validity::Expired => date_time_ymd(2021, 1, 1),
            Validity::Valid | Validity::WrongName => date_time_ymd(2049, 12, 31),
        };
        let key = KeyPair::generate().context("making a server's key")?;
        let signed =
            params.signed_by(&key, &self.issuer).context("signing a server's certificate")?;
        let number = self.issued.fetch_add(1, Ordering::Relaxed);
        let identity = Identity {
            certificate: self.directory.join(format!("{name}-{number}.crt")),
            key: self.directory.join(format!("{name}-{number}.key")),
        };
        fs::write(&identity.certificate, signed.pem())
            .with_context(|| format!("writing `{}`", identity.certificate.display()))?;
        fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&identity.key)
            .and_then(|mut file| file.write_all(key.serialize_pem().as_bytes()))
            .with_context(|| format!("writing `{}`", identity.key.display()))?;
        Ok(identity)
    }
}
