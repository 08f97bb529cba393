//! What the guests of `tests/guests` have in common: plugins that misbehave, a crate for each sin,
//! named for it.
//!
//! A guest says only where it differs from an honest plugin for an engine of its own name. What it
//! needs to know for its sin stands in further keys of its secret.

pub use windlass_sdk::{
    Assess, AssessRequest, Assessment, ChangeRequest, CharacterClasses, Connection, Description,
    Endpoint, Failure, Features, Finding, LogLevel, Login, NameLength, PairState, PasswordRules,
    Plugin, UsernameRules, bindings, export, log,
};

/// A guest.
pub trait Guest {
    /// What it says about itself, made of what an honest plugin would say.
    #[must_use]
    fn describe(honest: Description) -> Description {
        honest
    }

    /// See [`Plugin::verify`].
    ///
    /// # Errors
    /// Whatever the guest says.
    fn verify(_: &Login) -> Result<(), Failure> {
        Ok(())
    }

    /// See [`Plugin::change`].
    ///
    /// # Errors
    /// Whatever the guest says.
    fn change(_: &ChangeRequest) -> Result<(), Failure> {
        Ok(())
    }
}

/// Exports a [`Guest`] as this crate's component, for the engine of the crate's name. With
/// `assessment` behind it, what it says as [`Assess`], too.
#[macro_export]
macro_rules! guest {
    ($guest:ty $(, $more:ident)?) => {
        impl $crate::Plugin for $guest {
            fn describe() -> $crate::Description {
                <$guest as $crate::Guest>::describe($crate::honest(env!("CARGO_PKG_NAME")))
            }

            fn verify(login: &$crate::Login) -> Result<(), $crate::Failure> {
                <$guest as $crate::Guest>::verify(login)
            }

            fn change(request: &$crate::ChangeRequest) -> Result<(), $crate::Failure> {
                <$guest as $crate::Guest>::change(request)
            }
        }

        $crate::export!($guest $(, $more)?);
    };
}

/// The keys by which tests say to guests what to do.
const KEYS: [&str; 10] =
    ["at", "bytes", "elsewhere", "handle", "in", "kind", "piece", "stubborn", "to", "victim"];

/// A description that the host takes, for the package `windlass-guest-NAME`.
#[must_use]
pub fn honest(package: &str) -> Description {
    let name = package.trim_start_matches("windlass-guest-");
    Description {
        name: name.into(),
        version: "0.0.0".into(),
        engines: vec![name.into()],
        default_port: 1,
        // More than the secret's own place, so that the operator's grant decides.
        network: vec!["tcp://{host}:{port}".into(), "tcp://127.0.0.1:*".into()],
        fields: KEYS.map(str::to_owned).to_vec(),
        password_rules: PasswordRules {
            max_length: Some(64),
            default_length: 32,
            excluded_characters: String::new(),
            default_excluded_characters: String::new(),
            required_classes: CharacterClasses::default(),
        },
        username_rules: UsernameRules {
            max_length: NameLength::Bytes(63),
            clone_suffix: String::new(),
            excluded_characters: String::new(),
        },
        features: Features { self_change: true, admin_change: true, ..Features::default() },
    }
}

/// What the secret's key says, or how to say it.
///
/// # Errors
/// If there is no such key: a mistake of the test.
pub fn field<'a>(login: &'a Login, key: &str) -> Result<&'a str, Failure> {
    let missing = || Failure::invalid_secret(format!("the test gave no `{key}`"));
    login.field(key).ok_or_else(missing)
}

/// The same for a number.
///
/// # Errors
/// If there is no number there.
pub fn number(login: &Login, key: &str) -> Result<u32, Failure> {
    field(login, key)?.parse().map_err(|_| Failure::invalid_secret(format!("`{key}` is no number")))
}
