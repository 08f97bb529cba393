//! What to do where a service has to see the text of a new password.

use super::ports::{Failure, FailureKind, TlsMode};

/// Adds to a failure how the text can be allowed, if that is what it lacks. `allowed`: somebody did.
pub(super) fn with_remedy(mut failure: Failure, tls: TlsMode, allowed: bool) -> Failure {
    if failure.kind != FailureKind::TextRequired {
        return failure;
    }
    let own = if allowed && tls == TlsMode::Disabled {
        "the password is sent as text inside TLS only: enable TLS at the server and remove \
         \"ssl\": \
         false from the secret, and from the admin secret if it has one"
    } else if allowed {
        "that is already allowed, and the plugin did not do it: report it to its author"
    } else if failure.remedy.contains("WINDLASS_SEND_TEXT") {
        ""
    } else {
        "allow sending it as text, inside TLS: WINDLASS_SEND_TEXT=true, or send-text = true in \
         windlass.toml"
    };
    failure.or_remedy(own);
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remedy(of_plugin: &str, tls: TlsMode, allowed: bool) -> String {
        let failure = Failure {
            kind: FailureKind::TextRequired,
            code: String::new(),
            message: String::new(),
            remedy: of_plugin.to_owned(),
        };
        with_remedy(failure, tls, allowed).remedy
    }

    #[test]
    fn the_remedy_is_the_setting_unless_that_is_set_already() {
        let setting = "WINDLASS_SEND_TEXT=true, or send-text = true in windlass.toml";
        assert!(remedy("", TlsMode::Required, false).ends_with(setting));
        let both = remedy("turn the check off", TlsMode::Required, false);
        assert!(both.starts_with("turn the check off; or allow sending"), "{both}");
        let own = "set WINDLASS_SEND_TEXT=true";
        assert_eq!(remedy(own, TlsMode::Required, false), own, "said once");
        let without_tls = remedy("", TlsMode::Disabled, true);
        assert!(without_tls.contains("inside TLS only: enable TLS"), "{without_tls}");
        assert!(remedy("", TlsMode::Required, true).contains("report it to its author"));
    }

    #[test]
    fn other_failures_are_left_alone() {
        let failure = Failure {
            kind: FailureKind::Declined,
            code: String::new(),
            message: String::new(),
            remedy: "x".into(),
        };
        assert_eq!(with_remedy(failure, TlsMode::Required, false).remedy, "x");
    }
}
