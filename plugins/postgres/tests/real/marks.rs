//! What shows that two roles are a pair, against those who would like them to be one.

use windlass_sdk::FailureKind;

use crate::world::World;

const COMMENT: &str = "SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = ";

/// Neither half is changed, on either one's turn.
#[track_caller]
fn refused(world: &World, parts: &[&str]) {
    for (current, next) in [("bob", "bob_clone"), ("bob_clone", "bob")] {
        let failure = world.turn(current, next, "new-p4ss").unwrap_err();
        assert_eq!(failure.kind, FailureKind::NotAPair, "{failure}");
        assert!(parts.iter().all(|part| failure.message.contains(part)), "{next}: {failure}");
        assert!(!world.signs_in(next, "new-p4ss"), "{next}");
    }
}

/// Up to PostgreSQL 14 `bob` itself may do this; here, who has the admin option on it.
#[test]
fn a_membership_that_an_ordinary_role_granted_does_not_make_a_pair() {
    let world = World::start();
    world.admin(
        "CREATE TABLE payroll (id int); CREATE ROLE payers; \
         CREATE ROLE bob LOGIN PASSWORD 'bob-p4ss'; CREATE ROLE eve LOGIN PASSWORD 'eve-p4ss'; \
         GRANT bob TO eve WITH ADMIN OPTION; \
         CREATE ROLE bob_clone LOGIN PASSWORD 'clone-p4ss'",
    );
    // Not within a transaction.
    world.admin("CREATE DATABASE other");
    world.psql("eve", "eve-p4ss", "GRANT bob TO bob_clone").unwrap();
    for (has, parts, has_not) in [
        ("GRANT SELECT ON payroll TO bob_clone", "rights of its own", "DROP OWNED BY bob_clone"),
        (
            "GRANT CONNECT ON DATABASE other TO bob_clone",
            "rights of its own",
            "REVOKE CONNECT ON DATABASE other FROM bob_clone",
        ),
        ("GRANT payers TO bob_clone", "other roles: payers", "REVOKE payers FROM bob_clone"),
        (
            "ALTER TABLE payroll OWNER TO bob_clone",
            "owns table public.payroll",
            "REASSIGN OWNED BY bob_clone TO bob",
        ),
        ("ALTER ROLE bob_clone CREATEDB", "is CREATEDB", "ALTER ROLE bob_clone NOCREATEDB"),
        (
            "CREATE POLICY own ON payroll TO bob_clone",
            "policy own on table public.payroll",
            "DROP POLICY own ON payroll",
        ),
        (
            "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO bob_clone",
            "rights of its own",
            "ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM bob_clone",
        ),
        (
            "GRANT bob TO bob_clone WITH ADMIN OPTION",
            "ADMIN OPTION",
            "REVOKE ADMIN OPTION FOR bob FROM bob_clone",
        ),
    ] {
        world.admin(has);
        refused(&world, &[parts, "not marked as the clone"]);
        assert!(world.signs_in("bob", "bob-p4ss") && world.signs_in("bob_clone", "clone-p4ss"));
        world.admin(has_not);
    }
    // With nothing left there is nothing to be taken over.
    world.turn("bob", "bob_clone", "one-p4ss").unwrap();
    assert!(world.signs_in("bob_clone", "one-p4ss"));
}

#[test]
fn a_role_without_createrole_can_not_mark_itself() {
    let world = World::start();
    world.admin(
        "CREATE TABLE payroll (id int); CREATE ROLE bob LOGIN PASSWORD 'bob-p4ss'; \
         CREATE ROLE bob_clone LOGIN PASSWORD 'clone-p4ss'; \
         GRANT bob TO bob_clone; GRANT SELECT ON payroll TO bob_clone",
    );
    let mark = |role: &str| format!("COMMENT ON ROLE {role} IS 'windlass: the clone of \"bob\"'");
    for (user, password) in [("bob_clone", "clone-p4ss"), ("bob", "bob-p4ss")] {
        for role in ["bob_clone", "bob"] {
            let outcome = world.psql(user, password, &mark(role));
            assert!(outcome.is_err(), "{user} has marked {role}");
        }
    }
    refused(&world, &["not marked"]);
    // The remedy of the message, which keeps what is written there.
    world.admin("COMMENT ON ROLE bob_clone IS 'it''s payroll''s'");
    let failure = world.turn("bob", "bob_clone", "one-p4ss").unwrap_err();
    let (_, remedy) = failure.remedy.split_once("as an administrator: ").unwrap();
    world.admin(remedy);
    let comment = world.admin(&format!("{COMMENT} 'bob_clone'"));
    assert_eq!(comment, "it's payroll's; windlass: the clone of \"bob\"");
    world.turn("bob", "bob_clone", "one-p4ss").unwrap();
    world.turn("bob_clone", "bob", "two-p4ss").unwrap();
    assert!(world.signs_in("bob_clone", "one-p4ss") && world.signs_in("bob", "two-p4ss"));
}

/// As AWS's rotation function leaves it, after an odd number of turns and after an even one; and what
/// is marked once stays marked.
#[test]
fn a_pair_without_a_mark_goes_on_from_either_half_and_is_marked() {
    let world = World::start();
    for (number, (first, second)) in
        [("b\"o'b", "b\"o'b_clone"), ("b\"o'b_clone", "b\"o'b")].into_iter().enumerate()
    {
        world.admin(
            "DROP ROLE IF EXISTS \"b\"\"o'b_clone\"; \
             DROP ROLE IF EXISTS \"b\"\"o'b\"; \
             CREATE ROLE \"b\"\"o'b\" LOGIN PASSWORD 'bob-p4ss'; \
             CREATE ROLE \"b\"\"o'b_clone\" LOGIN PASSWORD 'clone-p4ss'; \
             GRANT \"b\"\"o'b\" TO \"b\"\"o'b_clone\"",
        );
        world.admin("CREATE TABLE payroll (id int)");
        world.turn(first, second, "one-p4ss").unwrap();
        let comment = world.admin(&format!("{COMMENT} 'b\"o''b_clone'"));
        assert_eq!(comment, "windlass: the clone of \"b\"\"o'b\"", "turn {number}");
        world.admin("GRANT SELECT ON payroll TO \"b\"\"o'b_clone\"");
        world.turn(second, first, "two-p4ss").unwrap();
        assert!(world.signs_in(first, "two-p4ss") && world.signs_in(second, "one-p4ss"));
        world.verify(first, "two-p4ss").unwrap();
        world.admin("DROP TABLE payroll");
    }
}

#[test]
fn a_clone_is_marked_when_it_is_made() {
    let world = World::start();
    world.admin(
        "CREATE TABLE payroll (id int); CREATE ROLE bob LOGIN PASSWORD 'bob-p4ss'; \
         ALTER ROLE bob CONNECTION LIMIT 7",
    );
    world.turn("bob", "bob_clone", "one-p4ss").unwrap();
    let comment = world.admin(&format!("{COMMENT} 'bob_clone'"));
    assert_eq!(comment, "windlass: the clone of \"bob\"");
    world.admin("GRANT SELECT ON payroll TO bob_clone");
    world.turn("bob_clone", "bob", "two-p4ss").unwrap();
    world.turn("bob", "bob_clone", "three-p4ss").unwrap();
    assert!(world.signs_in("bob", "two-p4ss") && world.signs_in("bob_clone", "three-p4ss"));
}
