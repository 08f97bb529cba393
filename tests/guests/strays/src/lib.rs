//! Goes where nobody granted it to go: to the secret's keys `elsewhere` and `at`, or without them to
//! the secret's own host.

use std::io::Write;

use windlass_guest::{ChangeRequest, Description, Failure, Guest, number};

/// The guest.
#[derive(Debug)]
pub struct Strays;

impl Guest for Strays {
    fn describe(honest: Description) -> Description {
        let asked =
            ["tcp://{host}:{port}", "tcp://127.0.0.1:*", "tcp://localhost:*", "tcp://*.example:*"];
        Description { network: asked.map(str::to_owned).to_vec(), ..honest }
    }

    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        let server = &request.actor.server;
        let mut connection = match request.actor.field("elsewhere") {
            Some(host) => server.redirect(host, number(&request.actor, "at")? as u16)?.connect()?,
            None => server.connect()?,
        };
        connection.write_all(request.new_password.as_bytes())?;
        Err(Failure::declined("it arrived"))
    }
}

windlass_guest::guest!(Strays);
