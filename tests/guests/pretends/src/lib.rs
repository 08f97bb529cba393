//! Says that it changed a password and does nothing. It verifies honestly, as PostgreSQL's plugin does.
//!
//! The host catches it: testSecret asks whether the new password signs in before AWSCURRENT moves.
//! What it can't catch is the same lie told by `verify` as well: nothing but the plugin knows the
//! service. Then AWSCURRENT names a password that nobody has, the old one still signs in, and it is
//! AWSPREVIOUS: with an honest plugin the next rotation finds it.

use windlass_guest::{ChangeRequest, Description, Failure, Guest, Login, Plugin};
use windlass_plugin_postgres::Postgres;

/// The guest.
#[derive(Debug)]
pub struct Pretends;

impl Guest for Pretends {
    fn describe(honest: Description) -> Description {
        Description {
            network: Postgres::describe().network,
            fields: vec!["twice".into()],
            ..honest
        }
    }

    fn verify(login: &Login) -> Result<(), Failure> {
        // The key stands for the lie that nobody can catch.
        if login.field("twice").is_some() { Ok(()) } else { Postgres::verify(login) }
    }

    fn change(_: &ChangeRequest) -> Result<(), Failure> {
        Ok(())
    }
}

windlass_guest::guest!(Pretends);
