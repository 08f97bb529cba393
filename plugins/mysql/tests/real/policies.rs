//! Password policies: they are served, their refusal changes nothing, and says what to set.

use windlass_harness::MysqlKind;
use windlass_sdk::{ChangeRequest, Failure, FailureKind, TlsMode};

use crate::world::World;

const OLD: &str = "kX3.vQ9-tLm2";
/// What the policies of these tests take.
const GOOD: &str = "Zr8.wB4-hNc7Gy6.pD1-sJf5Mk2.xH9-bTq3Wn4.cV7-";
const BETTER: &str = "Gy6.pD1-sJf5Mk2.xH9-bTq3Wn4.cV7-Zr8.wB4-hNc7";
const SHORT: &str = "Hd7.rF2-nYk4";

const POLICY: &str = "INSTALL SONAME 'simple_password_check'; \
                      SET GLOBAL simple_password_check_minimal_length = 40";

const NOT_STRICT: &str = "SET GLOBAL strict_password_validation = OFF";

fn text(request: &mut ChangeRequest) {
    request.may_send_text = true;
}

fn turn(world: &World, current: &str, next: &str, password: &str) -> Result<(), Failure> {
    world.change_by_admin(next, password, |request| {
        request.clone_of = Some(current.into());
        request.may_send_text = true;
    })
}

/// Everything that the server tells about the pair.
fn described(world: &World) -> String {
    ["app", "app_clone"]
        .map(|user| {
            let shown = format!("SHOW CREATE USER {user}@'%'; SHOW GRANTS FOR {user}@'%'");
            world.try_admin(&shown).unwrap_or_default()
        })
        .join("\n")
}

#[test]
fn a_policy_of_mariadbs_is_served_by_every_strategy() {
    let Some(world) = World::start(MysqlKind::Mariadb, &[]) else { return };
    world.admin(&format!(
        "CREATE USER app@'%' IDENTIFIED BY '{OLD}'; GRANT SELECT ON mysql.* TO app@'%'; {POLICY}"
    ));
    world.change_with("app", OLD, GOOD, text).unwrap();
    world.change_by_admin("app", BETTER, text).unwrap();
    assert!(world.signs_in("app", BETTER) && !world.signs_in("app", GOOD));
    // The clone's mark, and the password that it is made with, satisfy the policy, too.
    turn(&world, "app", "app_clone", GOOD).unwrap();
    turn(&world, "app_clone", "app", GOOD).unwrap();
    world.admin("GRANT INSERT ON mysql.* TO app@'%'");
    turn(&world, "app", "app_clone", BETTER).unwrap();
    assert!(world.signs_in("app", GOOD) && world.signs_in("app_clone", BETTER));
    assert!(!world.signs_in("app_clone", GOOD));
}

#[test]
fn a_password_that_mariadbs_policy_has_to_see_is_sent_where_the_operator_allows_it() {
    let Some(world) = World::start(MysqlKind::Mariadb, &[]) else { return };
    world.admin(&format!(
        "CREATE USER app@'%' IDENTIFIED BY '{OLD}'; GRANT SELECT ON mysql.* TO app@'%'; {POLICY}"
    ));
    let before = described(&world);
    let turn = |request: &mut ChangeRequest| request.clone_of = Some("app".into());
    for failure in [
        world.change("app", OLD, GOOD).unwrap_err(),
        world.change_by_admin("app", GOOD, |_| ()).unwrap_err(),
        world.change_by_admin("app_clone", GOOD, turn).unwrap_err(),
    ] {
        assert_eq!(failure.kind, FailureKind::TextRequired, "{failure}");
        assert!(failure.remedy.contains(NOT_STRICT), "{failure:?}");
    }
    let failure = world
        .change_with("app", OLD, GOOD, |request| {
            request.may_send_text = true;
            request.actor.tls = TlsMode::Disabled;
        })
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unsupported, "{failure}");
    assert_eq!(described(&world), before);
    let log = world.log();
    assert!(!log.contains(GOOD), "it was not sent");
    // The remedy.
    assert!(failure.remedy.contains(NOT_STRICT), "{failure:?}");
    world.admin(NOT_STRICT);
    world.change("app", OLD, GOOD).unwrap();
    assert!(!world.log().contains(GOOD));
}

#[track_caller]
fn rejected(outcome: Result<(), Failure>, reason: &str, remedy: &str) {
    let failure = outcome.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::PasswordRejected, "1819"));
    assert!(failure.message.contains(reason), "{failure:?}");
    assert!(failure.remedy.contains(remedy), "{failure:?}");
    assert!(!format!("{failure:?}").contains(SHORT));
}

#[test]
fn a_refusal_of_mariadbs_changes_nothing_and_names_the_setting() {
    let Some(world) = World::start(MysqlKind::Mariadb, &[]) else { return };
    world.admin(&format!(
        "CREATE USER app@'%' IDENTIFIED BY '{OLD}'; GRANT SELECT ON mysql.* TO app@'%'; {POLICY}"
    ));
    let reason = "Too short password (< 40)";
    let remedy = "set PASSWORD_LENGTH to 40 or more";
    let before = described(&world);
    rejected(world.change_with("app", OLD, SHORT, text), reason, remedy);
    rejected(world.change_by_admin("app", SHORT, text), reason, remedy);
    rejected(turn(&world, "app", "app_clone", SHORT), reason, remedy);
    assert_eq!(described(&world), before);
    // Nor where there is something to change on the clone.
    turn(&world, "app", "app_clone", GOOD).unwrap();
    world.admin("GRANT INSERT ON mysql.* TO app@'%'; REVOKE SELECT ON mysql.* FROM app_clone@'%'");
    let before = described(&world);
    rejected(turn(&world, "app", "app_clone", SHORT), reason, remedy);
    rejected(turn(&world, "app_clone", "app", SHORT), reason, remedy);
    assert_eq!(described(&world), before);
    world.admin("SET GLOBAL simple_password_check_other_characters = 1");
    let no_other = "Zr8wB4hNc7Gy6pD1sJf5Mk2xH9bTq3Wn4cV7Zr8wB4hNc7";
    rejected(
        world.change_by_admin("app", no_other, text),
        "Not enough special characters",
        "set EXCLUDE_PUNCTUATION to false",
    );
}

#[test]
fn the_dictionary_of_mariadbs_cracklib_is_asked_too() {
    let Some(world) = World::start(MysqlKind::Mariadb, &[]) else { return };
    if let Err(error) = world.try_admin("INSTALL SONAME 'cracklib_password_check'") {
        eprintln!("SKIPPED, this MariaDB has no cracklib_password_check: {error}");
        return;
    }
    world.admin(&format!(
        "CREATE USER app@'%' IDENTIFIED BY '{GOOD}'; GRANT SELECT ON mysql.* TO app@'%'"
    ));
    turn(&world, "app", "app_clone", BETTER).unwrap();
    let failure = turn(&world, "app_clone", "app", "zzzzzzzzzzzz").unwrap_err();
    assert_eq!(failure.kind, FailureKind::PasswordRejected);
    assert!(
        failure.message.contains("cracklib: it does not contain enough DIFFERENT"),
        "{failure}"
    );
    assert!(failure.remedy.starts_with("rotate again, which makes another password"));
    turn(&world, "app_clone", "app", BETTER).unwrap();
    assert!(world.signs_in("app", BETTER) && world.signs_in("app_clone", BETTER));
}

#[test]
fn a_policy_that_remembers_passwords_does_not_meet_the_question_again() {
    let Some(world) = World::start(MysqlKind::Mariadb, &[]) else { return };
    if let Err(error) = world.try_admin("INSTALL SONAME 'password_reuse_check'") {
        eprintln!("SKIPPED, this MariaDB has no password_reuse_check: {error}");
        return;
    }
    world.admin(&format!(
        "CREATE USER app@'%' IDENTIFIED BY '{OLD}'; GRANT SELECT ON mysql.* TO app@'%'"
    ));
    turn(&world, "app", "app_clone", GOOD).unwrap();
    turn(&world, "app_clone", "app", BETTER).unwrap();
    turn(&world, "app", "app_clone", SHORT).unwrap();
    assert!(world.signs_in("app_clone", SHORT));
    let failure =
        turn(&world, "app_clone", "app", BETTER).and(turn(&world, "app", "app_clone", GOOD));
    assert_eq!(failure.unwrap_err().kind, FailureKind::PasswordRejected);
}

#[test]
fn a_method_that_keeps_a_hash_stands_against_a_strict_policy() {
    let Some(world) = World::start(MysqlKind::Mariadb, &[]) else { return };
    world.admin(&format!(
        "CREATE USER app@'%' IDENTIFIED VIA ed25519 USING PASSWORD('{OLD}') OR \
         mysql_native_password USING 'invalid'; {POLICY}"
    ));
    let failure = world.change_by_admin("app", GOOD, text).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Declined, "{failure}");
    assert!(failure.message.contains("USING 'invalid'"), "{failure}");
    assert!(world.signs_in("app", OLD));
    // The remedy.
    world.admin("SET GLOBAL strict_password_validation = OFF");
    world.change_by_admin("app", GOOD, text).unwrap();
    assert!(world.signs_in("app", GOOD) && !world.signs_in("app", OLD));
}

#[test]
fn a_refusal_of_mysqls_changes_nothing_and_names_the_setting() {
    let Some(world) = World::start(MysqlKind::Mysql, &[]) else { return };
    world.admin(&format!(
        "CREATE USER app@'%' IDENTIFIED BY '{OLD}'; GRANT SELECT ON mysql.* TO app@'%'"
    ));
    let component = "INSTALL COMPONENT 'file://component_validate_password'";
    if let Err(error) = world.try_admin(component) {
        eprintln!("SKIPPED, this MySQL has no validate_password: {error}");
        return;
    }
    world.admin("SET GLOBAL validate_password.policy = STRONG");
    let no_other = "Zr8wB4hNc7Gy6pD1sJf5";
    let (reason, remedy) = ("1 other characters, no word of", "set EXCLUDE_PUNCTUATION to false");
    let before = described(&world);
    rejected(world.change("app", OLD, no_other), reason, remedy);
    rejected(world.change_by_admin("app", no_other, |_| ()), reason, remedy);
    rejected(turn(&world, "app", "app_clone", no_other), reason, remedy);
    assert_eq!(described(&world), before);
    turn(&world, "app", "app_clone", GOOD).unwrap();
    world.admin("GRANT INSERT ON mysql.* TO app@'%'");
    let before = described(&world);
    rejected(turn(&world, "app", "app_clone", no_other), reason, remedy);
    rejected(turn(&world, "app_clone", "app", no_other), reason, remedy);
    assert_eq!(described(&world), before);
    turn(&world, "app_clone", "app", BETTER).unwrap();
    world.change("app", BETTER, GOOD).unwrap();
    assert!(world.signs_in("app", GOOD) && !world.signs_in("app", BETTER));
    // A history, which a second call with the same password does not meet.
    world.admin("ALTER USER app@'%' PASSWORD HISTORY 5");
    for password in [BETTER, BETTER, OLD] {
        turn(&world, "app", "app_clone", password).unwrap();
    }
    let before = described(&world);
    let failure = turn(&world, "app", "app_clone", BETTER).unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::PasswordRejected, "3638"));
    assert_eq!(described(&world), before);
    assert!(!world.log().contains(GOOD), "the server's log has it");
}
