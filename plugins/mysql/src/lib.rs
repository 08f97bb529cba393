//! The Windlass plugin for MySQL, Aurora MySQL and MariaDB.
//!
//! What holds for every call:
//!
//! - A password that signs in leaves this plugin in clear inside TLS only, where the server asks for
//!   it. So does MySQL's new one, which the server has to see; where the secret turns TLS off it goes
//!   out all the same, and the log says so. MariaDB gets a hash.
//! - No text of the server's about a statement that held a password or its hash is passed on.
//! - What a server sends is bounded before it is stored, and each of its texts is cut and cleaned.
//! - The password comes last: an account that signs in with the new one has all its rights already.
//!
//! Rooms: `wire` and `bytes` (packets), `handshake` and `auth` with `scramble`, `parsec` and
//! `rsa` (TLS and the sign-in), `session` (statements), `errors` and `turned_away` (numbers to failures),
//! `version` (what a server can do), `quote` (names and values in SQL), `change` and `own` with `stored`
//! and `shacrypt` (whose password, in which form), `policy` and `requirements` (what a password policy
//! makes of it), `dual` (two passwords at once), `alternating` with `pair`, `mark`, `proof`, `half`,
//! `differences`, `equalise`, `account`, `grants` and `tokens` (two accounts that take turns), `assess`
//! (what these would meet).

mod account;
mod alternating;
mod assess;
mod auth;
mod bytes;
mod change;
mod differences;
mod dual;
mod equalise;
mod errno;
mod errors;
mod grants;
mod half;
mod handshake;
mod mark;
mod own;
mod pair;
mod parsec;
mod policy;
mod proof;
mod quote;
mod requirements;
mod rsa;
mod scramble;
mod session;
mod set_passwords;
mod shacrypt;
mod stored;
mod target;
mod tokens;
mod turned_away;
mod version;
mod wire;

use windlass_sdk::{
    Assess, AssessRequest, Assessment, ChangeRequest, CharacterClasses, Description, Failure,
    Features, Login, NameLength, PasswordRules, Plugin, UsernameRules,
};

use crate::session::Session;

/// The plugin. Natively it is an ordinary type, so a program can run the same code against a
/// scripted server or a real one (`windlass_sdk::testing`).
#[derive(Debug)]
pub struct Mysql;

impl Plugin for Mysql {
    fn describe() -> Description {
        Description {
            name: "mysql".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            engines: vec!["mysql".into(), "aurora-mysql".into(), "mariadb".into()],
            default_port: 3306,
            network: vec!["tcp://{host}:{port}".into()],
            fields: vec![rsa::FIELD.into(), target::ACCOUNT_HOSTS.into()],
            password_rules: PasswordRules {
                max_length: Some(256),
                default_length: 32,
                excluded_characters: String::new(),
                // As PostgreSQL's, colon included: where every installed plugin wants the same
                // passwords, the host asks for one while it reads the secret.
                default_excluded_characters: r#":/@"'\"#.into(),
                required_classes: CharacterClasses::default(),
            },
            username_rules: UsernameRules {
                max_length: NameLength::Characters(quote::NAME_MAX_MYSQL),
                clone_suffix: windlass_sdk::CLONE_SUFFIX.into(),
                // Every name ends at it: no statement could hold one.
                excluded_characters: "\0".into(),
            },
            features: Features {
                self_change: true,
                admin_change: true,
                alternating_users: true,
                dual_password: true,
            },
        }
    }

    fn describe_engine(engine: &str) -> Description {
        let mut own = Self::describe();
        if engine == "mariadb" {
            own.username_rules.max_length = NameLength::Characters(quote::NAME_MAX);
            own.features.dual_password = false;
        }
        own
    }

    fn verify(login: &Login) -> Result<(), Failure> {
        let mut session = Session::sign_in(login)?;
        let outcome = session.check();
        session.close();
        outcome.map_err(target::explain_expired)
    }

    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        change::change(request)
    }
}

impl Assess for Mysql {
    fn assess(request: &AssessRequest) -> Result<Assessment, Failure> {
        assess::assess(request)
    }

    fn mark_pair(request: &AssessRequest) -> Result<(), Failure> {
        assess::mark_pair(request)
    }
}

#[cfg(feature = "component")]
windlass_sdk::export!(Mysql, assessment);

#[cfg(test)]
mod tests;
