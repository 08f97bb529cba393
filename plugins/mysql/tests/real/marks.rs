//! What shows that two accounts are a pair, against those who would like them to be one.

use windlass_harness::MysqlKind;
use windlass_sdk::{Failure, FailureKind};

use crate::world::World;

const KINDS: [MysqlKind; 2] = [MysqlKind::Mariadb, MysqlKind::Mysql];

fn turn(world: &World, current: &str, next: &str, password: &str) -> Result<(), Failure> {
    world.change_by_admin(next, password, |request| request.clone_of = Some(current.into()))
}

/// Neither half of `app` is changed, on either one's turn.
#[track_caller]
fn refused(world: &World, part: &str) {
    for (current, next) in [("app", "app_clone"), ("app_clone", "app")] {
        let failure = turn(world, current, next, "new-P4ss").unwrap_err();
        assert_eq!(failure.kind, FailureKind::NotAPair, "{failure}");
        assert!(failure.message.contains(part), "{next}: {failure}");
        assert!(!world.signs_in(next, "new-P4ss"), "{next}");
    }
}

/// The account of the name is at another host, so that the anonymous account lets the name in.
fn an_anonymous_account_proves_nothing(kind: MysqlKind) {
    let Some(world) = World::start(kind, &[]) else { return };
    world.admin(
        "CREATE USER victim@'10.%' IDENTIFIED BY 'victim-P4ss'; \
         CREATE USER ''@'%' IDENTIFIED BY 'anon-P4ss'",
    );
    assert!(world.signs_in("victim", "anon-P4ss"), "the server lets the anonymous account in");
    let failure = world.verify("victim", "anon-P4ss").unwrap_err();
    assert_eq!(failure.kind, FailureKind::Declined);
    assert!(failure.message.contains("as \"victim\", the session belongs to ``@`%`"));
    assert!(failure.remedy.contains("RENAME USER"), "{failure:?}");
    let failure = world.change("victim", "anon-P4ss", "new-P4ss").unwrap_err();
    assert_eq!(failure.kind, FailureKind::Declined);
    assert!(world.signs_in("victim", "anon-P4ss") && !world.signs_in("victim", "new-P4ss"));
    // The remedy of the message.
    world.admin("RENAME USER victim@'10.%' TO victim@'%'");
    world.verify("victim", "victim-P4ss").unwrap();
    world.change("victim", "victim-P4ss", "new-P4ss").unwrap();
    world.verify("victim", "new-P4ss").unwrap();
}

#[test]
fn an_anonymous_account_proves_nothing_on_mariadb() {
    an_anonymous_account_proves_nothing(MysqlKind::Mariadb);
}

#[test]
fn an_anonymous_account_proves_nothing_on_mysql() {
    an_anonymous_account_proves_nothing(MysqlKind::Mysql);
}

/// An account may set its own attribute, together with its password.
#[test]
fn one_half_of_mysql_can_not_make_itself_the_other_half() {
    let Some(world) = World::start(MysqlKind::Mysql, &[]) else { return };
    for (forger, attribute) in [
        ("app_clone", "{\"windlass_clone_of\": \"app\"}"),
        ("app", "{\"windlass_clone\": \"app_clone\"}"),
    ] {
        world.admin(
            "DROP USER IF EXISTS app@'%', app_clone@'%'; \
             CREATE USER app@'%' IDENTIFIED BY 'app-P4ss'; GRANT SELECT ON mysql.* TO app@'%'; \
             CREATE USER app_clone@'%' IDENTIFIED BY 'app_clone-P4ss'",
        );
        let password = format!("{forger}-P4ss");
        let forge =
            format!("ALTER USER CURRENT_USER() IDENTIFIED BY '{password}' ATTRIBUTE '{attribute}'");
        world.sql(forger, &password, &forge).unwrap();
        let set = "SELECT COUNT(*) FROM INFORMATION_SCHEMA.USER_ATTRIBUTES WHERE ATTRIBUTE IS NOT \
                   NULL AND USER LIKE 'app%'";
        assert_eq!(world.admin(set), "1", "the server takes it");
        refused(&world, "lacks SELECT ON `mysql`.*");
        // It can't set that of the other.
        for other in ["app", "app_clone"].iter().filter(|other| **other != forger) {
            let statement = format!("ALTER USER {other}@'%' ATTRIBUTE '{attribute}'");
            assert!(world.sql(forger, &password, &statement).is_err());
        }
    }
    // By hand, as the README has it.
    world.admin(
        "ALTER USER app_clone@'%' ATTRIBUTE '{\"windlass_clone_of\": \"app\"}'; \
         ALTER USER app@'%' ATTRIBUTE '{\"windlass_clone\": \"app_clone\"}'",
    );
    turn(&world, "app", "app_clone", "one-P4ss").unwrap();
    turn(&world, "app_clone", "app", "two-P4ss").unwrap();
    assert!(world.signs_in("app_clone", "one-P4ss") && world.signs_in("app", "two-P4ss"));
}

/// A role is made by who has `CREATE USER`, and given by who made it.
#[test]
fn no_half_on_mariadb_can_mark_the_other_or_itself() {
    let Some(world) = World::start(MysqlKind::Mariadb, &[]) else { return };
    world.admin(
        "CREATE DATABASE shop; CREATE USER app@'%' IDENTIFIED BY 'app-P4ss'; \
         GRANT SELECT ON mysql.* TO app@'%'; \
         CREATE USER app_clone@'%' IDENTIFIED BY 'app_clone-P4ss'; \
         CREATE ROLE `windlass:app`; GRANT ALL ON shop.* TO app_clone@'%' WITH GRANT OPTION",
    );
    for half in ["app", "app_clone"] {
        for statement in [
            "CREATE ROLE `windlass:app2`",
            "GRANT `windlass:app` TO app_clone@'%'",
            "GRANT `windlass:app` TO CURRENT_USER()",
            "CREATE OR REPLACE ROLE `windlass:app`",
            "SET ROLE `windlass:app`",
            "SET DEFAULT ROLE `windlass:app`",
        ] {
            assert!(world.sql(half, &format!("{half}-P4ss"), statement).is_err(), "{statement}");
        }
    }
    world.admin("REVOKE ALL, GRANT OPTION FROM app_clone@'%'");
    refused(&world, "lacks SELECT ON `mysql`.*");
    // By hand, as the README has it.
    world.admin("CREATE ROLE IF NOT EXISTS `windlass:app`; GRANT `windlass:app` TO app_clone@'%'");
    turn(&world, "app_clone", "app", "one-P4ss").unwrap();
    turn(&world, "app", "app_clone", "two-P4ss").unwrap();
    assert!(world.signs_in("app", "one-P4ss") && world.signs_in("app_clone", "two-P4ss"));
    // The mark of another base does not count.
    world.admin(
        "RENAME USER app@'%' TO x@'%', app_clone@'%' TO x_clone@'%'; \
         GRANT INSERT ON shop.* TO x_clone@'%'",
    );
    let failure = turn(&world, "x", "x_clone", "new-P4ss").unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotAPair, "{failure}");
}

/// Who may hand on a right could hand it to the role.
#[test]
fn a_mark_on_mariadb_brings_no_right() {
    let Some(world) = World::start(MysqlKind::Mariadb, &[]) else { return };
    world.admin(
        "CREATE DATABASE shop; CREATE USER app@'%' IDENTIFIED BY 'app-P4ss'; \
         GRANT SELECT ON mysql.* TO app@'%'",
    );
    turn(&world, "app", "app_clone", "one-P4ss").unwrap();
    world.admin("GRANT DROP ON shop.* TO `windlass:app`");
    turn(&world, "app_clone", "app", "two-P4ss").unwrap();
    assert!(!world.admin("SHOW GRANTS FOR `windlass:app`").contains("DROP"));
    assert!(world.admin("SHOW GRANTS FOR app_clone@'%'").contains("GRANT `windlass:app`"));
}

/// Only who made a role may grant it.
#[test]
fn another_administrator_goes_on_with_a_pair_on_mariadb() {
    let Some(world) = World::start(MysqlKind::Mariadb, &[]) else { return };
    world.admin(
        "CREATE USER app@'127.0.0.%' IDENTIFIED BY 'app-P4ss'; \
         GRANT SELECT ON mysql.* TO app@'127.0.0.%'; \
         CREATE USER boss@'%' IDENTIFIED BY 'boss-P4ss'; \
         GRANT ALL ON *.* TO boss@'%' WITH GRANT OPTION",
    );
    turn(&world, "app", "app_clone", "one-P4ss").unwrap();
    world.admin("CREATE USER app@'10.%' IDENTIFIED BY 'app-P4ss'");
    world
        .change_by_admin("app_clone", "two-P4ss", |request| {
            request.clone_of = Some("app".into());
            request.actor = world.login("boss", "boss-P4ss", windlass_sdk::TlsMode::Required);
            request.actor.fields = vec![("accountHosts".into(), "all".into())];
        })
        .unwrap();
    for host in ["10.%", "127.0.0.%"] {
        let grants = world.admin(&format!("SHOW GRANTS FOR app_clone@'{host}'"));
        assert!(grants.contains("GRANT `windlass:app`"), "{host}: {grants}");
    }
    turn(&world, "app_clone", "app", "three-P4ss").unwrap();
}

#[test]
fn accounts_that_could_have_made_themselves_equal_are_no_pair() {
    for kind in KINDS {
        let Some(world) = World::start(kind, &[]) else { continue };
        world.admin(
            "CREATE USER app@'%' IDENTIFIED BY 'app-P4ss'; GRANT SELECT ON mysql.* TO app@'%'; \
             CREATE USER app_clone@'%' IDENTIFIED BY 'app_clone-P4ss'; \
             GRANT SELECT, INSERT ON mysql.* TO app_clone@'%' WITH GRANT OPTION",
        );
        refused(&world, "which `app`@`%` has not");
        // Who may grant gives the other what it lacks.
        let give = "GRANT SELECT, INSERT ON mysql.* TO app@'%' WITH GRANT OPTION";
        world.sql("app_clone", "app_clone-P4ss", give).unwrap();
        refused(&world, "GRANT OPTION");
        world.admin("CREATE ROLE reader; REVOKE ALL, GRANT OPTION FROM app@'%', app_clone@'%'");
        for half in ["app", "app_clone"] {
            world.admin(&format!("GRANT reader TO {half}@'%' WITH ADMIN OPTION"));
        }
        refused(&world, "ADMIN OPTION");
    }
}

#[test]
fn an_equal_is_equal_in_everything_that_an_administrator_sets() {
    for kind in KINDS {
        let Some(world) = World::start(kind, &[]) else { continue };
        world.admin("CREATE ROLE reader");
        let method = match kind {
            MysqlKind::Mariadb => {
                world.admin("INSTALL SONAME 'auth_ed25519'");
                "ALTER USER app_clone@'%' IDENTIFIED VIA ed25519 USING PASSWORD('x-P4ss')"
            }
            MysqlKind::Mysql => {
                "ALTER USER app_clone@'%' IDENTIFIED WITH sha256_password BY 'x-P4ss'"
            }
        };
        for (difference, part) in [
            ("GRANT reader TO app_clone@'%'", "has the role `reader`"),
            ("ALTER USER app@'%' WITH MAX_USER_CONNECTIONS 3", "has MAX_USER_CONNECTIONS 3"),
            ("ALTER USER app_clone@'%' REQUIRE SSL", "REQUIRE"),
            (
                "ALTER USER app_clone@'%' PASSWORD EXPIRE INTERVAL 9 DAY",
                "has PASSWORD EXPIRE INTERVAL 9 DAY",
            ),
            ("ALTER USER app_clone@'%' ACCOUNT LOCK", "is locked"),
            ("CREATE USER app@'10.%' IDENTIFIED BY 'app-P4ss'", "there is no `app_clone`@`10.%`"),
            (method, "signs in with"),
        ] {
            world.admin(
                "DROP USER IF EXISTS app@'%', app@'10.%', app_clone@'%'; \
                 CREATE USER app@'%' IDENTIFIED BY 'app-P4ss'; \
                 GRANT SELECT ON mysql.* TO app@'%'; \
                 CREATE USER app_clone@'%' IDENTIFIED BY 'app_clone-P4ss'; \
                 GRANT SELECT ON mysql.* TO app_clone@'%'",
            );
            world.admin(difference);
            let lock = difference.ends_with("LOCK");
            for (current, next) in [("app", "app_clone"), ("app_clone", "app")] {
                let failure = turn(&world, current, next, "new-P4ss").unwrap_err();
                assert!(failure.message.contains(part), "{difference}: {failure}");
                assert!(lock || !world.signs_in(next, "new-P4ss"), "{difference}");
            }
        }
    }
}

/// As AWS's rotation function leaves it, after an odd number of turns and after an even one.
#[test]
fn a_pair_without_marks_goes_on_from_either_half() {
    for kind in KINDS {
        let Some(world) = World::start(kind, &[]) else { continue };
        for (first, second) in [("app", "app_clone"), ("app_clone", "app")] {
            world.admin(
                "DROP USER IF EXISTS app@'%', app_clone@'%'; \
                 CREATE USER app@'%' IDENTIFIED BY 'app-P4ss'; \
                 GRANT SELECT ON mysql.* TO app@'%'; \
                 CREATE USER app_clone@'%' IDENTIFIED BY 'app_clone-P4ss'; \
                 GRANT SELECT ON mysql.* TO app_clone@'%'",
            );
            turn(&world, first, second, "one-P4ss").unwrap();
            turn(&world, second, first, "two-P4ss").unwrap();
            // Both are marked by now, and need not be equal any more.
            world.admin("GRANT INSERT ON mysql.* TO app@'%'");
            turn(&world, first, second, "three-P4ss").unwrap();
            assert!(world.signs_in(first, "two-P4ss") && world.signs_in(second, "three-P4ss"));
        }
    }
}

/// A lock of this kind takes no right: whoever signs in could stop the turns of every pair.
#[test]
fn another_account_that_holds_a_lock_stops_no_turn() {
    let Some(world) = World::start(MysqlKind::Mariadb, &[]) else { return };
    world.admin(
        "CREATE DATABASE app; CREATE USER app IDENTIFIED BY 'app-P4ss'; GRANT SELECT ON app.* TO app; \
         CREATE USER idle IDENTIFIED BY 'idle-P4ss'; GRANT EVENT ON app.* TO idle; \
         SET GLOBAL event_scheduler = ON; CREATE DEFINER = idle EVENT app.holds \
         ON SCHEDULE AT CURRENT_TIMESTAMP DO DO GET_LOCK('windlass:app', 0), SLEEP(60)",
    );
    until(&world, "SELECT IS_USED_LOCK('windlass:app') IS NOT NULL");
    turn(&world, "app", "app_clone", "one-P4ss").unwrap();
    turn(&world, "app_clone", "app", "two-P4ss").unwrap();
    assert!(world.signs_in("app_clone", "one-P4ss") && world.signs_in("app", "two-P4ss"));
    assert_eq!(world.admin("SELECT IS_USED_LOCK('windlass:app') IS NULL").trim(), "0");
}

/// Waits until the server answers 1.
fn until(world: &World, question: &str) {
    let answers = (0..200).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        world.admin(question).trim() == "1"
    });
    assert!(answers, "{question}");
}

/// Two attempts at one turn are at work at the same time.
#[test]
fn another_attempt_at_a_turn_of_the_pair_is_waited_for() {
    let Some(world) = World::start(MysqlKind::Mariadb, &[]) else { return };
    world.admin(
        "CREATE DATABASE app; CREATE USER app IDENTIFIED BY 'app-P4ss'; GRANT SELECT ON app.* TO app; \
         CREATE USER another IDENTIFIED BY 'one-P4ss'; SET GLOBAL event_scheduler = ON",
    );
    let name = "SELECT LEFT(SHA2(CONCAT('app', GROUP_CONCAT(Host, Priv)), 256), 48) FROM \
                mysql.global_priv WHERE User = 'app'";
    let name = format!("'windlass:{}'", world.admin(name).trim());
    world.admin(&format!(
        "CREATE EVENT app.holds ON SCHEDULE AT CURRENT_TIMESTAMP DO DO GET_LOCK({name}, 0), SLEEP(60)"
    ));
    until(&world, &format!("SELECT IS_USED_LOCK({name}) IS NOT NULL"));
    let failure = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| turn(&world, "app", "app_clone", "one-P4ss").unwrap_err());
        let waits = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User lock'";
        until(&world, waits);
        // Whoever waits keeps nobody from the accounts.
        world.admin("SET lock_wait_timeout = 1; ALTER USER another IDENTIFIED BY 'two-P4ss'");
        waiting.join().expect("the turn ends")
    });
    assert_eq!(failure.kind, FailureKind::Unreachable, "{failure}");
    assert!(failure.message.contains("is at work"), "{failure}");
    assert_eq!(world.admin("SELECT COUNT(*) FROM mysql.user WHERE User = 'app_clone'").trim(), "0");
}

/// Whoever may grant a right may grant it to the role, too.
#[test]
fn marking_gives_no_right_that_somebody_gave_the_role() {
    let Some(world) = World::start(MysqlKind::Mariadb, &[]) else { return };
    world.admin(
        "CREATE DATABASE payroll; CREATE TABLE payroll.t (id int); CREATE USER app, app_clone \
         IDENTIFIED BY 'clone-P4ss'; CREATE ROLE `windlass:app`; \
         GRANT SELECT ON payroll.* TO `windlass:app`",
    );
    world.mark_pair("app_clone", "app").unwrap();
    let reads = "SET ROLE `windlass:app`; SELECT * FROM payroll.t";
    assert!(world.sql("app_clone", "clone-P4ss", "SET ROLE `windlass:app`").is_ok(), "marked");
    assert!(world.sql("app_clone", "clone-P4ss", reads).is_err(), "it has the role's right");
}

/// Accounts of one name at other hosts may be somebody else's: the secret signs in at one of them.
#[test]
fn a_pair_at_several_hosts_is_marked_where_the_administrator_says_that_they_are_one() {
    for kind in KINDS {
        let Some(world) = World::start(kind, &[]) else { continue };
        world.admin(
            "CREATE USER app@'%' IDENTIFIED BY 'base-P4ss', app_clone@'%' IDENTIFIED BY 'clone-P4ss', \
             app@'10.9.%' IDENTIFIED BY 'theirs-P4ss', app_clone@'10.9.%' IDENTIFIED BY 'theirs-P4ss'",
        );
        let failure = world.mark_pair("app_clone", "app").unwrap_err();
        assert_eq!(failure.kind, FailureKind::Declined, "{failure}");
        assert!(failure.message.contains("`app`@`10.9.%`"), "{failure}");
        // The remedy.
        assert!(failure.remedy.contains("\"accountHosts\" to \"all\" in the admin secret"));
        let lacks = world.assess("app_clone", Some("app")).unwrap().lacks;
        assert!(lacks.iter().any(|lack| lack.remedy == failure.remedy), "{lacks:?}");
        world.mark_pair_at_all_hosts("app_clone", "app").unwrap();
    }
}

/// Whoever writes a secret signs in as `app` from one place, and would get a clone with the rights of
/// another account of that name, and its password.
#[test]
fn no_clone_is_made_of_an_account_at_another_host() {
    for kind in KINDS {
        let Some(world) = World::start(kind, &[]) else { continue };
        world.admin(
            "CREATE DATABASE payroll; CREATE USER app@'%' IDENTIFIED BY 'base-P4ss', app@'10.9.%' \
             IDENTIFIED BY 'theirs-P4ss'; GRANT SELECT ON payroll.* TO app@'10.9.%'",
        );
        let failure = turn(&world, "app", "app_clone", "new-P4ss").unwrap_err();
        assert_eq!(failure.kind, FailureKind::Declined, "{failure}");
        assert!(failure.message.contains("several accounts of that name"), "{failure}");
        let clones = "SELECT COUNT(*) FROM mysql.user WHERE User = 'app_clone'";
        assert_eq!(world.admin(clones).trim(), "0");
    }
}
