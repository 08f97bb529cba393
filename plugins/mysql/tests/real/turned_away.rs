//! Sign-ins that the server turns away: each with the server's own answer, and a remedy that works.

use windlass_harness::MysqlKind;
use windlass_plugin_mysql::Mysql;
use windlass_sdk::{Failure, FailureKind, Plugin, TlsMode};

use crate::world::World;

const KINDS: [MysqlKind; 2] = [MysqlKind::Mariadb, MysqlKind::Mysql];
const PASSWORD: &str = "kX3.vQ9-tLm2";

/// The last statement of a remedy, for the account of this host.
fn statement(failure: &Failure, host: &str) -> String {
    let (_, rest) = failure.remedy.split_once("and then ").unwrap();
    let rest = rest.split_once("; then").map_or(rest, |(statement, _)| statement);
    rest.split(", or ").next().unwrap().replace("HOST", host)
}

#[track_caller]
fn turned_away(world: &World, user: &str, kind: FailureKind, part: &str) -> Failure {
    let failure = world.verify(user, PASSWORD).unwrap_err();
    assert_eq!(failure.kind, kind, "{failure:?}");
    assert!(failure.message.starts_with("signing in: "), "{failure:?}");
    assert!(failure.remedy.contains(part), "{failure:?}");
    failure
}

#[test]
fn a_refusal_that_is_not_the_passwords_says_how_to_find_out() {
    for kind in KINDS {
        let Some(world) = World::start(kind, &[]) else { continue };
        for require in ["X509", "SUBJECT '/CN=x'", "ISSUER '/CN=x'"] {
            world.admin(&format!(
                "DROP USER IF EXISTS app@'%'; \
                 CREATE USER app@'%' IDENTIFIED BY '{PASSWORD}' REQUIRE {require}"
            ));
            let part = "must not REQUIRE X509, SUBJECT or ISSUER";
            let failure = turned_away(&world, "app", FailureKind::Refused, part);
            assert!(failure.message.contains("Access denied for user 'app'@'127.0.0.1'"));
            let (_, correction) = failure.remedy.split_once("certificate: ").unwrap();
            let (correction, _) = correction.split_once(')').unwrap();
            world.admin(&correction.replace("HOST", "%"));
            world.verify("app", PASSWORD).unwrap();
        }
        world.admin(&format!("CREATE USER far@'10.%' IDENTIFIED BY '{PASSWORD}'"));
        let part = "WHERE User = 'far' must list a host part that matches 127.0.0.1";
        turned_away(&world, "far", FailureKind::Refused, part);
        world.admin("ALTER USER app@'%' REQUIRE NONE; SET GLOBAL require_secure_transport = ON");
        let login = world.login("app", PASSWORD, TlsMode::Disabled);
        let failure = Mysql::verify(&login).unwrap_err();
        // MariaDB gives the answer that it gives to a wrong password.
        let expected = match kind {
            MysqlKind::Mariadb => (FailureKind::Refused, "1045"),
            MysqlKind::Mysql => (FailureKind::Declined, "3159"),
        };
        assert_eq!((failure.kind, failure.code.as_str()), expected, "{failure:?}");
        assert!(failure.remedy.contains("remove \"ssl\": false from the secret"), "{failure:?}");
        world.verify("app", PASSWORD).unwrap();
    }
}

#[test]
fn a_locked_account_is_unlocked_by_the_remedy() {
    for kind in KINDS {
        let Some(world) = World::start(kind, &[]) else { continue };
        world.admin(&format!("CREATE USER app@'%' IDENTIFIED BY '{PASSWORD}' ACCOUNT LOCK"));
        let failure = turned_away(&world, "app", FailureKind::Declined, "ACCOUNT UNLOCK");
        world.admin(&statement(&failure, "%"));
        world.verify("app", PASSWORD).unwrap();
    }
}

#[test]
fn an_account_that_failed_too_often_is_let_in_by_the_remedy() {
    let Some(world) = World::start(MysqlKind::Mysql, &[]) else { return };
    world.admin(&format!(
        "CREATE USER app@'%' IDENTIFIED BY '{PASSWORD}' FAILED_LOGIN_ATTEMPTS 1 PASSWORD_LOCK_TIME 1"
    ));
    assert!(world.verify("app", "Zr8.wB4-hNc7").is_err());
    let part = "; then windlass repair --password-of VERSION";
    let failure = turned_away(&world, "app", FailureKind::Declined, part);
    assert_eq!(failure.code, "3955");
    world.admin(&statement(&failure, "%"));
    world.verify("app", PASSWORD).unwrap();
}

#[test]
fn a_user_that_failed_too_often_on_mariadb_is_let_in_by_the_remedy() {
    let Some(world) = World::start(MysqlKind::Mariadb, &["--max-password-errors=1"]) else {
        return;
    };
    world.admin(&format!("CREATE USER app@'%' IDENTIFIED BY '{PASSWORD}'"));
    assert!(world.verify("app", "Zr8.wB4-hNc7").is_err());
    let failure = turned_away(&world, "app", FailureKind::Declined, "FLUSH PRIVILEGES");
    assert_eq!(failure.code, "4150");
    world.admin("FLUSH PRIVILEGES");
    world.verify("app", PASSWORD).unwrap();
}

#[test]
fn a_limit_of_the_account_is_named_and_raised_by_the_remedy() {
    for kind in KINDS {
        let Some(world) = World::start(kind, &[]) else { continue };
        world.admin(&format!(
            "CREATE USER app@'%' IDENTIFIED BY '{PASSWORD}' WITH MAX_CONNECTIONS_PER_HOUR 1"
        ));
        world.verify("app", PASSWORD).unwrap();
        let part = "ALTER USER `app`@'HOST' WITH a higher limit";
        let failure = turned_away(&world, "app", FailureKind::Unreachable, part);
        assert!(failure.message.contains("max_connections_per_hour"), "{failure:?}");
        world.admin("ALTER USER `app`@'%' WITH MAX_CONNECTIONS_PER_HOUR 0");
        world.verify("app", PASSWORD).unwrap();
    }
}

#[test]
fn an_expired_password_is_changed_by_a_rotation() {
    for kind in KINDS {
        let Some(world) = World::start(kind, &["--disconnect-on-expired-password=ON"]) else {
            continue;
        };
        world.admin(&format!("CREATE USER app@'%' IDENTIFIED BY '{PASSWORD}' PASSWORD EXPIRE"));
        let failure = world.verify("app", PASSWORD).unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Declined, "1820"));
        assert!(failure.remedy.starts_with("rotate the secret"), "{failure:?}");
        world.change("app", PASSWORD, "Zr8.wB4-hNc7").unwrap();
        world.verify("app", "Zr8.wB4-hNc7").unwrap();
    }
}

#[test]
fn a_session_that_init_connect_ends_says_so() {
    for kind in KINDS {
        let Some(world) = World::start(kind, &["--init-connect=SELECT x FROM gone.t"]) else {
            continue;
        };
        world.admin(&format!("CREATE USER app@'%' IDENTIFIED BY '{PASSWORD}'"));
        let failure = world.verify("app", PASSWORD).unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Declined, "1184"));
        let remedy = "SHOW GLOBAL VARIABLES LIKE 'init_connect'";
        assert!(failure.remedy.contains(remedy), "{failure:?}");
        assert!(world.admin(remedy).contains("gone"));
        world.admin("SET GLOBAL init_connect = ''");
        world.verify("app", PASSWORD).unwrap();
    }
}

#[test]
fn a_partial_revoke_is_named_with_what_to_do() {
    let Some(world) = World::start(MysqlKind::Mysql, &["--partial-revokes=ON"]) else { return };
    world.admin(&format!(
        "CREATE DATABASE shop; CREATE USER app@'%' IDENTIFIED BY '{PASSWORD}'; \
         GRANT SELECT ON *.* TO app@'%'; REVOKE SELECT ON mysql.* FROM app@'%'"
    ));
    let turn = || {
        world.change_by_admin("app_clone", "Zr8.wB4-hNc7", |request| {
            request.clone_of = Some("app".into());
        })
    };
    let failure = turn().unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unsupported);
    assert!(failure.message.contains("SELECT ON `mysql`.*"), "{failure:?}");
    assert!(failure.remedy.contains("for the databases that are meant"), "{failure:?}");
    world.admin(
        "GRANT SELECT ON mysql.* TO app@'%'; REVOKE SELECT ON *.* FROM app@'%'; \
         GRANT SELECT ON shop.* TO app@'%'",
    );
    turn().unwrap();
    world.change("app", PASSWORD, "Gy6.pD1-sJf5").unwrap();
}

#[test]
fn names_are_as_long_as_the_server_takes_them() {
    let Some(world) = World::start(MysqlKind::Mariadb, &[]) else { return };
    let long = "é".repeat(122);
    if let Err(error) = world.try_admin(&format!(
        "CREATE USER `{long}`@'%' IDENTIFIED BY '{PASSWORD}'; GRANT SELECT ON mysql.* TO `{long}`@'%'"
    )) {
        eprintln!("SKIPPED, this MariaDB takes shorter names: {error}");
        return;
    }
    world.verify(&long, PASSWORD).unwrap();
    world.change(&long, PASSWORD, "Zr8.wB4-hNc7").unwrap();
    let clone = format!("{long}_clone");
    for (current, next) in [(&long, &clone), (&clone, &long)] {
        world
            .change_by_admin(next, "Gy6.pD1-sJf5", |request| {
                request.clone_of = Some(current.clone());
            })
            .unwrap();
        world.verify(next, "Gy6.pD1-sJf5").unwrap();
    }
}
