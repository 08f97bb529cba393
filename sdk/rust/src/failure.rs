//! Why an operation did not succeed: the words of `windlass:plugin/credentials`, as Rust types.
//!
//! The host acts on the kind alone, so pick it by what the host should do next, not by where the
//! error surfaced.

use std::fmt;
use std::io;

/// What the host acts on. Mirrors `failure-kind` of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The service said that this name and password do not sign in; the host may try the next
    /// candidate.
    Refused,
    /// No usable answer: name, route, time, a connection cut off. Safe to repeat.
    Unreachable,
    /// TLS was required, and the server said by the protocol's own means that it has none. No
    /// credential was sent. Nothing else: the host may ask once more without TLS.
    NoTls,
    /// TLS was begun and failed. No credential was sent.
    TlsFailed,
    /// The server has to prove itself, there is no TLS, and the server asks for a method that does
    /// not prove it. Nothing that was made from the password was sent.
    Unproven,
    /// The service said no for a reason that another password would not change.
    Declined,
    /// The peer spoke something that the plugin does not understand.
    Protocol,
    /// The plugin or this version of the service can't do what was asked.
    Unsupported,
    /// A field of the secret can't be used with this service.
    InvalidSecret,
    /// The sign-in worked, the service does not take the new password, and nothing was changed. The
    /// host gives that password up.
    PasswordRejected,
    /// The service has to see the new password as text, which the operator does not allow. Nothing
    /// was changed.
    TextRequired,
    /// Nothing that only an administrator can set shows that the two accounts are a pair. Nothing
    /// was changed.
    NotAPair,
}

/// An operation that did not succeed, with the service's own code and a sentence for people.
///
/// The message is a lower-case fragment that says what was attempted and what the service
/// answered. It never holds a secret: build it from what the server said, not from what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the host acts on.
    pub kind: FailureKind,
    /// The service's own code (an SQLSTATE, an errno), or empty.
    pub code: String,
    /// For people.
    pub message: String,
    /// What the reader should do: an imperative fragment with the literal statement or setting.
    /// Empty where that is not known.
    pub remedy: String,
}

impl Failure {
    /// The service refused this name and password.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Refused, message)
    }

    /// No usable answer came.
    pub fn unreachable(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Unreachable, message)
    }

    /// TLS was required, and the server said that it has none.
    pub fn no_tls(message: impl Into<String>) -> Self {
        Self::new(FailureKind::NoTls, message)
    }

    /// TLS was begun and failed.
    pub fn tls_failed(message: impl Into<String>) -> Self {
        Self::new(FailureKind::TlsFailed, message)
    }

    /// The server has to prove itself, and `method`, which it asks for, does not do that.
    pub fn unproven(method: &str) -> Self {
        Self::new(
            FailureKind::Unproven,
            format!(
                "the server asks for {method}, which does not prove that it is the right server, \
                 and the connection has no TLS"
            ),
        )
    }

    /// The service understood and said no.
    pub fn declined(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Declined, message)
    }

    /// The peer's answer is not what the protocol allows.
    pub fn protocol(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Protocol, message)
    }

    /// Not something that this plugin, or this version of the service, can do.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Unsupported, message)
    }

    /// A field of the secret can't be used.
    pub fn invalid_secret(message: impl Into<String>) -> Self {
        Self::new(FailureKind::InvalidSecret, message)
    }

    /// The service does not take the new password, and nothing was changed.
    pub fn password_rejected(message: impl Into<String>) -> Self {
        Self::new(FailureKind::PasswordRejected, message)
    }

    /// The service has to see the new password as text, which the operator does not allow.
    pub fn text_required(message: impl Into<String>) -> Self {
        Self::new(FailureKind::TextRequired, message)
    }

    /// The two accounts are not shown to be a pair; the message names what differs.
    pub fn not_a_pair(message: impl Into<String>) -> Self {
        Self::new(FailureKind::NotAPair, message)
    }

    /// Says what to do: `"ALTER ROLE \"app\" LOGIN"`. The host shows it behind the message.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// Adds the service's own code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = code.into();
        self
    }

    /// Says what was being done: `"signing in"` turns `connection closed` into
    /// `signing in: connection closed`.
    #[must_use]
    pub fn during(mut self, operation: &str) -> Self {
        self.message = format!("{operation}: {}", self.message);
        self
    }

    fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, code: String::new(), message: message.into(), remedy: String::new() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if self.code.is_empty() { Ok(()) } else { write!(f, " ({})", self.code) }
    }
}

impl std::error::Error for Failure {}

/// What went wrong on a connection. Bytes that make no sense are the peer's protocol; what the host
/// does not allow stays so; everything else, a connection closed too early included, is a peer that
/// could not be reached.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                Self::protocol(error.to_string())
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::QuotaExceeded => {
                Self::declined(error.to_string())
            }
            io::ErrorKind::UnexpectedEof => {
                Self::unreachable("the server closed the connection before it had answered")
            }
            _ => Self::unreachable(error.to_string()),
        }
    }
}

/// Adds what was being done to whatever went wrong.
pub trait During<T> {
    /// Turns the error into a [`Failure`] whose message begins with `operation`.
    ///
    /// # Errors
    /// The failure, where there was an error.
    fn during(self, operation: &str) -> Result<T, Failure>;
}

impl<T, E: Into<Failure>> During<T> for Result<T, E> {
    fn during(self, operation: &str) -> Result<T, Failure> {
        self.map_err(|error| error.into().during(operation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_early_end_of_stream_is_unreachable_and_garbage_is_protocol() {
        let eof = Failure::from(io::Error::from(io::ErrorKind::UnexpectedEof));
        assert_eq!(eof.kind, FailureKind::Unreachable);
        let garbage = Failure::from(io::Error::new(io::ErrorKind::InvalidData, "length 7 < 8"));
        assert_eq!(garbage, Failure::protocol("length 7 < 8"));
    }

    #[test]
    fn what_the_host_does_not_allow_is_declined_since_trying_again_can_not_help() {
        for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::QuotaExceeded] {
            let failure = Failure::from(io::Error::new(kind, "8 MiB"));
            assert_eq!(failure, Failure::declined("8 MiB"));
        }
    }

    #[test]
    fn display_shows_the_code_only_where_there_is_one() {
        let failure = Failure::declined("changing the password: permission denied");
        assert_eq!(failure.to_string(), "changing the password: permission denied");
        assert_eq!(
            failure.with_code("42501").to_string(),
            "changing the password: permission denied (42501)"
        );
    }

    #[test]
    fn during_names_the_operation_and_keeps_the_kind() {
        let failed: Result<(), io::Error> = Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        let failure = failed.during("signing in").unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unreachable);
        assert!(failure.message.starts_with("signing in: "));
    }
}
