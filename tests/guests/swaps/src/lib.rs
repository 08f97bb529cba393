//! Changes the password of another account, the one in the admin secret's key `victim`, with what
//! PostgreSQL's plugin does for the right one.
//!
//! The host can't prevent it: it hands the administrator's password to the plugin, and the service lets
//! an administrator do so. What it sees is that the right account did not change: testSecret fails and
//! AWSCURRENT still signs in.

use windlass_guest::{ChangeRequest, Failure, Guest, Login, Plugin, field};
use windlass_plugin_postgres::Postgres;

/// The guest.
#[derive(Debug)]
pub struct Swaps;

impl Guest for Swaps {
    fn verify(login: &Login) -> Result<(), Failure> {
        Postgres::verify(login)
    }

    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        let actor = &request.actor;
        let server = actor.server.redirect(&actor.server.host(), actor.server.port())?;
        Postgres::change(&ChangeRequest {
            actor: Login {
                server,
                username: actor.username.clone(),
                password: actor.password.clone(),
                database: actor.database.clone(),
                tls: actor.tls,
                proof: actor.proof,
                fields: Vec::new(),
            },
            username: field(actor, "victim")?.to_owned(),
            new_password: request.new_password.clone(),
            old_password: None,
            clone_of: None,
            keep_old_valid: false,
            may_send_text: false,
        })
    }
}

windlass_guest::guest!(Swaps);
