//! The compatible mode: connections without TLS where the secret says nothing. What a secret says is
//! in `conformance`.

use anyhow::Result;
use serde_json::Value;
use windlass_harness::{Ca, Postgres, PostgresOptions, WorkDir};
use windlass_suite::leaks::search_server;
use windlass_suite::{Login, Options, STEPS, World};

/// A server that has no TLS at all.
async fn server_without_tls() -> Result<(WorkDir, Postgres)> {
    let work = WorkDir::new()?;
    let ca = Ca::new(work.path(), "ca")?;
    let options = PostgresOptions {
        first_rules: vec!["host all all 127.0.0.1/32 scram-sha-256".to_owned()],
        settings: vec![("ssl".to_owned(), "off".to_owned())],
        ..PostgresOptions::default()
    };
    Ok((work, Postgres::start(&ca, options).await?))
}

#[tokio::test]
async fn the_compatible_mode_does_without_tls_only_where_the_secret_is_silent_and_tells()
-> Result<()> {
    let options = Options::by_hand().with("WINDLASS_TLS", "compatible");
    let world = World::with(options).await?;
    let (_work, server) = server_without_tls().await?;
    let database = world.database();
    let login = Login::new(Postgres::ADMIN, server.admin_password());

    // The operator's mode does not overrule a secret that demands TLS.
    let mut strict = login.secret(server.port());
    strict["ssl"] = Value::from(true);
    world.create_secret("plain/strict", &strict).await?;
    let token = world.begin("plain/strict").await?;
    world.steps(&["createSecret"], "plain/strict", &token).await?;
    let error = world.failure("setSecret", "plain/strict", &token).await?;
    assert_eq!(error.kind, "Windlass.Service.NoTls");
    assert!(!world.function_log()?.contains("without TLS, as"), "nothing to tell yet");

    world.create_secret("plain/compatible", &login.secret(server.port())).await?;
    let token = world.begin("plain/compatible").await?;
    world.steps(&STEPS, "plain/compatible", &token).await?;
    assert_eq!(server.log()?.sign_ins(), 2, "setSecret's and testSecret's");
    let told = "signing in without TLS, as WINDLASS_TLS=compatible allows";
    assert_eq!(world.function_log()?.matches(told).count(), 2, "each is told");
    let metrics = world.function()?.process().stdout()?;
    assert_eq!(metrics.matches("\"TlsDowngrades\":1").count(), 2, "{metrics}");

    search_server(&server, &world.store())?;

    // Where the server has TLS, it is used; and a wrong password is no reason to go without.
    database.admin("CREATE ROLE plain_has_tls LOGIN PASSWORD 'first'").await?;
    database.admin("GRANT plain_signers TO plain_has_tls").await?;
    let wrong = Login::new("plain_has_tls", "wrong").secret(database.postgres().port());
    world.create_secret("plain/wrong", &wrong).await?;
    let token = world.begin("plain/wrong").await?;
    world.steps(&["createSecret"], "plain/wrong", &token).await?;
    let error = world.failure("setSecret", "plain/wrong", &token).await?;
    assert_eq!(error.kind, "Windlass.Service.NoPasswordSignsIn");
    assert_eq!(database.refused_sign_ins("plain_has_tls")?, 2, "each password once");
    assert_eq!(world.function_log()?.matches(told).count(), 2);
    Ok(())
}
