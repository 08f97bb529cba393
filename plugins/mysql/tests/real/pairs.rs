//! Which accounts are a pair, and what is left when a turn does not end well.

use windlass_harness::MysqlKind;
use windlass_sdk::{ChangeRequest, Failure, FailureKind, TlsMode};

use crate::world::{Cut, World};

const KINDS: [MysqlKind; 2] = [MysqlKind::Mariadb, MysqlKind::Mysql];

fn turn(world: &World, current: &str, next: &str, password: &str) -> Result<(), Failure> {
    world.change_by_admin(next, password, |request| request.clone_of = Some(current.into()))
}

#[track_caller]
fn declined(outcome: Result<(), Failure>, part: &str) {
    let failure = outcome.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Declined, "{failure}");
    assert!(failure.message.contains(part), "{failure}");
}

#[track_caller]
fn not_a_pair(outcome: Result<(), Failure>) {
    let failure = outcome.unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotAPair, "{failure}");
}

#[test]
fn an_account_of_the_clones_name_is_not_taken_over() {
    for kind in KINDS {
        let Some(world) = World::start(kind, &[]) else { continue };
        world.admin(
            "CREATE USER app@'%' IDENTIFIED BY 'base-P4ss'; GRANT SELECT ON mysql.* TO app@'%'; \
             CREATE USER app_clone@'%' IDENTIFIED BY 'other-P4ss'",
        );
        for grants in [
            "SELECT 1",
            "GRANT INSERT ON mysql.* TO app_clone@'%'",
            "GRANT SELECT ON mysql.* TO app_clone@'%'",
        ] {
            world.admin(grants);
            not_a_pair(turn(&world, "app", "app_clone", "new-P4ss"));
            not_a_pair(turn(&world, "app_clone", "app", "new-P4ss"));
            assert!(
                world.signs_in("app_clone", "other-P4ss") && world.signs_in("app", "base-P4ss")
            );
        }
        // An equal is taken over, and marked: what is granted afterwards is taken back.
        world.admin("REVOKE INSERT ON mysql.* FROM app_clone@'%'");
        turn(&world, "app", "app_clone", "one-P4ss").unwrap();
        world.admin("GRANT INSERT ON mysql.* TO app_clone@'%'");
        turn(&world, "app_clone", "app", "two-P4ss").unwrap();
        assert!(!world.admin("SHOW GRANTS FOR app_clone@'%'").contains("INSERT"));
        // Equal in having nothing proves nothing.
        world.admin(
            "CREATE USER bare@'%' IDENTIFIED BY 'base-P4ss'; \
             CREATE USER bare_clone@'%' IDENTIFIED BY 'other-P4ss'",
        );
        not_a_pair(turn(&world, "bare", "bare_clone", "new-P4ss"));
    }
}

#[test]
fn both_halves_are_at_the_same_hosts() {
    for kind in KINDS {
        let Some(world) = World::start(kind, &[]) else { continue };
        world.admin(
            "CREATE USER app@'127.0.0.%' IDENTIFIED BY 'base-P4ss'; \
             CREATE USER app@'10.%' IDENTIFIED BY 'base-P4ss'; \
             GRANT SELECT ON mysql.* TO app@'10.%'; GRANT PROCESS ON *.* TO app@'127.0.0.%'",
        );
        world
            .change_by_admin("app_clone", "one-P4ss", |request| {
                request.clone_of = Some("app".into());
                request.actor.fields = vec![("accountHosts".into(), "all".into())];
            })
            .unwrap();
        assert!(world.signs_in("app_clone", "one-P4ss"));
        let hosts = "SELECT Host FROM mysql.user WHERE User = 'app_clone' ORDER BY Host";
        assert_eq!(world.admin(hosts), "10.%\n127.0.0.%");
        assert!(world.admin("SHOW GRANTS FOR app_clone@'10.%'").contains("`mysql`.*"));
        assert!(world.admin("SHOW GRANTS FOR app_clone@'127.0.0.%'").contains("PROCESS"));
        turn(&world, "app_clone", "app", "two-P4ss").unwrap();
        assert!(world.signs_in("app", "two-P4ss"));
        world.admin("CREATE USER app_clone@'192.168.%' IDENTIFIED BY 'stray-P4ss'");
        declined(turn(&world, "app", "app_clone", "three-P4ss"), "none of \"app\" at that host");
    }
}

#[test]
fn who_may_not_hand_on_a_right_leaves_no_usable_clone_and_a_later_turn_mends_it() {
    for kind in KINDS {
        let Some(world) = World::start(kind, &[]) else { continue };
        world.admin(
            "CREATE USER weak@'%' IDENTIFIED BY 'weak-P4ss'; \
             GRANT CREATE USER, SELECT ON *.* TO weak@'%' WITH GRANT OPTION; \
             CREATE USER app@'%' IDENTIFIED BY 'base-P4ss'; \
             GRANT SELECT, PROCESS ON *.* TO app@'%'",
        );
        let by_weak = |request: &mut ChangeRequest| {
            request.clone_of = Some("app".into());
            request.actor = world.login("weak", "weak-P4ss", TlsMode::Required);
        };
        for _ in 0..2 {
            let failure = world.change_by_admin("app_clone", "one-P4ss", by_weak).unwrap_err();
            assert_eq!(failure.kind, FailureKind::Declined);
            assert!(failure.remedy.contains("WITH GRANT OPTION"), "{failure:?}");
            assert!(!world.signs_in("app_clone", "one-P4ss"));
        }
        turn(&world, "app", "app_clone", "one-P4ss").unwrap();
        assert!(world.signs_in("app_clone", "one-P4ss"));
        assert!(world.admin("SHOW GRANTS FOR app_clone@'%'").contains("PROCESS"));
    }
}

#[test]
fn a_right_on_a_table_that_is_gone_does_not_stop_the_turns() {
    for kind in KINDS {
        let Some(world) = World::start(kind, &[]) else { continue };
        world.admin(
            "CREATE DATABASE shop; CREATE TABLE shop.gone (id INT, price INT); \
             CREATE TABLE shop.here (id INT, price INT); \
             CREATE USER app@'%' IDENTIFIED BY 'base-P4ss'; \
             GRANT SELECT, INSERT ON shop.gone TO app@'%'; \
             GRANT SELECT (id, price), UPDATE ON shop.here TO app@'%'; \
             DROP TABLE shop.gone; ALTER TABLE shop.here DROP COLUMN price",
        );
        turn(&world, "app", "app_clone", "one-P4ss").unwrap();
        let grants = world.admin("SHOW GRANTS FOR app_clone@'%'");
        assert!(grants.contains("UPDATE ON `shop`.`here`"), "{grants}");
        assert!(grants.contains("SELECT (`id`)"), "{grants}");
        turn(&world, "app_clone", "app", "two-P4ss").unwrap();
        assert!(world.signs_in("app", "two-P4ss"));
        // What comes back is given on the next turn.
        world.admin("CREATE TABLE shop.gone (id INT)");
        turn(&world, "app", "app_clone", "three-P4ss").unwrap();
        assert!(world.admin("SHOW GRANTS FOR app_clone@'%'").contains("`gone`"));
    }
}

#[test]
fn a_pair_needs_its_base_and_the_base_its_password() {
    for kind in KINDS {
        let Some(world) = World::start(kind, &[]) else { continue };
        declined(turn(&world, "app", "app_clone", "one-P4ss"), "no account \"app\"");
        world.admin("CREATE USER app@'%' IDENTIFIED BY 'base-P4ss' ACCOUNT LOCK");
        declined(turn(&world, "app", "app_clone", "one-P4ss"), "is locked");
        declined(turn(&world, "app_clone", "app", "one-P4ss"), "should be in force now");
        if kind == MysqlKind::Mariadb {
            world.admin("CREATE USER peer@'%' IDENTIFIED VIA unix_socket");
            declined(turn(&world, "peer", "peer_clone", "one-P4ss"), "does not sign in");
        }
        assert_eq!(world.admin("SELECT COUNT(*) FROM mysql.user WHERE User LIKE '%_clone'"), "0");
    }
}

#[test]
fn names_of_any_characters_are_a_pair_as_well() {
    for kind in KINDS {
        let Some(world) = World::start(kind, &[]) else { continue };
        let (base, clone) = ("ap'p \"`\\@x é", "ap'p \"`\\@x é_clone");
        world.admin(
            "CREATE USER `ap'p \"``\\@x é`@'%' IDENTIFIED BY 'base-P4ss'; \
             GRANT SELECT ON mysql.* TO `ap'p \"``\\@x é`@'%'",
        );
        turn(&world, base, clone, "one-P4ss").unwrap();
        assert!(world.signs_in(clone, "one-P4ss"));
        world.admin("GRANT INSERT ON mysql.* TO `ap'p \"``\\@x é`@'%'");
        turn(&world, clone, base, "two-P4ss").unwrap();
        assert!(world.signs_in(base, "two-P4ss"));
        let grants = world.admin("SHOW GRANTS FOR `ap'p \"``\\@x é_clone`@'%'");
        assert!(grants.contains("SELECT, INSERT"), "{grants}");
        world.change_by_admin(base, "three-P4ss", |_| ()).unwrap();
        assert!(world.signs_in(base, "three-P4ss"));
        let long = "x".repeat(27);
        world.admin(&format!("CREATE USER {long}@'%' IDENTIFIED BY 'base-P4ss'"));
        let outcome = turn(&world, &long, &format!("{long}_clone"), "one-P4ss");
        let expected = match kind {
            MysqlKind::Mariadb => None,
            MysqlKind::Mysql => Some(FailureKind::InvalidSecret),
        };
        assert_eq!(outcome.err().map(|failure| failure.kind), expected);
    }
}

/// What the server says that the account may do, by lines.
fn rights(world: &World, user: &str) -> Vec<String> {
    let shown = world.admin(&format!("SHOW GRANTS FOR {user}@'%'"));
    // The mark is no right.
    let shown = shown.replace(user, "half");
    let lines = shown.lines().filter(|line| !line.starts_with("GRANT `windlass:"));
    let lines = lines.map(|line| line.split(" IDENTIFIED ").next().unwrap_or(line));
    let mut rights: Vec<_> = lines.map(str::to_owned).collect();
    rights.sort();
    rights
}

#[test]
fn a_turn_that_is_cut_anywhere_gives_nothing_away_and_is_mended_by_the_next() {
    for kind in KINDS {
        let Some(world) = World::start(kind, &[]) else { continue };
        world.admin(
            "CREATE DATABASE shop; CREATE USER app@'%' IDENTIFIED BY 'base-P4ss' WITH \
             MAX_USER_CONNECTIONS 9; GRANT SELECT ON mysql.* TO app@'%'; GRANT PROCESS ON *.* TO \
             app@'%'; GRANT INSERT, DELETE ON shop.* TO app@'%'",
        );
        for cut in [Cut::Before as fn(usize) -> Cut, Cut::After] {
            for fresh in [true, false] {
                let mut message = 0;
                loop {
                    world.admin(if fresh {
                        "DROP USER IF EXISTS app_clone@'%'"
                    } else {
                        "REVOKE DELETE ON shop.* FROM app_clone@'%'; \
                         GRANT UPDATE, DROP ON shop.* TO app_clone@'%'; \
                         ALTER USER app_clone@'%' WITH MAX_USER_CONNECTIONS 0"
                    });
                    let password = format!("cut-{fresh}-{message}-P4ss");
                    let outcome =
                        world.cutting(cut(message), || turn(&world, "app", "app_clone", &password));
                    let at = format!("{kind:?} {:?} {fresh}: {outcome:?}", cut(message));
                    if world.signs_in("app_clone", &password) {
                        assert_eq!(rights(&world, "app_clone"), rights(&world, "app"), "{at}");
                    }
                    if let Err(failure) = &outcome {
                        assert_eq!(failure.kind, FailureKind::Unreachable, "{at}");
                    }
                    turn(&world, "app", "app_clone", &password).unwrap();
                    assert!(world.signs_in("app_clone", &password), "{at}");
                    assert_eq!(rights(&world, "app_clone"), rights(&world, "app"), "{at}");
                    if outcome.is_ok() {
                        break;
                    }
                    message += 1;
                }
                assert!(message > 8, "the cuts did not reach the statements");
            }
        }
    }
}

#[test]
fn a_turn_of_the_base_that_is_cut_anywhere_is_mended_by_the_next() {
    for kind in KINDS {
        let Some(world) = World::start(kind, &[]) else { continue };
        world.admin(
            "CREATE DATABASE shop; CREATE USER app@'%' IDENTIFIED BY 'base-P4ss'; \
             GRANT INSERT, DELETE ON shop.* TO app@'%'",
        );
        turn(&world, "app", "app_clone", "clone-P4ss").unwrap();
        for message in 0.. {
            world.admin(
                "REVOKE DELETE ON shop.* FROM app_clone@'%'; GRANT DROP ON shop.* TO app_clone@'%'",
            );
            let password = format!("cut-{message}-P4ss");
            let outcome =
                world.cutting(Cut::After(message), || turn(&world, "app_clone", "app", &password));
            // The clone is in force: it signs in all the while.
            assert!(world.signs_in("app_clone", "clone-P4ss"));
            if world.signs_in("app", &password) {
                assert_eq!(rights(&world, "app_clone"), rights(&world, "app"));
            }
            turn(&world, "app_clone", "app", &password).unwrap();
            assert!(world.signs_in("app", &password));
            assert_eq!(rights(&world, "app_clone"), rights(&world, "app"));
            if outcome.is_ok() {
                assert!(message > 8, "the cuts did not reach the statements");
                break;
            }
        }
    }
}
