//! One user that changes its own password, or whose password an administrator changes.

use crate::rotation::ports::{FailureKind, SecretStore, Stage, VersionId, VersionSelector};
use serde_json::json;

use super::super::{Outcome, Step};
use super::world::World;

#[tokio::test]
async fn an_ordinary_rotation_signs_in_twice_and_never_fails() {
    let world = World::new(&json!({"port": 5, "note": "kept"}));
    let version = world.rotate().await;
    assert_eq!(world.sign_ins(), 2, "one to change, one to test");
    assert_eq!(world.failed_sign_ins(), 0);
    assert_eq!(world.field(Stage::Current, "note").await, "kept");
    assert_eq!(world.field(Stage::Current, "password").await.len(), 24, "the plugin's length");
    assert_eq!(world.field(Stage::Previous, "password").await, "first");
    world.check(&version).await;
}

#[tokio::test]
async fn every_step_may_run_twice_and_late() {
    let world = World::new(&json!({}));
    let version = world.begin();
    for step in Step::ALL {
        world.step(step, &version).await.expect("the first time");
        let password = world.field(Stage::Pending, "password").await;
        for earlier in Step::ALL.into_iter().take_while(|earlier| *earlier != step).chain([step]) {
            world.step(earlier, &version).await.unwrap_or_else(|error| {
                panic!("{earlier} after {step}: {}", error.report());
            });
        }
        assert_eq!(world.field(Stage::Pending, "password").await, password, "never made anew");
    }
    world.check(&version).await;
}

#[tokio::test]
async fn an_answer_that_was_lost_after_the_change_does_no_harm() {
    let world = World::new(&json!({}));
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    world.plugin.database.lock().unwrap().lose_answer = true;
    assert!(world.error(Step::Set, &version).await.contains("changing the password of `app`"));
    assert_eq!(world.step(Step::Set, &version).await.unwrap(), Outcome::AlreadySet);
    assert_eq!(world.failed_sign_ins(), 1, "the old password, once");
    world.finish_from(Step::Test, &version).await;
    world.check(&version).await;
}

#[tokio::test]
async fn a_database_restored_from_a_backup_is_caught_up_with_the_previous_password() {
    let world = World::new(&json!({}));
    world.rotate().await;
    world.set_password("app", "first");
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    let outcome = world.step(Step::Set, &version).await.unwrap();
    assert!(outcome.to_string().contains("with the AWSPREVIOUS password"), "{outcome}");
    world.finish_from(Step::Test, &version).await;
    world.check(&version).await;
}

/// The case that AWS's functions never recover from: the change was made, then Secrets Manager
/// started over with a new token, twice.
#[tokio::test]
async fn the_password_of_an_abandoned_rotation_is_found_again() {
    for abandoned in 1..=4 {
        let world = World::new(&json!({}));
        let lost = world.begin();
        world.step(Step::Create, &lost).await.unwrap();
        world.step(Step::Set, &lost).await.unwrap();
        let mut last = lost.clone();
        for _ in 0..abandoned {
            world.take_label(&last).await;
            last = world.begin();
            world.step(Step::Create, &last).await.unwrap();
        }
        let outcome = world.step(Step::Set, &last).await.unwrap();
        assert!(outcome.to_string().contains(&format!("unlabelled version {lost}")), "{outcome}");
        world.finish_from(Step::Test, &last).await;
        world.check(&last).await;
    }
}

#[tokio::test]
async fn where_no_known_password_signs_in_nothing_is_changed_and_the_error_says_what_was_tried() {
    let world = World::new(&json!({}));
    world.rotate().await;
    world.set_password("app", "changed by hand");
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    let error = world.error(Step::Set, &version).await;
    assert!(error.contains("tried AWSCURRENT, AWSPENDING, AWSPREVIOUS"), "{error}");
    assert!(error.contains("nothing was changed"), "{error}");
    let database = world.plugin.database.lock().unwrap();
    assert_eq!(database.passwords["app"], "changed by hand");
}

#[tokio::test]
async fn only_a_refusal_leads_to_the_next_candidate() {
    for kind in [
        FailureKind::Unreachable,
        FailureKind::Declined,
        FailureKind::Protocol,
        FailureKind::Unsupported,
        FailureKind::InvalidSecret,
    ] {
        let world = World::new(&json!({}));
        let version = world.begin();
        world.step(Step::Create, &version).await.unwrap();
        world.plugin.database.lock().unwrap().broken = Some(kind);
        let error = world.error(Step::Set, &version).await;
        assert!(error.contains("with the AWSCURRENT password at db.example:7"), "{error}");
        world.plugin.database.lock().unwrap().broken = None;
        world.finish_from(Step::Set, &version).await;
        assert_eq!(world.failed_sign_ins(), 0, "{kind:?}");
        world.check(&version).await;
    }
}

#[tokio::test]
async fn an_administrator_changes_the_password_once_the_user_has_signed_in() {
    let world = World::with_admin(&json!({}));
    world.tag("windlass:strategy", "single-user");
    let version = world.rotate().await;
    assert_eq!(world.field(Stage::Current, "username").await, "app");
    let sign_ins = world.plugin.database.lock().unwrap().sign_ins.clone();
    let users: Vec<_> = sign_ins.iter().map(|(user, _)| user.as_str()).collect();
    assert_eq!(users, ["app", "admin", "app"]);
    world.check(&version).await;
}

#[tokio::test]
async fn an_administrator_changes_nothing_for_a_password_that_never_was_valid() {
    let world = World::with_admin(&json!({"password": "made up"}));
    world.tag("windlass:strategy", "single-user");
    world.set_password("app", "somebody else's");
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    let error = world.error(Step::Set, &version).await;
    assert!(error.contains("no known password of `app` signs in"), "{error}");
    let database = world.plugin.database.lock().unwrap();
    assert!(database.sign_ins.iter().all(|(user, _)| user != "admin"));
    assert_eq!(database.passwords["app"], "somebody else's");
}

#[tokio::test]
async fn a_wrong_admin_password_is_the_admin_secrets_fault_and_ends_the_search() {
    let world = World::with_admin(&json!({}));
    world.tag("windlass:strategy", "single-user");
    world.set_password("admin", "changed by hand");
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    let error = world.error(Step::Set, &version).await;
    assert!(error.contains("signing in as `admin` with the admin secret's password"), "{error}");
    assert_eq!(world.failed_sign_ins(), 1, "only the administrator's");
}

#[tokio::test]
async fn test_secret_alone_works_and_a_pending_version_without_a_value_is_said_so() {
    let world = World::new(&json!({}));
    let version = world.begin();
    let error = world.error(Step::Test, &version).await;
    assert!(error.contains("is AWSPENDING but has no value: createSecret has not run"), "{error}");
    // As when a schedule is set up: the temporary version holds what is current.
    let current = VersionSelector::Stage(Stage::Current);
    let text = world
        .store
        .value(&super::world::id(super::world::SECRET), &current)
        .await
        .unwrap()
        .text
        .unwrap();
    let pending = crate::rotation::ports::PendingValue {
        version: version.clone(),
        text,
        rotation_token: None,
    };
    world.store.put_pending(&super::world::id(super::world::SECRET), &pending).await.unwrap();
    let outcome = world.step(Step::Test, &version).await.unwrap();
    assert_eq!(outcome, Outcome::Tested { username: "app".into() });
    let error = world.error(Step::Set, &version).await;
    assert!(error.contains("has the same password as AWSCURRENT"), "{error}");
}

#[tokio::test]
async fn what_an_operator_corrected_after_a_failed_attempt_is_not_brought_back() {
    let world = World::new(&json!({"port": 9}));
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    // The port was wrong; the operator corrects it, and the attempt is repeated.
    let corrected = json!({
        "engine": "fake", "host": "db.example", "username": "app", "password": "first", "port": 7,
    });
    world.replace_current(&corrected.to_string());
    for step in [Step::Create, Step::Set] {
        let error = world.error(step, &version).await;
        assert!(error.contains("`port` is not the same in the AWSPENDING version"), "{error}");
        assert!(error.contains(&format!("--remove-from-version-id '{version}'")), "{error}");
    }
    assert_eq!(world.sign_ins(), 0);
    world.take_label(&version).await;
    let version = world.rotate().await;
    world.check(&version).await;
}

#[tokio::test]
async fn no_more_passwords_are_tried_than_lock_out_policies_allow() {
    let world = World::new(&json!({}));
    world.rotate().await;
    for _ in 0..8 {
        let version = world.begin();
        world.step(Step::Create, &version).await.unwrap();
        world.take_label(&version).await;
    }
    world.set_password("app", "changed by hand");
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    let error = world.error(Step::Set, &version).await;
    assert!(error.contains("further passwords of abandoned rotations were not tried"), "{error}");
    let each = "current, pending, previous, four orphans, pending";
    assert_eq!(world.failed_sign_ins(), 1 + 1 + 1 + 4 + 1, "{each}");
}

#[tokio::test]
async fn a_version_without_a_value_never_becomes_current() {
    let world = World::new(&json!({}));
    let version = world.begin();
    let error = world.error(Step::Finish, &version).await;
    assert!(error.contains("is AWSPENDING but has no value"), "{error}");
    assert_eq!(world.field(Stage::Current, "password").await, "first");
}

/// The secret's fields as an operator edits them, with a password of their choice.
fn edited(fields: &serde_json::Value) -> String {
    let mut secret = json!({
        "engine": "fake", "host": "db.example", "username": "app", "password": "by hand",
    });
    secret.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    secret.to_string()
}

/// The rotation up to its last step.
async fn tested() -> (World, VersionId) {
    let world = World::new(&json!({}));
    let version = world.begin();
    for step in [Step::Create, Step::Set, Step::Test] {
        world.step(step, &version).await.unwrap();
    }
    // The store tells times apart by the millisecond.
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    (world, version)
}

#[tokio::test]
async fn what_an_operator_edits_before_the_last_step_is_not_undone() {
    for (fields, expected) in [
        (json!({"host": "new.example"}), "`host` is not the same"),
        (json!({"note": "new"}), "`note` is not the same"),
        (
            json!({"username": "other"}),
            "is for user `app`, but this rotation changes the password of `other`",
        ),
    ] {
        let (world, version) = tested().await;
        world.replace_current(&edited(&fields));
        let error = world.error(Step::Finish, &version).await;
        assert!(error.contains(expected), "{error}");
        assert!(error.contains(&format!("--remove-from-version-id '{version}'")), "{error}");
        assert_eq!(world.field(Stage::Current, "password").await, "by hand");
    }
}

#[tokio::test]
async fn a_password_set_by_hand_before_the_last_step_is_found_out() {
    let (world, version) = tested().await;
    world.replace_current(&edited(&json!({})));
    // Stored only: the database still has the new one.
    let database_unchanged = world.step(Step::Finish, &version).await;
    assert!(matches!(database_unchanged, Ok(Outcome::Finished { .. })));
    assert_eq!(world.field(Stage::Previous, "password").await, "by hand");

    let (world, version) = tested().await;
    world.replace_current(&edited(&json!({})));
    world.set_password("app", "by hand");
    let error = world.error(Step::Finish, &version).await;
    assert!(error.contains("signing in as `app` with the AWSPENDING password"), "{error}");
    assert_eq!(world.field(Stage::Current, "password").await, "by hand");
    // The next attempt sets it again, starting from the password that was set by hand.
    world.finish_from(Step::Create, &version).await;
    world.check(&version).await;
}

#[tokio::test]
async fn a_password_for_another_host_is_not_sent_there_and_the_error_says_so() {
    let (world, version) = tested().await;
    world.replace_current(&edited(&json!({"host": "new.example"})));
    world.take_label(&version).await;
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    let error = world.error(Step::Set, &version).await;
    assert!(
        error.contains("AWSPENDING (each refused: as told); passwords of versions with"),
        "{error}"
    );
    assert!(error.contains("versions with another host, port or engine"), "{error}");
}

#[tokio::test]
async fn the_same_step_twice_at_once_ends_well_for_both_also_where_passwords_are_searched() {
    let world = World::new(&json!({}));
    let abandoned = world.begin();
    for step in [Step::Create, Step::Set] {
        world.step(step, &abandoned).await.unwrap();
    }
    world.take_label(&abandoned).await;
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    // The other attempt finds the abandoned password after this one has been refused the new one.
    let pending = world.field(Stage::Pending, "password").await;
    let refused = world.sign_ins() + 2;
    world.plugin.database.lock().unwrap().meanwhile = Some((refused, pending));
    assert_eq!(world.step(Step::Set, &version).await.unwrap(), Outcome::AlreadySet);
    world.finish_from(Step::Test, &version).await;
    world.check(&version).await;
}
