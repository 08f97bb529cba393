//! What an assessment finds, and that a pair that is marked takes turns.

use windlass_sdk::{FailureKind, PairState};

use crate::world::World;

const NEW: &str = "qB7-wLr2_XzK94mt";
const ADMIN: (&str, &str) = ("admin", "uR5-adm_9tZe");

/// As AWS's rotation function leaves a pair, with a table that the clone made.
const PAIR: &str = "CREATE ROLE bob LOGIN PASSWORD 'uR5-old_9tZe' CONNECTION LIMIT 7; \
     CREATE ROLE bob_clone LOGIN PASSWORD 'uR5-old_9tZe' VALID UNTIL '2099-01-01'; \
     GRANT bob TO bob_clone; GRANT ALL ON SCHEMA public TO bob_clone; SET ROLE bob_clone; \
     CREATE TABLE made (id int); RESET ROLE";

#[test]
fn an_assessment_says_what_differs_and_changes_nothing() {
    let world = World::start();
    world.admin("CREATE ROLE bob LOGIN PASSWORD 'uR5-old_9tZe'");
    assert_eq!(
        world.assess(world.master(), "bob_clone", Some("bob")).pair,
        Some(PairState::Absent)
    );
    world.admin("DROP ROLE bob");
    world.admin(PAIR);
    let dump = "SELECT string_agg(r::text, ';' ORDER BY oid) FROM pg_authid r";
    let before = world.admin(dump);
    for (next, current) in [("bob_clone", "bob"), ("bob", "bob_clone")] {
        let found = world.assess(world.master(), next, Some(current));
        assert_eq!((&*found.session, found.pair), ("master", Some(PairState::Different)));
        assert_eq!(found.lacks, []);
        let text: Vec<_> = found.differences.iter().map(|one| &*one.text).collect();
        for part in [
            "\"bob_clone\" owns table public.made",
            "rights of its own: schema public",
            "CONNECTION LIMIT of \"bob_clone\" is unlimited, of \"bob\" 7",
            "VALID UNTIL of \"bob_clone\" is 2099-01-01 00:00:00+00, of \"bob\" infinity",
        ] {
            assert!(text.iter().any(|text| text.contains(part)), "{part}: {text:?}");
        }
    }
    assert_eq!(world.admin(dump), before);
}

#[test]
fn a_marked_pair_takes_turns_and_what_its_clone_owns_stays_in_reach() {
    let world = World::start();
    world.admin(PAIR);
    let refused = world.turn("bob", "bob_clone", NEW).unwrap_err();
    assert_eq!(refused.kind, FailureKind::NotAPair, "{refused}");
    assert!(refused.message.contains("owns table public.made"), "{refused}");
    world.mark(world.master(), "bob_clone", "bob").unwrap();
    world.mark(world.master(), "bob", "bob_clone").unwrap();
    for turn in 0..4 {
        let (current, next) =
            if turn % 2 == 0 { ("bob", "bob_clone") } else { ("bob_clone", "bob") };
        let password = format!("{NEW}-{turn}");
        world.turn(current, next, &password).unwrap();
        world.verify(next, &password).unwrap();
        if next == "bob_clone" {
            let found = world.assess(world.master(), next, Some(current));
            assert_eq!(found.pair, Some(PairState::Marked));
            world.psql(next, &password, "INSERT INTO made VALUES (1)").unwrap();
        }
    }
    // The remedy, in the database that it names; from then on the clone's sessions are the base's.
    let found = world.assess(world.master(), "bob_clone", Some("bob"));
    let owns = found.differences.iter().find(|one| one.text.contains("owns")).unwrap();
    let (place, statement) = owns.remedy.split_once(": ").unwrap();
    assert!(place.ends_with("in the database postgres"), "{place}");
    world.admin(statement);
    world.turn("bob", "bob_clone", NEW).unwrap();
    assert_eq!(
        world.psql("bob_clone", NEW, "SELECT current_user, id FROM made LIMIT 1").unwrap(),
        "bob|1"
    );
}

#[test]
fn roles_that_have_nothing_in_common_are_a_pair_once_they_are_marked() {
    let world = World::start();
    world.admin(
        "CREATE ROLE bob LOGIN PASSWORD 'uR5-old_9tZe'; CREATE ROLE bob_clone LOGIN PASSWORD 'uR5-old_9tZe'; \
         CREATE TABLE t (id int); GRANT SELECT ON t TO bob",
    );
    let failure = world.turn("bob", "bob_clone", NEW).unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotAPair, "{failure}");
    let missing = world.mark(world.master(), "gone_clone", "gone").unwrap_err();
    assert_eq!(missing.kind, FailureKind::Declined, "{missing}");
    // Not everybody's word.
    let denied = world.mark(("bob", "uR5-old_9tZe"), "bob_clone", "bob").unwrap_err();
    assert_eq!((denied.kind, &*denied.code), (FailureKind::Declined, "42501"), "{denied}");
    let remedy = denied.remedy.strip_prefix("as a superuser: ").unwrap();
    let (remedy, _) = remedy.split_once("; or enable").unwrap();
    world.admin(remedy);
    world.mark(world.master(), "bob_clone", "bob").unwrap();
    world.turn("bob", "bob_clone", NEW).unwrap();
    world.psql("bob_clone", NEW, "SELECT * FROM t").unwrap();
}

#[test]
fn what_an_administrator_or_an_account_lacks_is_found() {
    let world = World::start();
    world.admin(
        "CREATE ROLE admin LOGIN PASSWORD 'uR5-adm_9tZe'; CREATE ROLE bob LOGIN PASSWORD 'uR5-old_9tZe'; \
         CREATE ROLE root LOGIN SUPERUSER PASSWORD 'uR5-old_9tZe'",
    );
    let own = world.assess(("bob", "uR5-old_9tZe"), "bob", None);
    assert_eq!((&*own.session, own.pair, own.lacks), ("bob", None, Vec::new()));
    for (account, parts) in [
        ("bob", &["\"admin\" has no CREATEROLE"][..]),
        ("root", &["\"admin\" has no CREATEROLE", "\"root\" is a superuser"]),
        ("gone", &["there is no role \"gone\""]),
    ] {
        let found = world.assess(ADMIN, account, None);
        for part in parts {
            assert!(found.lacks.iter().any(|one| one.text.contains(part)), "{part}: {found:?}");
        }
    }
    world.admin("ALTER ROLE bob NOLOGIN");
    let found = world.assess(ADMIN, "bob", None);
    for part in ["as a superuser, ALTER ROLE \"admin\" CREATEROLE", "ALTER ROLE \"bob\" LOGIN"] {
        let lack = found.lacks.iter().find(|one| one.remedy == part).unwrap();
        world.admin(lack.remedy.trim_start_matches("as a superuser, "));
    }
    assert_eq!(world.assess(ADMIN, "bob", None).lacks, []);
    world.change(ADMIN, "bob", NEW).unwrap();
    assert!(world.signs_in("bob", NEW));
}

/// However much the clone has, a list is short.
#[test]
fn lists_of_what_differs_are_bounded() {
    let world = World::start();
    world.admin(
        "CREATE ROLE bob LOGIN PASSWORD 'uR5-old_9tZe'; CREATE ROLE bob_clone LOGIN PASSWORD 'uR5-old_9tZe'; \
         GRANT bob TO bob_clone; DO $$ BEGIN FOR i IN 1..40 LOOP \
         EXECUTE format('CREATE TABLE %I (id int); ALTER TABLE %1$I OWNER TO bob_clone', 't' || i); \
         EXECUTE format('CREATE ROLE %I; GRANT %1$I TO bob_clone', 'r' || i); \
         EXECUTE format('ALTER ROLE bob_clone SET %I TO 1', 'my.s' || i); END LOOP; END $$",
    );
    let failure = world.turn("bob", "bob_clone", NEW).unwrap_err();
    assert!(failure.message.contains("and 35 more") && failure.message.len() < 1500, "{failure}");
    let found = world.assess(world.master(), "bob_clone", Some("bob"));
    assert_eq!(found.differences.len(), 17);
    assert!(found.differences[16].text.starts_with("and "), "{found:?}");
}
