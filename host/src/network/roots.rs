//! Which certificate authorities are trusted.
//!
//! With `WINDLASS_CA_BUNDLE`: those in that file, and no others. Without: Amazon RDS's own roots of
//! the server's region (they are in no system's store, so they are shipped here), then the
//! system's. Each set is parsed when a connection first needs it: parsing all of them would be the
//! largest part of a cold start.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

/// Amazon RDS's root certificates, each below a comment that names its region.
const RDS_ROOTS: &str = include_str!("rds-roots.pem");

/// The ends of the names of RDS and Aurora servers; the region is the label before.
const RDS_SUFFIXES: [&str; 2] = [".rds.amazonaws.com", ".rds.amazonaws.com.cn"];

/// The trusted roots, loaded as they are needed.
#[derive(Debug)]
pub(super) struct Roots {
    bundle: Option<PathBuf>,
    general: OnceLock<Arc<RootCertStore>>,
}

impl Roots {
    pub(super) fn new(bundle: Option<PathBuf>) -> Self {
        Self { bundle, general: OnceLock::new() }
    }

    /// RDS's roots for a server, where its name is one of RDS's and no bundle replaces them.
    pub(super) fn rds(&self, host: &str) -> Option<Arc<RootCertStore>> {
        if self.bundle.is_some() {
            return None;
        }
        let store = rds_roots(rds_region(&host.to_ascii_lowercase())?);
        (!store.is_empty()).then(|| Arc::new(store))
    }

    /// Whether the bundle can be read, if there is one.
    pub(super) fn foresee(&self) -> Result<(), String> {
        match self.bundle {
            Some(_) => self.general().map(drop),
            None => Ok(()),
        }
    }

    /// The bundle's roots or else the system's.
    pub(super) fn general(&self) -> Result<Arc<RootCertStore>, String> {
        if let Some(known) = self.general.get() {
            return Ok(Arc::clone(known));
        }
        // A failure is not kept: the file may be there the next time.
        let loaded = match &self.bundle {
            Some(path) => bundle_roots(path),
            None => system_roots(),
        }?;
        Ok(Arc::clone(self.general.get_or_init(|| Arc::new(loaded))))
    }
}

fn bundle_roots(path: &Path) -> Result<RootCertStore, String> {
    let wrong = |why: String| format!("the CA bundle `{}` can't be used: {why}", path.display());
    let certificates = CertificateDer::pem_file_iter(path).map_err(|e| wrong(e.to_string()))?;
    let mut store = RootCertStore::empty();
    for certificate in certificates {
        let certificate = certificate.map_err(|e| wrong(e.to_string()))?;
        store.add(certificate).map_err(|e| wrong(e.to_string()))?;
    }
    if store.is_empty() { Err(wrong("it holds no PEM certificate".to_owned())) } else { Ok(store) }
}

fn system_roots() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    // One odd certificate among a hundred is no reason to trust none of the others.
    store.add_parsable_certificates(found.certs);
    if store.is_empty() {
        return Err("the system has no CA certificates; install ca-certificates or set \
                    WINDLASS_CA_BUNDLE"
            .to_owned());
    }
    Ok(store)
}

/// The region in the name of an RDS server: `db.abc.eu-west-1.rds.amazonaws.com`.
fn rds_region(host: &str) -> Option<&str> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let rest = RDS_SUFFIXES.iter().find_map(|suffix| host.strip_suffix(suffix))?;
    rest.rsplit('.').next()
}

fn rds_roots(region: &str) -> RootCertStore {
    let mut store = RootCertStore::empty();
    for block in RDS_ROOTS.split("\n# ") {
        let Some((title, pem)) = block.split_once('\n') else { continue };
        let of_region = title
            .trim_start_matches("# ")
            .strip_prefix("Amazon RDS ")
            .and_then(|rest| rest.strip_prefix(region))
            .is_some_and(|rest| rest.starts_with(" Root"));
        if of_region {
            store.add_parsable_certificates(
                CertificateDer::pem_slice_iter(pem.as_bytes()).flatten(),
            );
        }
    }
    store
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_servers_region_is_loaded() {
        assert_eq!(rds_region("db.abc.eu-west-1.rds.amazonaws.com"), Some("eu-west-1"));
        assert_eq!(rds_region("db.abc.eu-west-1.rds.amazonaws.com."), Some("eu-west-1"));
        assert_eq!(rds_region("db.example"), None);
        assert_eq!(rds_region("rds.amazonaws.com"), None);
        for region in ["eu-west-1", "us-east-1", "af-south-1"] {
            assert_eq!(rds_roots(region).len(), 3, "{region}");
        }
        assert_eq!(rds_roots("eu-west").len(), 0);
        assert_eq!(rds_roots("").len(), 0);
    }

    #[test]
    fn a_bundle_replaces_everything_else() {
        let roots = Roots::new(Some("/nowhere/ca.pem".into()));
        assert!(roots.rds("db.abc.eu-west-1.rds.amazonaws.com").is_none());
        assert!(Roots::new(None).rds("DB.abc.EU-West-1.rds.amazonaws.com").is_some());
        assert!(roots.foresee().is_err());
        assert!(Roots::new(None).foresee().is_ok());
        let error = roots.general().unwrap_err();
        assert!(error.starts_with("the CA bundle `/nowhere/ca.pem` can't be used"), "{error}");
    }
}
