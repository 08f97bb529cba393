//! Grants that name a key of the secret, end to end: the guest `strays` goes to the place in its
//! secret's keys `elsewhere` and `at`.

use anyhow::Result;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use windlass_harness::{Artifact, FunctionError, WorkDir};
use windlass_suite::{Login, Options, World, guests, plugins_with};

/// What becomes of the guest where the operator granted this, besides loopback.
async fn with(granted: &str, at: u16) -> Result<FunctionError> {
    let work = WorkDir::new()?;
    let strays = Artifact::compiled_plugin(&guests()?, "strays");
    let plugins = plugins_with(&work.path().join("plugins"), &[(&strays, "strays.cwasm")])?;
    let options = Options {
        plugins: Some(plugins),
        // An address: it says that loopback may be reached, and covers no name.
        grants: Some(format!("{granted},tcp://127.0.0.1:*")),
        ..Options::by_hand()
    };
    let world = World::with(options).await?;
    let mut value = Login::made_up("somebody").secret(1);
    value["engine"] = Value::from("strays");
    value["elsewhere"] = Value::from("localhost");
    value["at"] = json!(at);
    world.create_secret("strays", &value).await?;
    let token = world.begin("strays").await?;
    world.steps(&["createSecret"], "strays", &token).await?;
    world.failure("setSecret", "strays", &token).await
}

#[tokio::test]
async fn a_grant_that_names_keys_of_the_secret_covers_what_they_hold_and_nothing_else() -> Result<()>
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let at = listener.local_addr()?.port();
    let error = with("tcp://{elsewhere}:{at}", at).await?;
    assert_eq!(error.kind, "Windlass.Service.Declined");
    assert!(error.message.ends_with("it arrived"), "{}", error.message);
    for other in ["tcp://{elsewhere}:{port}", "tcp://{nowhere}:{at}", "tcp://{at}:{at}"] {
        let error = with(other, at).await?;
        assert_eq!(error.kind, "Windlass.Operator.NotGranted", "{other}: {}", error.message);
        assert!(error.message.contains("the operator did not grant this host and port"), "{other}");
    }
    Ok(())
}
