//! A plugin that misbehaves: the secret's key `sin` says how, one file each.
//!
//! Every sin happens in `change`. What becomes of it is in `tests/suite`, module `guests`, which has
//! a test for each.

mod hoard;
mod leak;
mod panic;
mod spin;
mod wander;

use windlass_sdk::{
    ChangeRequest, Description, Failure, Features, Login, PasswordRules, Plugin, UsernameRules,
};

/// The plugin.
#[derive(Debug)]
pub struct Sinner;

impl Plugin for Sinner {
    fn describe() -> Description {
        Description {
            name: "sinner".into(),
            version: "0.0.0".into(),
            engines: vec!["sinner".into()],
            default_port: 1,
            // Asks for more than the secret's own place, so that the operator's grant decides.
            network: vec!["tcp://{host}:{port}".into(), "tcp://127.0.0.1:*".into()],
            password_rules: PasswordRules {
                max_length: 64,
                default_length: 32,
                excluded_characters: String::new(),
                default_excluded_characters: String::new(),
            },
            username_rules: UsernameRules { max_length_bytes: 63, clone_suffix: String::new() },
            features: Features { self_change: true, ..Features::default() },
        }
    }

    fn verify(_: &Login) -> Result<(), Failure> {
        Ok(())
    }

    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        match request.actor.field("sin") {
            Some("hoard") => hoard::change(),
            Some("leak") => leak::change(request),
            Some("panic") => panic::change(request),
            Some("spin") => spin::change(),
            Some("wander") => wander::change(request),
            _ => Err(Failure::unsupported("a sin that nobody has thought of")),
        }
    }
}

windlass_sdk::export!(Sinner);
