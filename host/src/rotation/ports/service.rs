//! What the rotation needs of a plugin, in the rotation's own words.
//!
//! The step machine is written against these types and never sees the sandbox behind them.

use std::fmt;
use std::future::Future;

use super::description::Description;
use super::store::{SecretDescription, SecretId};
use crate::error_type::ErrorType;
use crate::host_port::HostPort;
use crate::secret::{Secret, mute};

impl Login {
    /// The same sign-in once more.
    pub(crate) fn duplicate(&self) -> Self {
        Self {
            secret: self.secret.clone(),
            place: self.place.clone(),
            username: self.username.clone(),
            password: self.password.duplicate(),
            database: self.database.clone(),
            tls: self.tls,
            proof: self.proof,
            fields: self.fields.clone(),
            named_places: self.named_places.clone(),
        }
    }

    /// The same sign-in, without TLS.
    pub(crate) fn in_clear(&self) -> Self {
        Self { tls: TlsMode::Disabled, ..self.duplicate() }
    }
}

/// Whether the connection must be encrypted, the strictest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsMode {
    /// Nothing but the protocol's request for TLS goes in clear.
    Required,
    /// The secret does not say. Required, unless the operator chose the compatible mode.
    Unspecified,
    /// The secret says that this service has no TLS.
    Disabled,
}

impl TlsMode {
    /// The stricter of both.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        self.min(other)
    }
}

/// What a sign-in has to prove before anybody acts on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// That the server accepts the credential.
    Accepted,
    /// Besides, that it is the right server: by TLS, or by a method in which the server proves that
    /// it knows the credential.
    Mutual,
}

/// The secret that a credential is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRef {
    /// Its ARN, or as `masterarn` names it.
    pub id: SecretId,
    /// Whether it was rotated before. Then one of its passwords has signed in; of a secret that was
    /// only written, nobody knows that.
    pub rotated: bool,
}

impl SecretRef {
    /// The secret that is being rotated.
    pub(in crate::rotation) fn rotated(secret: &SecretDescription) -> Self {
        Self { id: secret.arn.clone(), rotated: secret.last_rotated_at.is_some() }
    }

    /// An admin secret, as `masterarn` names it.
    pub(in crate::rotation) fn admin(id: &SecretId) -> Self {
        Self { id: id.clone(), rotated: false }
    }
}

mute!(Login);

/// One credential and where it signs in.
pub struct Login {
    /// Which secret it is from: failed sign-ins are counted for each.
    pub secret: SecretRef,
    /// Where.
    pub place: HostPort,
    /// The account.
    pub username: String,
    /// Its password.
    pub password: Secret,
    /// The database, where the secret names one.
    pub database: Option<String>,
    /// Whether TLS is required.
    pub tls: TlsMode,
    /// What the sign-in has to prove.
    pub proof: Proof,
    /// Of the keys that the plugin declares, those that the secret has.
    pub fields: Vec<(String, String)>,
    /// The keys of the secret whose values can be a host or a port, for grants that name one. The
    /// plugin does not get them.
    pub named_places: Vec<(String, String)>,
}

/// A password to be changed.
#[derive(Clone, Copy)]
pub struct Change<'a> {
    /// Who signs in to make the change.
    pub actor: &'a Login,
    /// Whose password is changed.
    pub username: &'a str,
    /// The password that must sign in afterwards.
    pub new_password: &'a Secret,
    /// The password that signs in now, where it is known.
    pub old_password: Option<&'a Secret>,
    /// Alternating users: the account to be equal to.
    pub clone_of: Option<&'a str>,
    /// Dual passwords: `old_password` stays valid.
    pub keep_old_valid: bool,
    /// The operator allows that the new password is sent as text, inside TLS, where the service
    /// insists.
    pub may_send_text: bool,
}

/// Why a plugin's operation did not succeed, as the service meant it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// This name and password do not sign in.
    Refused,
    /// No usable answer.
    Unreachable,
    /// TLS was required, and the server has none. No credential was sent.
    NoTls,
    /// TLS was begun and failed. No credential was sent.
    TlsFailed,
    /// The server had to prove itself without TLS, and did not. No credential was sent.
    Unproven,
    /// The service said no for another reason.
    Declined,
    /// The plugin declined because the host refused it a connection. Only the host says so.
    NotGranted,
    /// The peer spoke something that the plugin does not understand.
    Protocol,
    /// The plugin or the service can't do it.
    Unsupported,
    /// A field of the secret can't be used.
    InvalidSecret,
    /// The service does not take the new password, and nothing was changed.
    PasswordRejected,
    /// The service has to see the new password as text, which the operator does not allow.
    TextRequired,
    /// The two accounts are not shown to be a pair.
    NotAPair,
}

impl FailureKind {
    /// The stable name, for logs and error types.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "Refused",
            Self::Unreachable => "Unreachable",
            Self::NoTls => "NoTls",
            Self::TlsFailed => "TlsFailed",
            Self::Unproven => "Unproven",
            Self::Declined => "Declined",
            Self::NotGranted => "NotGranted",
            Self::Protocol => "Protocol",
            Self::Unsupported => "Unsupported",
            Self::InvalidSecret => "InvalidSecret",
            Self::PasswordRejected => "PasswordRejected",
            Self::TextRequired => "TextRequired",
            Self::NotAPair => "NotAPair",
        }
    }
}

/// A plugin's failure. Its texts were scrubbed of every live secret at the plugin's border.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What to act on.
    pub kind: FailureKind,
    /// The service's own code, or empty.
    pub code: String,
    /// For people.
    pub message: String,
    /// What to do, where the plugin knows; else empty.
    pub remedy: String,
}

impl Failure {
    /// Adds another remedy, if it is one, that helps as well as the plugin's.
    pub(in crate::rotation) fn or_remedy(&mut self, another: &str) {
        if !self.remedy.is_empty() && !another.is_empty() {
            self.remedy.push_str("; or ");
        }
        self.remedy.push_str(another);
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if self.code.is_empty() { Ok(()) } else { write!(f, " ({})", self.code) }
    }
}

/// A plugin that can't be loaded or that misbehaved. The rotation passes it on.
#[derive(Debug)]
pub struct PluginFault {
    error_type: ErrorType,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl PluginFault {
    /// The sandbox's own error, with its stable name.
    pub fn new(
        error_type: ErrorType,
        error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { error_type, source: error.into() }
    }

    /// The stable name of this kind of failure.
    pub fn error_type(&self) -> ErrorType {
        self.error_type
    }
}

impl fmt::Display for PluginFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl std::error::Error for PluginFault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.source()
    }
}

/// A call to a plugin that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The plugin ran and reported a failure.
    #[error("{0}")]
    Failed(Failure),
    /// The plugin itself failed: it trapped, hit a limit or ran out of time.
    #[error(transparent)]
    Plugin(#[from] PluginFault),
}

/// A plugin as one rotation uses it.
pub trait Service: Send + Sync {
    /// What the plugin says about itself and the engine that it was found for.
    fn description(&self) -> &Description;

    /// What stands in the way of a sign-in, as far as it is known without a connection: whether the
    /// place is granted, whether there is anything to verify a certificate with.
    ///
    /// # Errors
    /// See [`CallError`].
    fn foresee(&self, login: &Login) -> Result<(), CallError>;

    /// Signs in once; changes nothing.
    ///
    /// # Errors
    /// See [`CallError`].
    fn verify(&self, login: &Login) -> impl Future<Output = Result<(), CallError>> + Send;

    /// Changes a password. Safe to repeat.
    ///
    /// # Errors
    /// See [`CallError`].
    fn change(&self, change: &Change<'_>) -> impl Future<Output = Result<(), CallError>> + Send;

    /// Looks at what a change would meet; changes nothing. `None`: the plugin can't tell.
    ///
    /// # Errors
    /// See [`CallError`].
    #[cfg(feature = "cli")]
    fn assess(
        &self,
        _planned: &Planned<'_>,
    ) -> impl Future<Output = Result<Option<Assessment>, CallError>> + Send {
        async { Ok(None) }
    }

    /// Marks two existing accounts as a pair and changes nothing else. Safe to repeat. `None`: the
    /// plugin can't.
    ///
    /// # Errors
    /// See [`CallError`].
    #[cfg(feature = "cli")]
    fn mark_pair(
        &self,
        _planned: &Planned<'_>,
    ) -> impl Future<Output = Result<Option<()>, CallError>> + Send {
        async { Ok(None) }
    }
}

/// A change that is only looked at.
#[cfg(feature = "cli")]
#[derive(Clone, Copy)]
pub struct Planned<'a> {
    /// Who would sign in to make it.
    pub actor: &'a Login,
    /// Whose password would be changed.
    pub username: &'a str,
    /// Alternating users: the account to be equal to.
    pub clone_of: Option<&'a str>,
}

/// What a plugin found in the way of a change. Its texts were scrubbed at the plugin's border.
#[cfg(feature = "cli")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// Who the session of the actor is, as the service says.
    pub session: String,
    /// What the change needs and does not have.
    pub lacks: Vec<Finding>,
    /// Alternating users: whether the two are a pair.
    pub pair: Option<PairState>,
    /// Alternating users: what differs between the two.
    pub differences: Vec<Finding>,
}

/// Something that a plugin found.
#[cfg(feature = "cli")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is so.
    pub text: String,
    /// What corrects it, or empty.
    pub remedy: String,
}

/// What makes two accounts a pair.
#[cfg(feature = "cli")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PairState {
    /// A mark that neither of the two can have set alone.
    Marked,
    /// No mark, but equal in everything that only an administrator sets.
    Equal,
    /// Neither: a change would be refused.
    Different,
    /// The account with the suffix does not exist yet.
    Absent,
}

/// The installed plugins. Which of them serves a secret is the rotation's decision.
pub trait Catalog: Send + Sync {
    /// One of them.
    type Service: Service;

    /// What every installed plugin says about itself and its first engine, each with another name.
    fn plugins(&self) -> Vec<&Description>;

    /// What every installed plugin says about each of its engines.
    fn descriptions(&self) -> impl Iterator<Item = &Description>;

    /// Where plugins are looked for, for messages.
    fn location(&self) -> String;

    /// An installed plugin, by its name, for a secret of this engine.
    ///
    /// # Errors
    /// If it can't be loaded.
    fn open(
        &self,
        plugin: &str,
        engine: &str,
    ) -> impl Future<Output = Result<Self::Service, PluginFault>> + Send;
}
