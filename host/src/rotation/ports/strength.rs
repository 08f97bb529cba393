//! How hard a password is to guess that Secrets Manager makes for a request.

use super::description::CharacterClasses;
use super::store::PasswordRequest;

/// How hard a password must be to guess, in bits. Eight characters of letters and digits, which is
/// what the tightest services take, have 47; less can be searched through by machines that anybody
/// can rent.
pub const LEAST_BITS: f64 = 40.0;

/// A class of characters, as Secrets Manager and services tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rotation) enum Class {
    Digit,
    Upper,
    Lower,
    Punctuation,
}

impl Class {
    /// All of them.
    pub(in crate::rotation) const ALL: [Self; 4] =
        [Self::Digit, Self::Upper, Self::Lower, Self::Punctuation];

    fn from_byte(byte: u8) -> Self {
        match byte {
            b'0'..=b'9' => Self::Digit,
            b'A'..=b'Z' => Self::Upper,
            b'a'..=b'z' => Self::Lower,
            _ => Self::Punctuation,
        }
    }

    pub(in crate::rotation) fn is_in(self, classes: CharacterClasses) -> bool {
        match self {
            Self::Digit => classes.digit,
            Self::Upper => classes.upper,
            Self::Lower => classes.lower,
            Self::Punctuation => classes.punctuation,
        }
    }

    pub(in crate::rotation) fn excluded_in(self, request: &PasswordRequest) -> bool {
        match self {
            Self::Digit => request.exclude_numbers,
            Self::Upper => request.exclude_uppercase,
            Self::Lower => request.exclude_lowercase,
            Self::Punctuation => request.exclude_punctuation,
        }
    }

    /// How many of its characters may occur.
    pub(in crate::rotation) fn left(self, request: &PasswordRequest) -> usize {
        allowed(request).filter(|byte| Self::from_byte(*byte) == self).count()
    }

    pub(in crate::rotation) fn name(self) -> &'static str {
        match self {
            Self::Digit => "a digit",
            Self::Upper => "an upper-case letter",
            Self::Lower => "a lower-case letter",
            Self::Punctuation => "a punctuation character",
        }
    }
}

/// How hard a password is to guess that was made for this request, in bits.
pub fn bits(request: &PasswordRequest) -> f64 {
    f64::from(request.length) * f64::from(alphabet(request).max(1)).log2()
}

/// How many characters may occur.
pub(in crate::rotation) fn alphabet(request: &PasswordRequest) -> u8 {
    u8::try_from(allowed(request).count()).unwrap_or(u8::MAX)
}

/// The characters that may occur: of printable ASCII, which is what `GetRandomPassword` uses.
fn allowed(request: &PasswordRequest) -> impl Iterator<Item = u8> {
    (b'!'..=b'~').filter(|byte| {
        let excluded = Class::from_byte(*byte).excluded_in(request);
        !excluded && !request.exclude_characters.contains(char::from(*byte))
    })
}
