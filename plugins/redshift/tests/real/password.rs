//! One user: by itself and by an administrator.

use windlass_sdk::FailureKind;

use crate::world::{ADMIN, Cut, World};

#[test]
fn a_user_changes_its_own_password_and_an_administrator_anybodys() {
    let world = World::start();
    world.admin("CREATE USER app PASSWORD 'first-P4ss'; CREATE USER \"App\" PASSWORD 'other-P4ss'");
    world.verify("app", "first-P4ss").unwrap();
    world.change(("app", "first-P4ss"), "app", "second-P4ss", |_| ()).unwrap();
    assert!(world.signs_in("app", "second-P4ss") && !world.signs_in("app", "first-P4ss"));
    for _ in 0..2 {
        world.change(ADMIN, "app", "third-P4ss", |_| ()).unwrap();
        assert!(world.signs_in("app", "third-P4ss") && !world.signs_in("app", "second-P4ss"));
    }
    assert!(world.signs_in("App", "other-P4ss"), "the name is taken to the letter");
    world.change(ADMIN, "App", "fourth-P4ss", |_| ()).unwrap();
    assert!(world.signs_in("App", "fourth-P4ss") && world.signs_in("app", "third-P4ss"));

    let refused = world.verify("app", "second-P4ss").unwrap_err();
    assert_eq!(refused.kind, FailureKind::Refused);
    let refused = world.change(("app", "wrong-P4ss"), "app", "x", |_| ()).unwrap_err();
    assert_eq!(refused.kind, FailureKind::Refused);
    let log = world.log();
    for sent in ["second-P4ss", "third-P4ss", "fourth-P4ss"] {
        assert!(!log.contains(sent), "the server never saw {sent}");
    }
}

#[test]
fn names_and_passwords_of_any_characters() {
    let world = World::start();
    let names = ["ap'p \"`\\@x é", "select", "$1", "a;b--", "IAM:app", "U&\"x"];
    for name in names {
        let quoted = name.replace('"', "\"\"");
        world.admin(&format!("CREATE USER \"{quoted}\" PASSWORD 'first-P4ss'"));
        for (old, new) in [("first-P4ss", "p'\"\\%; é"), ("p'\"\\%; é", "last-P4ss")] {
            world.change((name, old), name, new, |_| ()).unwrap();
            world.verify(name, new).unwrap();
        }
        world.change(ADMIN, name, "by-admin-P4ss", |_| ()).unwrap();
        assert!(world.signs_in(name, "by-admin-P4ss"), "{name}");
    }
}

#[test]
fn what_can_not_be_done_changes_nothing_and_says_why() {
    let world = World::start();
    world.admin("CREATE USER app PASSWORD 'first-P4ss'; CREATE USER weak PASSWORD 'weak-P4ss'");
    let table: &[(&str, &str, &str, &str)] = &[
        ("weak", "weak-P4ss", "42501", "make the administrator a superuser"),
        (ADMIN.0, ADMIN.1, "42704", "\"nobody\""),
    ];
    for (actor, password, code, part) in table {
        let target = if *code == "42704" { "nobody" } else { "app" };
        let failure = world.change((actor, password), target, "new-P4ss", |_| ()).unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Declined, *code));
        let whole = format!("{}: {}", failure.message, failure.remedy);
        assert!(whole.contains(part), "{whole}");
    }
    let missing = |request: &mut windlass_sdk::ChangeRequest| {
        request.actor.database = Some("nowhere".into());
    };
    let failure = world.change(ADMIN, "app", "new-P4ss", missing).unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Declined, "3D000"));
    // What a default can say, the statement overrides.
    world.admin("ALTER USER awsuser SET default_transaction_read_only TO on");
    world.change(ADMIN, "app", "second-P4ss", |_| ()).unwrap();
    assert!(world.signs_in("app", "second-P4ss"));
}

#[test]
fn a_change_that_is_cut_anywhere_is_done_or_not_and_the_next_one_completes_it() {
    let world = World::start();
    world.admin("CREATE USER app PASSWORD 'old-P4ss'");
    for cut in [Cut::Before as fn(usize) -> Cut, Cut::After] {
        for by_admin in [false, true] {
            for message in 0.. {
                world.admin("ALTER USER app PASSWORD 'old-P4ss'");
                let new = format!("new-{by_admin}-{message}-P4ss");
                let actor = if by_admin { ADMIN } else { ("app", "old-P4ss") };
                let outcome =
                    world.cutting(cut(message), || world.change(actor, "app", &new, |_| ()));
                let at = format!("{:?} {by_admin}: {outcome:?}", cut(message));
                let (is_old, is_new) =
                    (world.signs_in("app", "old-P4ss"), world.signs_in("app", &new));
                assert!(is_old != is_new, "{at}");
                if let Err(failure) = &outcome {
                    assert_eq!(failure.kind, FailureKind::Unreachable, "{at}");
                }
                let actor = match (by_admin, is_new) {
                    (true, _) => ADMIN,
                    (false, true) => ("app", new.as_str()),
                    (false, false) => ("app", "old-P4ss"),
                };
                world.change(actor, "app", &new, |_| ()).unwrap();
                assert!(world.signs_in("app", &new), "{at}");
                if outcome.is_ok() {
                    assert!(message > 2, "the cuts did not reach the statements");
                    break;
                }
            }
        }
    }
}
