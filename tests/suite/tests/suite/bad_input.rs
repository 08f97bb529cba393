//! Bad events, labels and secrets, through the function: one exact error type and text each, which
//! names what is wrong and what to do, and no secret value. Nothing is changed.
//!
//! The texts are in `golden/bad_*.txt`.

use std::fmt::Write as _;

use anyhow::Result;
use serde_json::{Value, json};
use windlass_harness::FunctionError;
use windlass_suite::{Login, Options, World, error_of, golden};

/// Stands in every secret here, and in no message.
pub(crate) const PASSWORD: &str = "hunter2-hunter2";

const UNUSED_TOKEN: &str = "00000000-0000-4000-8000-00000000dead";

/// One case as the golden file has it.
pub(crate) fn tell(text: &mut String, case: &str, error: &FunctionError) -> Result<()> {
    assert!(!error.message.contains(PASSWORD), "{case}: {}", error.message);
    writeln!(text, "# {case}\n{}: {}\n", error.kind, error.message)?;
    Ok(())
}

/// The message without what differs from run to run.
pub(crate) fn steady(mut error: FunctionError, varying: &[(&str, &str)]) -> FunctionError {
    for (from, to) in varying {
        error.message = error.message.replace(from, to);
    }
    error
}

#[tokio::test]
async fn an_event_that_is_not_secrets_managers_is_refused_by_the_field() -> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let good =
        json!({ "Step": "createSecret", "SecretId": "s", "ClientRequestToken": UNUSED_TOKEN });
    let with = |key: &str, value: Value| {
        let mut event = good.clone();
        event[key] = value;
        event
    };
    let rows = [
        ("no object", json!(["createSecret"])),
        ("unknown step", with("Step", json!("dropSecret"))),
        ("step of another type", with("Step", json!(7))),
        ("no secret", json!({ "Step": "createSecret", "ClientRequestToken": UNUSED_TOKEN })),
        ("empty secret", with("SecretId", json!(""))),
        ("secret with a line break", with("SecretId", json!("a\nb"))),
        ("secret beyond ASCII", with("SecretId", json!("é"))),
        ("short token", with("ClientRequestToken", json!("short"))),
        (
            "odd rotation token",
            with("RotationToken", json!(format!("{PASSWORD} {PASSWORD} {PASSWORD}"))),
        ),
    ];
    let mut text = String::new();
    for (case, event) in rows {
        let error = error_of(world.invoke(event).await?)?;
        tell(&mut text, case, &error)?;
    }
    golden("bad_events.txt", &text)?;
    assert!(world.local().calls().await?.calls.is_empty(), "nobody was asked");
    Ok(())
}

#[tokio::test]
async fn a_rotation_that_is_not_under_way_is_refused_by_every_step() -> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let value = Login::new("somebody", PASSWORD).secret(1);
    let secrets = world.secrets();
    let mut text = String::new();

    world.create_secret("state/unknown", &value).await?;
    world.create_secret("state/deleted", &value).await?;
    let deleted = world.begin("state/deleted").await?;
    secrets.call("DeleteSecret", &json!({ "SecretId": "state/deleted" })).await?;
    world.create_secret("state/off", &value).await?;
    let off = world.begin("state/off").await?;
    secrets.call("CancelRotateSecret", &json!({ "SecretId": "state/off" })).await?;
    world.create_secret("state/cancelled", &value).await?;
    let cancelled = world.begin("state/cancelled").await?;
    world.put_pending("state/cancelled", &cancelled, &value).await?;
    // DescribeSecret lists versions with labels only, so it keeps one.
    for (label, way) in [("CANCELLED", "MoveToVersionId"), ("AWSPENDING", "RemoveFromVersionId")] {
        let mut change = json!({ "SecretId": "state/cancelled", "VersionStage": label });
        change[way] = Value::from(cancelled.as_str());
        secrets.call("UpdateSecretVersionStage", &change).await?;
    }

    for (case, secret, token) in [
        ("no such secret", "state/nothing", UNUSED_TOKEN),
        ("a token without a version", "state/unknown", UNUSED_TOKEN),
        ("scheduled for deletion", "state/deleted", deleted.as_str()),
        ("rotation is off", "state/off", off.as_str()),
        ("no longer pending", "state/cancelled", cancelled.as_str()),
    ] {
        let mut errors = Vec::new();
        for step in windlass_suite::STEPS {
            let error = world.failure(step, secret, token).await?;
            errors.push(steady(error, &[(token, "TOKEN")]));
        }
        // Which call of Secrets Manager told that there is no such secret differs by step.
        let first = errors.first().cloned().unwrap_or_else(|| unreachable!());
        assert!(errors.iter().all(|error| error.kind == first.kind), "{errors:?}");
        if case != "no such secret" {
            assert!(errors.iter().all(|error| *error == first), "{errors:?}");
        }
        tell(&mut text, case, &first)?;
    }
    golden("bad_states.txt", &text)
}

/// Every secret that createSecret has to refuse, so that no later step meets it.
fn bad_secrets() -> Vec<(&'static str, String)> {
    let good = || Login::new("somebody", PASSWORD).secret(5432);
    let with = |key: &str, value: Value| {
        let mut secret = good();
        secret[key] = value;
        secret.to_string()
    };
    let without = |key: &str| {
        let mut secret = good();
        if let Some(fields) = secret.as_object_mut() {
            fields.remove(key);
        }
        secret.to_string()
    };
    let mut rows = vec![
        ("not json", format!("user=somebody password={PASSWORD}")),
        ("json broken", format!("{{\"engine\": \"postgres\",\n \"password\": \"{PASSWORD}\"")),
        ("json no object", json!([PASSWORD]).to_string()),
        ("engine missing", without("engine")),
        ("engine unknown", with("engine", json!("cobol"))),
        ("engine of another type", with("engine", json!(5))),
        ("host missing", without("host")),
        ("host with a space", with("host", json!("two words"))),
        ("username missing", without("username")),
        ("username empty", with("username", json!(""))),
        ("password missing", without("password")),
        ("password empty", with("password", json!(""))),
        ("password of another type", with("password", json!([PASSWORD]))),
        ("dbname of another type", with("dbname", json!({}))),
        ("masterarn empty", with("masterarn", json!(""))),
    ];
    for (case, port) in [
        ("port zero", json!(0)),
        ("port too large", json!(65536)),
        ("port negative", json!(-1)),
        ("port fractional", json!(5432.5)),
        ("port a word", json!("five")),
        ("port of another type", json!(true)),
    ] {
        rows.push((case, with("port", port)));
    }
    rows
}

#[tokio::test]
async fn a_secret_that_can_not_be_used_is_refused_before_anything_is_made() -> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let mut text = String::new();
    for (case, value) in bad_secrets() {
        let secret = format!("secret/{}", case.replace(' ', "-"));
        world.create_text(&secret, &value).await?;
        let token = world.begin(&secret).await?;
        let error = world.failure("createSecret", &secret, &token).await?;
        tell(&mut text, case, &error)?;
        let version = json!({ "SecretId": secret, "VersionId": token });
        let answer = world.secrets().call("GetSecretValue", &version).await;
        assert!(answer.is_err(), "{case}: a pending value was stored");
        let log = world.function_log()?;
        assert!(!log.contains(PASSWORD), "{case}: {log}");
    }
    let binary = json!({
        "Name": "secret/binary", "SecretBinary": "aHVudGVyMg==",
        "ClientRequestToken": World::token()?,
    });
    world.secrets().call("CreateSecret", &binary).await?;
    let token = world.begin("secret/binary").await?;
    tell(&mut text, "binary", &world.failure("createSecret", "secret/binary", &token).await?)?;
    golden("bad_secrets.txt", &text)
}

#[tokio::test]
async fn versions_and_secrets_that_do_not_belong_together_are_refused_before_any_connection()
-> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    // Port 1 answers nobody: an attempt to connect would be another error.
    let current = Login::new("somebody", PASSWORD).secret(1);
    let changed = |key: &str, value: &str| {
        let mut value_of = current.clone();
        value_of["password"] = Value::from("another password");
        value_of[key] = Value::from(value);
        value_of
    };
    let mut text = String::new();
    for (case, pending) in [
        ("pending for another user", changed("username", "root")),
        ("pending for another host", changed("host", "evil.example")),
        ("pending from before an edit", changed("dbname", "another")),
        ("pending with the same password", current.clone()),
        ("pending without a password", changed("password", "")),
    ] {
        let secret = format!("pair/{}", case.replace(' ', "-"));
        world.create_secret(&secret, &current).await?;
        let token = world.begin(&secret).await?;
        world.put_pending(&secret, &token, &pending).await?;
        let error = world.failure("setSecret", &secret, &token).await?;
        tell(&mut text, case, &steady(error, &[(&token, "TOKEN")]))?;
    }
    world.create_secret("pair/no-value", &current).await?;
    let token = world.begin("pair/no-value").await?;
    for step in ["setSecret", "testSecret"] {
        let error = world.failure(step, "pair/no-value", &token).await?;
        tell(
            &mut text,
            &format!("no pending value, {step}"),
            &steady(error, &[(&token, "TOKEN")]),
        )?;
    }
    golden("bad_pairs.txt", &text)
}
