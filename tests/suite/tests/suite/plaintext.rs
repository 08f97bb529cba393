//! Connections without TLS: only where the secret says so, and not one byte too many otherwise.

use anyhow::Result;
use serde_json::Value;
use windlass_harness::{Ca, Postgres, PostgresOptions, Proxy, WorkDir};
use windlass_suite::leaks::search_server;
use windlass_suite::{Login, Options, STEPS, World};

/// A PostgreSQL client's request for TLS: a length and a code, nothing about anybody.
const TLS_REQUEST_BYTES: u64 = 8;

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
async fn a_secret_that_says_so_is_rotated_without_tls() -> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let database = world.database();
    let old = database.account("plain_wanted", "").await?;
    database.admin("GRANT plain_signers TO plain_wanted").await?;
    for (number, ssl) in [Value::from(false), Value::from("false")].into_iter().enumerate() {
        let secret = format!("plain/wanted-{number}");
        let mut value = match number {
            0 => old.secret(database.postgres().port()),
            _ => world.secrets().secret("plain/wanted-0", "AWSCURRENT").await?,
        };
        value["ssl"] = ssl;
        world.create_secret(&secret, &value).await?;
        let token = world.begin(&secret).await?;
        world.steps(&STEPS, &secret, &token).await?;
        let new = world.current(&secret).await?;
        assert!(new.signs_in(database).await?);
        assert!(!database.logged(&new.password)?);
    }
    let log = database.postgres().log()?;
    let plain = log.text().lines().filter(|line| {
        line.contains("connection authorized: user=plain_wanted ") && !line.contains("SSL enabled")
    });
    assert_eq!(plain.count(), 4, "two connections a rotation, each without TLS");
    Ok(())
}

#[tokio::test]
async fn where_the_secret_says_nothing_connections_have_tls() -> Result<()> {
    let world = World::start().await?;
    let database = world.database();
    let old = database.account("plain_unsaid", "").await?;
    // The server would take either.
    database.admin("GRANT plain_signers TO plain_unsaid").await?;
    world.create_secret("plain/unsaid", &old.secret(database.postgres().port())).await?;
    world.rotate("plain/unsaid").await?;
    let log = database.postgres().log()?;
    let own: Vec<_> = log
        .text()
        .lines()
        .filter(|line| line.contains("connection authorized: user=plain_unsaid "))
        .collect();
    assert_eq!(own.len(), 2, "{own:?}");
    assert!(own.iter().all(|line| line.contains("SSL enabled (protocol=TLSv1.3")), "{own:?}");
    Ok(())
}

#[tokio::test]
async fn a_server_without_tls_is_an_error_and_hears_nothing_but_the_request_for_it() -> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let (_work, server) = server_without_tls().await?;
    let proxy = Proxy::start(server.address()).await?;
    let login = Login::new(Postgres::ADMIN, server.admin_password());
    for (name, ssl) in [("plain/no-key", Value::Null), ("plain/required", Value::from(true))] {
        let mut value = login.secret(proxy.port());
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
        assert_eq!(traffic.iter().map(|one| one.to_server).sum::<u64>(), TLS_REQUEST_BYTES);
    }
    assert!(!server.log()?.contains("connection authorized"), "nobody signed in");
    Ok(())
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
