//! Values that must not be seen: no `Debug`, `Display`, `Serialize` or `Clone`, wiped on drop.
//!
//! A value leaves this type in one way, [`Secret::reveal`], which is easy to search for. Where a
//! second copy is needed it is made on purpose, with [`Secret::duplicate`]. That neither this type
//! nor any that holds one gets a voice by mistake, [`mute`] checks wherever this crate is compiled.
//!
//! **What is not wiped:** what the AWS SDK keeps of requests and answers while it works on them, what
//! TLS does, and the event as Lambda's runtime read it, with its RotationToken; all of it is freed
//! soon and not overwritten. What a plugin is handed is copied into
//! its linear memory, which a guest may copy about as it likes: that memory is mapped for the call
//! alone (there is no pool) and given back to the operating system when the call ends, which clears
//! a page before anybody gets it again.

use zeroize::Zeroizing;

/// Stops the compiler where one of these types has a way to be shown or copied unawares.
///
/// For each of the traits there is a second implementation of `Voice`, so a type that has the trait
/// makes the call of `silent` ambiguous, and only such a type: error E0283 in the line
/// that names it.
macro_rules! mute {
    ($($type:ty),+ $(,)?) => {
        $($crate::secret::mute!(@ $type: std::fmt::Debug, std::fmt::Display, Clone, serde::Serialize);)+
    };
    (@ $type:ty: $($voice:path),+) => {
        $(const _: fn() = || {
            trait Voice<Of> {
                fn silent() {}
            }
            impl<T: ?Sized> Voice<()> for T {}
            struct Audible;
            impl<T: ?Sized + $voice> Voice<Audible> for T {}
            <$type as Voice<_>>::silent();
        };)+
    };
}
pub(crate) use mute;

mute!(Secret);

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
