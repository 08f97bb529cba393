//! What every call's sandbox is made from.

use std::net::SocketAddr;

use super::admission::Admission;
use crate::grants::Granted;
use crate::network::Tls;

/// What the operator configured about plugins, and where this process runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the operator granted to plugins that have no grants of their own.
    pub granted: Granted,
    /// What is required of plugins, and their own grants.
    pub admission: Admission,
    /// TLS, with its roots.
    pub tls: Tls,
    /// Where the Lambda runtime API listens.
    pub runtime_api: Vec<SocketAddr>,
    /// Whether this is Lambda.
    pub on_lambda: bool,
}

impl Settings {
    /// What a plugin may reach.
    pub(super) fn granted_to(&self, plugin: &str) -> Granted {
        let own = self.admission.plugins.get(plugin).and_then(|policy| policy.grants.clone());
        own.map_or_else(|| self.granted.clone(), Granted::Only)
    }
}
