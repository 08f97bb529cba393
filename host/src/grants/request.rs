//! What is asked of the grants: a place, and what the secret contains about its own.

/// A place that a plugin wants to reach.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The name or address, as the secret or the service spells it.
    pub host: &'a str,
    /// The TCP port.
    pub port: u16,
    /// What the secret says about its place.
    pub secret: &'a SecretPlace,
}

/// The secret that is being rotated, or that of its administrator where that one signs in, as far
/// as a pattern may name it. An administrator is elsewhere than the secret only if Amazon RDS said
/// that both are one database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretPlace {
    /// Where its service listens.
    pub host: String,
    /// The TCP port there.
    pub port: u16,
    /// Its further keys that hold no credential.
    pub fields: Vec<(String, String)>,
}

impl SecretPlace {
    /// The key of the host.
    pub const HOST: &str = "host";
    /// The key of the port.
    pub const PORT: &str = "port";

    /// A secret without further keys.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port, fields: Vec::new() }
    }

    /// The host that a key holds, if it holds anything.
    pub(super) fn host(&self, key: &str) -> Option<&str> {
        let host = if key == Self::HOST { Some(self.host.as_str()) } else { self.field(key) };
        host.filter(|host| !host.is_empty())
    }

    /// The port that a key holds, if it is one.
    pub(super) fn port(&self, key: &str) -> Option<u16> {
        if key == Self::PORT { Some(self.port) } else { number(self.field(key)?) }
    }

    fn field(&self, key: &str) -> Option<&str> {
        self.fields.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

/// A number in digits alone: Rust's own parser takes a `+`, too.
pub(super) fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
