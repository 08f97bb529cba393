//! The service does not take the new password: the rotation is given up, and the next one has another
//! password.

use crate::rotation::ports::{FailureKind, SecretStore, Stage, VersionId};
use serde_json::json;

use super::super::{Outcome, Step};
use super::fake_inventory::FakeInventory;
use super::world::{ADMIN, SECRET, World, id};

/// A world for every way of rotating.
fn worlds() -> [World; 5] {
    let tagged = |world: World, strategy| {
        world.tag(super::super::STRATEGY_TAG, strategy);
        world
    };
    let fields = json!({});
    [
        World::new(&fields),
        tagged(World::with_admin(&fields), "single-user"),
        World::with_admin(&fields),
        tagged(World::new(&fields), "dual-password"),
        tagged(World::with_admin(&fields), "dual-password"),
    ]
}

fn unwilling(world: &World, kind: Option<FailureKind>) {
    world.plugin.database.lock().unwrap().unwilling = kind;
}

/// A rotation whose password is not taken; its error.
async fn rejected(world: &World) -> (VersionId, crate::rotation::Error) {
    unwilling(world, Some(FailureKind::PasswordRejected));
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    let error = world.step(Step::Set, &version).await.expect_err("the password is rejected");
    (version, error)
}

#[tokio::test]
async fn the_rotation_is_given_up_and_the_next_one_has_another_password() {
    for world in worlds() {
        let (version, error) = rejected(&world).await;
        assert_eq!(error.error_type().as_str(), "Windlass.Operator.PasswordRejected");
        let error = error.report();
        let off = format!(
            "AWSPENDING was removed from version {version}: rotate again with RotateSecret"
        );
        for part in ["nothing was changed", "set PASSWORD_LENGTH", &off] {
            assert!(error.contains(part), "no `{part}` in: {error}");
        }
        let secret = world.store.describe(&id(SECRET)).await.unwrap();
        assert_eq!(secret.version_with(&Stage::Pending), None);
        assert_eq!(world.field(Stage::Current, "password").await, "first");
        assert_eq!(world.password_of("app").as_deref(), Some("first"));

        // Secrets Manager may go on with the same token.
        for step in Step::ALL {
            let error = world.error(step, &version).await;
            assert!(error.contains("was abandoned or cancelled"), "{step}: {error}");
        }
        let value = crate::rotation::ports::VersionSelector::Version(version);
        let rejected = world.store.value(&id(SECRET), &value).await.unwrap().text.unwrap();
        unwilling(&world, None);
        let next = world.rotate().await;
        let password = world.field(Stage::Current, "password").await;
        assert!(!rejected.reveal().contains(&password), "another password");
        assert_eq!(world.failed_sign_ins(), 0);
        world.check(&next).await;
    }
}

#[tokio::test]
async fn what_the_plugin_advises_is_said_in_place_of_the_usual() {
    let world = World::new(&json!({}));
    let advice = "set PASSWORD_LENGTH=40: the server's rule is validate_password.length";
    world.plugin.database.lock().unwrap().remedy = advice.to_owned();
    let (_, error) = rejected(&world).await;
    let error = error.report();
    assert!(error.contains(&format!("nothing was changed; {advice}; this rotation")), "{error}");
    assert!(!error.contains("EXCLUDE_…"), "{error}");
}

#[tokio::test]
async fn a_password_that_an_earlier_attempt_set_is_not_given_up() {
    // The label is needed to finish with it.
    let world = World::new(&json!({}));
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    world.plugin.database.lock().unwrap().lose_answer = true;
    world.error(Step::Set, &version).await;
    unwilling(&world, Some(FailureKind::PasswordRejected));
    assert_eq!(world.step(Step::Set, &version).await.unwrap(), Outcome::AlreadySet);
    unwilling(&world, None);
    world.finish_from(Step::Test, &version).await;
    world.check(&version).await;
}

/// Lambda may run a step twice at once. A policy against repetitions rejects what the faster one set.
#[tokio::test]
async fn a_password_that_another_invocation_sets_meanwhile_is_not_given_up() {
    for by_admin in [false, true] {
        let fields = json!({});
        let world = if by_admin { World::with_admin(&fields) } else { World::new(&fields) };
        world.tag(super::super::STRATEGY_TAG, "single-user");
        let version = world.begin();
        world.step(Step::Create, &version).await.unwrap();
        let pending = world.field(Stage::Pending, "password").await;
        // Between the sign-in of the change and its statement.
        let sign_ins = if by_admin { 2 } else { 1 };
        world.plugin.database.lock().unwrap().meanwhile = Some((sign_ins, pending));
        unwilling(&world, Some(FailureKind::PasswordRejected));
        let error = world.error(Step::Set, &version).await;
        assert!(error.contains("AWSPENDING was not removed"), "{error}");
        let secret = world.store.describe(&id(SECRET)).await.unwrap();
        assert_eq!(secret.unfinished(), Some(&version));
        assert_eq!(world.step(Step::Set, &version).await.unwrap(), Outcome::AlreadySet);
        world.finish_from(Step::Test, &version).await;
        world.check(&version).await;
    }
}

/// Policies lock an account after some refusals: none is made for a password that was refused a moment
/// ago. What signed in shows as well that the pending one is not in force.
#[tokio::test]
async fn a_rejected_password_costs_no_further_refusal() {
    let world = World::new(&json!({}));
    world.rotate().await;
    // Restored from a backup.
    world.set_password("app", "first");
    let (version, _) = rejected(&world).await;
    assert_eq!(world.failed_sign_ins(), 2, "AWSCURRENT and AWSPENDING, each once");
    let secret = world.store.describe(&id(SECRET)).await.unwrap();
    assert_eq!(secret.unfinished(), None, "{version} was given up");
    unwilling(&world, None);
    let next = world.rotate().await;
    world.check(&next).await;
}

/// Each rotation that is given up leaves a version without a label, and few of those are tried.
#[tokio::test]
async fn a_password_in_force_without_a_label_is_not_hidden_by_further_ones() {
    let world = World::new(&json!({}));
    let abandoned = world.begin();
    for step in [Step::Create, Step::Set] {
        world.step(step, &abandoned).await.unwrap();
    }
    world.drop_pending_of(SECRET).await;
    let (version, error) = rejected(&world).await;
    let error = error.report();
    let command = format!("--remove-from-version-id '{version}'");
    for part in ["of a version without a label", &command] {
        assert!(error.contains(part), "no `{part}` in: {error}");
    }
    assert_eq!(world.store.describe(&id(SECRET)).await.unwrap().unfinished(), Some(&version));
    unwilling(&world, None);
    world.finish_from(Step::Set, &version).await;
    world.check(&version).await;
}

#[tokio::test]
async fn only_what_was_rejected_after_the_sign_in_is_given_up() {
    // Whoever can't tell may not have changed nothing.
    for kind in [FailureKind::Declined, FailureKind::Unreachable, FailureKind::TextRequired] {
        let world = World::new(&json!({}));
        unwilling(&world, Some(kind));
        let version = world.begin();
        world.step(Step::Create, &version).await.unwrap();
        world.error(Step::Set, &version).await;
        let secret = world.store.describe(&id(SECRET)).await.unwrap();
        assert_eq!(secret.unfinished(), Some(&version), "{kind:?}");
    }
    // A sign-in that only verifies has no password to reject.
    let world = World::with_admin(&json!({}));
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    world.plugin.database.lock().unwrap().broken = Some(FailureKind::PasswordRejected);
    world.error(Step::Set, &version).await;
    let secret = world.store.describe(&id(SECRET)).await.unwrap();
    assert_eq!(secret.unfinished(), Some(&version));
}

#[tokio::test]
async fn where_the_sign_in_may_lag_behind_the_change_the_label_stays() {
    let zone = "c1a2.eu-west-1.rds.example";
    let (own, writer) = (format!("app-replica.{zone}"), format!("app.{zone}"));
    let mut world = World::new(&json!({"masterarn": ADMIN, "host": own}));
    let admin =
        json!({"engine": "fake", "host": writer, "username": "admin", "password": "adminpw"});
    world.create(ADMIN, &admin.to_string());
    world.set_password("admin", "adminpw");
    world.tag(super::super::STRATEGY_TAG, "single-user");
    world.inventory = crate::inventory::Databases(
        FakeInventory::default().instance("app", |_| {}).replica("app-replica", "app"),
    );
    let (version, error) = rejected(&world).await;
    let error = error.report();
    let command = format!("--remove-from-version-id '{version}'");
    for part in ["may lag behind", "aws secretsmanager update-secret-version-stage", &command] {
        assert!(error.contains(part), "no `{part}` in: {error}");
    }
    assert_eq!(world.store.describe(&id(SECRET)).await.unwrap().unfinished(), Some(&version));
}

#[tokio::test]
async fn a_repair_that_sets_a_rejected_password_gives_nothing_up() {
    let world = World::new(&json!({}));
    world.rotate().await;
    world.set_password("app", "first");
    unwilling(&world, Some(FailureKind::PasswordRejected));
    let error = super::repair::repair(&world).await.err().expect("rejected").report();
    assert!(error.contains("nothing was changed; set PASSWORD_LENGTH"), "{error}");
    assert!(!error.contains("given up"), "{error}");
}
