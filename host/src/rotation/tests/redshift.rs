//! Admin secrets that Amazon Redshift manages: found by their tags whatever else they hold, of a
//! provisioned cluster or of a namespace, or refused with what is missing.

use serde_json::{Value, json};

use super::fake_inventory::FakeInventory;
use super::world::{ADMIN, World};
use crate::inventory::Databases;
use crate::rotation::ports::InventoryErrorKind;
use crate::rotation::ports::Stage;

const CLUSTER_TAG: &str = "aws:redshift:primaryClusterArn";
const NAMESPACE_TAG: &str = "aws:redshift-serverless:namespaceArn";
const CLUSTER: &str = "arn:aws:redshift:eu-west-1:123456789012:cluster:dw";
const NAMESPACE: &str = "arn:aws:redshift-serverless:eu-west-1:123456789012:namespace/0a1b-2c3d";
const HOST: &str = "dw.c1a2.eu-west-1.redshift.example";
const OTHER_HOST: &str = "other.c1a2.eu-west-1.redshift.example";

/// A Redshift secret at [`HOST`], whose admin secret has this value and these tags of AWS's.
fn world(admin: &Value, inventory: FakeInventory, tags: &[(&str, &str)]) -> World {
    let own = json!({"masterarn": ADMIN, "host": HOST, "engine": "redshift"});
    let mut world = World::with_plugin(&own, |plugin| plugin.engines.push("redshift".to_owned()));
    world.create(ADMIN, &admin.to_string());
    world.set_password("admin", "adminpw");
    world.tag_as_aws(ADMIN, tags);
    world.inventory = Databases(inventory);
    world
}

fn credential() -> Value {
    json!({"username": "admin", "password": "adminpw"})
}

/// The error of createSecret or setSecret; the administrator did not sign in anywhere.
async fn set_fails(world: &World) -> (&'static str, String) {
    let version = world.begin();
    let error = world.up_to_set(&version).await.expect_err("a step fails");
    let database = world.plugin.database.lock().unwrap();
    assert!(database.sign_ins.iter().all(|(user, _)| user != "admin"), "{}", error.report());
    (error.error_type().as_str(), error.report())
}

#[tokio::test]
async fn a_cluster_and_a_namespace_are_found_by_their_tags_whatever_their_case() {
    let cluster = || FakeInventory::default().redshift(CLUSTER, Some(HOST));
    let namespace = |hosts: &[_]| FakeInventory::default().namespace(NAMESPACE, hosts);
    for (inventory, tag, arn, call) in [
        (cluster(), CLUSTER_TAG, CLUSTER, "DescribeClusters"),
        (cluster(), "aws:redshift:primaryclusterarn", CLUSTER, "DescribeClusters"),
        (namespace(&[Some(HOST)]), NAMESPACE_TAG, NAMESPACE, "ListNamespaces"),
        (
            namespace(&[Some(HOST)]),
            "aws:redshift-serverless:namespacearn",
            NAMESPACE,
            "ListNamespaces",
        ),
        (namespace(&[None, Some(HOST)]), NAMESPACE_TAG, NAMESPACE, "ListNamespaces"),
        // The secret's own place chooses among several.
        (namespace(&[Some(OTHER_HOST), Some(HOST)]), NAMESPACE_TAG, NAMESPACE, "ListNamespaces"),
    ] {
        let world = world(&credential(), inventory, &[("mine", "x"), (tag, arn)]);
        let version = world.rotate().await;
        assert_eq!(world.field(Stage::Current, "username").await, "app_clone");
        assert_eq!(world.inventory.0.asked(), [format!("{call} {arn}")], "once, by the whole ARN");
        world.check(&version).await;
        let database = world.plugin.database.lock().unwrap();
        let place = format!("{HOST}:7");
        assert!(database.logins.iter().all(|login| login.place == place), "{tag}");
    }
}

/// Unlike RDS's tags, which count beside a credential alone.
#[tokio::test]
async fn redshifts_tags_count_beside_whatever_keys_unless_these_say_where() {
    for further in [
        json!({"namespaceName": "reports"}),
        json!({"engine": "redshift", "port": 5439, "dbname": "dev"}),
        json!({"host": "elsewhere.example", "dbClusterIdentifier": "dw"}),
    ] {
        let mut admin = credential();
        admin.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
        let inventory = FakeInventory::default().redshift(CLUSTER, Some(HOST));
        let world = world(&admin, inventory, &[(CLUSTER_TAG, CLUSTER)]);
        let version = world.rotate().await;
        world.check(&version).await;
        assert_eq!(world.inventory.0.asked().len(), 1, "{further}");
    }
    let mut admin = credential();
    admin["engine"] = "redshift".into();
    admin["host"] = HOST.into();
    let world = world(&admin, FakeInventory::default(), &[(CLUSTER_TAG, CLUSTER)]);
    world.rotate().await;
    assert!(world.inventory.0.asked().is_empty(), "it says itself where it is for");
}

#[tokio::test]
async fn what_does_not_lead_to_the_secrets_own_server_is_refused_with_the_reason() {
    let at = |host| FakeInventory::default().redshift(CLUSTER, host);
    let namespace = |hosts: &[_]| FakeInventory::default().namespace(NAMESPACE, hosts);
    let cluster_tag = [(CLUSTER_TAG, CLUSTER)];
    let namespace_tag = [(NAMESPACE_TAG, NAMESPACE)];
    let third = "third.c1a2.eu-west-1.redshift.example";
    let workgroups = format!("`wg-0` at {OTHER_HOST}:7, `wg-1` at {third}:7; correct");
    for (inventory, tags, error_type, expected) in [
        (at(Some(OTHER_HOST)), &cluster_tag, "Mismatch", "both must be for the same host"),
        (
            at(None),
            &cluster_tag,
            "AdminSecret",
            "has no endpoint in the answer of Amazon Redshift: ",
        ),
        (FakeInventory::default(), &cluster_tag, "NotFound", "tag `aws:redshift:primary"),
        (
            at(Some(HOST)).broken(InventoryErrorKind::AccessDenied),
            &cluster_tag,
            "AccessDenied",
            r#""Action": "redshift:DescribeClusters", "Resource": "*"}"#,
        ),
        (namespace(&[Some(OTHER_HOST)]), &namespace_tag, "Mismatch", "both must be for the same"),
        (namespace(&[]), &namespace_tag, "AdminSecret", "it has no workgroup"),
        (
            namespace(&[None, None]),
            &namespace_tag,
            "AdminSecret",
            "the answer of Amazon Redshift Serverless: ",
        ),
        (FakeInventory::default(), &namespace_tag, "NotFound", "ListNamespaces of"),
        (
            namespace(&[Some(OTHER_HOST), Some(third), None]),
            &namespace_tag,
            "AdminSecret",
            &workgroups,
        ),
        (
            namespace(&[Some(HOST)]).broken(InventoryErrorKind::AccessDenied),
            &namespace_tag,
            "AccessDenied",
            r#"["redshift-serverless:ListNamespaces", "redshift-serverless:ListWorkgroups"]"#,
        ),
        (
            at(Some(HOST)),
            &[(CLUSTER_TAG, NAMESPACE)],
            "AdminSecret",
            "such as arn:aws:redshift:REGION:ACCOUNT:cluster:NAME",
        ),
        (
            at(Some(HOST)),
            &[(NAMESPACE_TAG, CLUSTER)],
            "AdminSecret",
            "such as arn:aws:redshift-serverless:REGION:ACCOUNT:namespace/ID",
        ),
    ] {
        let (got, text) = set_fails(&world(&credential(), inventory, tags)).await;
        assert_eq!(got, format!("Windlass.Operator.{error_type}"), "{text}");
        assert!(text.contains(expected), "expected `{expected}` in: {text}");
    }
}

/// RDS has no say about Redshift, even behind an endpoint that takes every name for its own.
#[tokio::test]
async fn redshift_has_no_replicas_that_anybody_would_be_asked_about() {
    let host = "other.c1a2.eu-west-1.rds.example";
    let admin = json!({
        "engine": "redshift", "host": host, "username": "admin", "password": "adminpw",
    });
    let world = world(&admin, FakeInventory::default(), &[]);
    let (error_type, text) = set_fails(&world).await;
    assert_eq!(error_type, "Windlass.Operator.Mismatch");
    assert!(text.contains("Amazon Redshift has neither"), "{text}");
    assert!(world.inventory.0.asked().is_empty());
}

/// A secret that merely lacks a key is reported, with what was looked for besides.
#[tokio::test]
async fn without_a_tag_the_missing_key_is_the_error() {
    let mut admin = credential();
    admin["host"] = HOST.into();
    let (_, text) = set_fails(&world(&admin, FakeInventory::default(), &[("mine", "x")])).await;
    assert!(text.contains("field `engine`"), "{text}");
}
