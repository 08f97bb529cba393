//! In which form a password is stored: never one with which nobody signs in.

use crate::world::{World, options};

const NEW: &str = "qB7-wLr2_XzK94mt";

/// Where `pg_hba.conf` asks for SCRAM, a hash would lock the account out, whoever changes it.
#[test]
fn no_setting_stores_a_hash_where_scram_is_asked_for() {
    for place in ["server", "database", "role"] {
        let settings: &[_] =
            if place == "server" { &[("password_encryption", "md5")] } else { &[] };
        let world = World::set_to(settings);
        world.admin(
            "SET password_encryption = 'scram-sha-256'; \
             CREATE ROLE app LOGIN PASSWORD 'uR5-old_9tZe'; CREATE ROLE other LOGIN PASSWORD 'uR5-old_9tZe'",
        );
        match place {
            "database" => world.admin("ALTER DATABASE postgres SET password_encryption = 'md5'"),
            "role" => world.admin(
                "ALTER ROLE app SET password_encryption = 'md5'; \
                 ALTER ROLE master SET password_encryption = 'md5'",
            ),
            _ => String::new(),
        };
        world.change(("app", "uR5-old_9tZe"), "app", NEW).unwrap();
        world.change(world.master(), "other", NEW).unwrap();
        world.turn("app", "app_clone", NEW).unwrap();
        world.turn("app_clone", "app", "vN3-next_7yQp").unwrap();
        for (role, password) in [("app", "vN3-next_7yQp"), ("other", NEW), ("app_clone", NEW)] {
            assert!(world.signs_in(role, password), "{place}: {role}");
            assert!(world.stores(role, "SCRAM-SHA-256$"), "{place}: {role}");
        }
    }
}

/// A role with a hash, under `md5`: the setting decides, and both forms sign in.
#[test]
fn where_md5_is_asked_for_the_setting_decides() {
    let world = World::with(|_| {
        let mut options = options(&[("password_encryption", "md5")]);
        options.first_rules = vec!["hostssl all all 127.0.0.1/32 md5".into()];
        options
    });
    world.admin("CREATE ROLE app LOGIN PASSWORD 'uR5-old_9tZe'");
    assert!(world.stores("app", "md5"));
    world.change(("app", "uR5-old_9tZe"), "app", NEW).unwrap();
    assert!(world.stores("app", "md5") && world.signs_in("app", NEW));
    world.change(world.master(), "app", "vN3-next_7yQp").unwrap();
    assert!(world.stores("app", "md5") && world.signs_in("app", "vN3-next_7yQp"));
    // Who has a verifier keeps one: elsewhere nothing but SCRAM may be asked for.
    world
        .admin("SET password_encryption = 'scram-sha-256'; ALTER ROLE app PASSWORD 'uR5-old_9tZe'");
    world.change(("app", "uR5-old_9tZe"), "app", NEW).unwrap();
    assert!(world.stores("app", "SCRAM-SHA-256$") && world.signs_in("app", NEW));
    world.change(world.master(), "app", "vN3-next_7yQp").unwrap();
    assert!(world.stores("app", "SCRAM-SHA-256$") && world.signs_in("app", "vN3-next_7yQp"));
    // And the other way round, the setting's verifier signs in under md5, too.
    world.admin("ALTER ROLE app PASSWORD 'uR5-old_9tZe'; ALTER ROLE app SET password_encryption = 'scram-sha-256'");
    assert!(world.stores("app", "md5"));
    world.change(("app", "uR5-old_9tZe"), "app", NEW).unwrap();
    assert!(world.stores("app", "SCRAM-SHA-256$") && world.signs_in("app", NEW));
}

/// Asking how an account signs in is no failed sign-in.
#[test]
fn nobody_is_refused_by_the_question_how_an_account_signs_in() {
    let world = World::set_to(&[("password_encryption", "md5")]);
    world.admin("CREATE ROLE app LOGIN PASSWORD 'uR5-old_9tZe'");
    world.change(world.master(), "app", NEW).unwrap();
    assert!(!world.log().contains("authentication failed"), "{}", world.log());
}
