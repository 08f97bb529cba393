//! What the operator configured about rotations, whatever it was read from.

use std::str::FromStr;

use super::strategy::Strategy;

/// How rotations are run.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// How passwords are generated.
    pub passwords: PasswordSettings,
    /// The strategy of secrets that no tag chooses one for; where `None`, `masterarn` decides.
    pub strategy: Option<Strategy>,
    /// This plugin, whatever the secret's engine.
    pub plugin: Option<String>,
    /// What to do where the secret does not require TLS, or says that there is none.
    pub tls_policy: TlsPolicy,
    /// Which tags of a secret are honored.
    pub tags: HonoredTags,
    /// Whether a new password may be sent as text, inside TLS, where the service has to see it.
    pub send_text: bool,
    /// The longest name of the second of alternating users, in characters, where the operator wants it
    /// shorter than the service does.
    pub username_limit: Option<u32>,
}

/// When a sign-in without TLS is permitted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TlsPolicy {
    /// `always`: never, whatever a secret says.
    Always,
    /// `required`: where the secret says `"ssl": false`.
    #[default]
    Required,
    /// `compatible`: also where the secret has no `ssl` key and the server says that it has no TLS.
    /// AWS's functions do so after any failure, unasked and unseen.
    Compatible,
}

/// Which tags of a secret choose anything. Those that may tag a secret are often more people than
/// those that configure the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HonoredTags {
    /// `plugin`: the tag `windlass:plugin`.
    pub plugin: bool,
    /// `strategy`: the tag `windlass:strategy`.
    pub strategy: bool,
    /// `send-text`: the tag `windlass:send-text`. Only where it is named: whoever may tag a secret
    /// could have its password written into the server's log.
    pub send_text: bool,
}

impl Default for HonoredTags {
    fn default() -> Self {
        Self { plugin: true, strategy: true, send_text: false }
    }
}

impl HonoredTags {
    /// No tag at all.
    pub const NONE: Self = Self { plugin: false, strategy: false, send_text: false };

    /// Those of a list.
    ///
    /// # Errors
    /// The first name that is not a tag's.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownTag> {
        names.into_iter().try_fold(Self::NONE, |tags, name| match name {
            "plugin" => Ok(Self { plugin: true, ..tags }),
            "strategy" => Ok(Self { strategy: true, ..tags }),
            "send-text" => Ok(Self { send_text: true, ..tags }),
            other => Err(UnknownTag(other.to_owned())),
        })
    }
}

/// A name that is not a tag's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a tag that Windlass knows; the tags are plugin, strategy and send-text")]
pub struct UnknownTag(String);

/// How passwords are generated: AWS's variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordSettings {
    /// `EXCLUDE_CHARACTERS`; the plugin's own where it is not set.
    pub exclude_characters: Option<String>,
    /// `PASSWORD_LENGTH`; the plugin's own where it is not set.
    pub length: Option<u32>,
    /// `EXCLUDE_NUMBERS`.
    pub exclude_numbers: bool,
    /// `EXCLUDE_PUNCTUATION`.
    pub exclude_punctuation: bool,
    /// `EXCLUDE_UPPERCASE`.
    pub exclude_uppercase: bool,
    /// `EXCLUDE_LOWERCASE`.
    pub exclude_lowercase: bool,
    /// `REQUIRE_EACH_INCLUDED_TYPE`; true where it is not set.
    pub require_each_included_type: bool,
}

impl Default for PasswordSettings {
    fn default() -> Self {
        Self {
            exclude_characters: None,
            length: None,
            exclude_numbers: false,
            exclude_punctuation: false,
            exclude_uppercase: false,
            exclude_lowercase: false,
            require_each_included_type: true,
        }
    }
}

impl TlsPolicy {
    /// The names in the configuration, for messages.
    pub const NAMES: &str = "always, required or compatible";
}

impl FromStr for TlsPolicy {
    type Err = UnknownTlsPolicy;

    fn from_str(text: &str) -> Result<Self, UnknownTlsPolicy> {
        match text {
            "always" => Ok(Self::Always),
            "required" => Ok(Self::Required),
            "compatible" => Ok(Self::Compatible),
            _ => Err(UnknownTlsPolicy),
        }
    }
}

/// A name that is not a TLS policy's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the TLS policy must be {}", TlsPolicy::NAMES)]
pub struct UnknownTlsPolicy;
