//! The trait that a password plugin implements and the types of its methods.

use std::fmt;

use crate::{Endpoint, Failure};

/// A plugin for services whose credential is a password.
///
/// The host makes a fresh instance of the whole component for every call, so there is no `self`:
/// nothing is kept from one call to the next.
pub trait Plugin {
    /// Says what this plugin is. Must return the same every time.
    fn describe() -> Description;

    /// What it is for one of its engines, where they differ: the rules for passwords and account
    /// names and the abilities are taken from here, and nothing else.
    fn describe_engine(_engine: &str) -> Description {
        Self::describe()
    }

    /// Signs in once, makes sure that the session works, and signs out. Changes nothing.
    ///
    /// # Errors
    /// `Refused` only if the service said that this name and password do not sign in.
    fn verify(login: &Login) -> Result<(), Failure>;

    /// Signs in as `request.actor` and makes `request.new_password` the password of
    /// `request.username`. A second call with the same request succeeds.
    ///
    /// # Errors
    /// `Refused` only if the service refused the sign-in of `request.actor`.
    fn change(request: &ChangeRequest) -> Result<(), Failure>;
}

/// Whether the connection must be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// Nothing but the request for TLS may be sent in clear.
    Required,
    /// The operator said that this service has no TLS.
    Disabled,
}

/// What a sign-in has to prove before the host acts on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// That the server accepts the credential.
    Accepted,
    /// Besides, that the server is the right one: by TLS, or without TLS by a method in which the
    /// server proves that it knows the credential. Any other method is
    /// [`Unproven`](crate::FailureKind::Unproven), before anything made from the password is sent.
    Mutual,
}

/// One credential and where it signs in.
pub struct Login {
    /// Where the service listens.
    pub server: Endpoint,
    /// The account, exactly as the secret spells it.
    pub username: String,
    /// The password. Never to be logged, put into a message or into a statement.
    pub password: String,
    /// The database, where the secret names one.
    pub database: Option<String>,
    /// Whether TLS is required.
    pub tls: TlsMode,
    /// What the sign-in has to prove.
    pub proof: Proof,
    /// Of the keys that [`Description::fields`] declares, those that the secret has, name and value.
    pub fields: Vec<(String, String)>,
}

impl Login {
    /// Whether a method counts only if the server proves itself in it: there is no TLS that would.
    pub fn server_must_prove_itself(&self) -> bool {
        self.proof == Proof::Mutual && self.tls == TlsMode::Disabled
    }

    /// The value of a further key of the secret, one of [`Description::fields`].
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Everything but the password.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("username", &self.username)
            .field("database", &self.database)
            .field("tls", &self.tls)
            .field("proof", &self.proof)
            .finish_non_exhaustive()
    }
}

/// A password to be changed.
pub struct ChangeRequest {
    /// Who signs in to make the change: the user itself or an administrator.
    pub actor: Login,
    /// Whose password is changed.
    pub username: String,
    /// The password that must sign in afterwards.
    pub new_password: String,
    /// The password that signs in now, where the host knows it.
    pub old_password: Option<String>,
    /// Alternating users: the account that `username` is to be the equal of.
    pub clone_of: Option<String>,
    /// Dual passwords: the old one must stay valid.
    pub keep_old_valid: bool,
    /// The operator allows that the new password is sent as text where the service insists. Inside
    /// TLS only.
    pub may_send_text: bool,
}

/// Everything but the passwords.
impl fmt::Debug for ChangeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeRequest")
            .field("actor", &self.actor)
            .field("username", &self.username)
            .field("clone_of", &self.clone_of)
            .field("keep_old_valid", &self.keep_old_valid)
            .field("may_send_text", &self.may_send_text)
            .finish_non_exhaustive()
    }
}

/// A plugin's description of itself; see `windlass:plugin/metadata` and `…/password` for the meaning
/// of each item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Unique among the installed plugins: lower-case letters, digits, `-`.
    pub name: String,
    /// The plugin's own version.
    pub version: String,
    /// The values of the secret's `engine` that this plugin serves, lower-case.
    pub engines: Vec<String>,
    /// The port where the secret names none.
    pub default_port: u16,
    /// The places it asks for, in the grant grammar.
    pub network: Vec<String>,
    /// The keys of the secret that it reads besides the usual ones. It gets no others.
    pub fields: Vec<String>,
    /// What passwords the service takes.
    pub password_rules: PasswordRules,
    /// What account names the service takes.
    pub username_rules: UsernameRules,
    /// What it can do.
    pub features: Features,
}

/// What passwords the service takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordRules {
    /// The longest password that the service keeps whole, in characters. `None`: any length.
    pub max_length: Option<u32>,
    /// The length where the operator sets none.
    pub default_length: u32,
    /// Characters that the service does not take.
    pub excluded_characters: String,
    /// Characters left out where the operator sets none.
    pub default_excluded_characters: String,
    /// Classes of which the service wants a character in every password.
    pub required_classes: CharacterClasses,
}

/// Kinds of characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CharacterClasses {
    /// `A` to `Z`.
    pub upper: bool,
    /// `a` to `z`.
    pub lower: bool,
    /// `0` to `9`.
    pub digit: bool,
    /// Any other printable ASCII, without the space.
    pub punctuation: bool,
}

/// How long a name may be, in what the service counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameLength {
    /// Bytes of UTF-8.
    Bytes(u32),
    /// Unicode characters (code points).
    Characters(u32),
    /// Any length.
    Unlimited,
}

/// What account names the service takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsernameRules {
    /// The longest name.
    pub max_length: NameLength,
    /// What is appended for the second account of alternating users.
    pub clone_suffix: String,
    /// Characters that no account name has.
    pub excluded_characters: String,
}

/// Abilities that not every service has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Features {
    /// A user can change its own password.
    pub self_change: bool,
    /// An administrator can change another user's password.
    pub admin_change: bool,
    /// `clone_of` is implemented.
    pub alternating_users: bool,
    /// `keep_old_valid` is implemented.
    pub dual_password: bool,
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    #[test]
    fn what_a_plugin_is_handed_shows_no_password() {
        let (server, handle) = crate::testing::scripted(drop);
        let mut actor = crate::testing::login(server, "app", "hunter2 of the actor");
        actor.fields = vec![("comment".into(), "hunter2 of a field".into())];
        let request = ChangeRequest {
            actor,
            username: "app".into(),
            new_password: "hunter2 to come".into(),
            old_password: Some("hunter2 of old".into()),
            clone_of: None,
            keep_old_valid: false,
            may_send_text: false,
        };
        for shown in
            [format!("{request:?}"), format!("{request:#?}"), format!("{:?}", request.actor)]
        {
            assert!(shown.contains("\"app\""), "{shown}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        handle.finish();
    }
}
