//! Host and port of a service.

use std::fmt;

/// Where a service listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// A host name or an IP address, as the secret spells it.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

impl HostPort {
    /// Whether both are the same: the case of a name means nothing to DNS.
    pub fn is(&self, other: &Self) -> bool {
        self.host.eq_ignore_ascii_case(&other.host) && self.port == other.port
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}
