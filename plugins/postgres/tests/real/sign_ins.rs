//! Why somebody is not let in: the server's own words, and a remedy that works.

use windlass_sdk::FailureKind::{self, *};

use crate::world::{World, options};

const OLD: &str = "uR5-old_9tZe";
const NEW: &str = "qB7-wLr2_XzK94mt";

/// A sign-in that fails until the statements of its remedy have been run.
fn remedied(world: &World, kind: FailureKind, code: &str, remedy: &[&str]) {
    let failure = world.verify("app", OLD).unwrap_err();
    assert_eq!((failure.kind, &*failure.code), (kind, code), "{failure}");
    for statement in remedy {
        assert!(failure.remedy.contains(statement), "{} lacks {statement}", failure.remedy);
        world.admin(statement);
    }
    world.verify("app", OLD).unwrap();
}

#[test]
fn the_remedy_of_each_cause_lets_the_account_in() {
    let world = World::start();
    world.admin("CREATE ROLE app LOGIN PASSWORD 'uR5-old_9tZe' VALID UNTIL '2020-01-01'");
    let look = "SELECT rolvaliduntil FROM pg_roles WHERE rolname = 'app'";
    remedied(&world, Refused, "28P01", &[look, "ALTER ROLE \"app\" VALID UNTIL 'infinity'"]);
    world.admin("ALTER ROLE app NOLOGIN");
    remedied(&world, Declined, "28000", &["ALTER ROLE \"app\" LOGIN"]);
    world.admin("ALTER ROLE app CONNECTION LIMIT 0");
    remedied(&world, Unreachable, "53300", &["ALTER ROLE \"app\" CONNECTION LIMIT -1"]);
    world.admin("SET password_encryption = 'md5'; ALTER ROLE app PASSWORD 'uR5-old_9tZe'");
    let look = "SELECT rolpassword LIKE 'md5%' FROM pg_authid WHERE rolname = 'app'";
    let failure = world.verify("app", OLD).unwrap_err();
    assert!(failure.kind == Refused && failure.remedy.contains(look), "{failure:?}");
    assert_eq!(world.admin(look), "t");
    let set = "SET password_encryption = 'scram-sha-256'";
    assert!(failure.remedy.contains(set), "{failure:?}");
    world.admin(&format!("{set}; ALTER ROLE app PASSWORD '{OLD}'"));
    world.verify("app", OLD).unwrap();
}

/// The database is named by the secret.
#[test]
fn the_remedy_of_each_cause_lets_the_account_into_its_database() {
    let world = World::start();
    world.admin("CREATE ROLE app LOGIN PASSWORD 'uR5-old_9tZe'");
    world.admin("CREATE DATABASE \"Shop\"");
    let failure = world.verify_in("shop", "app", OLD).unwrap_err();
    assert_eq!((failure.kind, &*failure.code), (Declined, "3D000"), "{failure}");
    assert_eq!(failure.remedy, "set \"dbname\" in the secret to a database that exists");
    for (cause, kind, code, statement) in [
        (
            "REVOKE CONNECT ON DATABASE \"Shop\" FROM PUBLIC",
            Declined,
            "42501",
            "GRANT CONNECT ON DATABASE \"Shop\" TO \"app\"",
        ),
        (
            "ALTER DATABASE \"Shop\" CONNECTION LIMIT 0",
            Unreachable,
            "53300",
            "ALTER DATABASE \"Shop\" CONNECTION LIMIT -1",
        ),
    ] {
        world.admin(cause);
        let failure = world.verify_in("Shop", "app", OLD).unwrap_err();
        assert_eq!((failure.kind, &*failure.code), (kind, code), "{failure}");
        assert!(failure.remedy.ends_with(statement), "{failure:?}");
        world.admin(statement);
        world.verify_in("Shop", "app", OLD).unwrap();
    }
}

/// The statement of the message makes the clone what a turn can go on with.
#[test]
fn a_clone_with_more_power_than_its_base_is_mended_by_the_statement() {
    let world = World::start();
    world.admin("CREATE ROLE app LOGIN PASSWORD 'uR5-old_9tZe'");
    world.turn("app", "app_clone", OLD).unwrap();
    for power in ["SUPERUSER", "REPLICATION", "BYPASSRLS", "CREATEROLE", "CREATEDB"] {
        world.admin(&format!("ALTER ROLE app_clone {power}"));
        let failure = world.turn("app", "app_clone", NEW).unwrap_err();
        assert_eq!(failure.kind, Declined, "{failure}");
        assert_eq!(failure.remedy, format!("ALTER ROLE \"app_clone\" NO{power}"));
        world.admin(&failure.remedy);
        world.turn("app", "app_clone", NEW).unwrap();
    }
}

#[test]
fn a_rule_that_rejects_is_told_from_a_wrong_password() {
    let world = World::with(|_| {
        let mut options = options(&[]);
        options.first_rules = vec!["hostssl all app 127.0.0.1/32 reject".into()];
        options
    });
    world.admin("CREATE ROLE app LOGIN PASSWORD 'uR5-old_9tZe'");
    let failure = world.verify("app", OLD).unwrap_err();
    assert_eq!((failure.kind, &*failure.code), (Declined, "28000"), "{failure}");
    assert!(failure.message.contains("pg_hba.conf rejects connection"), "{failure}");
    assert!(failure.remedy.contains("hostssl all \"app\" ADDRESS scram-sha-256"), "{failure:?}");
}

/// A change that returns without a failure lets somebody in.
#[test]
fn nobody_gets_a_password_that_lets_nobody_in() {
    let world = World::start();
    for (attribute, remedy) in [
        ("VALID UNTIL '2020-01-01'", "ALTER ROLE \"app\" VALID UNTIL 'infinity'"),
        ("NOLOGIN", "ALTER ROLE \"app\" LOGIN"),
    ] {
        world.admin(&format!("CREATE ROLE app LOGIN PASSWORD '{OLD}'; ALTER ROLE app {attribute}"));
        let stored = world.admin("SELECT rolpassword FROM pg_authid WHERE rolname = 'app'");
        for failure in [
            world.change(world.master(), "app", NEW).unwrap_err(),
            world.turn("app", "app_clone", NEW).unwrap_err(),
        ] {
            assert_eq!(failure.kind, Declined, "{failure}");
            assert!(failure.remedy.starts_with(remedy), "{failure:?}");
        }
        let after = world.admin("SELECT rolpassword FROM pg_authid WHERE rolname = 'app'");
        assert_eq!(after, stored);
        assert_eq!(world.admin("SELECT count(*) FROM pg_roles WHERE rolname LIKE '%clone'"), "0");
        world.admin(remedy);
        world.change(world.master(), "app", NEW).unwrap();
        assert!(world.signs_in("app", NEW));
        world.admin("DROP ROLE app");
    }
}
