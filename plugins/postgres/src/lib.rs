//! The Windlass plugin for PostgreSQL and Aurora PostgreSQL.
//!
//! What holds for every call:
//!
//! - A password leaves this plugin as text in two cases only, both inside TLS: the server asks for it
//!   at sign-in; or a check of the server's has to see the new one and the operator allows that, and
//!   then it is in no statement.
//! - A password is stored in a form that signs in, whatever the server's settings say.
//! - A sign-in counts when the server asked for the password and, with SCRAM, proved that it knows
//!   the account's secret too.
//! - A change is one transaction: a connection that breaks leaves everything or nothing.
//! - What a server sends is bounded before it is stored, and each of its texts is cut and cleaned.
//!
//! The protocol is `windlass-postgres-wire`. Rooms here: `product` (what is PostgreSQL's own) with
//! `remedies`, `sasl` with `scram`, `derive`, `saslprep` and `verifier` (proofs and stored forms of
//! passwords), `change` and `transaction` (whose password, and how), `new_password` and `check` (what is
//! sent of it), `alternating` with `proof`, `facts` and `role` (two accounts that take turns), `assess`
//! (what stands in the way).

mod alternating;
mod assess;
mod change;
mod check;
mod derive;
mod facts;
mod names;
mod new_password;
mod product;
mod proof;
mod remedies;
mod role;
mod role_change;
mod sasl;
mod saslprep;
mod scram;
mod sign_in;
mod transaction;
mod verifier;

use windlass_sdk::{
    Assess, AssessRequest, Assessment, ChangeRequest, CharacterClasses, Description, Failure,
    Features, Login, NameLength, PasswordRules, Plugin, UsernameRules,
};

/// The plugin. Natively it is an ordinary type, so a program can run the same code against a
/// scripted server or a real one (`windlass_sdk::testing`).
#[derive(Debug)]
pub struct Postgres;

/// Servers up to version 13 read a password message of 1000 bytes at most where they ask for the
/// password in clear (LDAP, RADIUS, PAM): four bytes of length, the password, a zero.
const PASSWORD_MAX: u32 = 995;

impl Plugin for Postgres {
    fn describe() -> Description {
        Description {
            name: "postgres".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            engines: vec!["postgres".into(), "aurora-postgresql".into()],
            default_port: 5432,
            network: vec!["tcp://{host}:{port}".into()],
            fields: Vec::new(),
            password_rules: PasswordRules {
                max_length: Some(PASSWORD_MAX),
                default_length: 32,
                excluded_characters: String::new(),
                default_excluded_characters: r#":/@"'\"#.into(),
                required_classes: CharacterClasses::default(),
            },
            username_rules: UsernameRules {
                max_length: NameLength::Bytes(names::NAME_MAX),
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
        let mut session = sign_in::sign_in(login)?;
        let outcome = session.check();
        session.close();
        outcome
    }

    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        change::change(request)
    }
}

impl Assess for Postgres {
    fn assess(request: &AssessRequest) -> Result<Assessment, Failure> {
        assess::assess(request)
    }

    fn mark_pair(request: &AssessRequest) -> Result<(), Failure> {
        assess::mark_pair(request)
    }
}

#[cfg(feature = "component")]
windlass_sdk::export!(Postgres, assessment);

#[cfg(test)]
mod tests;
