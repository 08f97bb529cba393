//! Two users that take turns.

use crate::rotation::ports::Stage;
use serde_json::json;

use super::super::Step;
use super::world::World;

#[tokio::test]
async fn both_users_have_their_turn_and_the_one_in_use_is_never_touched() {
    let world = World::with_admin(&json!({}));
    for expected in ["app_clone", "app", "app_clone", "app"] {
        let in_use = world.field(Stage::Current, "username").await;
        let before = world.plugin.database.lock().unwrap().passwords[&in_use].clone();
        let version = world.rotate().await;
        assert_eq!(world.field(Stage::Current, "username").await, expected);
        {
            let database = world.plugin.database.lock().unwrap();
            assert_eq!(database.passwords[&in_use], before, "`{in_use}` keeps its password");
            assert_eq!(database.passwords[expected].len(), 24);
        }
        let id = super::world::id(super::world::SECRET);
        let secret = crate::rotation::ports::SecretStore::describe(&world.store, &id);
        assert_eq!(secret.await.unwrap().version_with(&Stage::Current), Some(&version));
    }
    assert_eq!(world.failed_sign_ins(), 0);
    assert_eq!(world.sign_ins(), 4 * 3, "the current user, the administrator, the new user");
}

#[tokio::test]
async fn a_set_that_is_repeated_sets_the_same_password_again() {
    let world = World::with_admin(&json!({}));
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    world.plugin.database.lock().unwrap().lose_answer = true;
    world.step(Step::Set, &version).await.unwrap_err();
    world.finish_from(Step::Set, &version).await;
    assert_eq!(world.failed_sign_ins(), 0);
    world.check(&version).await;
}

#[tokio::test]
async fn the_administrator_is_not_asked_before_the_current_user_has_signed_in() {
    let world = World::with_admin(&json!({"password": "made up"}));
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    let error = world.error(Step::Set, &version).await;
    assert!(error.contains("no known password of `app`"), "{error}");
    let database = world.plugin.database.lock().unwrap();
    assert!(database.sign_ins.iter().all(|(user, _)| user != "admin"));
    assert!(!database.passwords.contains_key("app_clone"));
}

#[tokio::test]
async fn a_database_restored_from_a_backup_is_caught_up_with_an_older_password() {
    let world = World::with_admin(&json!({}));
    for _ in 0..2 {
        world.rotate().await;
    }
    // Since the backup, both users have had a turn: `app`, in force, has its first password again.
    world.set_password("app", "first");
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    let outcome = world.step(Step::Set, &version).await.unwrap();
    assert!(outcome.to_string().contains("after the unlabelled version"), "{outcome}");
    assert_eq!(world.failed_sign_ins(), 2, "the current password and the pending one");
    world.finish_from(Step::Test, &version).await;
    world.check(&version).await;
}
