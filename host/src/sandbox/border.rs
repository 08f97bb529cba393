//! What goes over a plugin's border: logins and requests in, wiped however the call ends; failures out,
//! scrubbed of every live secret.

use wasmtime::Store;
use wasmtime::component::Resource;
use zeroize::Zeroize;

use super::bindings::windlass::plugin::credentials as wit;
use super::call::CallState;
use super::egress::{Endpoint, LastWords};
use super::limits;
use crate::redact::{Redactor, WITHHELD};
use crate::rotation::ports::{Failure, FailureKind, Login, Proof, TlsMode};

/// What is handed to a plugin, wiped however the call ends, a call that is given up included.
pub(super) struct Wiped<T: Wipe>(pub(super) T);

impl<T: Wipe> Drop for Wiped<T> {
    fn drop(&mut self) {
        self.0.wipe();
    }
}

pub(super) trait Wipe {
    /// Overwrites every password.
    fn wipe(&mut self);
}

impl Wipe for wit::Login {
    fn wipe(&mut self) {
        self.password.zeroize();
    }
}

impl Wipe for wit::ChangeRequest {
    fn wipe(&mut self) {
        self.actor.wipe();
        self.new_password.zeroize();
        self.old_password.zeroize();
    }
}

/// A login as the plugin gets it, with a handle for its place.
pub(super) fn hand_over(
    store: &mut Store<CallState>,
    login: &Login,
) -> wasmtime::Result<wit::Login> {
    let server: Resource<Endpoint> =
        store.data_mut().table.push(Endpoint { place: login.place.clone() })?;
    Ok(wit::Login {
        server,
        username: login.username.clone(),
        password: login.password.reveal().to_owned(),
        database: login.database.clone(),
        tls: match login.tls {
            // A plugin never decides: what the secret does not say is required of it.
            TlsMode::Required | TlsMode::Unspecified => wit::TlsMode::Required,
            TlsMode::Disabled => wit::TlsMode::Disabled,
        },
        proof: match login.proof {
            Proof::Accepted => wit::Proof::Accepted,
            Proof::Mutual => wit::Proof::Mutual,
        },
        fields: login
            .fields
            .iter()
            .map(|(name, value)| wit::Field { name: name.clone(), value: value.clone() })
            .collect(),
    })
}

/// A plugin's failure, as it may be shown.
pub(super) fn scrubbed(failure: &wit::Failure, redactor: &Redactor) -> Failure {
    Failure {
        kind: match failure.kind {
            wit::FailureKind::Refused => FailureKind::Refused,
            wit::FailureKind::Unreachable => FailureKind::Unreachable,
            wit::FailureKind::NoTls => FailureKind::NoTls,
            wit::FailureKind::TlsFailed => FailureKind::TlsFailed,
            wit::FailureKind::Unproven => FailureKind::Unproven,
            wit::FailureKind::Declined => FailureKind::Declined,
            wit::FailureKind::Protocol => FailureKind::Protocol,
            wit::FailureKind::Unsupported => FailureKind::Unsupported,
            wit::FailureKind::InvalidSecret => FailureKind::InvalidSecret,
            wit::FailureKind::PasswordRejected => FailureKind::PasswordRejected,
            wit::FailureKind::TextRequired => FailureKind::TextRequired,
            wit::FailureKind::NotAPair => FailureKind::NotAPair,
        },
        code: or_nothing(&failure.code, limits::CODE_BYTES, redactor),
        message: redactor.scrub(&failure.message, limits::MESSAGE_BYTES),
        remedy: or_nothing(&failure.remedy, limits::REMEDY_BYTES, redactor),
    }
}

/// A text that says nothing where it is withheld: the message says that already.
fn or_nothing(text: &str, limit: usize, redactor: &Redactor) -> String {
    let sanitized = redactor.scrub(text, limit);
    if sanitized.starts_with("[withheld") { String::new() } else { sanitized }
}

/// A failure with what the host itself says of the network: where the plugin could not know of it, and
/// where a password is too short for the plugin's words to be shown.
pub(super) fn with_last_words(
    failure: Failure,
    words: Option<LastWords>,
    redactor: &Redactor,
) -> Failure {
    let withheld = failure.message == WITHHELD;
    let of_network = matches!(failure.kind, FailureKind::Unreachable | FailureKind::TlsFailed);
    let Some(words) = words.filter(|words| of_network && (withheld || !words.plugin_knows)) else {
        return failure;
    };
    let text = if withheld {
        words.text
    } else {
        // Masked as the rest is: a word that is missing there and stands here would be a password.
        redactor.scrub(&words.text, limits::MESSAGE_BYTES)
    };
    Failure { message: format!("{}; {text}", failure.message), ..failure }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn last_words(
        kind: FailureKind,
        message: &str,
        plugin_knows: bool,
        redactor: &Redactor,
    ) -> String {
        let failure = Failure {
            kind,
            code: String::new(),
            remedy: String::new(),
            message: redactor.scrub(message, limits::MESSAGE_BYTES),
        };
        let words = LastWords { text: "nothing listens there".to_owned(), plugin_knows };
        with_last_words(failure, Some(words), redactor).message
    }

    #[test]
    fn the_hosts_own_words_are_told_where_the_plugins_can_not_be_or_lack_them() {
        use FailureKind::{Protocol, Unreachable};
        let plain = Redactor::default();
        let short = Redactor::default();
        short.learn(&Secret::new("ing".into()));
        let of_host = format!("{WITHHELD}; nothing listens there");
        for (redactor, kind, message, knows, expected) in [
            (&plain, Unreachable, "signing in: refused", true, "signing in: refused"),
            (&plain, Unreachable, "closed", false, "closed; nothing listens there"),
            (&plain, Protocol, "closed", false, "closed"),
            (&short, Unreachable, "signing in: refused", true, of_host.as_str()),
            (&short, Protocol, "signing in: refused", true, WITHHELD),
            (&short, Unreachable, "refused", true, "refused"),
        ] {
            assert_eq!(last_words(kind, message, knows, redactor), expected, "{message}");
        }
        let masking = Redactor::default();
        masking.learn(&Secret::new("listens".into()));
        let sanitized = last_words(Unreachable, "it listens", false, &masking);
        assert_eq!(sanitized, "it [redacted]; nothing [redacted] there");
    }
}
