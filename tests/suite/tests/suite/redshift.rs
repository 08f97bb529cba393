//! Administrators that Amazon Redshift manages, of a cluster and of a serverless namespace.
//!
//! Redshift's own server can't be had: PostgreSQL with MD5 passwords stands for it. What is tested is
//! the way to the administrator.

use anyhow::{Context, Result};
use serde_json::Value;
use windlass_harness::{Redshift, Warehouse};
use windlass_suite::{Engine, Login, Managed, Options, Server, World};

/// The variables by which every AWS SDK finds another Redshift.
const ENDPOINTS: [&str; 2] = ["AWS_ENDPOINT_URL_REDSHIFT", "AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS"];

const CLUSTER_TAG: &str = "aws:redshift:primaryClusterArn";
const NAMESPACE_TAG: &str = "aws:redshift-serverless:namespaceArn";

/// What stands for a warehouse.
async fn warehouse() -> Result<Server> {
    Engine::REDSHIFT.server().await?.context("PostgreSQL is always there")
}

/// A world with an administrator that Redshift manages by this tag, and a secret of Redshift's engine
/// for the server.
async fn world(
    server: &Server,
    name: &str,
    rotations: Options,
    redshift: &Redshift,
    tag: (&str, String),
) -> Result<(World, Login)> {
    let managed = Managed {
        name: format!("redshift!{name}-awsuser"),
        login: server.superuser(),
        tag: (tag.0.to_owned(), tag.1),
    };
    let options = Options { managed: Some(managed.clone()), ..rotations };
    let options = ENDPOINTS
        .iter()
        .fold(options, |options, variable| options.with(variable, redshift.endpoint()));
    let world = World::with(options).await?;
    let login = server.account(name).await?;
    let mut value = server.secret(&login);
    value["masterarn"] = Value::from(managed.arn());
    world.create_secret(name, &value).await?;
    Ok((world, login))
}

/// The server, and another one that has nothing to do with it.
fn listed(port: u16) -> Vec<Warehouse> {
    vec![
        Warehouse::new("other", "elsewhere.example", 5439),
        Warehouse::new("dw", "localhost", port),
    ]
}

#[tokio::test]
async fn an_administrator_that_redshift_manages_is_found_by_its_tag_and_rotates_for_real()
-> Result<()> {
    let server = warehouse().await?;
    let dw = Warehouse::new("dw", "localhost", server.port());
    let pages = ["ListNamespaces 0", "ListNamespaces 1", "ListWorkgroups 0", "ListWorkgroups 1"];
    for (name, tag, asked) in [
        ("redshift_cluster", (CLUSTER_TAG, dw.cluster_arn()), &["DescribeClusters dw"][..]),
        ("redshift_serverless", (NAMESPACE_TAG, dw.namespace_arn()), &pages),
    ] {
        let redshift = Redshift::start(listed(server.port())).await?;
        let (world, first) = world(&server, name, Options::default(), &redshift, tag).await?;
        let _alone = server.making_clones().await;
        let second = world.rotate(name).await?;
        assert_eq!(second.username, format!("{name}_clone"));
        assert!(first.signs_in(&server).await? && second.signs_in(&server).await?);
        assert_eq!(redshift.asked(), asked, "once for each rotation");
    }
    Ok(())
}

#[tokio::test]
async fn an_administrator_of_another_warehouse_is_refused_and_nothing_is_changed() -> Result<()> {
    let server = warehouse().await?;
    let port = server.port();
    let other = &listed(port)[0];
    let gone = Warehouse::new("gone", "localhost", port);
    for (name, tag, kind, expected) in [
        (
            "redshift_other",
            (CLUSTER_TAG, other.cluster_arn()),
            "Mismatch",
            "so both must be for the same host",
        ),
        (
            "redshift_other_serverless",
            (NAMESPACE_TAG, other.namespace_arn()),
            "Mismatch",
            "its admin secret is for `elsewhere.example:5439`",
        ),
        ("redshift_gone", (CLUSTER_TAG, gone.cluster_arn()), "NotFound", "Cluster gone not found"),
        (
            "redshift_gone_serverless",
            (NAMESPACE_TAG, gone.namespace_arn()),
            "NotFound",
            "ListNamespaces of",
        ),
    ] {
        let redshift = Redshift::start(listed(port)).await?;
        let (world, login) = world(&server, name, Options::by_hand(), &redshift, tag).await?;
        let token = world.begin(name).await?;
        world.steps(&["createSecret"], name, &token).await?;
        let error = world.failure("setSecret", name, &token).await?;
        assert_eq!(error.kind, format!("Windlass.Operator.{kind}"), "{}", error.message);
        assert!(error.message.contains(expected), "{}", error.message);
        assert_eq!(server.count(&format!("{name}_clone")).await?, 0);
        assert!(login.signs_in(&server).await?);
    }
    Ok(())
}
