//! Reaches for what no grant opens, metadata services and the Lambda runtime API, and asks for every
//! address that there is.

use windlass_guest::{ChangeRequest, Description, Failure, Guest, field, number};

/// The guest.
#[derive(Debug)]
pub struct Reaches;

impl Guest for Reaches {
    fn describe(honest: Description) -> Description {
        let every = ["0.0.0.0/1", "128.0.0.0/1", "[::]/1", "[8000::]/1"];
        let mut network = every.map(|half| format!("tcp://{half}:*")).to_vec();
        network.push("tcp://localhost:*".into());
        Description { network, ..honest }
    }

    fn change(request: &ChangeRequest) -> Result<(), Failure> {
        let port = number(&request.actor, "at")? as u16;
        let place = request.actor.server.redirect(field(&request.actor, "elsewhere")?, port);
        place.map_err(|failure| failure.during("by its name"))?.connect()?;
        Err(Failure::declined("it arrived"))
    }
}

windlass_guest::guest!(Reaches);
