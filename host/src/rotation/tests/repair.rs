//! Every state that a rotation may leave behind, and how it is repaired.

use serde_json::json;

use super::super::{
    Beside, Diagnosis, Progress, REFUSED_LIMIT, RepairAction, Rotation, Step, Wish,
};
use super::world::{SECRET, World, id};
use crate::rotation::error::Error;
use crate::rotation::ports::{SecretStore, Stage, StageMove, VersionId};

/// Repairs as `windlass repair --interrupt` does, and returns what was planned.
pub(super) async fn repair(world: &World) -> Result<Diagnosis, Error> {
    repair_as(world, None, Beside::NothingThatRuns).await
}

async fn repair_as(
    world: &World,
    password_of: Option<&str>,
    beside: Beside,
) -> Result<Diagnosis, Error> {
    let progress = Progress::default();
    let rotation = Rotation {
        store: &world.store,
        catalog: &world.plugin,
        inventory: &world.inventory,
        settings: &world.settings,
        progress: &progress,
        sign_ins: &world.sign_ins,
        requests: &world.requests,
    };
    let diagnosis =
        rotation.diagnose(&Wish { secret_id: &id(SECRET), password_of, beside }).await?;
    for action in &diagnosis.actions {
        rotation.repair(&diagnosis, action).await?;
    }
    rotation.prove(&id(SECRET)).await?;
    Ok(diagnosis)
}

/// What a repair did, by name.
fn names(diagnosis: &Diagnosis) -> Vec<&'static str> {
    let name = |action: &RepairAction| match action {
        RepairAction::SetPassword { by_admin: false, .. } => "set",
        RepairAction::SetPassword { by_admin: true, .. } => "set by admin",
        RepairAction::MoveCurrent { .. } => "move",
        RepairAction::TakePendingOff { .. } => "take off",
    };
    diagnosis.actions.iter().map(name).collect()
}

/// What must hold after every repair: `AWSCURRENT` signs in and the next rotation ends well.
async fn check(world: &World) {
    let username = world.field(Stage::Current, "username").await;
    let password = world.field(Stage::Current, "password").await;
    assert_eq!(world.password_of(&username), Some(password));
    assert_eq!(world.store.describe(&id(SECRET)).await.unwrap().unfinished(), None);
    world.rotate().await;
}

async fn steps(world: &World, steps: &[Step]) -> VersionId {
    let version = world.begin();
    for step in steps {
        world.step(*step, &version).await.unwrap();
    }
    version
}

/// As an operator does, or whatever abandons a rotation.
async fn take_off(world: &World, version: &VersionId) {
    let change =
        StageMove { stage: Stage::Pending, remove_from: Some(version.clone()), move_to: None };
    world.store.move_stage(&id(SECRET), &change).await.unwrap();
}

#[tokio::test]
async fn a_secret_that_is_well_is_left_alone() {
    let world = World::new(&json!({}));
    world.rotate().await;
    let before = world.sign_ins();
    let diagnosis = repair(&world).await.unwrap();
    assert_eq!(diagnosis.actions, []);
    assert_eq!(diagnosis.found, "`app` signs in with the AWSCURRENT password");
    assert_eq!((world.sign_ins() - before, world.failed_sign_ins()), (2, 0));
    check(&world).await;
}

#[tokio::test]
async fn a_pending_version_that_the_service_never_took_is_given_up() {
    for done in [&[][..], &[Step::Create]] {
        let world = World::new(&json!({}));
        steps(&world, done).await;
        assert_eq!(names(&repair(&world).await.unwrap()), ["take off"]);
        assert_eq!(world.field(Stage::Current, "password").await, "first");
        check(&world).await;
    }
}

#[tokio::test]
async fn a_pending_version_that_the_service_took_becomes_current() {
    let world = World::new(&json!({}));
    let version = steps(&world, &[Step::Create, Step::Set]).await;
    let diagnosis = repair(&world).await.unwrap();
    assert_eq!(names(&diagnosis), ["move"]);
    assert!(diagnosis.actions[0].to_string().contains(version.as_str()));
    assert_eq!(world.failed_sign_ins(), 1);
    check(&world).await;
}

#[tokio::test]
async fn a_pending_version_that_no_step_would_accept_lends_its_password_only() {
    let world = World::new(&json!({"note": "old"}));
    steps(&world, &[Step::Create, Step::Set]).await;
    world.replace_current(
        &json!({"engine": "fake", "host": "db.example", "username": "app", "password": "edited",
                "note": "new"})
        .to_string(),
    );
    assert_eq!(names(&repair(&world).await.unwrap()), ["set", "take off"]);
    assert_eq!(world.field(Stage::Current, "note").await, "new");
    assert_eq!(world.password_of("app").as_deref(), Some("edited"));
    check(&world).await;
}

#[tokio::test]
async fn a_service_restored_from_a_backup_gets_the_current_password_again() {
    for (world, expected) in
        [(World::new(&json!({})), "set"), (World::with_admin(&json!({})), "set by admin")]
    {
        world.tag(super::super::STRATEGY_TAG, "single-user");
        world.rotate().await;
        world.set_password("app", "first");
        let diagnosis = repair(&world).await.unwrap();
        assert_eq!(names(&diagnosis), [expected]);
        assert!(diagnosis.found.ends_with("signs in with the AWSPREVIOUS password"));
        check(&world).await;
    }
}

#[tokio::test]
async fn the_password_of_an_abandoned_rotation_is_found_and_replaced_by_the_current_one() {
    let world = World::new(&json!({}));
    let version = steps(&world, &[Step::Create, Step::Set]).await;
    take_off(&world, &version).await;
    let diagnosis = repair(&world).await.unwrap();
    assert_eq!(names(&diagnosis), ["set"]);
    assert!(diagnosis.found.contains(&format!("unlabelled version {version}")));
    assert_eq!(world.password_of("app").as_deref(), Some("first"));
    check(&world).await;
}

#[tokio::test]
async fn of_a_pair_the_pending_half_is_given_up_and_a_lost_current_half_gives_way_to_the_other() {
    let world = World::with_admin(&json!({}));
    steps(&world, &[Step::Create, Step::Set]).await;
    assert_eq!(names(&repair(&world).await.unwrap()), ["take off"]);
    check(&world).await;

    // `app_clone` is current; somebody changed its password.
    assert_eq!(world.field(Stage::Current, "username").await, "app_clone");
    world.set_password("app_clone", "nobody knows");
    let diagnosis = repair(&world).await.unwrap();
    assert_eq!(names(&diagnosis), ["move", "take off"]);
    assert!(diagnosis.found.ends_with("`app` signs in with the AWSPREVIOUS password"));
    assert_eq!(world.field(Stage::Current, "username").await, "app");
    check(&world).await;
}

#[tokio::test]
async fn where_no_known_password_signs_in_nothing_is_changed_and_no_account_is_locked() {
    let world = World::new(&json!({}));
    for _ in 0..10 {
        let version = steps(&world, &[Step::Create, Step::Set]).await;
        take_off(&world, &version).await;
        // The next one would take it up.
        world.set_password("app", "first");
    }
    world.set_password("app", "nobody knows");
    let error = repair(&world).await.err().expect("nothing signs in");
    assert_eq!(error.error_type().as_str(), "Windlass.Service.NoPasswordSignsIn");
    assert!(world.failed_sign_ins() <= REFUSED_LIMIT as usize);
    assert_eq!(world.password_of("app").as_deref(), Some("nobody knows"));
    assert_eq!(world.field(Stage::Current, "password").await, "first");
}

#[tokio::test]
async fn nothing_is_repaired_beside_a_rotation_that_may_be_running() {
    let world = World::new(&json!({}));
    let version = steps(&world, &[Step::Create, Step::Set]).await;
    let before = world.sign_ins();
    let error = repair_as(&world, None, Beside::Young).await.err().expect("it may be running");
    assert_eq!(error.error_type().as_str(), "Windlass.Operator.RotationState");
    let message = error.report();
    for part in [
        format!("version `{version}` of secret `app-db` has been AWSPENDING for").as_str(),
        "15 minutes after",
        "aws secretsmanager cancel-rotate-secret --secret-id 'app-db'",
        "--interrupt",
    ] {
        assert!(message.contains(part), "no `{part}` in: {message}");
    }
    assert_eq!(world.sign_ins(), before, "nothing was tried");
    // As the message says: rotation is turned off, and nothing runs any more.
    world.store.cancel_rotation(SECRET).unwrap();
    assert_eq!(names(&repair_as(&world, None, Beside::Young).await.unwrap()), ["move"]);

    // No step would go on with such a version, so nothing runs.
    let world = World::new(&json!({"note": "old"}));
    steps(&world, &[Step::Create]).await;
    world.replace_current(
        &json!({"engine": "fake", "host": "db.example", "username": "app", "password": "first",
                "note": "new"})
        .to_string(),
    );
    assert_eq!(names(&repair_as(&world, None, Beside::Young).await.unwrap()), ["take off"]);

    let world = World::new(&json!({}));
    world.rotate().await;
    assert_eq!(names(&repair_as(&world, None, Beside::Young).await.unwrap()), [""; 0]);
}

/// Repairs with the password of this version alone.
async fn repair_with(world: &World, version: &str) -> Result<Diagnosis, Error> {
    repair_as(world, Some(version), Beside::NothingThatRuns).await
}

#[tokio::test]
async fn the_password_of_the_version_that_is_named_is_tried_and_no_other() {
    // An account that is locked at the first refusal.
    let locks = |world: &World| world.plugin.database.lock().unwrap().locks = true;
    let world = World::new(&json!({}));
    let version = steps(&world, &[Step::Create, Step::Set]).await;
    locks(&world);
    assert_eq!(names(&repair_with(&world, "AWSPENDING").await.unwrap()), ["move"]);
    assert_eq!(world.failed_sign_ins(), 0);
    assert_eq!(
        world.store.describe(&id(SECRET)).await.unwrap().version_with(&Stage::Current),
        Some(&version)
    );

    // Of an abandoned rotation, by the whole id and by how it begins.
    for length in [36, 8] {
        let world = World::new(&json!({}));
        let version = steps(&world, &[Step::Create, Step::Set]).await;
        take_off(&world, &version).await;
        locks(&world);
        let named = &version.as_str()[..length];
        let diagnosis = repair_with(&world, named).await.unwrap();
        assert_eq!(names(&diagnosis), ["set"]);
        assert_eq!(
            diagnosis.found,
            format!("`app` signs in with the unlabelled version {version} password")
        );
        assert_eq!(world.failed_sign_ins(), 0);
        world.plugin.database.lock().unwrap().locks = false;
        check(&world).await;
    }

    let world = World::new(&json!({}));
    world.rotate().await;
    world.set_password("app", "first");
    locks(&world);
    let diagnosis = repair_with(&world, "AWSPREVIOUS").await.unwrap();
    assert_eq!(diagnosis.found, "`app` signs in with the AWSPREVIOUS password");
    assert_eq!((names(&diagnosis), world.failed_sign_ins()), (vec!["set"], 0));
}

#[tokio::test]
async fn of_a_pair_the_other_half_can_be_named_too() {
    let world = World::with_admin(&json!({}));
    world.rotate().await;
    world.set_password("app_clone", "nobody knows");
    let diagnosis = repair_with(&world, "AWSPREVIOUS").await.unwrap();
    assert_eq!(names(&diagnosis), ["move", "take off"]);
    assert_eq!(world.failed_sign_ins(), 0);
    check(&world).await;
}

#[tokio::test]
async fn a_version_that_is_refused_or_can_not_be_used_is_said_so() {
    let world = World::new(&json!({}));
    let version = steps(&world, &[Step::Create]).await;
    let error = async |named: &str| repair_with(&world, named).await.err().expect(named).report();
    let message = error("AWSPENDING").await;
    assert!(message.contains("tried AWSPENDING (refused: as told)"), "{message}");
    assert_eq!(world.sign_ins(), 1, "and no other");
    for named in ["", "nothing", "AWSPREVIOUS"] {
        let message = error(named).await;
        assert!(message.contains(&format!("has no version `{named}`")), "{message}");
    }
    world.finish_from(Step::Set, &version).await;
    world.replace_current(
        &json!({"engine": "fake", "host": "other.example", "username": "app", "password": "x"})
            .to_string(),
    );
    let message = error(version.as_str()).await;
    assert!(
        message.contains("passwords of versions with another host, port or engine were not tried"),
        "{message}"
    );
    world.replace_current(
        &json!({"engine": "fake", "host": "db.example", "username": "other", "password": "x"})
            .to_string(),
    );
    let message = error(version.as_str()).await;
    assert!(message.contains("has no password to try"), "{message}");
}

#[tokio::test]
async fn a_beginning_that_several_versions_have_is_refused_with_all_of_them() {
    let world = World::new(&json!({}));
    let ids = ["abcd0000-0000-4000-8000-00000000000", "abcd1111-0000-4000-8000-00000000000"];
    for (number, id) in ids.iter().enumerate() {
        let version = VersionId::new(format!("{id}{number}"));
        let token = version.as_str();
        let begun = windlass_secrets_manager::RotateSecret::at_once(SECRET, token);
        world.store.begin_rotation(&begun).unwrap();
        world.step(Step::Create, &version).await.unwrap();
        take_off(&world, &version).await;
    }
    let message = repair_with(&world, "abcd").await.err().expect("several").report();
    for part in ["several versions", ids[0], ids[1], "use more characters of the ID"] {
        assert!(message.contains(part), "no `{part}` in: {message}");
    }
}
