//! Certificates that must not be trusted, places where nobody is: each error names the cause and
//! says what to do. The texts are in `golden/unreachable.txt`.

use std::fmt::Write as _;

use anyhow::Result;
use serde_json::Value;
use windlass_harness::{Identity, Postgres, PostgresOptions, Proxy, Validity, WorkDir};
use windlass_suite::{Database, Login, Options, Rotations, World, golden};

/// A server with this certificate, signed by the authority that functions trust.
async fn server_with(work: &WorkDir, validity: Validity) -> Result<Postgres> {
    let database = Database::shared().await?;
    let issued = database.ca().issue(&format!("{validity:?}"), validity)?;
    // Of this test's own: the shared authority's directory has one file of a name.
    let own = |path: &std::path::Path, name: &str| -> Result<std::path::PathBuf> {
        let copy = work.path().join(name);
        std::fs::copy(path, &copy)?;
        Ok(copy)
    };
    let identity = Identity {
        certificate: own(&issued.certificate, &format!("{validity:?}.crt"))?,
        key: own(&issued.key, &format!("{validity:?}.key"))?,
    };
    let options = PostgresOptions { identity: Some(identity), ..PostgresOptions::default() };
    Postgres::start(database.ca(), options).await
}

/// A name that resolves nowhere, and for which no name server has to be asked.
fn impossible_name() -> String {
    format!("{}.invalid", "x".repeat(64))
}

/// What setSecret says of a server that must not or can't be reached there.
async fn said(world: &World, name: &str, host: &str, port: u16) -> Result<String> {
    let mut value = Login::new("somebody", "password of somebody").secret(port);
    value["host"] = Value::from(host);
    world.create_secret(name, &value).await?;
    let token = world.begin(name).await?;
    world.steps(&["createSecret"], name, &token).await?;
    let error = world.failure("setSecret", name, &token).await?;
    assert_eq!(error.kind, "Windlass.Service.Unreachable", "{name}: {}", error.message);
    let pending = world.pending(name).await?;
    assert!(!error.message.contains(&pending.password), "{}", error.message);
    assert!(!error.message.contains("password of somebody"), "{}", error.message);
    Ok(error.message.replace(&port.to_string(), "PORT").replace(&impossible_name(), "NAME"))
}

#[tokio::test]
async fn whatever_can_not_be_trusted_or_reached_is_named_with_its_remedy() -> Result<()> {
    let database = Database::shared().await?;
    let work = WorkDir::new()?;
    let (expired, misnamed) = tokio::join!(
        server_with(&work, Validity::Expired),
        server_with(&work, Validity::WrongName)
    );
    let (expired, misnamed) = (expired?, misnamed?);
    let stranger = database.stranger()?;
    let trusting_nobody = World::with(Options {
        rotations: Rotations::ByHand,
        ca_bundle: Some(stranger.certificate().to_owned()),
        ..Options::default()
    });
    let trusting_nobody = trusting_nobody.await?;
    let world = World::with(Options::by_hand()).await?;

    // A port where nobody listens: one that a proxy had, which is gone.
    let nobody = Proxy::start(database.postgres().address()).await?.port();
    let port = database.postgres().port();
    let rows = [
        ("untrusted authority", said(&trusting_nobody, "tls/untrusted", "localhost", port).await?),
        ("another name", said(&world, "tls/name", "localhost", misnamed.port()).await?),
        ("expired", said(&world, "tls/expired", "localhost", expired.port()).await?),
        ("nobody listens", said(&world, "tls/nobody", "localhost", nobody).await?),
        ("no such name", said(&world, "tls/no-name", &impossible_name(), port).await?),
    ];
    let mut text = String::new();
    for (what, message) in rows {
        writeln!(text, "# {what}\n{message}\n")?;
    }
    golden("unreachable.txt", &text)?;
    for server in [&expired, &misnamed] {
        assert!(!server.log()?.contains("connection authorized"), "somebody signed in");
    }
    Ok(())
}

#[tokio::test]
async fn a_bundle_that_can_not_be_read_is_named() -> Result<()> {
    let world = World::with(Options {
        rotations: Rotations::ByHand,
        ca_bundle: Some("/nowhere/ca.pem".into()),
        ..Options::default()
    });
    let world = world.await?;
    let message = said(&world, "tls/no-bundle", "localhost", world.database().postgres().port());
    let message = message.await?;
    assert!(message.contains("/nowhere/ca.pem"), "{message}");
    Ok(())
}
