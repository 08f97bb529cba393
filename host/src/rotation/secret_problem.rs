//! What is wrong with a secret's value: which version, which field, what it has to be. Never a value
//! of it.

use super::ports::Stage;

/// Which version of which secret a document was read from; for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The secret's name.
    pub secret: String,
    /// What the version is to the rotation.
    pub role: Stage,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the {} version of secret `{}`", self.role, self.secret)
    }
}

/// A secret's value that can't be used. The operator has to correct the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretProblem {
    /// `SecretBinary`.
    #[error("{origin} holds SecretBinary; rotation needs a SecretString with a JSON object")]
    Binary {
        /// Which version.
        origin: Origin,
    },
    /// A mark before the JSON.
    #[error(
        "{origin} begins with a byte order mark (U+FEFF), which JSON does not have and many of its \
         readers refuse; store the value again without it, from a file that is saved as UTF-8 \
         without a byte order mark"
    )]
    ByteOrderMark {
        /// Which version.
        origin: Origin,
    },
    /// Not JSON.
    #[error(
        "{origin} is not JSON (line {line}, column {column}); it must be an object such as \
         {{\"engine\": …, \"host\": …, \"username\": …, \"password\": …}}"
    )]
    NotJson {
        /// Which version.
        origin: Origin,
        /// Where the parser gave up, from 1.
        line: usize,
        /// Where the parser gave up, from 1.
        column: usize,
    },
    /// JSON, but a list, a text or a number.
    #[error(
        "{origin} is JSON but not an object; it must be an object such as {{\"engine\": …, \
         \"host\": …, \"username\": …, \"password\": …}}"
    )]
    NotAnObject {
        /// Which version.
        origin: Origin,
    },
    /// A field is not there.
    #[error("{origin} has no field `{field}`; add it")]
    Missing {
        /// Which version.
        origin: Origin,
        /// Which field.
        field: &'static str,
    },
    /// A field is there and empty.
    #[error("field `{field}` of {origin} is empty; fill it in")]
    Empty {
        /// Which version.
        origin: Origin,
        /// Which field.
        field: &'static str,
    },
    /// A field has the wrong type or is out of range.
    #[error("field `{field}` of {origin} must be {expected}")]
    Wrong {
        /// Which version.
        origin: Origin,
        /// Which field.
        field: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
}
