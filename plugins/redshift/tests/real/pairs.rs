//! Which users are a pair, and what is left when a turn does not end well.

use windlass_sdk::{Failure, FailureKind};

use crate::matrix::described;
use crate::world::{Cut, World};

#[track_caller]
fn declined(outcome: Result<(), Failure>, part: &str) {
    failed(outcome, FailureKind::Declined, part);
}

/// Two users that nothing shows to be a pair.
#[track_caller]
fn strangers(outcome: Result<(), Failure>, part: &str) {
    failed(outcome, FailureKind::NotAPair, part);
}

#[track_caller]
fn failed(outcome: Result<(), Failure>, kind: FailureKind, part: &str) {
    let failure = outcome.unwrap_err();
    assert_eq!(failure.kind, kind, "{failure}");
    let whole = format!("{}: {}", failure.message, failure.remedy);
    assert!(whole.contains(part), "{whole}");
}

#[test]
fn a_user_of_the_clones_name_is_not_taken_over() {
    let world = World::start();
    world.admin(
        "CREATE TABLE t (id INT); CREATE USER app PASSWORD 'base-P4ss'; GRANT SELECT ON t TO app; \
         CREATE USER app_clone PASSWORD 'other-P4ss'",
    );
    for change in ["SELECT 1", "GRANT INSERT ON t TO app_clone", "GRANT SELECT ON t TO app_clone"] {
        world.admin(change);
        strangers(world.turn("app", "app_clone", "new-P4ss"), "not a member of the group");
        strangers(world.turn("app_clone", "app", "new-P4ss"), "not a member of the group");
        assert!(world.signs_in("app_clone", "other-P4ss") && world.signs_in("app", "base-P4ss"));
    }
    // An equal is taken over, and marked: what is granted afterwards is taken back.
    world.admin("REVOKE INSERT ON t FROM app_clone");
    world.turn("app", "app_clone", "one-P4ss").unwrap();
    world.admin("GRANT INSERT ON t TO app_clone");
    world.turn("app_clone", "app", "two-P4ss").unwrap();
    assert!(!world.may("app_clone", "one-P4ss", "INSERT INTO t VALUES (1)"));
    // Equal in having nothing proves nothing; the operator's word does.
    world.admin(
        "CREATE USER bare PASSWORD 'base-P4ss'; CREATE USER bare_clone PASSWORD 'other-P4ss'",
    );
    let failure = world.turn("bare", "bare_clone", "new-P4ss").unwrap_err();
    let (_, remedy) = failure.remedy.split_once("as a superuser: ").unwrap();
    assert!(failure.message.contains("their equality proves nothing"), "{failure}");
    world.admin(remedy);
    world.turn("bare", "bare_clone", "one-P4ss").unwrap();
    assert!(world.signs_in("bare_clone", "one-P4ss"));
}

#[test]
fn users_that_could_have_made_themselves_equal_are_no_pair() {
    let world = World::start();
    world.admin(
        "CREATE TABLE t (id INT); CREATE USER app PASSWORD 'base-P4ss'; \
         CREATE USER app_clone PASSWORD 'other-P4ss'; \
         GRANT SELECT ON t TO app_clone WITH GRANT OPTION",
    );
    let refused = |part: &str| {
        strangers(world.turn("app", "app_clone", "new-P4ss"), part);
        strangers(world.turn("app_clone", "app", "new-P4ss"), part);
        assert!(world.signs_in("app_clone", "other-P4ss") && world.signs_in("app", "base-P4ss"));
    };
    // Who may grant gives the other what it lacks.
    assert!(world.may("app_clone", "other-P4ss", "GRANT SELECT ON t TO app WITH GRANT OPTION"));
    refused("");
    world.admin("REVOKE ALL ON t FROM app, app_clone CASCADE");
    world.admin("GRANT SELECT ON t TO app, app_clone WITH GRANT OPTION");
    refused("could have made them equal");
    world.admin("REVOKE GRANT OPTION FOR SELECT ON t FROM app, app_clone");
    // What is owned can be more than what is granted.
    world.admin("CREATE TABLE own (id INT); ALTER TABLE own OWNER TO app");
    world.admin("GRANT SELECT, INSERT, UPDATE, DELETE, REFERENCES ON own TO app_clone");
    refused("\"app\" owns objects: public.own");
    // Nor can either put itself into the group.
    world.admin("CREATE GROUP windlass_clones");
    for (user, password) in [("app", "base-P4ss"), ("app_clone", "other-P4ss")] {
        let join = format!("ALTER GROUP windlass_clones ADD USER {user}");
        assert!(!world.may(user, password, &join));
    }
    world.admin("DROP TABLE own");
    world.turn("app_clone", "app", "one-P4ss").unwrap();
    assert!(world.signs_in("app", "one-P4ss"));
}

#[test]
fn who_is_more_than_the_other_is_no_half_of_a_pair() {
    let world = World::start();
    declined(world.turn("app", "app_clone", "one-P4ss"), "no user \"app\"");
    world.admin("CREATE USER app SUPERUSER PASSWORD 'base-P4ss'");
    declined(
        world.turn("app", "app_clone", "one-P4ss"),
        "is a superuser, so no second user is made its equal",
    );
    world.admin("ALTER USER app NOSUPERUSER");
    declined(world.turn("app_clone", "app", "one-P4ss"), "should be in force now");
    assert_eq!(world.admin("SELECT count(*) FROM pg_roles WHERE rolname LIKE '%clone%'"), "0");
    world.turn("app", "app_clone", "one-P4ss").unwrap();
    world.admin("ALTER USER app_clone SUPERUSER");
    declined(world.turn("app", "app_clone", "two-P4ss"), "NOCREATEUSER");
    declined(world.turn("app_clone", "app", "two-P4ss"), "NOCREATEUSER");
    assert!(world.signs_in("app_clone", "one-P4ss") && world.signs_in("app", "base-P4ss"));
}

#[test]
fn an_administrator_who_may_not_leaves_everything_as_it_was() {
    let world = World::start();
    world.admin(
        "CREATE TABLE t (id INT); CREATE USER app PASSWORD 'base-P4ss'; GRANT SELECT ON t TO app; \
         CREATE USER weak CREATEROLE PASSWORD 'weak-P4ss'; CREATE USER nobody PASSWORD 'none-P4ss'",
    );
    for actor in [("weak", "weak-P4ss"), ("nobody", "none-P4ss")] {
        let outcome = world.change(actor, "app_clone", "one-P4ss", |request| {
            request.clone_of = Some("app".into());
        });
        declined(outcome, "");
        assert_eq!(world.admin("SELECT count(*) FROM pg_roles WHERE rolname LIKE '%clone%'"), "0");
    }
    world.turn("app", "app_clone", "one-P4ss").unwrap();
    assert!(world.may("app_clone", "one-P4ss", "SELECT * FROM t"));
}

#[test]
fn what_somebody_else_granted_is_told_and_nothing_is_changed() {
    let world = World::start();
    world.admin(
        "CREATE TABLE t (id INT); CREATE USER app PASSWORD 'base-P4ss'; \
         CREATE USER other PASSWORD 'other-P4ss'; GRANT SELECT ON t TO other WITH GRANT OPTION",
    );
    world.turn("app", "app_clone", "one-P4ss").unwrap();
    assert!(world.may("other", "other-P4ss", "GRANT SELECT ON t TO app_clone"));
    declined(world.turn("app_clone", "app", "two-P4ss"), "public.t");
    assert!(world.signs_in("app", "base-P4ss"));
    assert!(world.may("other", "other-P4ss", "REVOKE SELECT ON t FROM app_clone"));
    world.turn("app_clone", "app", "two-P4ss").unwrap();
    assert!(world.signs_in("app", "two-P4ss"));
}

#[test]
fn what_the_base_owns_the_clone_may_use_and_what_the_clone_owns_stays_its_own() {
    let world = World::start();
    world.admin(
        "CREATE USER app PASSWORD 'base-P4ss'; GRANT CREATE ON SCHEMA public TO app; \
         GRANT CREATE ON DATABASE dev TO app",
    );
    assert!(world.may("app", "base-P4ss", "CREATE TABLE mine (id INT); CREATE SCHEMA own"));
    world.turn("app", "app_clone", "one-P4ss").unwrap();
    let clone = ("app_clone", "one-P4ss");
    assert!(world.may(
        clone.0,
        clone.1,
        "INSERT INTO mine VALUES (1); CREATE TABLE own.t (id INT)"
    ));
    world.turn("app_clone", "app", "two-P4ss").unwrap();
    assert!(world.may(clone.0, clone.1, "INSERT INTO own.t SELECT * FROM mine"));
    assert!(!world.may("app", "two-P4ss", "SELECT * FROM own.t"), "which the log says");
}

#[test]
fn names_of_any_characters_are_a_pair_as_well() {
    let world = World::start();
    for base in ["ap'p \"`\\@x é", "App", "a,b=r/c", "group x", "\"", "\"y"] {
        let quoted = base.replace('"', "\"\"");
        world.admin(&format!(
            "CREATE USER \"{quoted}\" PASSWORD 'base-P4ss'; DROP SCHEMA IF EXISTS \"S \"\"x\" CASCADE; \
             CREATE SCHEMA \"S \"\"x\"; CREATE TABLE \"S \"\"x\".\"T\"\"=r/,\" (\"C\"\"\" INT); \
             GRANT USAGE ON SCHEMA \"S \"\"x\" TO \"{quoted}\"; \
             GRANT SELECT (\"C\"\"\") ON \"S \"\"x\".\"T\"\"=r/,\" TO \"{quoted}\"; \
             GRANT INSERT ON \"S \"\"x\".\"T\"\"=r/,\" TO \"{quoted}\" WITH GRANT OPTION"
        ));
        let clone = format!("{base}_clone");
        world.turn(base, &clone, "one-P4ss").unwrap();
        assert_eq!(described(&world, &clone), described(&world, base), "{base}");
        world.turn(&clone, base, "two-P4ss").unwrap();
        assert!(world.signs_in(base, "two-P4ss") && world.signs_in(&clone, "one-P4ss"));
        let statement = "INSERT INTO \"S \"\"x\".\"T\"\"=r/,\" VALUES (1); \
                         SELECT \"C\"\"\" FROM \"S \"\"x\".\"T\"\"=r/,\"";
        assert!(world.may(&clone, "one-P4ss", statement), "{base}");
    }
}

#[test]
fn rights_on_more_objects_than_are_read_at_once() {
    let world = World::start();
    let count = 2100;
    let every = |statement: &str| {
        format!(
            "DO $$ BEGIN FOR i IN 1..{count} LOOP EXECUTE format('{statement}', i); END LOOP; END $$; "
        )
    };
    world.admin(
        "CREATE USER app PASSWORD 'base-P4ss'; CREATE SCHEMA s; GRANT USAGE ON SCHEMA s TO app",
    );
    world.admin(&every("CREATE TABLE s.t%s (id INT)"));
    world.admin("GRANT SELECT ON ALL TABLES IN SCHEMA s TO app");
    world.turn("app", "app_clone", "one-P4ss").unwrap();
    assert_eq!(described(&world, "app_clone"), described(&world, "app"));
    world.admin("REVOKE SELECT ON ALL TABLES IN SCHEMA s FROM app; GRANT INSERT ON s.t2100 TO app");
    world.turn("app_clone", "app", "two-P4ss").unwrap();
    assert_eq!(described(&world, "app_clone"), described(&world, "app"));
}

#[test]
fn a_turn_that_is_cut_anywhere_gives_nothing_away_and_is_mended_by_the_next() {
    let world = World::start();
    world.admin(
        "CREATE TABLE t (id INT); CREATE USER app PASSWORD 'base-P4ss' CONNECTION LIMIT 9; \
         CREATE GROUP readers; ALTER GROUP readers ADD USER app; GRANT INSERT, DELETE ON t TO app",
    );
    for cut in [Cut::Before as fn(usize) -> Cut, Cut::After] {
        for fresh in [true, false] {
            for message in 0.. {
                world.admin(if fresh {
                    "DO $$ BEGIN IF EXISTS (SELECT 1 FROM pg_user WHERE usename = 'app_clone') THEN \
                     DROP OWNED BY app_clone; DROP USER app_clone; END IF; END $$"
                } else {
                    "REVOKE DELETE ON t FROM app_clone; GRANT UPDATE, TRUNCATE ON t TO app_clone; \
                     ALTER USER app_clone CONNECTION LIMIT -1 CREATEDB"
                });
                let password = format!("cut-{fresh}-{message}-P4ss");
                let outcome =
                    world.cutting(cut(message), || world.turn("app", "app_clone", &password));
                let at = format!("{:?} {fresh}: {outcome:?}", cut(message));
                if world.signs_in("app_clone", &password) {
                    assert_eq!(described(&world, "app_clone"), described(&world, "app"), "{at}");
                }
                if let Err(failure) = &outcome {
                    assert_eq!(failure.kind, FailureKind::Unreachable, "{at}");
                }
                world.turn("app", "app_clone", &password).unwrap();
                assert!(world.signs_in("app_clone", &password), "{at}");
                assert_eq!(described(&world, "app_clone"), described(&world, "app"), "{at}");
                if outcome.is_ok() {
                    assert!(message > 4, "the cuts did not reach the statements");
                    break;
                }
            }
        }
    }
}

#[test]
fn a_turn_of_the_base_that_is_cut_anywhere_is_mended_by_the_next() {
    let world = World::start();
    world.admin(
        "CREATE TABLE t (id INT); CREATE USER app PASSWORD 'base-P4ss'; GRANT INSERT ON t TO app",
    );
    world.turn("app", "app_clone", "clone-P4ss").unwrap();
    for message in 0.. {
        world.admin("REVOKE INSERT ON t FROM app_clone; GRANT UPDATE ON t TO app_clone");
        let password = format!("cut-{message}-P4ss");
        let outcome =
            world.cutting(Cut::After(message), || world.turn("app_clone", "app", &password));
        // The clone is in force: it signs in all the while.
        assert!(world.signs_in("app_clone", "clone-P4ss"));
        if world.signs_in("app", &password) {
            assert_eq!(described(&world, "app_clone"), described(&world, "app"));
        }
        world.turn("app_clone", "app", &password).unwrap();
        assert!(world.signs_in("app", &password));
        assert_eq!(described(&world, "app_clone"), described(&world, "app"));
        if outcome.is_ok() {
            assert!(message > 4, "the cuts did not reach the statements");
            break;
        }
    }
}
