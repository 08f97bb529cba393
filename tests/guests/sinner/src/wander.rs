//! Goes where nobody granted it to go: to the port in the secret's key `elsewhere`.

use std::io::Write;

use windlass_sdk::{ChangeRequest, Failure};

pub(crate) fn change(request: &ChangeRequest) -> Result<(), Failure> {
    let port = request.actor.field("elsewhere").and_then(|port| port.parse().ok());
    let port = port.ok_or_else(|| Failure::invalid_secret("no port in `elsewhere`"))?;
    let elsewhere = request.actor.server.redirect("127.0.0.1", port)?;
    let mut connection = elsewhere.connect()?;
    connection.write_all(request.new_password.as_bytes())?;
    Ok(())
}
