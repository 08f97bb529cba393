//! What an earlier attempt saw decides with which password the next one begins.

use crate::rotation::ports::VersionId;
use serde_json::json;

use super::super::{Outcome, Step};
use super::world::World;

/// Attempts at setSecret, each after somebody has unlocked the account; how many it takes.
async fn attempts(world: &World, version: &VersionId) -> usize {
    for attempt in 1..=9 {
        if world.step(Step::Set, version).await.is_ok() {
            return attempt;
        }
        let mut database = world.plugin.database.lock().unwrap();
        assert!(database.locked, "that is what stopped it");
        database.locked = false;
    }
    panic!("unlocking does not help");
}

#[tokio::test]
async fn an_account_that_is_locked_at_the_first_refusal_is_unlocked_once() {
    let world = World::new(&json!({}));
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    world.plugin.database.lock().unwrap().lose_answer = true;
    world.error(Step::Set, &version).await;
    world.plugin.database.lock().unwrap().locks = true;
    assert_eq!(attempts(&world, &version).await, 2);
    assert_eq!(world.failed_sign_ins(), 1, "the old password, once");
    world.finish_from(Step::Test, &version).await;
    world.check(&version).await;
}

#[tokio::test]
async fn each_attempt_on_such_an_account_tries_what_was_not_refused_yet() {
    let world = World::new(&json!({}));
    world.rotate().await;
    let orphan = world.begin();
    world.step(Step::Create, &orphan).await.unwrap();
    let abandoned = world.field(crate::rotation::ports::Stage::Pending, "password").await;
    world.take_label(&orphan).await;
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    world.set_password("app", &abandoned);
    world.plugin.database.lock().unwrap().locks = true;
    assert_eq!(attempts(&world, &version).await, 4, "current, pending, previous, abandoned");
    assert_eq!(world.failed_sign_ins(), 3, "each once");
    world.finish_from(Step::Test, &version).await;
    world.check(&version).await;
}

#[tokio::test]
async fn where_all_were_refused_the_current_one_is_tried_first_again() {
    let world = World::new(&json!({}));
    let version = world.rotate().await;
    let next = world.begin();
    world.step(Step::Create, &next).await.unwrap();
    world.set_password("app", "by hand");
    world.error(Step::Set, &next).await;
    let refused = world.failed_sign_ins();
    // As the error advises.
    let current = world.field(crate::rotation::ports::Stage::Current, "password").await;
    world.set_password("app", &current);
    world.finish_from(Step::Set, &next).await;
    assert_eq!(world.failed_sign_ins(), refused, "none more");
    assert_ne!(version, next);
    world.check(&next).await;
}

#[tokio::test]
async fn a_step_that_comes_twice_makes_no_failed_sign_in() {
    let world = World::new(&json!({}));
    let version = world.begin();
    for step in [Step::Create, Step::Set] {
        world.step(step, &version).await.unwrap();
    }
    assert_eq!(world.step(Step::Set, &version).await.unwrap(), Outcome::AlreadySet);
    assert_eq!(world.failed_sign_ins(), 0);
}

#[tokio::test]
async fn with_two_accounts_or_passwords_the_change_is_made_again_as_a_whole() {
    for (world, tag) in [
        (World::with_admin(&json!({})), "alternating-users"),
        (World::new(&json!({})), "dual-password"),
    ] {
        world.tag(super::super::STRATEGY_TAG, tag);
        let version = world.begin();
        for step in [Step::Create, Step::Set] {
            world.step(step, &version).await.unwrap();
        }
        let again = world.step(Step::Set, &version).await.unwrap();
        assert!(matches!(again, Outcome::Set { .. }), "{tag}: {again}");
    }
}
