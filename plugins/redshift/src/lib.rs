//! The Windlass plugin for Amazon Redshift.
//!
//! What holds for every call:
//!
//! - A password leaves this plugin in clear in one case only: the server asks for it inside TLS.
//!   A change sends a hash.
//! - The hash has the form in which the server asks that very account for its password, so whatever
//!   signs in with the old one signs in with the new one.
//! - No text of the server's about a statement that held a hash is passed on.
//! - What a server sends is bounded before it is stored, and each of its texts is cut and cleaned.
//! - The password comes last: an account that signs in with the new one has all its rights already.
//!
//! The protocol is `windlass-postgres-wire`. Rooms here: `product` (what is Redshift's own), `digest`
//! (its own way of signing in) and `stored` (forms of passwords), `change` (whose password, and how),
//! `alternating` with `account`, `rights`, `acl` and `pairs` (two accounts that take turns), `catalog`
//! (what they are read from), `assess` (what stands in the way).

mod account;
mod acl;
mod alternating;
mod assess;
mod catalog;
mod change;
mod digest;
mod pairs;
mod product;
mod rights;
mod statement;
mod stored;

use windlass_sdk::{
    Assess, AssessRequest, Assessment, ChangeRequest, CharacterClasses, Description, Failure,
    Features, Login, NameLength, PasswordRules, Plugin, UsernameRules,
};

/// The plugin. Natively it is an ordinary type, so a program can run the same code against a
/// scripted server or a real one (`windlass_sdk::testing`).
#[derive(Debug)]
pub struct Redshift;

impl Plugin for Redshift {
    fn describe() -> Description {
        Description {
            name: "redshift".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            engines: vec!["redshift".into()],
            default_port: 5439,
            network: vec!["tcp://{host}:{port}".into()],
            fields: Vec::new(),
            password_rules: PasswordRules {
                // Where a password is set in clear, Redshift takes 8 to 64 characters, at least one
                // of them a capital, one a small letter and one a digit, and none of these (the
                // documentation of CREATE USER). Of a hash it can't tell; but somebody may want to set
                // the same password by hand.
                max_length: Some(64),
                default_length: 32,
                excluded_characters: r#"'"\/@"#.into(),
                default_excluded_characters: r#":/@"'\"#.into(),
                required_classes: CharacterClasses {
                    upper: true,
                    lower: true,
                    digit: true,
                    punctuation: false,
                },
            },
            username_rules: UsernameRules {
                max_length: NameLength::Bytes(product::NAME_MAX),
                clone_suffix: windlass_sdk::CLONE_SUFFIX.into(),
                // Every name ends at it: no statement could hold one.
                excluded_characters: "\0".into(),
            },
            features: Features {
                self_change: true,
                admin_change: true,
                alternating_users: true,
                dual_password: false,
            },
        }
    }

    fn verify(login: &Login) -> Result<(), Failure> {
        let (mut session, _) = product::sign_in(login)?;
        let outcome = session.check();
        session.close();
        outcome
    }

    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        change::change(request)
    }
}

impl Assess for Redshift {
    fn assess(request: &AssessRequest) -> Result<Assessment, Failure> {
        assess::assess(request)
    }

    fn mark_pair(request: &AssessRequest) -> Result<(), Failure> {
        assess::mark_pair(request)
    }
}

#[cfg(feature = "component")]
windlass_sdk::export!(Redshift, assessment);

#[cfg(test)]
mod tests;
