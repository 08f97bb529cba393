//! A version's content.

use zeroize::Zeroizing;

use crate::secret::Secret;

/// A version's content. No `Debug`, wiped on drop.
pub enum StoredValue {
    /// `SecretString`.
    Text(Secret),
    /// `SecretBinary`.
    Binary(Zeroizing<Vec<u8>>),
}

impl StoredValue {
    /// In bytes: what the size limit counts.
    pub fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.reveal().len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    pub(super) fn same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(two)) => one.same_as(two),
            (Self::Binary(one), Self::Binary(two)) => one == two,
            _ => false,
        }
    }
}
