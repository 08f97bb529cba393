//! Accounts of MariaDB with several methods of signing in: after a change no other password signs in,
//! and what is no password is kept.

use windlass_harness::MysqlKind;
use windlass_sdk::FailureKind;

use crate::world::World;

const OLD: &str = "kX3.vQ9-tLm2";
const NEW: &str = "Zr8.wB4-hNc7";

/// Methods, and whether the account may change its own password.
const METHODS: &[(&str, bool)] = &[
    ("mysql_native_password USING PASSWORD('kX3.vQ9-tLm2') OR unix_socket", true),
    ("ed25519 USING PASSWORD('kX3.vQ9-tLm2') OR mysql_native_password USING 'invalid'", true),
    ("unix_socket OR mysql_native_password USING PASSWORD('kX3.vQ9-tLm2')", false),
    ("mysql_native_password USING 'invalid' OR ed25519 USING PASSWORD('kX3.vQ9-tLm2')", false),
    (
        "mysql_native_password USING 'invalid' OR mysql_native_password USING \
         PASSWORD('kX3.vQ9-tLm2')",
        false,
    ),
    (
        "ed25519 USING PASSWORD('kX3.vQ9-tLm2') OR mysql_native_password USING \
         PASSWORD('kX3.vQ9-tLm2')",
        false,
    ),
];

/// The methods without what they keep, as the server lists them.
fn methods(world: &World, user: &str) -> String {
    let shown = world.admin(&format!("SHOW CREATE USER {user}@'%'"));
    let (_, methods) = shown.split_once(" IDENTIFIED ").unwrap();
    // Of one method, the server names none.
    let methods = methods.replace("BY PASSWORD", "VIA mysql_native_password USING");
    let kept = |word: &&str| !word.starts_with('\'') || *word == "'invalid'";
    methods.split(' ').filter(kept).collect::<Vec<_>>().join(" ")
}

fn make(world: &World, methods: &str) {
    world.admin(&format!(
        "CREATE OR REPLACE USER app@'%' IDENTIFIED VIA {methods}; \
         GRANT SELECT ON mysql.* TO app@'%'; DROP USER IF EXISTS app_clone@'%'"
    ));
}

#[test]
fn an_accounts_own_change_ends_the_old_password_or_changes_nothing() {
    let Some(world) = World::start(MysqlKind::Mariadb, &[]) else { return };
    for (identified, may) in METHODS {
        make(&world, identified);
        let before = (methods(&world, "app"), world.admin("SHOW CREATE USER app@'%'"));
        let refused = world.log().matches("Access denied").count();
        let outcome = world.change("app", OLD, NEW);
        assert_eq!(world.log().matches("Access denied").count(), refused, "{identified}");
        if *may {
            outcome.unwrap();
            assert!(world.verify("app", NEW).is_ok(), "{identified}");
            let kind = world.verify("app", OLD).unwrap_err().kind;
            assert_ne!(kind, FailureKind::Unreachable, "{identified}");
            assert_eq!(methods(&world, "app"), before.0);
            continue;
        }
        let failure = outcome.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Declined, "{identified}: {failure}");
        assert!(failure.remedy.contains("\"masterarn\""), "{failure:?}");
        assert_eq!(world.admin("SHOW CREATE USER app@'%'"), before.1, "nothing was changed");
        // The remedy.
        world.change_by_admin("app", NEW, |_| ()).unwrap();
        assert!(world.verify("app", NEW).is_ok() && world.verify("app", OLD).is_err());
        assert_eq!(methods(&world, "app"), before.0);
    }
}

#[test]
fn an_administrators_change_and_turns_end_the_old_password_and_keep_other_methods() {
    let Some(world) = World::start(MysqlKind::Mariadb, &[]) else { return };
    for (identified, _) in METHODS {
        make(&world, identified);
        let before = methods(&world, "app");
        world.change_by_admin("app", NEW, |_| ()).unwrap();
        assert!(world.verify("app", NEW).is_ok() && world.verify("app", OLD).is_err());
        assert_eq!(methods(&world, "app"), before);
        for (current, next, password) in
            [("app", "app_clone", OLD), ("app_clone", "app", OLD), ("app", "app_clone", NEW)]
        {
            world
                .change_by_admin(next, password, |request| request.clone_of = Some(current.into()))
                .unwrap();
            let other = if password == OLD { NEW } else { OLD };
            assert!(world.verify(next, password).is_ok(), "{identified}");
            assert!(world.verify(next, other).is_err(), "{identified}");
            assert_eq!(methods(&world, next), before);
        }
    }
}
