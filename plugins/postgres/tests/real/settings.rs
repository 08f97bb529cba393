//! Settings of a role, a database or the server that would stand in the way of a change.

use windlass_sdk::FailureKind;

use crate::world::World;

const NEW: &str = "qB7-wLr2_XzK94mt";

/// Each of these ends a statement or the session of whoever has them.
const LIMITS: &[&str] = &[
    "statement_timeout = '1ms'",
    "lock_timeout = '1ms'",
    "idle_in_transaction_session_timeout = '1ms'",
    "default_transaction_read_only = on",
    "default_transaction_isolation = 'serializable'",
    "search_path = 'evil, pg_catalog'",
    "client_min_messages = 'debug5'",
    "synchronous_commit = off",
    "datestyle = 'German'",
    "standard_conforming_strings = off",
];

#[test]
fn limits_of_an_account_or_a_database_do_not_end_its_change() {
    for place in ["ROLE", "DATABASE"] {
        let world = World::start();
        world.admin(
            "CREATE ROLE app LOGIN PASSWORD 'uR5-old_9tZe'; \
             CREATE ROLE admin LOGIN CREATEROLE PASSWORD 'uR5-adm_9tZe'; CREATE SCHEMA evil; \
             CREATE FUNCTION evil.current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT 'argon2' $$; \
             GRANT USAGE ON SCHEMA evil TO PUBLIC",
        );
        // At once: a database that is read-only by default takes no second statement.
        let set = |what: &str| -> String {
            LIMITS.iter().map(|limit| format!("ALTER {what} SET {limit}; ")).collect()
        };
        let statements: String = match place {
            "DATABASE" => set("DATABASE postgres"),
            _ => set("ROLE app") + &set("ROLE admin"),
        };
        world.admin(&statements);
        world.verify("app", "uR5-old_9tZe").unwrap();
        world.change(("app", "uR5-old_9tZe"), "app", NEW).unwrap();
        world.verify("app", NEW).unwrap();
        world.change(("admin", "uR5-adm_9tZe"), "app", "vN3-next_7yQp").unwrap();
        world.verify("app", "vN3-next_7yQp").unwrap();
        world.turn_by(("admin", "uR5-adm_9tZe"), "app", "app_clone", NEW).unwrap();
        world.verify("app_clone", NEW).unwrap();
        world.turn_by(("admin", "uR5-adm_9tZe"), "app_clone", "app", NEW).unwrap();
        world.verify("app", NEW).unwrap();
    }
}

/// The remedy names what there is, not a clone that is still to be made.
#[test]
fn a_setting_that_only_a_superuser_makes_is_mended_by_either_remedy() {
    let admin = ("admin", "uR5-adm_9tZe");
    let world = World::start();
    world.admin(
        "CREATE ROLE admin LOGIN CREATEROLE PASSWORD 'uR5-adm_9tZe'; \
         CREATE ROLE app LOGIN PASSWORD 'uR5-old_9tZe'; ALTER ROLE app SET log_statement = 'none'; \
         CREATE ROLE bob LOGIN PASSWORD 'uR5-old_9tZe'; ALTER ROLE bob SET log_statement = 'none'",
    );
    let failure = world.turn_by(admin, "app", "app_clone", NEW).unwrap_err();
    assert_eq!((failure.kind, &*failure.code), (FailureKind::Declined, "42501"), "{failure}");
    assert!(failure.message.contains("log_statement"), "{failure}");
    let remedy = failure.remedy.strip_prefix("as a superuser: ").unwrap();
    let (grant, by_hand) = remedy.split_once("; or: ").unwrap();
    world.admin(by_hand);
    world.turn_by(admin, "app", "app_clone", NEW).unwrap();
    assert!(world.signs_in("app_clone", NEW));
    // The same is known before anything is changed.
    let assessment = world.assess(admin, "bob_clone", Some("bob"));
    assert!(assessment.lacks[0].text.contains("log_statement"), "{assessment:?}");
    assert!(assessment.lacks[0].remedy.contains(grant), "{assessment:?}");
    world.admin(grant);
    assert_eq!(world.assess(admin, "bob_clone", Some("bob")).lacks, []);
    world.turn_by(admin, "bob", "bob_clone", NEW).unwrap();
    assert!(world.signs_in("bob_clone", NEW));
}
