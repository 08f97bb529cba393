//! The server's log, read as evidence of what reached it.
//!
//! Logs only grow, so what happened between two moments is the difference of two readings:
//! [`ServerLog::since`].

/// A reading of the log.
#[derive(Clone, Debug)]
pub struct ServerLog {
    text: String,
}

impl ServerLog {
    pub(super) fn new(text: String) -> Self {
        Self { text }
    }

    /// What this reading has that `earlier` had not.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self::new(self.text.get(earlier.text.len()..).unwrap_or_default().to_owned())
    }

    /// Connections that reached the server, whether or not they signed in.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.count("connection received:")
    }

    /// Sign-ins that succeeded.
    #[must_use]
    pub fn sign_ins(&self) -> usize {
        self.count("connection authorized:")
    }

    /// Sign-ins refused because of the password.
    #[must_use]
    pub fn refused_sign_ins(&self) -> usize {
        self.count("password authentication failed for user")
    }

    /// Whether `text` stands anywhere in it: for passwords that should not.
    #[must_use]
    pub fn contains(&self, text: &str) -> bool {
        self.text.contains(text)
    }

    /// The text itself.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn reloads(&self) -> usize {
        self.count("received SIGHUP, reloading configuration files")
    }

    fn count(&self, marker: &str) -> usize {
        self.text.lines().filter(|line| line.contains(marker)).count()
    }
}
