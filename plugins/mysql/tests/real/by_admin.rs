//! Changes by an administrator: which accounts, in which form, and what a second call does.

use windlass_harness::MysqlKind;
use windlass_sdk::{ChangeRequest, FailureKind, TlsMode};

use crate::world::World;

fn all_hosts(request: &mut ChangeRequest) {
    request.actor.fields = vec![("accountHosts".into(), "all".into())];
}

fn one_account_several_and_none(kind: MysqlKind) {
    let Some(world) = World::start(kind, &[]) else { return };
    world.admin("CREATE USER app@'%' IDENTIFIED BY 'first-P4ss'");
    world.change_by_admin("app", "second-P4ss", |_| ()).unwrap();
    assert!(world.signs_in("app", "second-P4ss") && !world.signs_in("app", "first-P4ss"));
    world.change_by_admin("app", "second-P4ss", |_| ()).unwrap();

    world.admin("CREATE USER app@'10.1.2.3' IDENTIFIED BY 'first-P4ss'");
    let failure = world.change_by_admin("app", "third-P4ss", |_| ()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Declined);
    assert!(failure.message.contains("`app`@`%`, `app`@`10.1.2.3`"), "{failure}");
    assert!(world.signs_in("app", "second-P4ss"), "nothing was changed");

    let stored = "SELECT authentication_string FROM mysql.user WHERE User = 'app' ORDER BY Host";
    let before = world.admin(stored);
    world.change_by_admin("app", "third-P4ss", all_hosts).unwrap();
    assert!(world.signs_in("app", "third-P4ss"));
    let after = world.admin(stored);
    for (before, after) in before.lines().zip(after.lines()) {
        assert_ne!(before, after, "every account has a new password");
    }
    // What has it already is not written again.
    world.change_by_admin("app", "third-P4ss", all_hosts).unwrap();
    assert_eq!(world.admin(stored), after);

    let failure = world.change_by_admin("nobody", "third-P4ss", |_| ()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Declined);
    let log = world.log();
    assert!(!log.contains("third-P4ss") && !log.contains("second-P4ss"));
}

#[test]
fn mariadb_changes_the_accounts_that_are_meant() {
    one_account_several_and_none(MysqlKind::Mariadb);
}

#[test]
fn mysql_changes_the_accounts_that_are_meant() {
    one_account_several_and_none(MysqlKind::Mysql);
}

#[test]
fn an_administrator_without_rights_says_which_it_lacks() {
    for kind in [MysqlKind::Mariadb, MysqlKind::Mysql] {
        let Some(world) = World::start(kind, &[]) else { continue };
        world.admin("CREATE USER app@'%' IDENTIFIED BY 'first-P4ss'");
        world.admin("CREATE USER weak@'%' IDENTIFIED BY 'weak-P4ss'");
        for (grant, code) in [
            ("GRANT USAGE ON *.* TO weak@'%'", "1142"),
            ("GRANT SELECT ON mysql.* TO weak@'%'", "1227"),
        ] {
            world.admin(grant);
            let failure = world
                .change_by_admin("app", "second-P4ss", |request| {
                    request.actor = world.login("weak", "weak-P4ss", TlsMode::Required);
                })
                .unwrap_err();
            assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Declined, code));
            assert!(failure.remedy.contains("needs CREATE USER"), "{failure}");
        }
        assert!(world.signs_in("app", "first-P4ss"));
    }
}

#[test]
fn other_methods_of_an_account_of_mariadb_are_kept() {
    let Some(world) = World::start(MysqlKind::Mariadb, &[]) else { return };
    world.admin(
        "INSTALL SONAME 'auth_ed25519'; \
         CREATE USER app@'%' IDENTIFIED VIA unix_socket OR ed25519 USING PASSWORD('a-P4ss') OR \
         mysql_native_password USING PASSWORD('a-P4ss')",
    );
    world.change_by_admin("app", "b-P4ss", |_| ()).unwrap();
    let shown = world.admin("SHOW CREATE USER app@'%'");
    let methods = ["VIA unix_socket OR ed25519 USING", "OR mysql_native_password USING '*"];
    assert!(methods.iter().all(|part| shown.contains(part)), "{shown}");
    world.verify("app", "b-P4ss").unwrap();
    assert!(world.signs_in("app", "b-P4ss") && !world.signs_in("app", "a-P4ss"));
}
