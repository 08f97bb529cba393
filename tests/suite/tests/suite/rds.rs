//! Administrators that Amazon RDS manages, and secrets whose host is not their administrator's: with
//! the real server, and an RDS that lists it.
//!
//! One server has two names here, `localhost` and 127.0.0.1, and as many ports as it has proxies in
//! front of it.

use anyhow::Result;
use serde_json::{Value, json};
use windlass_harness::{Artifact, DbInstance, Proxy, Rds};
use windlass_suite::{Login, Managed, Options, World, windlass};

/// The variable by which every AWS SDK finds another RDS.
const ENDPOINT: &str = "AWS_ENDPOINT_URL_RDS";

/// What RDS puts on the secrets that it manages.
const TAG: &str = "aws:rds:primaryDBInstanceArn";

/// Loopback, by its addresses alone, and the own place: what is called `localhost` then has to be the
/// place of the secret, or of the administrator that the rotation found to be of the same database.
const ADDRESSES: &str = "tcp://127.0.0.0/8:*";
const OWN_PLACE: &str = "tcp://{host}:{port}";

/// A secret for the server behind `port` of `host`, with an administrator.
fn secret(login: &Login, host: &str, port: u16, admin: &str) -> Value {
    let mut value = login.secret(port);
    value["host"] = Value::from(host);
    value["masterarn"] = Value::from(admin);
    value
}

#[tokio::test]
async fn an_administrator_that_rds_manages_is_found_by_its_tag_and_rotates_for_real() -> Result<()>
{
    let database = windlass_suite::Database::shared().await?;
    let port = database.postgres().port();
    let instance = DbInstance::new("app", "localhost", port);
    let managed = Managed {
        name: "rds!db-0f1e2d3c".to_owned(),
        login: database.superuser(),
        tag: (TAG.to_owned(), instance.arn()),
    };
    let rds = Rds::start(vec![instance.clone()]).await?;
    let options = Options {
        managed: Some(managed.clone()),
        grants: Some(format!("{ADDRESSES},{OWN_PLACE}")),
        ..Options::default()
    };
    let world = World::with(options.with(ENDPOINT, rds.endpoint())).await?;

    let first = database.account("rds_managed", "").await?;
    let value = secret(&first, "localhost", port, &managed.arn());
    world.create_secret("rds/managed", &value).await?;
    let second = world.rotate("rds/managed").await?;
    assert_eq!(second.username, "rds_managed_clone");
    assert!(first.signs_in(database).await? && second.signs_in(database).await?);
    let third = world.rotate("rds/managed").await?;
    assert_eq!(third.username, "rds_managed");
    assert!(third.signs_in(database).await? && !first.signs_in(database).await?);
    let asked = format!("DescribeDBInstances {}", instance.arn());
    assert_eq!(rds.asked(), [asked.clone(), asked], "once for each rotation");

    // What describes itself is nothing that RDS is asked about.
    let plain = world.create_admin_secret("rds/plain-admin", port).await?;
    let login = database.account("rds_plain", "").await?;
    world.create_secret("rds/plain", &secret(&login, "localhost", port, &plain)).await?;
    world.rotate("rds/plain").await?;
    assert_eq!(rds.asked().len(), 2);
    Ok(())
}

/// The command line asks the RDS of whoever runs it; on this machine, without credentials.
#[tokio::test]
async fn the_command_line_rotates_with_such_an_administrator_too() -> Result<()> {
    let database = windlass_suite::Database::shared().await?;
    let port = database.postgres().port();
    let instance = DbInstance::new("app", "localhost", port);
    let managed = Managed {
        name: "rds!db-4c5d6e7f".to_owned(),
        login: database.superuser(),
        tag: (TAG.to_owned(), instance.arn()),
    };
    let rds = Rds::start(vec![instance]).await?;
    let options = Options { managed: Some(managed.clone()), ..Options::by_hand() };
    let world = World::with(options).await?;
    let first = database.account("rds_cli", "").await?;
    let value = secret(&first, "localhost", port, &managed.arn());
    world.create_secret("rds/cli", &value).await?;

    let plugins = Artifact::Plugins.path()?.display().to_string();
    let trusted = database.ca().certificate().display().to_string();
    let mut arguments = vec!["rotate", "--secret-id", "rds/cli"];
    arguments.extend(["--endpoint-url", world.secrets().endpoint(), "--plugins", &plugins]);
    arguments.extend(["--grant", ADDRESSES, "--grant", OWN_PLACE, "--ca-bundle", &trusted]);
    let ran = windlass(&arguments, &[(ENDPOINT, &rds.endpoint())]).await?;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(rds.asked().len(), 1);
    let second = world.current("rds/cli").await?;
    assert_eq!(second.username, "rds_cli_clone");
    assert!(second.signs_in(database).await?);
    Ok(())
}

/// Two names and ports of one server: an administrator's at the first, a secret's at the second.
struct Pair {
    world: World,
    rds: Rds,
    replica: Proxy,
    login: Login,
}

impl Pair {
    /// With what RDS says of the second, whose identifier is the first label of its address.
    async fn new(
        name: &str,
        options: Options,
        listed: impl Fn(DbInstance) -> DbInstance,
    ) -> Result<Self> {
        let database = windlass_suite::Database::shared().await?;
        let port = database.postgres().port();
        let replica = Proxy::start(database.postgres().address()).await?;
        let instances = vec![
            DbInstance::new("localhost", "localhost", port),
            listed(DbInstance::new("127", "127.0.0.1", replica.port())),
        ];
        let rds = Rds::start(instances).await?;
        let options = Options { grants: Some(format!("{ADDRESSES},{OWN_PLACE}")), ..options };
        let world = World::with(options.with(ENDPOINT, rds.endpoint())).await?;
        let admin = world.create_admin_secret(&format!("{name}/admin"), port).await?;
        let login = database.account(name, "").await?;
        let value = secret(&login, "127.0.0.1", replica.port(), &admin);
        world.create_secret(name, &value).await?;
        Ok(Self { world, rds, replica, login })
    }
}

#[tokio::test]
async fn a_replica_is_verified_where_it_is_and_changed_at_its_writer() -> Result<()> {
    let name = "rds_replica";
    let pair = Pair::new(name, Options::default(), |own| own.replica_of("localhost")).await?;
    let database = pair.world.database();
    let second = pair.world.rotate(name).await?;
    assert_eq!(second.username, "rds_replica_clone");
    assert!(pair.login.signs_in(database).await? && second.signs_in(database).await?);
    assert_eq!(pair.rds.asked(), ["DescribeDBInstances 127", "DescribeDBInstances localhost"]);
    let connections = pair.replica.traffic().len();
    assert_eq!(connections, 2, "the current user and the new one; the administrator elsewhere");
    Ok(())
}

#[tokio::test]
async fn what_rds_does_not_confirm_is_refused_and_nothing_is_changed() -> Result<()> {
    type Listed = fn(DbInstance) -> DbInstance;
    let table: [(&str, Listed, &str); 3] = [
        ("rds_stranger", |own| own, "neither a read replica nor a reader endpoint of the other"),
        ("rds_others", |own| own.replica_of("other"), "neither a read replica"),
        (
            "rds_elsewhere",
            |own| DbInstance { host: "elsewhere.example".into(), ..own.replica_of("localhost") },
            "is not the endpoint that Amazon RDS lists",
        ),
    ];
    for (name, listed, expected) in table {
        let pair = Pair::new(name, Options::by_hand(), listed).await?;
        let database = pair.world.database();
        let token = pair.world.begin(name).await?;
        pair.world.steps(&["createSecret"], name, &token).await?;
        let error = pair.world.failure("setSecret", name, &token).await?;
        assert_eq!(error.kind, "Windlass.Operator.Mismatch", "{}", error.message);
        assert!(error.message.contains(expected), "{}", error.message);
        let clones = format!("SELECT count(*) FROM pg_roles WHERE rolname = '{name}_clone'");
        assert_eq!(database.admin(&clones).await?, "0");
        assert!(pair.login.signs_in(database).await?);
    }
    Ok(())
}

#[tokio::test]
async fn an_rds_that_can_not_be_reached_is_said_so_with_what_to_look_at() -> Result<()> {
    let name = "rds_silent";
    let pair = Pair::new(name, Options::by_hand(), |own| own.replica_of("localhost")).await?;
    let token = pair.world.begin(name).await?;
    pair.world.steps(&["createSecret"], name, &token).await?;
    drop(pair.rds);
    let error = pair.world.failure("setSecret", name, &token).await?;
    assert_eq!(error.kind, "Windlass.Aws.Unavailable", "{}", error.message);
    for part in ["Amazon RDS could not be used: connection refused", ENDPOINT, "`rds_silent`"] {
        assert!(error.message.contains(part), "{part}: {}", error.message);
    }
    Ok(())
}

#[tokio::test]
async fn an_admin_secret_without_a_place_says_which_tags_would_give_it_one() -> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let database = world.database();
    let superuser = database.superuser();
    let alone = json!({ "username": superuser.username, "password": superuser.password });
    let admin = world.create_secret("rds/alone", &alone).await?;
    let login = database.account("rds_untagged", "").await?;
    let port = database.postgres().port();
    world.create_secret("rds/untagged", &secret(&login, "localhost", port, &admin)).await?;
    // Nobody but AWS can set the tag that is asked for.
    let tags = json!([{ "Key": TAG, "Value": "arn:aws:rds:us-east-1:123456789012:db:app" }]);
    let tag = json!({ "SecretId": "rds/alone", "Tags": tags });
    assert!(world.secrets().call("TagResource", &tag).await.is_err());

    let token = world.begin("rds/untagged").await?;
    world.steps(&["createSecret"], "rds/untagged", &token).await?;
    let error = world.failure("setSecret", "rds/untagged", &token).await?;
    assert_eq!(error.kind, "Windlass.Operator.AdminSecret");
    for part in ["`rds/alone`", TAG, "aws:rds:primaryDBClusterArn", "add `engine` and `host`"] {
        assert!(error.message.contains(part), "{part}: {}", error.message);
    }
    assert!(!error.message.contains(&superuser.password), "{}", error.message);
    Ok(())
}
