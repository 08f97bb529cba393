//! What a search for the password in force came to, for the error that ends it.

use super::credential::Credential;
use super::ports::Failure;

/// A password that the service refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Which one.
    pub credential: Credential,
    /// The service's answer.
    pub failure: Failure,
}

/// Why older versions were left out of the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsearched {
    /// The role may not list them.
    NotAllowed,
    /// There are more than may be tried.
    TooMany,
    /// Some are of versions for another host, port or engine: whoever may write the secret could have
    /// them sent anywhere.
    OtherPlace,
    /// Some were stored for TLS, and the server has none.
    StoredForTls,
}

impl Unsearched {
    /// A clause for the error.
    pub(super) fn explanation(self) -> &'static str {
        match self {
            Self::NotAllowed => {
                "passwords of abandoned rotations were not tried, because the function's role lacks \
                 secretsmanager:ListSecretVersionIds"
            }
            Self::TooMany => {
                "further passwords of abandoned rotations were not tried, because failed sign-ins lock \
                 accounts"
            }
            Self::OtherPlace => {
                "passwords of versions with another host, port or engine were not tried"
            }
            Self::StoredForTls => {
                "passwords of versions without \"ssl\": false were not tried, because the server has \
                 no TLS"
            }
        }
    }
}
