//! Secrets whose host is not their administrator's: read replicas and Aurora's endpoints, and what
//! only looks like them.

use serde_json::json;

use super::super::Step;
use super::fake_inventory::FakeInventory;
use super::world::{ADMIN, World};
use crate::inventory::Databases;
use crate::rotation::ports::InventoryErrorKind;

const ZONE: &str = "c1a2.eu-west-1.rds.example";

/// A secret at one host, its administrator at another.
fn world(own: &str, admin: &str, rds: FakeInventory) -> World {
    let mut world = World::new(&json!({"masterarn": ADMIN, "host": own}));
    let admin = json!({
        "engine": "fake", "host": admin, "username": "admin", "password": "adminpw",
    });
    world.create(ADMIN, &admin.to_string());
    world.set_password("admin", "adminpw");
    world.inventory = Databases(rds);
    world
}

/// What RDS lists in these tests.
fn listed() -> FakeInventory {
    FakeInventory::default()
        .instance("app", |_| {})
        .replica("app-replica", "app")
        .replica("other-replica", "other")
        .replica("far-replica", "arn:aws:rds:us-east-1:123456789012:db:app")
        .instance("stranger", |_| {})
        .cluster("pool")
        .member("pool-1", "pool")
        .member("pool-2", "pool")
        .cluster("other-pool")
        .member("other-pool-1", "other-pool")
}

fn at(name: &str) -> String {
    format!("{name}{ZONE}")
}

#[tokio::test]
async fn what_rds_confirms_is_rotated_at_the_writer_and_verified_at_the_secrets_own_host() {
    for (own, admin) in [
        ("app-replica.", "app."),
        ("pool.cluster-ro-", "pool.cluster-"),
        ("pool-2.", "pool.cluster-"),
        ("pool.cluster-ro-", "pool-1."),
        ("pool-2.", "pool-1."),
        // What was a reader when the secret was written, until a failover.
        ("pool-1.", "pool.cluster-"),
        ("pool.cluster-", "pool-1."),
        ("POOL.cluster-ro-", "Pool.cluster-"),
    ] {
        let (own, admin) = (at(own), at(admin));
        let world = world(&own, &admin, listed());
        let version = world.rotate().await;
        world.check(&version).await;
        assert_eq!(
            world.inventory.0.asked().len(),
            2,
            "{own} {admin}: {:?}",
            world.inventory.0.asked()
        );
        let database = world.plugin.database.lock().unwrap();
        let (own, admin) = (format!("{own}:7"), format!("{admin}:7"));
        let seen: Vec<_> =
            database.logins.iter().map(|one| (&*one.username, &*one.place)).collect();
        let expected = [("app", own.as_str()), ("admin", &admin), ("app_clone", &own)];
        assert_eq!(seen, expected);
    }
}

/// The administrator stays out of it, and so does everybody's password.
async fn refused(
    own: &str,
    admin: &str,
    rds: FakeInventory,
) -> (&'static str, String, Vec<String>) {
    let world = world(own, admin, rds);
    let version = world.begin();
    let error = world.up_to_set(&version).await.expect_err("a step fails");
    let database = world.plugin.database.lock().unwrap();
    assert!(database.sign_ins.iter().all(|(user, _)| user == "app"), "{own} {admin}");
    assert!(!database.passwords.contains_key("app_clone"));
    (error.error_type().as_str(), error.report(), world.inventory.0.asked())
}

#[tokio::test]
async fn what_only_looks_like_a_replica_is_refused_with_the_reason() {
    for (own, admin, expected) in [
        // A name of somebody else's, with a replica's first label. RDS has only its own.
        (
            "app-replica.attacker.example".into(),
            at("app."),
            "`app-replica.attacker.example` is not an endpoint",
        ),
        (
            "app-replica.rds.attacker.example".into(),
            at("app."),
            "is not the endpoint that Amazon RDS lists",
        ),
        (
            "pool.cluster-ro-x.rds.attacker.example".into(),
            at("pool.cluster-"),
            "is not the endpoint",
        ),
        ("pool-2.rds.attacker.example".into(), at("pool.cluster-"), "is not the endpoint"),
        // The administrator's own host must be RDS's as well.
        (
            at("app-replica."),
            "app.internal.example".into(),
            "`app.internal.example` is not an endpoint",
        ),
        (at("app-replica."), "app.rds.internal.example".into(), "is not the endpoint"),
        (at("stranger."), at("app."), "neither a read replica nor a reader endpoint of the other"),
        (at("other-replica."), at("app."), "neither a read replica"),
        (at("far-replica."), at("app."), "neither a read replica"),
        (at("app."), at("app-replica."), "neither a read replica"),
        (at("pool.cluster-ro-"), at("other-pool.cluster-"), "neither a read replica"),
        (at("pool-1."), at("other-pool-1."), "neither a read replica"),
        (at("pool-1."), at("app."), "neither a read replica"),
        (at("app-replica."), at("pool.cluster-"), "neither a read replica"),
        (at("gone."), at("app."), "lists no database `gone`"),
        (at("gone.cluster-ro-"), at("pool.cluster-"), "lists no database `gone`"),
        ("10.0.0.7".into(), at("app."), "`10.0.0.7` is not an endpoint"),
    ] {
        let (error_type, text, _) = refused(&own, &admin, listed()).await;
        assert_eq!(error_type, "Windlass.Operator.Mismatch", "{text}");
        assert!(text.contains(&format!("is for `{admin}:7`")), "{text}");
        assert!(text.contains(expected), "expected `{expected}` in: {text}");
    }
}

#[tokio::test]
async fn nobody_is_asked_where_the_answer_can_not_matter() {
    for (own, admin) in [
        ("db.example".to_owned(), "other.example".to_owned()),
        (at("app-replica."), "other.example".to_owned()),
        ("db.example".to_owned(), at("app.")),
    ] {
        let (_, _, asked) = refused(&own, &admin, listed()).await;
        assert!(asked.is_empty(), "{own} {admin}: {asked:?}");
    }
}

#[tokio::test]
async fn another_port_of_a_replica_is_another_server() {
    let moved = listed().instance("app-replica", |own| {
        own.replica_of = Some("app".into());
        own.endpoint.as_mut().unwrap().port = 8;
    });
    let (_, text, _) = refused(&at("app-replica."), &at("app."), moved).await;
    assert!(text.contains("is not the endpoint that Amazon RDS lists"), "{text}");
}

#[tokio::test]
async fn an_rds_that_does_not_answer_is_an_error_and_not_a_no() {
    for (kind, error_type) in [
        (InventoryErrorKind::AccessDenied, "Windlass.Operator.AccessDenied"),
        (InventoryErrorKind::Transient, "Windlass.Aws.Unavailable"),
        (InventoryErrorKind::Other, "Windlass.Aws.Other"),
    ] {
        let rds = listed().broken(kind);
        let (own, admin) = (at("app-replica."), at("app."));
        let (got, text, _) = refused(&own, &admin, rds).await;
        assert_eq!(got, error_type);
        let reason = format!("the call was made because the admin secret is for `{admin}:7`");
        assert!(text.contains(&reason), "{text}");
    }
}

#[tokio::test]
async fn a_replica_that_lags_is_asked_once_more_and_no_more() {
    let own = at("app-replica.");
    for (refusals, ends_well) in [(1, true), (2, false)] {
        let world = world(&own, &at("app."), listed());
        let version = world.begin();
        world.step(Step::Create, &version).await.unwrap();
        world.step(Step::Set, &version).await.unwrap();
        world.plugin.database.lock().unwrap().lagging.insert(format!("{own}:7"), refusals);
        let tested = world.step(Step::Test, &version).await;
        assert_eq!(world.failed_sign_ins(), refusals as usize);
        if ends_well {
            tested.unwrap();
            world.finish_from(Step::Finish, &version).await;
            world.check(&version).await;
        } else {
            let error = tested.unwrap_err();
            assert_eq!(error.error_type().as_str(), "Windlass.Service.Refused");
            let text = error.report();
            assert!(text.contains("a replica may lag behind"), "{text}");
            assert!(text.contains(&format!("had set it at {}:7", at("app."))), "{text}");
            // The next attempt ends well.
            world.finish_from(Step::Create, &version).await;
            world.check(&version).await;
        }
    }
}

#[tokio::test]
async fn a_refusal_where_nothing_can_lag_is_not_tried_again() {
    for world in [World::new(&json!({})), World::with_admin(&json!({}))] {
        let version = world.begin();
        world.step(Step::Create, &version).await.unwrap();
        let error = world.error(Step::Test, &version).await;
        assert!(error.contains("the service has another password"), "{error}");
        assert_eq!(world.failed_sign_ins(), 1);
    }
}
