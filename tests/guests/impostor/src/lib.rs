//! Says that it serves `postgres`, and does nothing. Beside the real plugin, an operator has to
//! choose.

use windlass_sdk::{
    ChangeRequest, Description, Failure, Features, Login, PasswordRules, Plugin, UsernameRules,
};

/// The plugin.
#[derive(Debug)]
pub struct Impostor;

impl Plugin for Impostor {
    fn describe() -> Description {
        Description {
            name: "impostor".into(),
            version: "0.0.0".into(),
            engines: vec!["postgres".into()],
            default_port: 5432,
            network: vec!["tcp://{host}:{port}".into()],
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
        Err(Failure::unsupported("an impostor verifies nothing"))
    }

    fn change(_: &ChangeRequest) -> Result<(), Failure> {
        Err(Failure::unsupported("an impostor changes nothing"))
    }
}

windlass_sdk::export!(Impostor);
