//! Accounts with two passwords: which two, after whatever happened before.

use windlass_harness::MysqlKind;
use windlass_sdk::{ChangeRequest, Failure, FailureKind, TlsMode};

use crate::world::{Cut, World};

/// By whom a password is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Itself,
    Administrator,
}

const BOTH: [By; 2] = [By::Itself, By::Administrator];

fn keep(world: &World, by: By, old: &str, new: &str) -> Result<(), Failure> {
    world.change_by_admin("app", new, |request| {
        request.keep_old_valid = true;
        request.old_password = Some(old.into());
        if by == By::Itself {
            request.actor = world.login("app", old, TlsMode::Required);
        }
    })
}

/// Which of the passwords sign in.
fn valid(world: &World) -> Vec<&'static str> {
    let all = ["one-P4ss", "two-P4ss", "three-P4ss", "four-P4ss"];
    all.into_iter().filter(|password| world.signs_in("app", password)).collect()
}

fn account(world: &World, options: &str) {
    world.admin(&format!(
        "DROP USER IF EXISTS app@'%'; CREATE USER app@'%' IDENTIFIED BY 'one-P4ss' {options}; \
         GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO app@'%'"
    ));
}

#[test]
fn the_old_password_stays_valid_until_the_next_change() {
    let Some(world) = World::start(MysqlKind::Mysql, &[]) else { return };
    for by in BOTH {
        // A history that refuses a password that was there before must not be in the way.
        for options in ["", "PASSWORD HISTORY 5", "PASSWORD REQUIRE CURRENT"] {
            account(&world, options);
            keep(&world, by, "one-P4ss", "two-P4ss").unwrap();
            assert_eq!(valid(&world), ["one-P4ss", "two-P4ss"], "{by:?} {options}");
            keep(&world, by, "two-P4ss", "three-P4ss").unwrap();
            assert_eq!(valid(&world), ["two-P4ss", "three-P4ss"], "{by:?} {options}");
        }
    }
}

/// The first password may have been set by a rotation that was given up: the one that clients hold
/// is the second, and must not be lost.
#[test]
fn a_change_after_one_that_was_given_up_keeps_what_clients_hold() {
    let Some(world) = World::start(MysqlKind::Mysql, &[]) else { return };
    for (given_up, next) in [(By::Itself, By::Itself), (By::Itself, By::Administrator)]
        .into_iter()
        .chain([(By::Administrator, By::Itself), (By::Administrator, By::Administrator)])
    {
        account(&world, "");
        keep(&world, given_up, "one-P4ss", "two-P4ss").unwrap();
        keep(&world, next, "one-P4ss", "three-P4ss").unwrap();
        assert_eq!(valid(&world), ["one-P4ss", "three-P4ss"], "{given_up:?}, {next:?}");
        keep(&world, next, "one-P4ss", "four-P4ss").unwrap();
        assert_eq!(valid(&world), ["one-P4ss", "four-P4ss"], "{given_up:?}, {next:?}");
    }
}

#[test]
fn a_second_call_changes_nothing() {
    let Some(world) = World::start(MysqlKind::Mysql, &[]) else { return };
    for by in BOTH {
        account(&world, "");
        for _ in 0..3 {
            keep(&world, by, "one-P4ss", "two-P4ss").unwrap();
            assert_eq!(valid(&world), ["one-P4ss", "two-P4ss"], "{by:?}");
        }
        // Signed in with the new one already.
        keep(&world, by, "two-P4ss", "two-P4ss").unwrap();
        assert_eq!(valid(&world), ["one-P4ss", "two-P4ss"], "{by:?}");
    }
}

#[test]
fn wherever_a_change_is_cut_what_clients_hold_stays_valid() {
    let Some(world) = World::start(MysqlKind::Mysql, &[]) else { return };
    for by in BOTH {
        let mut cuts = 0;
        for message in 0.. {
            let mut uncut = 0;
            for cut in [Cut::Before(message), Cut::After(message)] {
                account(&world, "");
                keep(&world, by, "one-P4ss", "two-P4ss").unwrap();
                let outcome = world.cutting(cut, || keep(&world, by, "one-P4ss", "three-P4ss"));
                uncut += usize::from(outcome.is_ok());
                cuts += usize::from(outcome.is_err());
                assert!(valid(&world).contains(&"one-P4ss"), "{by:?} {cut:?}: {outcome:?}");
                keep(&world, by, "one-P4ss", "four-P4ss").unwrap();
                assert_eq!(valid(&world), ["one-P4ss", "four-P4ss"], "{by:?} {cut:?}");
            }
            if uncut == 2 {
                break;
            }
        }
        assert!(cuts > 8, "{by:?}: only {cuts} cuts");
    }
}

/// From two passwords back to one.
#[test]
fn a_change_that_keeps_nothing_leaves_one_password() {
    let Some(world) = World::start(MysqlKind::Mysql, &[]) else { return };
    for by in BOTH {
        account(&world, "");
        keep(&world, by, "one-P4ss", "two-P4ss").unwrap();
        match by {
            By::Itself => world.change("app", "two-P4ss", "three-P4ss").unwrap(),
            By::Administrator => world.change_by_admin("app", "three-P4ss", |_| ()).unwrap(),
        }
        assert_eq!(valid(&world), ["three-P4ss"], "{by:?}");
    }
    // Who may not have two passwords changes the one.
    world.admin("REVOKE APPLICATION_PASSWORD_ADMIN ON *.* FROM app@'%'");
    world.change("app", "three-P4ss", "four-P4ss").unwrap();
    assert_eq!(valid(&world), ["four-P4ss"]);
    let failure = keep(&world, By::Itself, "four-P4ss", "one-P4ss").unwrap_err();
    assert_eq!(failure.kind, FailureKind::Declined);
    assert_eq!(valid(&world), ["four-P4ss"]);
    // The remedy.
    let (_, grant) = failure.remedy.split_once("and then ").unwrap();
    world.admin(&grant.replace("HOST", "%"));
    keep(&world, By::Itself, "four-P4ss", "one-P4ss").unwrap();
}

/// A change that died before it had ended the second password is made again.
#[test]
fn a_second_change_to_the_same_password_ends_the_other_one() {
    let Some(world) = World::start(MysqlKind::Mysql, &[]) else { return };
    account(&world, "");
    keep(&world, By::Administrator, "one-P4ss", "two-P4ss").unwrap();
    world.change_by_admin("app", "two-P4ss", |_| ()).unwrap();
    assert_eq!(valid(&world), ["two-P4ss"]);
}

/// Another new password would not help, so that the rotation is not given up.
#[test]
fn a_rule_against_the_password_that_is_kept_is_not_put_down_to_the_new_one() {
    let Some(world) = World::start(MysqlKind::Mysql, &[]) else { return };
    for by in BOTH {
        account(&world, "PASSWORD HISTORY 5");
        keep(&world, by, "one-P4ss", "two-P4ss").unwrap();
        let failure = keep(&world, by, "one-P4ss", "three-P4ss").unwrap_err();
        assert_eq!(failure.kind, FailureKind::Declined, "{by:?}: {failure}");
        assert!(failure.message.contains("the password that is kept"), "{by:?}: {failure}");
        assert_eq!(valid(&world), ["one-P4ss", "two-P4ss"], "{by:?}");
        // The remedy.
        assert!(failure.remedy.contains("PASSWORD HISTORY 0"), "{failure:?}");
        world.admin("ALTER USER app@'%' PASSWORD HISTORY 0 PASSWORD REUSE INTERVAL 0 DAY");
        keep(&world, by, "one-P4ss", "three-P4ss").unwrap();
        assert_eq!(valid(&world), ["one-P4ss", "three-P4ss"], "{by:?}");
    }
}

/// The password that signs in is the second one: a change of the first would leave it valid.
#[test]
fn a_second_password_that_signs_in_does_not_outlive_a_change() {
    const FIRST: &str = "kX3.vQ9-tLm2";
    const SECOND: &str = "Zr8.wB4-hNc7";
    const NEW: &str = "Gy6.pD1-sJf5";
    let Some(world) = World::start(MysqlKind::Mysql, &[]) else { return };
    world.admin(&format!(
        "CREATE USER app@'%' IDENTIFIED BY '{SECOND}'; \
         ALTER USER app@'%' IDENTIFIED BY '{FIRST}' RETAIN CURRENT PASSWORD"
    ));
    let failure = world.change("app", SECOND, NEW).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Declined, "{failure}");
    assert!(world.signs_in("app", FIRST) && !world.signs_in("app", NEW), "nothing was changed");
    // The remedy.
    let (_, grant) = failure.remedy.split_once("and then ").unwrap();
    let (grant, _) = grant.split_once("; or ").unwrap();
    world.admin(&grant.replace("HOST", "%"));
    world.change("app", SECOND, NEW).unwrap();
    assert!(world.signs_in("app", NEW));
    assert!(!world.signs_in("app", FIRST) && !world.signs_in("app", SECOND));
}

#[test]
fn a_password_that_can_not_be_compared_is_not_risked() {
    let options = ["--loose-sha256-password-auto-generate-rsa-keys=ON"];
    let Some(world) = World::start(MysqlKind::Mysql, &options) else { return };
    let made = "CREATE USER app@'%' IDENTIFIED WITH sha256_password BY 'one-P4ss'";
    if let Err(error) = world.try_admin(made) {
        eprintln!("SKIPPED, this MySQL has no sha256_password: {error}");
        return;
    }
    let failure = keep(&world, By::Administrator, "one-P4ss", "two-P4ss").unwrap_err();
    assert_eq!(failure.kind, FailureKind::Declined);
    assert!(failure.remedy.contains("alternating-users"), "{failure}");
    assert_eq!(valid(&world), ["one-P4ss"]);
}

#[test]
fn mariadb_has_one_password_at_a_time() {
    let Some(world) = World::start(MysqlKind::Mariadb, &[]) else { return };
    world.admin("CREATE USER app@'%' IDENTIFIED BY 'one-P4ss'");
    for by in BOTH {
        let failure = keep(&world, by, "one-P4ss", "two-P4ss").unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unsupported);
        assert!(failure.remedy.contains("alternating-users"), "{failure}");
        assert_eq!(valid(&world), ["one-P4ss"]);
    }
}

#[test]
fn an_administrator_has_to_be_told_which_password_is_kept() {
    let Some(world) = World::start(MysqlKind::Mysql, &[]) else { return };
    account(&world, "");
    let spoil = |request: &mut ChangeRequest| request.keep_old_valid = true;
    let failure = world.change_by_admin("app", "two-P4ss", spoil).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Protocol);
    assert_eq!(valid(&world), ["one-P4ss"]);
}
