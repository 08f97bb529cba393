//! What an assessment finds, and that a pair that is marked takes turns.

use windlass_sdk::{FailureKind, PairState};

use crate::matrix::described;
use crate::world::{ADMIN, World};

/// A pair as AWS's rotation function makes it: what the base has through a group is granted to the clone
/// itself.
const PAIR: &str = "CREATE TABLE t (id INT); CREATE GROUP readers; GRANT SELECT ON t TO GROUP readers; \
     CREATE USER app PASSWORD 'base-P4ss' CONNECTION LIMIT 4; ALTER GROUP readers ADD USER app; \
     CREATE USER app_clone PASSWORD 'clone-P4ss'; GRANT SELECT ON t TO app_clone";

#[test]
fn a_pair_of_awss_function_is_told_what_differs_and_takes_turns_once_it_is_marked() {
    let world = World::start();
    world.admin(PAIR);
    let differs = [
        "it is not in the group \"readers\"",
        "CONNECTION LIMIT from unlimited to 4",
        "\"app_clone\" has too much: SELECT on public.t",
    ];
    for (current, next) in [("app", "app_clone"), ("app_clone", "app")] {
        let failure = world.turn(current, next, "new-P4ss").unwrap_err();
        assert_eq!(failure.kind, FailureKind::NotAPair, "{failure}");
        let before = described(&world, "app_clone");
        let found = world.assess(ADMIN, next, Some(current));
        assert_eq!(described(&world, "app_clone"), before);
        assert_eq!((&*found.session, found.pair), (ADMIN.0, Some(PairState::Different)));
        assert_eq!(found.lacks, []);
        for part in differs {
            assert!(failure.message.contains(part), "{failure} lacks {part}");
            assert!(found.differences.iter().any(|one| one.text.contains(part)), "{found:?}");
        }
    }
    let before = described(&world, "app_clone");
    world.mark(ADMIN, "app_clone", "app").unwrap();
    world.mark(ADMIN, "app", "app_clone").unwrap();
    assert_eq!(described(&world, "app_clone"), before, "nothing but the mark is changed");
    let found = world.assess(ADMIN, "app_clone", Some("app"));
    assert_eq!(found.pair, Some(PairState::Marked));
    world.turn("app", "app_clone", "one-P4ss").unwrap();
    assert_eq!(described(&world, "app_clone"), described(&world, "app"));
    world.turn("app_clone", "app", "two-P4ss").unwrap();
    assert!(world.signs_in("app_clone", "one-P4ss") && world.signs_in("app", "two-P4ss"));
    assert_eq!(world.assess(ADMIN, "app_clone", Some("app")).differences, []);
}

/// Each statement that a finding names is one that corrects it.
#[test]
fn the_remedies_of_the_differences_make_two_users_equal() {
    let world = World::start();
    world.admin(PAIR);
    for finding in world.assess(ADMIN, "app_clone", Some("app")).differences {
        world.admin(&finding.remedy);
    }
    let found = world.assess(ADMIN, "app_clone", Some("app"));
    assert_eq!((found.pair, found.differences), (Some(PairState::Equal), Vec::new()));
    world.turn("app", "app_clone", "one-P4ss").unwrap();
    assert!(world.signs_in("app_clone", "one-P4ss"));
}

#[test]
fn what_is_lacking_is_found_before_anything_is_changed() {
    let world = World::start();
    world.admin(
        "CREATE USER app PASSWORD 'base-P4ss'; CREATE USER weak PASSWORD 'weak-P4ss'; \
         CREATE USER root SUPERUSER PASSWORD 'root-P4ss'",
    );
    let weak = ("weak", "weak-P4ss");
    assert_eq!(world.assess(("app", "base-P4ss"), "app", None).lacks, []);
    assert_eq!(world.assess(ADMIN, "app_clone", Some("app")).pair, Some(PairState::Absent));
    for (actor, user, current, part) in [
        (weak, "app", None, "no role with ALTER USER"),
        (weak, "app_clone", Some("app"), "\"weak\" is not a superuser"),
        (ADMIN, "gone", None, "there is no user \"gone\""),
        (ADMIN, "gone_clone", Some("gone"), "there is no user \"gone\""),
        (ADMIN, "root_clone", Some("root"), "\"root\" is a superuser"),
    ] {
        let found = world.assess(actor, user, current);
        assert!(found.lacks.iter().any(|one| one.text.contains(part)), "{part}: {found:?}");
    }
    let missing = world.mark(ADMIN, "app_clone", "app").unwrap_err();
    assert_eq!(missing.kind, FailureKind::Declined, "{missing}");
    world.admin("CREATE USER app_clone PASSWORD 'clone-P4ss'");
    let denied = world.mark(weak, "app_clone", "app").unwrap_err();
    assert_eq!((denied.kind, &*denied.code), (FailureKind::Declined, "42501"), "{denied}");
}
