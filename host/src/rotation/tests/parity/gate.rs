//! The event, and what is checked before every step.

use serde_json::{Value, json};

use super::super::super::{Outcome, RotationEvent, Step};
use super::super::world::{SECRET, World, id};
use super::{with, world};
use crate::rotation::ports::{PendingValue, SecretStore, Stage, StageMove, VersionId};
use crate::secret::Secret;

const TOKEN: &str = "0b94897a-6f8e-4a0e-9d3e-6d7f7f3f4f11";

#[test]
fn events() {
    let event = |step: &str| json!({"Step": step, "SecretId": "s", "ClientRequestToken": TOKEN});
    let with = |field: &str, value: Value| {
        let mut event = event("setSecret");
        event[field] = value;
        event
    };
    let table: [(&str, Value, Result<Step, &str>); 16] = [
        ("step names are camelCase: createSecret", event("createSecret"), Ok(Step::Create)),
        ("step names are camelCase: setSecret", event("setSecret"), Ok(Step::Set)),
        ("step names are camelCase: testSecret", event("testSecret"), Ok(Step::Test)),
        ("step names are camelCase: finishSecret", event("finishSecret"), Ok(Step::Finish)),
        ("newer documentation prints create_secret", event("create_secret"), Ok(Step::Create)),
        ("newer documentation prints set_secret", event("set_secret"), Ok(Step::Set)),
        ("newer documentation prints test_secret", event("test_secret"), Ok(Step::Test)),
        ("newer documentation prints finish_secret", event("finish_secret"), Ok(Step::Finish)),
        ("unknown step: error", event("rollbackSecret"), Err("unknown `Step`")),
        ("the event has SecretId", with("SecretId", json!(null)), Err("`SecretId`")),
        ("the event has ClientRequestToken", with("ClientRequestToken", json!(1)), Err("ClientRe")),
        ("the event has Step", with("Step", json!(null)), Err("`Step`")),
        (
            "fields that are not printable ASCII are refused",
            with("SecretId", json!("s\n")),
            Err("ASCII"),
        ),
        (
            "ClientRequestToken has 32 to 64 characters",
            with("ClientRequestToken", json!("t")),
            Err("32"),
        ),
        ("RotationToken may be there", with("RotationToken", json!(TOKEN)), Ok(Step::Set)),
        ("unknown fields are ignored", with("Other", json!([])), Ok(Step::Set)),
    ];
    for (row, event, expected) in table {
        match (RotationEvent::parse(&event).map(|event| event.step), expected) {
            (Ok(step), Ok(expected)) => assert_eq!(step, expected, "{row}"),
            (Err(error), Err(expected)) => {
                assert!(error.to_string().contains(expected), "{row}: {error}");
            }
            (got, expected) => panic!("{row}: {got:?}, not {expected:?}"),
        }
    }
}

/// Brings a rotation into the state of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Off,
    Deleted,
    UnknownToken,
    Current,
    NotPending,
}

async fn arrange(world: &World, states: &[State]) -> VersionId {
    let mut version = world.begin();
    for state in states {
        match state {
            State::Off => drop(world.store.cancel_rotation(SECRET)),
            State::Deleted => {
                let days = windlass_secrets_manager::Deletion::AfterDays(None);
                drop(world.store.delete_secret(SECRET, days));
            }
            State::UnknownToken => version = VersionId::new(TOKEN),
            State::Current => {
                let described = world.store.describe(&id(SECRET)).await.unwrap();
                version = described.version_with(&Stage::Current).unwrap().clone();
            }
            State::NotPending => {
                let to = Some(version.clone());
                let mine = Stage::Custom("mine".into());
                let keep = StageMove { stage: mine, remove_from: None, move_to: to.clone() };
                world.store.move_stage(&id(SECRET), &keep).await.unwrap();
                let take = StageMove { stage: Stage::Pending, remove_from: to, move_to: None };
                world.store.move_stage(&id(SECRET), &take).await.unwrap();
            }
        }
    }
    version
}

#[tokio::test]
async fn the_gate_before_every_step_in_its_order() {
    use State::{Current, Deleted, NotPending, Off, UnknownToken};
    let table: [(&str, &[State], Result<(), &str>); 8] = [
        ("RotationEnabled present and false: error", &[Off], Err("is turned off")),
        (
            "1 before 2: turned off, and the token unknown",
            &[UnknownToken, Off],
            Err("is turned off"),
        ),
        ("1 before 3: turned off, and the version current", &[Current, Off], Err("is turned off")),
        ("token not in VersionIdsToStages: error", &[UnknownToken], Err("no labelled version")),
        ("token already has AWSCURRENT: success, do nothing", &[Current], Ok(())),
        ("token lacks AWSPENDING: error", &[NotPending], Err("not labelled AWSPENDING")),
        ("1 before 4: turned off, and not pending", &[NotPending, Off], Err("is turned off")),
        (
            "DIFFERS: a secret that will be deleted is rotated | said to be so, before all else",
            &[Off, Deleted],
            Err("scheduled for deletion"),
        ),
    ];
    for (row, states, expected) in table {
        for step in Step::ALL {
            let world = world(&json!({}));
            let version = arrange(&world, states).await;
            match expected {
                Ok(()) => {
                    let outcome = world.step(step, &version).await.expect(row);
                    assert_eq!(outcome, Outcome::AlreadyCurrent, "{row}: {step}");
                }
                Err(expected) => {
                    let error = world.error(step, &version).await;
                    assert!(error.contains(expected), "{row}: {step}: {error}");
                }
            }
            assert_eq!(world.sign_ins(), 0, "{row}: {step}");
        }
    }
}

#[tokio::test]
async fn rotation_enabled_absent_is_allowed() {
    let world = world(&json!({}));
    let described = world.store.describe(&id(SECRET)).await.unwrap();
    assert_eq!(described.rotation_enabled, None, "nobody configured a rotation");
    let version = VersionId::new(TOKEN);
    let text = with("postgres", "app", "second", &json!({})).to_string();
    let text = Secret::new(text);
    let pending = PendingValue { version: version.clone(), text, rotation_token: None };
    world.store.put_pending(&id(SECRET), &pending).await.unwrap();
    world.finish_from(Step::Create, &version).await;
    assert_eq!(world.field(Stage::Current, "password").await, "second");
}

#[tokio::test]
async fn create_secret_leaves_awscurrent_where_it_is() {
    let world = world(&json!({}));
    let version = world.begin();
    let before = world.store.describe(&id(SECRET)).await.unwrap();
    world.step(Step::Create, &version).await.unwrap();
    let after = world.store.describe(&id(SECRET)).await.unwrap();
    let row = "PutSecretValue(ClientRequestToken=token, VersionStages=[AWSPENDING])";
    assert_eq!(after.version_with(&Stage::Pending), Some(&version), "{row}");
    assert_eq!(after.version_with(&Stage::Current), before.version_with(&Stage::Current), "{row}");
    assert_eq!(world.field(Stage::Current, "password").await, "first", "{row}");
}

#[tokio::test]
async fn each_step_repeated() {
    let world = world(&json!({"note": "kept"}));
    let version = world.begin();
    for (row, step, repeated) in [
        ("createSecret: value found: no-op", Step::Create, Outcome::AlreadyCreated),
        ("setSecret: login with pending works: done", Step::Set, Outcome::AlreadySet),
        ("testSecret: login with pending", Step::Test, Outcome::Tested { username: "app".into() }),
        ("finishSecret: AWSCURRENT is on the token: no-op", Step::Finish, Outcome::AlreadyCurrent),
    ] {
        world.step(step, &version).await.expect(row);
        assert_eq!(world.step(step, &version).await.expect(row), repeated, "{row}");
    }
    let secret = world.store.describe(&id(SECRET)).await.unwrap();
    let row = "finishSecret: UpdateSecretVersionStage moves AWSCURRENT; AWSPENDING is not removed";
    assert_eq!(secret.version_with(&Stage::Current), Some(&version), "{row}");
    assert_eq!(secret.version_with(&Stage::Pending), Some(&version), "{row}");
    assert_eq!(
        world.field(Stage::Current, "note").await,
        "kept",
        "createSecret: unknown keys kept"
    );
}
