//! TLS: without it only where the secret says so, and not one byte too many otherwise.

use anyhow::Result;
use serde_json::Value;
use windlass_harness::Proxy;
use windlass_suite::{Connected, Options, STEPS, Server, World};

use super::Subject;

pub(super) async fn a_secret_that_says_so_is_rotated_without_tls(server: Server) -> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let old = server.account("plain_wanted").await?;
    server.let_in_without_tls("plain_wanted").await?;
    let mut value = server.without_tls(server.secret(&old)).await?;
    for (number, ssl) in [Value::from(false), Value::from("false")].into_iter().enumerate() {
        let secret = format!("plain/wanted-{number}");
        value["ssl"] = ssl;
        world.create_secret(&secret, &value).await?;
        let token = world.begin(&secret).await?;
        world.steps(&STEPS, &secret, &token).await?;
        value = world.secrets().secret(&secret, "AWSCURRENT").await?;
    }
    let connections = server.connections("plain_wanted")?;
    assert_eq!(connections, [Connected::InClear; 4], "two connections a rotation, without TLS");
    let new = world.current("plain/wanted-1").await?;
    assert!(new.signs_in(&server).await? && !old.signs_in(&server).await?);
    assert!(!server.logged(&new.password)?);
    Ok(())
}

pub(super) async fn where_the_secret_says_nothing_connections_have_tls(
    server: Server,
) -> Result<()> {
    let one = Subject::own(server, "plain_unsaid", Options::default()).await?;
    // The server would take either.
    one.server.let_in_without_tls("plain_unsaid").await?;
    one.rotate().await?;
    assert_eq!(one.server.connections("plain_unsaid")?, [Connected::Encrypted; 2]);
    Ok(())
}

pub(super) async fn a_server_without_tls_is_an_error_and_hears_nothing_but_the_request_for_it(
    server: Server,
) -> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let Some(server) = server.engine().server_without_tls().await? else { return Ok(()) };
    let proxy = Proxy::start_for(server.address(), server.opening()).await?;
    let login = server.superuser();
    let before = server.connections(&login.username)?.len();
    for (name, ssl) in [("plain/no-key", Value::Null), ("plain/required", Value::from(true))] {
        let mut value = server.secret_at(&login, proxy.port());
        value["ssl"] = ssl;
        world.create_secret(name, &value).await?;
        let token = world.begin(name).await?;
        world.steps(&["createSecret"], name, &token).await?;
        proxy.reset();
        let error = world.failure("setSecret", name, &token).await?;
        assert_eq!(error.kind, "Windlass.Service.NoTls");
        for part in ["no TLS", "\"ssl\": false"] {
            assert!(error.message.contains(part), "{}", error.message);
        }
        let traffic = proxy.traffic();
        assert_eq!(traffic.len(), 1, "no second attempt, in clear or otherwise: {traffic:?}");
        let heard: u64 = traffic.iter().map(|one| one.to_server).sum();
        assert_eq!(heard, server.engine().bytes_before_tls);
    }
    assert_eq!(server.connections(&login.username)?.len(), before, "somebody signed in");
    Ok(())
}
