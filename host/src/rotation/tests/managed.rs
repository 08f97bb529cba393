//! Admin secrets that Amazon RDS manages: found by their tags, or refused with what is missing.

use serde_json::json;

use super::super::Step;
use super::fake_inventory::FakeInventory;
use super::world::{ADMIN, World};
use crate::inventory::Databases;
use crate::rotation::ports::InventoryErrorKind;
use crate::rotation::ports::Stage;

const INSTANCE_TAG: &str = "aws:rds:primaryDBInstanceArn";
const CLUSTER_TAG: &str = "aws:rds:primaryDBClusterArn";
const INSTANCE_ARN: &str = "arn:aws:rds:eu-west-1:123456789012:db:app";
const CLUSTER_ARN: &str = "arn:aws:rds:eu-west-1:123456789012:cluster:app";
const INSTANCE_HOST: &str = "app.c1a2.eu-west-1.rds.example";
const CLUSTER_HOST: &str = "app.cluster-c1a2.eu-west-1.rds.example";

/// A secret at `host` whose admin secret holds a credential alone, with these tags of AWS's.
fn world(host: &str, rds: FakeInventory, tags: &[(&str, &str)]) -> World {
    let mut world = World::new(&json!({"masterarn": ADMIN, "host": host}));
    world.create(ADMIN, r#"{"username": "admin", "password": "adminpw"}"#);
    world.set_password("admin", "adminpw");
    world.tag_as_aws(ADMIN, tags);
    world.inventory = Databases(rds);
    world
}

/// setSecret's error; the administrator did not sign in anywhere.
async fn set_fails(world: &World) -> (&'static str, String) {
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    let error = world.step(Step::Set, &version).await.expect_err("the step fails");
    let database = world.plugin.database.lock().unwrap();
    assert!(database.sign_ins.iter().all(|(user, _)| user != "admin"), "{}", error.report());
    (error.error_type().as_str(), error.report())
}

#[tokio::test]
async fn an_instance_and_a_cluster_are_found_by_their_tags_whatever_their_case() {
    for (host, rds, tag, arn, call) in [
        (
            INSTANCE_HOST,
            FakeInventory::default().instance("app", |_| {}),
            INSTANCE_TAG,
            INSTANCE_ARN,
            "DescribeDBInstances",
        ),
        (
            INSTANCE_HOST,
            FakeInventory::default().instance("app", |_| {}),
            "AWS:RDS:PRIMARYDBINSTANCEARN",
            INSTANCE_ARN,
            "DescribeDBInstances",
        ),
        (
            CLUSTER_HOST,
            FakeInventory::default().cluster("app"),
            CLUSTER_TAG,
            CLUSTER_ARN,
            "DescribeDBClusters",
        ),
        (
            CLUSTER_HOST,
            FakeInventory::default().cluster("app"),
            "aws:rds:primarydbclusterarn",
            CLUSTER_ARN,
            "DescribeDBClusters",
        ),
    ] {
        let world = world(host, rds, &[("mine", "x"), (tag, arn)]);
        let version = world.rotate().await;
        assert_eq!(world.field(Stage::Current, "username").await, "app_clone");
        assert_eq!(world.inventory.0.asked(), [format!("{call} {arn}")], "once, by the whole ARN");
        world.check(&version).await;
    }
}

#[tokio::test]
async fn an_ordinary_rotation_does_not_ask_rds() {
    for world in [World::new(&json!({})), World::with_admin(&json!({}))] {
        world.rotate().await;
        assert!(world.inventory.0.asked().is_empty(), "{:?}", world.inventory.0.asked());
    }
}

#[tokio::test]
async fn tags_that_lead_nowhere_are_said_with_what_is_needed() {
    let found = || FakeInventory::default().instance("app", |_| {}).cluster("app");
    let long = format!("arn:aws:rds:eu-west-1:123456789012:db:{}", "a".repeat(250));
    let other = "arn:aws:redshift:eu-west-1:123456789012:namespace:app";
    let many = format!("{INSTANCE_TAG}` or `{CLUSTER_TAG}");
    for (rds, tags, error_type, expected) in [
        (found(), &[][..], "AdminSecret", many.as_str()),
        (
            found(),
            &[("aws:redshift:primaryclusterarn", other)],
            "AdminSecret",
            "such as arn:aws:redshift:REGION:ACCOUNT:cluster:NAME",
        ),
        (found(), &[(INSTANCE_TAG, "app")], "AdminSecret", "must be the ARN of a database"),
        (
            found(),
            &[(INSTANCE_TAG, CLUSTER_ARN)],
            "AdminSecret",
            "such as arn:aws:rds:REGION:ACCOUNT:db:NAME",
        ),
        (found(), &[(CLUSTER_TAG, INSTANCE_ARN)], "AdminSecret", "REGION:ACCOUNT:cluster:NAME"),
        (found(), &[(INSTANCE_TAG, long.as_str())], "AdminSecret", "at most 256 characters"),
        (
            FakeInventory::default(),
            &[(INSTANCE_TAG, INSTANCE_ARN)],
            "NotFound",
            "tag `aws:rds:primaryDBInstanceArn` of the admin secret `admin-db` names it",
        ),
        (
            FakeInventory::default().instance("app", |own| own.endpoint = None),
            &[(INSTANCE_TAG, INSTANCE_ARN)],
            "AdminSecret",
            "the database is being made or removed",
        ),
        (
            FakeInventory::default().instance("app", |own| own.engine = "mysql".into()),
            &[(INSTANCE_TAG, INSTANCE_ARN)],
            "Mismatch",
            "is for engine `mysql`, which plugin `fake` does not serve",
        ),
        (
            found().broken(InventoryErrorKind::AccessDenied),
            &[(INSTANCE_TAG, INSTANCE_ARN)],
            "AccessDenied",
            r#""Action": "rds:DescribeDBInstances", "Resource": "arn:aws:rds:eu-west-1:123456789012:db:app"}"#,
        ),
        (
            found().broken(InventoryErrorKind::AccessDenied),
            &[(CLUSTER_TAG, CLUSTER_ARN)],
            "AccessDenied",
            r#""Action": "rds:DescribeDBClusters", "Resource": "arn:aws:rds:eu-west-1:123456789012:cluster:app"}"#,
        ),
    ] {
        let (got, text) = set_fails(&world(INSTANCE_HOST, rds, tags)).await;
        assert_eq!(got, format!("Windlass.Operator.{error_type}"), "{text}");
        assert!(text.contains(expected), "expected `{expected}` in: {text}");
    }
}

/// RDS's word is a place like that of any admin secret: it must be the secret's own.
#[tokio::test]
async fn a_managed_administrator_of_another_database_is_refused() {
    for host in ["db.example", "other.c1a2.eu-west-1.rds.example"] {
        let rds = FakeInventory::default().instance("app", |_| {}).instance("other", |_| {});
        let (_, text) = set_fails(&world(host, rds, &[(INSTANCE_TAG, INSTANCE_ARN)])).await;
        assert!(text.contains(&format!("admin secret is for `{INSTANCE_HOST}:7`")), "{text}");
    }
    let port =
        FakeInventory::default().instance("app", |own| own.endpoint.as_mut().unwrap().port = 8);
    let (_, text) = set_fails(&world(INSTANCE_HOST, port, &[(INSTANCE_TAG, INSTANCE_ARN)])).await;
    assert!(text.contains("another port is another server"), "{text}");
}

#[tokio::test]
async fn a_replica_of_a_managed_administrators_database_costs_one_call_more() {
    let pool = || FakeInventory::default().cluster("app").member("app-2", "app");
    for (host, rds, tag, arn, further) in [
        (
            "app-replica.c1a2.eu-west-1.rds.example",
            FakeInventory::default().instance("app", |_| {}).replica("app-replica", "app"),
            INSTANCE_TAG,
            INSTANCE_ARN,
            "DescribeDBInstances app-replica",
        ),
        (
            "app.cluster-ro-c1a2.eu-west-1.rds.example",
            pool(),
            CLUSTER_TAG,
            CLUSTER_ARN,
            "DescribeDBClusters app",
        ),
        (
            "app-2.c1a2.eu-west-1.rds.example",
            pool(),
            CLUSTER_TAG,
            CLUSTER_ARN,
            "DescribeDBInstances app-2",
        ),
    ] {
        let world = world(host, rds, &[(tag, arn)]);
        let version = world.rotate().await;
        world.check(&version).await;
        let asked = world.inventory.0.asked();
        assert_eq!(asked.len(), 2, "{asked:?}");
        assert!(asked.iter().any(|call| call == further), "{asked:?}");
        let database = world.plugin.database.lock().unwrap();
        let places: Vec<_> = database.logins.iter().map(|login| &*login.place).collect();
        let (own, admin) = (format!("{host}:7"), database.logins[1].place.clone());
        assert_eq!(places, [own.as_str(), &admin, &own]);
        assert!(["app.c1a2", "app.cluster-c1a2"].iter().any(|name| admin.starts_with(name)));
    }
}

#[tokio::test]
async fn one_key_more_makes_it_an_ordinary_admin_secret() {
    let world = World::new(&json!({"masterarn": ADMIN, "host": INSTANCE_HOST}));
    world.create(ADMIN, r#"{"username": "admin", "password": "adminpw", "note": ""}"#);
    world.tag_as_aws(ADMIN, &[(INSTANCE_TAG, INSTANCE_ARN)]);
    let (_, text) = set_fails(&world).await;
    assert!(text.contains("field `engine`"), "{text}");
    assert!(world.inventory.0.asked().is_empty());
}
