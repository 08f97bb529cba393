//! A version's content.

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

/// A version's content. No `Debug`, wiped on drop.
pub enum StoredValue {
    /// `SecretString`.
    Text(SecretString),
    /// `SecretBinary`.
    Binary(Zeroizing<Vec<u8>>),
}

impl StoredValue {
    /// A text value.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(SecretString::from(text.into()))
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.expose_secret()),
            Self::Binary(_) => None,
        }
    }

    /// In bytes: what the size limit counts.
    pub fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.expose_secret().len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Not in constant time: both sides are the caller's own.
    pub(super) fn same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(two)) => one.expose_secret() == two.expose_secret(),
            (Self::Binary(one), Self::Binary(two)) => one == two,
            _ => false,
        }
    }
}
