//! Somebody on the way to the server, together with somebody who may write a secret: they get no
//! administrator to act, and no password that was stored for TLS.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use windlass_harness::{Behaviour, Ca, Peer, Validity, WorkDir};
use windlass_suite::{Login, Options, STEPS, World, error_of};

/// Says that all is well, to whomever, after a method of signing in that proves nothing; hears of it
/// who signs in as the administrator.
fn all_is_well(answered: usize, _: &[u8]) -> Vec<u8> {
    const ASK_MD5: &[u8] = b"R\0\0\0\x0c\0\0\0\x05salt";
    const OK_AND_READY: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
    const DONE_AND_READY: &[u8] = b"C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I";
    let answer = match answered {
        0 => ASK_MD5,
        1 => OK_AND_READY,
        _ => DONE_AND_READY,
    };
    answer.to_vec()
}

/// A secret for an account of the shared server, with a password that its writer made up, at the
/// address of whoever is on the way; its administrator's secret is for the same address.
async fn set_secret(world: &World, name: &str, own: Value, admin: Value) -> Result<String> {
    let port = own["port"].clone();
    let mut administrator = world.database().superuser().secret(0);
    administrator["port"] = port;
    for (key, value) in admin.as_object().into_iter().flatten() {
        administrator[key] = value.clone();
    }
    let arn = world.create_secret(&format!("{name}/admin"), &administrator).await?;
    let mut secret = Login::new("on_the_way_victim", "made-up-by-its-writer").secret(0);
    for (key, value) in own.as_object().into_iter().flatten() {
        secret[key] = value.clone();
    }
    secret["masterarn"] = Value::from(arn);
    world.create_secret(name, &secret).await?;
    world.tag(name, "windlass:strategy", "single-user").await?;
    let token = world.begin(name).await?;
    world.steps(&["createSecret"], name, &token).await?;
    let event = json!({ "Step": "setSecret", "SecretId": name, "ClientRequestToken": token });
    let error = error_of(world.lambda().invoke(event, Duration::from_secs(30)).await?.outcome)?;
    Ok(format!("{}: {}", error.kind, error.message))
}

#[tokio::test]
async fn whoever_answers_in_clear_that_all_is_well_gets_no_administrator_to_act() -> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let administrator = world.database().superuser().username;

    let peer = Peer::start(Behaviour::Answers(all_is_well)).await?;
    let own = json!({ "port": peer.port(), "ssl": false });
    let error = set_secret(&world, "on-the-way/both", own, json!({ "ssl": false })).await?;
    assert!(
        error.starts_with("Windlass.Service.Unproven: signing in as `on_the_way_victim`"),
        "{error}"
    );
    assert!(error.contains("remove \"ssl\": false from the secret and from the admin"), "{error}");

    // The administrator's own secret says nothing of the kind: TLS is asked for.
    let peer = Peer::start(Behaviour::Answers(all_is_well)).await?;
    let own = json!({ "port": peer.port(), "ssl": false });
    let error = set_secret(&world, "on-the-way/one", own, json!({})).await?;
    assert!(error.contains("signing in as `on_the_way_victim`"), "{error}");
    assert!(!error.contains(&format!("as `{administrator}`")), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_bad_certificate_is_no_reason_to_go_without_tls_in_the_compatible_mode() -> Result<()> {
    let world = World::with(Options::by_hand().with("WINDLASS_TLS", "compatible")).await?;
    let database = world.database();
    let login = database.account("on_the_way_bad_certificate", "").await?;
    let work = WorkDir::new()?;
    let identity = Ca::new(work.path(), "nobody-knows")?.issue("impostor", Validity::Valid)?;
    let upstream = database.postgres().address();
    let tls = Behaviour::TlsOnRequest { request: 8, answer: b"S", identity, upstream };
    let peer = Peer::start(tls).await?;
    world.create_secret("on-the-way/certificate", &login.secret(peer.port())).await?;
    let token = world.begin("on-the-way/certificate").await?;
    world.steps(&["createSecret"], "on-the-way/certificate", &token).await?;
    let error = world.failure("setSecret", "on-the-way/certificate", &token).await?;
    assert_eq!(error.kind, "Windlass.Service.TlsFailed", "{}", error.message);
    let log = world.function_log()?;
    assert!(!log.contains("signing in without TLS"), "{log}");
    assert!(login.signs_in(database).await?);
    Ok(())
}

#[tokio::test]
async fn a_secret_that_turns_tls_off_is_logged_and_counted_and_the_operator_can_forbid_it()
-> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let database = world.database();
    let login = database.account("on_the_way_in_clear", "").await?;
    let mut secret = login.secret(database.postgres().port());
    secret["ssl"] = Value::from(false);
    world.create_secret("on-the-way/clear", &secret).await?;
    let token = world.begin("on-the-way/clear").await?;
    world.steps(&["createSecret"], "on-the-way/clear", &token).await?;
    // The shared server wants TLS of most accounts; whether it lets this one in is not the point.
    let event = json!({
        "Step": "setSecret", "SecretId": "on-the-way/clear", "ClientRequestToken": token,
    });
    world.lambda().invoke(event, Duration::from_secs(30)).await?;
    let said = "signing in without TLS, as the secret says with \\\"ssl\\\": false";
    assert!(world.function_log()?.contains(said), "{}", world.function_log()?);
    let metrics = world.function()?.process().stdout()?;
    assert!(metrics.contains("\"SignInsWithoutTls\":1"), "{metrics}");

    let world = World::with(Options::by_hand().with("WINDLASS_TLS", "always")).await?;
    world.create_secret("on-the-way/always", &secret).await?;
    let token = world.begin("on-the-way/always").await?;
    world.steps(&STEPS, "on-the-way/always", &token).await?;
    assert!(!world.function_log()?.contains("signing in without TLS"));
    assert!(world.current("on-the-way/always").await?.signs_in(database).await?);
    Ok(())
}
