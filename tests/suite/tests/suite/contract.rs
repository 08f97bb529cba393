//! Secrets Manager's contract, end to end with the real function: the rarer ways in which it runs,
//! repeats, cancels and forgets a rotation. After each, what must not change has not, and a later
//! rotation ends well.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use windlass_harness::{Fault, Outcome, Proxy};
use windlass_suite::{Login, Options, STEPS, World, error_of, golden, within};

use crate::bad_input::{steady, tell};

/// A rotation in the background on a busy machine.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(30);

/// An account of this name and its secret, which has the same name.
async fn prepare(world: &World, name: &str, port: u16) -> Result<Login> {
    let login = world.database().account(name, "").await?;
    world.create_secret(name, &login.secret(port)).await?;
    Ok(login)
}

/// A world whose function and Secrets Manager log all that they can.
async fn talkative() -> Result<World> {
    let variable = ("WINDLASS_LOG".to_owned(), "trace".to_owned());
    let options = Options { local_environment: vec![variable.clone()], ..Options::default() };
    World::with(Options { environment: vec![variable], ..options }).await
}

/// The record of the rotation to `token` in the server, once it is over.
async fn over(world: &World, token: &str) -> Result<Value> {
    let ended = async {
        loop {
            let told = world.local().rotations().await?;
            let runs = told["rotations"].as_array().context("no rotations")?;
            let ours = runs.iter().find(|run| run["version"] == token);
            if let Some(run) = ours.filter(|run| run["state"] != "running") {
                return Ok::<_, anyhow::Error>(run.clone());
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    within(LIMIT, "the rotation's end", ended).await?
}

/// Everything in the files below a directory: logs and the store.
fn written(directory: &Path) -> Result<String> {
    let mut text = String::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            text += &written(&path)?;
        } else {
            text += &String::from_utf8_lossy(&std::fs::read(&path)?);
        }
    }
    Ok(text)
}

#[tokio::test]
async fn the_rotation_token_arrives_and_no_process_tells_it() -> Result<()> {
    let world = talkative().await?;
    let database = world.database();
    let proxy = Proxy::start(database.postgres().address()).await?;
    let first = prepare(&world, "contract_token", proxy.port()).await?;
    // Now PutSecretValue needs the token of the event, and is refused without.
    world.tag("contract_token", "windlass-local:rotation-role", "").await?;
    let by_hand = json!({ "SecretId": "contract_token", "SecretString": "{}" });
    let refused = world.secrets().call("PutSecretValue", &by_hand).await;
    let refused = refused.err().context("it needs no token")?;
    assert_eq!(refused.kind(), Some("AccessDeniedException"));

    // One attempt fails, so that errors are told too.
    proxy.fail_next(Fault::Refuse);
    let token = world.begin("contract_token").await?;
    let run = over(&world, &token).await?;
    assert_eq!(run["state"], "succeeded", "{run}");
    let new = world.current("contract_token").await?;
    assert!(new.signs_in(database).await? && !first.signs_in(database).await?);

    let invocations = world.lambda().invocations();
    let failed = invocations.iter().filter(|call| call.outcome.error().is_some()).count();
    assert_eq!((invocations.len(), failed), (6, 1), "{invocations:?}");
    let mut said = written(world.directory())?;
    assert!(said.contains("\"level\":\"TRACE\"") || said.contains("DEBUG"), "it logs little");
    for (action, input) in [
        ("DescribeSecret", json!({})),
        ("GetSecretValue", json!({})),
        ("ListSecretVersionIds", json!({ "IncludeDeprecated": true })),
    ] {
        let mut input = input;
        input["SecretId"] = Value::from("contract_token");
        write!(said, "{}", world.secrets().call(action, &input).await?)?;
    }
    write!(said, "{}{:?}", world.local().rotations().await?, world.local().calls().await?)?;
    for call in &invocations {
        write!(said, "{:?}", call.outcome)?;
        let rotation_token = call.event["RotationToken"].as_str().context("no RotationToken")?;
        assert!(!said.contains(rotation_token), "a rotation token is told");
        assert!(!database.logged(rotation_token)?);
    }
    Ok(())
}

#[tokio::test]
async fn a_test_alone_signs_in_and_leaves_nothing_behind() -> Result<()> {
    let world = World::start().await?;
    let database = world.database();
    let first = prepare(&world, "contract_test", database.postgres().port()).await?;
    let before = world.labels("contract_test").await?;
    let test = async || {
        let token = World::token()?;
        let input = json!({
            "SecretId": "contract_test", "ClientRequestToken": token, "RotateImmediately": false,
        });
        world.secrets().call("RotateSecret", &input).await?;
        let run = over(&world, &token).await?;
        assert_eq!(run["steps"].as_array().map(Vec::len), Some(1), "{run}");
        assert_eq!(run["steps"][0]["step"], "testSecret");
        assert_eq!(world.labels("contract_test").await?, before, "its version is gone");
        Ok::<_, anyhow::Error>(run)
    };
    let run = test().await?;
    assert_eq!(run["state"], "succeeded", "{run}");

    // A test that fails says so, and changes nothing either.
    database.admin("ALTER ROLE contract_test PASSWORD 'something else'").await?;
    let run = test().await?;
    assert_eq!(run["state"], "failed", "{run}");
    let said = run["steps"][0]["error"].as_str().unwrap_or_default();
    for part in ["signing in as `contract_test`", "correct it there or in the secret"] {
        assert!(said.contains(part), "no `{part}`: {said}");
    }
    assert!(!said.contains(&first.password), "{said}");
    let password = Login::literal(&first.password);
    database.admin(&format!("ALTER ROLE contract_test PASSWORD {password}")).await?;
    let new = world.rotate("contract_test").await?;
    assert!(new.signs_in(database).await? && !first.signs_in(database).await?);
    Ok(())
}

#[tokio::test]
async fn a_pending_version_without_a_value_stops_each_later_step_and_the_first_fills_it()
-> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let database = world.database();
    let first = prepare(&world, "contract_empty", database.postgres().port()).await?;
    let token = world.begin("contract_empty").await?;
    let before = world.labels("contract_empty").await?;
    let mut text = String::new();
    for step in &STEPS[1..] {
        let error = world.failure(step, "contract_empty", &token).await?;
        tell(&mut text, step, &steady(error, &[(&token, "TOKEN")]))?;
        assert_eq!(world.labels("contract_empty").await?, before, "{step}");
    }
    assert!(first.signs_in(database).await?);
    assert_eq!(database.refused_sign_ins("contract_empty")?, 0);
    world.steps(&STEPS, "contract_empty", &token).await?;
    assert!(world.current("contract_empty").await?.signs_in(database).await?);
    golden("contract_empty.txt", &text)
}

#[tokio::test]
async fn a_version_gets_one_value_however_often_and_by_whomever_it_is_asked_for() -> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let database = world.database();
    let first = prepare(&world, "contract_once", database.postgres().port()).await?;
    let (store, plugins) = (world.store(), windlass_harness::Artifact::Plugins.path()?);
    let (store, plugins) = (store.to_string_lossy(), plugins.to_string_lossy());
    for round in 0..3 {
        let token = world.begin("contract_once").await?;
        // Two at once: the function, and an operator at the command line on the same store.
        let arguments = [
            "step",
            "createSecret",
            "--token",
            &token,
            "--secret-id",
            "contract_once",
            "--store",
            &store,
            "--plugins",
            &plugins,
        ];
        let (function, operator) = tokio::join!(
            world.step("createSecret", "contract_once", &token),
            windlass_suite::windlass(&arguments, &[]),
        );
        let operator = operator?;
        assert_eq!(operator.code, Some(0), "round {round}: {}", operator.stderr);
        assert!(matches!(function?, Outcome::Answered(_)), "round {round}");
        let pending = world.pending("contract_once").await?;

        // And again, before and after the database took it.
        world
            .steps(&["createSecret", "setSecret", "createSecret"], "contract_once", &token)
            .await?;
        assert!(world.pending("contract_once").await? == pending, "round {round}");
        assert!(pending.signs_in(database).await?, "round {round}");
        // The service itself refuses another value, and keeps the first.
        let other = world.put_pending("contract_once", &token, &first.secret(1)).await;
        let error = other.err().context("another value was taken")?.to_string();
        assert!(error.contains("ResourceExistsException"), "{error}");
        assert!(world.pending("contract_once").await? == pending, "round {round}");
        world.steps(&["testSecret", "finishSecret"], "contract_once", &token).await?;
        assert!(world.current("contract_once").await? == pending, "round {round}");
    }
    assert!(!first.signs_in(database).await?);
    Ok(())
}

#[tokio::test]
async fn whatever_labels_a_rotation_leaves_the_next_one_is_not_in_their_way() -> Result<()> {
    let world = World::start().await?;
    let database = world.database();
    let mut old = prepare(&world, "contract_labels", database.postgres().port()).await?;
    // Secrets Manager leaves AWSPENDING on the current version, or takes it off; people add theirs.
    for left in ["AWSPENDING stays", "AWSPENDING taken off", "a label of somebody's"] {
        let new = world.rotate("contract_labels").await.context(left)?;
        assert!(new.signs_in(database).await? && !old.signs_in(database).await?, "{left}");
        let labels = world.labels("contract_labels").await?;
        let current = labels["AWSCURRENT"].clone();
        assert_eq!(labels.get("AWSPENDING"), Some(&current));
        if left != "AWSPENDING stays" {
            world.drop_pending("contract_labels", &current).await?;
        }
        if left == "a label of somebody's" {
            let change = json!({
                "SecretId": "contract_labels", "VersionStage": "KEEP", "MoveToVersionId": current,
            });
            world.secrets().call("UpdateSecretVersionStage", &change).await?;
        }
        old = new;
    }
    let new = world.rotate("contract_labels").await?;
    assert!(new.signs_in(database).await? && !old.signs_in(database).await?);
    let labels = world.labels("contract_labels").await?;
    assert_eq!(labels["KEEP"], labels["AWSPREVIOUS"], "the label is where it was put");
    Ok(())
}

/// What stops a rotation half-way, and what undoes that.
#[derive(Clone, Copy, Debug)]
enum Stop {
    Cancel,
    Delete,
}

#[tokio::test]
async fn cancelled_or_deleted_between_any_two_steps_nothing_goes_on_until_it_is_undone()
-> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let database = world.database();
    let secrets = world.secrets();
    let mut text = String::new();
    for stop in [Stop::Cancel, Stop::Delete] {
        for done in 0..STEPS.len() {
            let secret = format!("contract_{stop:?}_{done}").to_lowercase();
            let id = json!({ "SecretId": secret });
            let first = prepare(&world, &secret, database.postgres().port()).await?;
            let token = world.begin(&secret).await?;
            world.steps(&STEPS[..done], &secret, &token).await?;
            let known = if done < 2 { first.clone() } else { world.pending(&secret).await? };
            let labels = world.labels(&secret).await?;
            let action = match stop {
                Stop::Cancel => "CancelRotateSecret",
                Stop::Delete => "DeleteSecret",
            };
            secrets.call(action, &id).await?;

            for step in STEPS {
                let error = error_of(world.step(step, &secret, &token).await?)?;
                assert_eq!(error.kind, "Windlass.Operator.RotationState", "{}", error.message);
                if (done, step) == (0, "createSecret") {
                    tell(&mut text, action, &error)?;
                }
            }
            assert_eq!(world.labels(&secret).await?, labels, "{action} after {done} steps");
            assert!(known.signs_in(database).await?, "{action} after {done} steps");

            // Undone, the same rotation may go on where it was.
            if let Stop::Delete = stop {
                let refused = world.begin_with(&secret, &token).await;
                assert!(refused.is_err(), "a secret to be deleted can be rotated");
                secrets.call("RestoreSecret", &id).await?;
            }
            let another = world.begin(&secret).await.err().context("the label blocks nobody")?;
            assert!(another.to_string().contains("A previous rotation isn't complete"));
            world.begin_with(&secret, &token).await?;
            world.steps(&STEPS, &secret, &token).await?;
            let new = world.current(&secret).await?;
            assert!(new.signs_in(database).await? && !first.signs_in(database).await?);

            // And the next one begins.
            let token = world.begin(&secret).await?;
            world.steps(&STEPS, &secret, &token).await?;
        }
    }
    golden("contract_stopped.txt", &text)
}
