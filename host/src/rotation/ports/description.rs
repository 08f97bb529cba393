//! What a plugin says about itself and its service; `windlass:plugin/metadata` and `…/password` have
//! the meaning of each item.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Keys that say where and how to sign in. A plugin gets what they mean, and no key that it does
/// not declare.
pub const OWN_KEYS: [&str; 8] =
    ["engine", "host", "port", "username", "password", "dbname", "ssl", "masterarn"];

/// What a plugin says about itself and one of its engines; `windlass:plugin/metadata` and
/// `…/password` have the meaning of each item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Unique among the installed plugins.
    pub name: String,
    /// The plugin's own version.
    pub version: String,
    /// The values of `engine` that it serves.
    pub engines: Vec<String>,
    /// The port where the secret names none.
    pub default_port: u16,
    /// The places that it asks for, in the grant grammar.
    pub network: Vec<String>,
    /// The keys of a secret that it gets besides the usual ones.
    pub fields: Vec<String>,
    /// What passwords the service takes.
    pub password_rules: PasswordRules,
    /// What account names the service takes.
    pub username_rules: UsernameRules,
    /// What it can do.
    pub features: Features,
}

/// What passwords the service takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordRules {
    /// The longest password that the service keeps whole, in characters. `None`: any length.
    pub max_length: Option<u32>,
    /// The length where the operator sets none, in characters.
    pub default_length: u32,
    /// Characters that the service does not take.
    pub excluded_characters: String,
    /// Characters left out where the operator sets none.
    pub default_excluded_characters: String,
    /// Classes of which the service wants a character in every password.
    pub required_classes: CharacterClasses,
}

/// Kinds of characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CharacterClasses {
    /// `A` to `Z`.
    pub upper: bool,
    /// `a` to `z`.
    pub lower: bool,
    /// `0` to `9`.
    pub digit: bool,
    /// Any other printable ASCII.
    pub punctuation: bool,
}

impl CharacterClasses {
    /// The names of those that are meant, as the interface spells them.
    pub fn names(self) -> Vec<&'static str> {
        [
            (self.upper, "upper"),
            (self.lower, "lower"),
            (self.digit, "digit"),
            (self.punctuation, "punctuation"),
        ]
        .into_iter()
        .filter_map(|(has, name)| has.then_some(name))
        .collect()
    }
}

/// How long a name may be, in what the service counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NameLength {
    /// Bytes of UTF-8.
    Bytes(u32),
    /// Unicode characters.
    Characters(u32),
    /// Any length.
    Unlimited,
}

impl NameLength {
    /// The length of a name, counted as this limit is, if it is above it.
    pub fn exceeded_by(self, name: &str) -> Option<Self> {
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let (length, limit, of): (_, _, fn(u32) -> Self) = match self {
            Self::Bytes(limit) => (number(name.len()), limit, Self::Bytes),
            Self::Characters(limit) => (number(name.chars().count()), limit, Self::Characters),
            Self::Unlimited => return None,
        };
        (length > limit).then(|| of(length))
    }
}

impl NameLength {
    /// The number alone. `None`: no limit.
    #[cfg(feature = "cli")]
    pub fn number(self) -> Option<u32> {
        match self {
            Self::Bytes(number) | Self::Characters(number) => Some(number),
            Self::Unlimited => None,
        }
    }
}

impl fmt::Display for NameLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(number) => write!(f, "{number} bytes"),
            Self::Characters(number) => write!(f, "{number} characters"),
            Self::Unlimited => f.write_str("any length"),
        }
    }
}

/// What account names the service takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsernameRules {
    /// The longest name.
    pub max_length: NameLength,
    /// What is appended for the second account of alternating users.
    pub clone_suffix: String,
    /// Characters that no account name has.
    pub excluded_characters: String,
}

/// Abilities that not every service has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Features {
    /// A user can change its own password.
    pub self_change: bool,
    /// An administrator can change another user's password.
    pub admin_change: bool,
    /// Alternating users.
    pub alternating_users: bool,
    /// Two valid passwords at once.
    pub dual_password: bool,
}

impl Features {
    /// The names of those that are there, as the interface spells them.
    pub fn names(self) -> Vec<&'static str> {
        [
            (self.self_change, "self-change"),
            (self.admin_change, "admin-change"),
            (self.alternating_users, "alternating-users"),
            (self.dual_password, "dual-password"),
        ]
        .into_iter()
        .filter_map(|(has, name)| has.then_some(name))
        .collect()
    }
}
