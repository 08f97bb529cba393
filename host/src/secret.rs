//! Values that must not be seen: no `Debug`, `Display`, `Serialize` or `Clone`, wiped on drop.
//!
//! A value leaves this type in one way, [`Secret::reveal`], which is easy to search for. Where a
//! second copy is needed it is made on purpose, with [`Secret::duplicate`].

use zeroize::Zeroizing;

/// A secret text: a password, a whole secret value, a rotation token.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text into custody.
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The text itself. Every use is a place where it could leak.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// A second copy, wiped on its own drop.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::new(self.0.as_str().to_owned())
    }

    /// Whether both hold the same text. Not in constant time: both sides come from the secret's
    /// own versions, nobody guesses here.
    pub fn same_as(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
