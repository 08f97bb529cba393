//! One clear error each, before anything is changed.

use serde_json::{Value, json};

use super::super::Step;
use super::world::{ADMIN, SECRET, World, id};
use crate::rotation::ports::{
    FailureKind, Features, PendingValue, SecretStore, Stage, StageMove, VersionId,
};
use windlass_secrets_manager::Deletion;

/// createSecret fails with this text, and neither a connection was made nor a value stored.
async fn create_fails(world: World, expected: &str) {
    let version = world.begin();
    create_fails_with(&world, &version, expected).await;
}

async fn create_fails_with(world: &World, version: &VersionId, expected: &str) {
    let error = world.error(Step::Create, version).await;
    assert!(error.contains(expected), "expected `{expected}` in: {error}");
    for secret in ["first", "adminpw"] {
        assert!(!error.contains(secret), "a secret in: {error}");
    }
    assert_eq!(world.sign_ins(), 0, "{error}");
    let selector = crate::rotation::ports::VersionSelector::Version(version.clone());
    assert!(world.store.value(&id(SECRET), &selector).await.is_err(), "stored despite: {error}");
}

#[tokio::test]
async fn each_field_that_can_not_be_used_is_named() {
    let table: [(Value, &str); 15] = [
        (json!({"engine": null}), "field `engine` of the AWSCURRENT version of secret `app-db`"),
        (
            json!({"engine": ""}),
            "field `engine` of the AWSCURRENT version of secret `app-db` is empty",
        ),
        (json!({"engine": "oracle"}), "no installed plugin serves engine `oracle`"),
        (json!({"host": null}), "field `host`"),
        (json!({"host": ""}), "field `host`"),
        (json!({"host": "two words"}), "field `host`"),
        (
            json!({"host": "db.example:5432"}),
            "must be a host name or an IP address alone, without a port; the port belongs in field `port`",
        ),
        (
            json!({"port": 70000}),
            "field `port` of the AWSCURRENT version of secret `app-db` must be a number from 1 to 65535",
        ),
        (json!({"port": -1}), "field `port`"),
        (json!({"port": 54.5}), "field `port`"),
        (json!({"port": [5432]}), "field `port`"),
        (json!({"username": 7}), "field `username`"),
        (json!({"password": ""}), "field `password`"),
        (json!({"dbname": 7}), "field `dbname`"),
        (json!({"masterarn": ""}), "field `masterarn`"),
    ];
    for (fields, expected) in table {
        create_fails(World::new(&fields), expected).await;
    }
}

#[tokio::test]
async fn a_value_that_is_no_object_is_refused_without_being_shown() {
    for text in ["first", "[\"first\"]", "\"first\""] {
        let world = World::new(&json!({}));
        world.replace_current(text);
        create_fails(world, "the AWSCURRENT version of secret `app-db` is").await;
    }
}

#[tokio::test]
async fn a_strategy_that_can_not_work_is_refused_at_once() {
    let long = World::with_admin(&json!({"username": "elevenchars"}));
    create_fails(long, "`elevenchars_clone` has 17 bytes, and the service allows at most 16").await;

    let world = World::new(&json!({}));
    world.tag("windlass:strategy", "alternating-users");
    create_fails(world, "alternating users need an administrator: add `masterarn`").await;

    let world = World::new(&json!({}));
    world.tag("windlass:strategy", "both");
    create_fails(world, "tag `windlass:strategy`: unknown strategy `both`").await;

    let world = World::new(&json!({}));
    world.tag("windlass:plugin", "other");
    create_fails(world, "plugin `other` is not installed").await;

    let unable = World::with_plugin(&json!({}), |own| own.features = Features::default());
    let itself = World::new(&json!({"masterarn": SECRET}));
    create_fails(itself, "names the secret itself").await;

    create_fails(unable, "plugin `fake` does not support `self-change` for engine `fake`").await;

    let one_password = |alternating_users| {
        World::with_plugin(&json!({}), move |own| {
            own.features = Features { alternating_users, dual_password: false, ..own.features };
        })
    };
    for (alternating_users, expected) in [
        (
            true,
            "which this rotation needs; an account of this service has one password at a time: use alternating users",
        ),
        (
            false,
            "which this rotation needs; an account of this service has one password at a time: tag the secret `windlass:strategy` = `single-user`",
        ),
    ] {
        let world = one_password(alternating_users);
        world.tag("windlass:strategy", "dual-password");
        create_fails(world, expected).await;
    }
    let by_admin = World::with_plugin(&json!({}), |own| own.features.self_change = false);
    by_admin.tag("windlass:strategy", "dual-password");
    create_fails(
        by_admin,
        "`self-change` for engine `fake`, which this rotation needs; add `masterarn`",
    )
    .await;
}

#[tokio::test]
async fn each_admin_secret_that_does_not_fit_is_refused_before_it_is_used() {
    for (fields, admin, expected) in [
        (json!({"masterarn": "gone"}), None, "`masterarn` of `app-db` names it"),
        (
            json!({"masterarn": ADMIN}),
            Some(json!({"host": "other.example"})),
            "secret `app-db` is for `db.example:7`, but its admin secret is for `other.example:7`",
        ),
        (
            json!({"masterarn": ADMIN}),
            Some(json!({"port": 8})),
            "admin secret is for `db.example:8`",
        ),
        (
            json!({"masterarn": ADMIN}),
            Some(json!({"username": "app"})),
            "is for user `app`, whose password this rotation changes",
        ),
        (
            json!({"masterarn": ADMIN}),
            Some(json!({"username": "app_clone"})),
            "is for user `app_clone`, whose password this rotation changes",
        ),
        (
            json!({"masterarn": ADMIN}),
            Some(json!({"engine": "mysql"})),
            "is for engine `mysql`, which plugin `fake` does not serve",
        ),
        (
            json!({"masterarn": ADMIN}),
            Some(json!({"username": ""})),
            "field `username` of the AWSCURRENT version of secret `admin-db`",
        ),
    ] {
        let world = World::new(&fields);
        if let Some(change) = admin {
            let mut secret = json!({
                "engine": "fake", "host": "db.example", "username": "admin", "password": "adminpw",
            });
            secret.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            world.create(ADMIN, &secret.to_string());
        }
        world.set_password("admin", "adminpw");
        create_fails(world, expected).await;
    }
}

#[tokio::test]
async fn an_admin_secret_that_was_spoiled_after_the_first_step_is_refused_before_it_is_used() {
    for (change, expected) in [
        (json!({"host": "other.example"}), "admin secret is for `other.example:7`"),
        (json!({"username": "app"}), "is for user `app`, whose password this rotation changes"),
        (json!({"engine": "mysql"}), "is for engine `mysql`, which plugin `fake` does not serve"),
        (
            json!({"password": ""}),
            "field `password` of the AWSCURRENT version of secret `admin-db`",
        ),
    ] {
        let world = World::with_admin(&json!({}));
        let version = world.begin();
        world.step(Step::Create, &version).await.unwrap();
        let mut secret = json!({
            "engine": "fake", "host": "db.example", "username": "admin", "password": "adminpw",
        });
        secret.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        world.replace_current_of(ADMIN, &secret.to_string());
        let error = world.error(Step::Set, &version).await;
        assert!(error.contains(expected), "expected `{expected}` in: {error}");
        let database = world.plugin.database.lock().unwrap();
        assert!(database.sign_ins.iter().all(|(user, _)| user != "admin"), "{error}");
        assert_eq!(database.passwords["app"], "first");
    }
}

#[tokio::test]
async fn what_is_known_to_stand_in_the_way_is_said_before_anything_is_stored() {
    for (kind, error_type) in [
        (FailureKind::NotGranted, "Windlass.Operator.NotGranted"),
        (FailureKind::TlsFailed, "Windlass.Service.TlsFailed"),
    ] {
        let world = World::new(&json!({}));
        world.plugin.database.lock().unwrap().foreseen = Some(kind);
        let version = world.begin();
        let error = world.step(Step::Create, &version).await.expect_err("foreseen");
        assert_eq!(error.error_type().as_str(), error_type);
        create_fails_with(
            &world,
            &version,
            "before a new password is stored, whether `app` can sign in",
        )
        .await;
    }
}

#[tokio::test]
async fn names_that_no_account_can_have_are_refused_before_anything_is_stored() {
    let rules = |fields: Value| {
        World::with_plugin(&fields, |own| own.username_rules.excluded_characters = "\"$".into())
    };
    create_fails(rules(json!({"username": "a$b"})), "`a$b` contains `$`").await;
    let long = json!({"username": "a-name-that-is-too-long"});
    create_fails(World::new(&long), "has 23 bytes, and plugin `fake` allows at most 16").await;
    let mut limited = World::with_admin(&json!({}));
    limited.settings.username_limit = Some(8);
    create_fails(limited, "`app_clone` of alternating users has 9 characters, and USERNAME_").await;
    let mut alone = World::new(&json!({}));
    alone.settings.username_limit = Some(2);
    alone.rotate().await;
}

#[tokio::test]
async fn a_pending_version_of_another_user_or_host_is_refused_before_any_connection() {
    for (fields, expected) in [
        (
            json!({"username": "root"}),
            "is for user `root`, but this rotation changes the password of `app`",
        ),
        (
            json!({"host": "evil.example"}),
            "`host` is not the same in the AWSPENDING version of secret `app-db`",
        ),
        (json!({"port": 8}), "`port` is not the same in the AWSPENDING version of secret `app-db`"),
        (json!({"ssl": false}), "`ssl` is not the same"),
        (json!({"note": "new"}), "--version-stage AWSPENDING --remove-from-version-id"),
        (json!({"password": "first"}), "has the same password as AWSCURRENT"),
    ] {
        let world = World::new(&json!({}));
        let version = world.begin();
        let mut secret = json!({
            "engine": "fake", "host": "db.example", "username": "app", "password": "second",
        });
        secret.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let text = crate::secret::Secret::new(secret.to_string());
        let pending = PendingValue { version: version.clone(), text, rotation_token: None };
        world.store.put_pending(&id(SECRET), &pending).await.unwrap();
        let error = world.error(Step::Set, &version).await;
        assert!(error.contains(expected), "expected `{expected}` in: {error}");
        assert_eq!(world.sign_ins(), 0, "{error}");
    }
}

#[tokio::test]
async fn the_labels_decide_before_anything_else() {
    let unknown = VersionId::new("0b94897a-6f8e-4a0e-9d3e-6d7f7f3f4f11");
    for step in Step::ALL {
        let world = World::new(&json!({}));
        let error = world.error(step, &unknown).await;
        assert!(error.contains("has no labelled version"), "{step}: {error}");

        let version = world.begin();
        let change = StageMove {
            stage: Stage::Custom("mine".into()),
            remove_from: None,
            move_to: Some(version.clone()),
        };
        world.store.move_stage(&id(SECRET), &change).await.unwrap();
        let change =
            StageMove { stage: Stage::Pending, remove_from: Some(version.clone()), move_to: None };
        world.store.move_stage(&id(SECRET), &change).await.unwrap();
        let error = world.error(step, &version).await;
        assert!(error.contains("is not labelled AWSPENDING"), "{step}: {error}");

        let version = world.begin();
        world.store.cancel_rotation(SECRET).unwrap();
        let error = world.error(step, &version).await;
        assert!(error.contains("rotation of secret `app-db` is turned off"), "{step}: {error}");

        world.store.delete_secret(SECRET, Deletion::AfterDays(None)).unwrap();
        let error = world.error(step, &version).await;
        assert!(error.contains("scheduled for deletion"), "{step}: {error}");
    }
}
