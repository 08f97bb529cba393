//! The plan as a table: which facts lead to which statements.

use windlass_sdk::FailureKind;

use super::*;
use crate::role::{Besides, Membership};

const FULL: Option<Membership> = Some(Membership { inherit: true, set: true, admin: false });

const MARK: &str = "windlass: the clone of \"app\"";

fn pair(turn: Turn) -> Pair {
    Pair { base: "app".into(), clone: "app_clone".into(), turn }
}

fn facts(base: Option<Role>, clone: Option<Role>, membership: Option<Membership>) -> Facts {
    Facts { base, clone, membership, besides: Besides::default() }
}

fn role(change: impl FnOnce(&mut Role)) -> Option<Role> {
    let mut role = Role::as_created();
    change(&mut role);
    Some(role)
}

fn set(role: &mut Role, entry: &str) {
    role.settings.add(&PRODUCT.dialect, None, entry).unwrap();
}

/// A clone that is marked.
fn marked(change: impl FnOnce(&mut Role)) -> Option<Role> {
    role(|clone| {
        clone.comment = Some(MARK.into());
        change(clone);
    })
}

/// A clone that is in order.
fn clone() -> Option<Role> {
    marked(|clone| set(clone, "role=app"))
}

fn planned(turn: Turn, facts: &Facts) -> Plan {
    plan(&pair(turn), facts, |name| format!("stored for {name}")).unwrap()
}

#[track_caller]
fn declined(turn: Turn, facts: &Facts, part: &str) {
    let failure = plan(&pair(turn), facts, |_| String::new()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Declined);
    assert!(failure.message.contains(part), "{failure}");
}

#[test]
fn the_first_turn_creates_the_clone() {
    let base = role(|base| {
        base.connection_limit = 5;
        base.valid_until = Some("2030-01-01 00:00:00+00".into());
        base.replication = true;
        base.superuser = true;
        set(base, "work_mem=8MB");
    });
    let plan = planned(Turn::Clone, &facts(base, None, None));
    assert_eq!(
        plan.statements,
        [
            "CREATE ROLE \"app_clone\" LOGIN INHERIT PASSWORD 'stored for app_clone' REPLICATION \
             CONNECTION LIMIT 5 VALID UNTIL '2030-01-01 00:00:00+00'",
            "GRANT \"app\" TO \"app_clone\"",
            "COMMENT ON ROLE \"app_clone\" IS 'windlass: the clone of \"app\"'",
            "ALTER ROLE \"app_clone\" SET \"role\" TO 'app'",
            "ALTER ROLE \"app_clone\" SET \"work_mem\" TO '8MB'",
        ]
    );
    assert!(plan.notes[0].1.contains("created"));
}

#[test]
fn a_clone_in_order_only_gets_its_password() {
    let plan = planned(Turn::Clone, &facts(role(|_| ()), clone(), FULL));
    assert_eq!(plan.statements, ["ALTER ROLE \"app_clone\" PASSWORD 'stored for app_clone'"]);
    assert_eq!(plan.notes, []);
}

#[test]
fn a_clone_follows_its_base() {
    let base = role(|base| set(base, "role=owner"));
    let clone = marked(|clone| {
        clone.can_login = false;
        clone.inherit = false;
        clone.connection_limit = 3;
        clone.valid_until = Some("2020-01-01 00:00:00+00".into());
        set(clone, "role=app");
        set(clone, "jit=off");
    });
    let plan = planned(Turn::Clone, &facts(base, clone, FULL));
    assert_eq!(
        plan.statements,
        [
            "ALTER ROLE \"app_clone\" PASSWORD 'stored for app_clone' LOGIN INHERIT \
             CONNECTION LIMIT -1 VALID UNTIL 'infinity'",
            "ALTER ROLE \"app_clone\" RESET \"jit\"",
            "ALTER ROLE \"app_clone\" SET \"role\" TO 'owner'",
        ]
    );
}

#[test]
fn a_membership_that_gives_too_little_is_completed() {
    for (inherit, set) in [(true, false), (false, true)] {
        let membership = Some(Membership { inherit, set, admin: false });
        let plan = planned(Turn::Clone, &facts(role(|_| ()), clone(), membership));
        let grant = "GRANT \"app\" TO \"app_clone\" WITH INHERIT TRUE, SET TRUE";
        assert_eq!(plan.statements[1..], [grant]);
    }
}

#[test]
fn the_base_gets_its_password_and_is_otherwise_left_alone() {
    let in_order = facts(role(|_| ()), clone(), FULL);
    let password = "ALTER ROLE \"app\" PASSWORD 'stored for app'";
    let plan = planned(Turn::Base, &in_order);
    assert_eq!((plan.statements, plan.notes), (vec![password.to_owned()], vec![]));

    let base = role(|base| base.connection_limit = 9);
    let clone = marked(|clone| set(clone, "jit=off"));
    let plan = planned(Turn::Base, &facts(base, clone, FULL));
    assert_eq!(plan.statements, [password]);
    let (level, note) = &plan.notes[0];
    assert_eq!(*level, LogLevel::Warn);
    assert!(note.contains("CONNECTION LIMIT, jit, role"), "{note}");
}

#[test]
fn an_account_that_is_not_the_other_half_is_not_touched() {
    for turn in [Turn::Base, Turn::Clone] {
        declined(turn, &facts(role(|_| ()), clone(), None), "not a member");
    }
}

#[test]
fn a_clone_without_a_mark_has_nothing_but_its_membership_and_is_marked_then() {
    let unmarked = || role(|clone| set(clone, "role=app"));
    for (turn, name) in [(Turn::Base, "app"), (Turn::Clone, "app_clone")] {
        for (comment, written) in [
            (None, "'windlass: the clone of \"app\"'"),
            (Some("it's ours"), "'it''s ours; windlass: the clone of \"app\"'"),
        ] {
            let mut adopted = facts(role(|_| ()), unmarked(), FULL);
            adopted.clone.as_mut().unwrap().comment = comment.map(str::to_owned);
            let plan = planned(turn, &adopted);
            assert_eq!(
                plan.statements,
                [
                    format!("ALTER ROLE \"{name}\" PASSWORD 'stored for {name}'"),
                    format!("COMMENT ON ROLE \"app_clone\" IS {written}"),
                ]
            );
            let (level, note) = plan.notes.last().unwrap();
            assert!(*level == LogLevel::Warn && note.contains("was not marked"), "{note}");
        }

        type Doubt = fn(&mut Facts);
        let doubts: &[(Doubt, &str)] = &[
            (|facts| facts.besides.objects = true, "REASSIGN OWNED BY \"app_clone\" TO \"app\""),
            (|facts| facts.besides.rights = true, "rights were granted"),
            (|facts| facts.besides.policies = true, "a policy"),
            (|facts| facts.besides.memberships.push("pay\nroll".into()), "(\"pay roll\")"),
            (|facts| facts.membership.as_mut().unwrap().admin = true, "ADMIN OPTION"),
            (|facts| facts.clone.as_mut().unwrap().create_role = true, "it is CREATEROLE"),
            (
                |facts| {
                    let clone = facts.clone.as_mut().unwrap();
                    clone.comment = Some("windlass: the clone of \"ap\"".into());
                    clone.superuser = true;
                },
                "it is SUPERUSER",
            ),
        ];
        for (doubt, part) in doubts {
            let mut doubtful = facts(role(|_| ()), unmarked(), FULL);
            doubt(&mut doubtful);
            declined(turn, &doubtful, part);
            declined(turn, &doubtful, "COMMENT ON ROLE \"app_clone\" IS '");
        }
    }
}

#[test]
fn a_clone_that_may_do_more_is_not_touched() {
    type Grant = fn(&mut Role);
    let powers: &[(Grant, &str)] = &[
        (|role| role.superuser = true, "NOSUPERUSER"),
        (|role| role.replication = true, "NOREPLICATION"),
        (|role| role.bypass_row_security = true, "NOBYPASSRLS"),
        (|role| role.create_role = true, "NOCREATEROLE"),
        (|role| role.create_database = true, "NOCREATEDB"),
    ];
    for (grant, part) in powers {
        declined(Turn::Clone, &facts(role(|_| ()), marked(grant), FULL), part);
        // It may do what the base may.
        let plan = planned(Turn::Clone, &facts(role(grant), marked(grant), FULL));
        assert_eq!(plan.statements[0], "ALTER ROLE \"app_clone\" PASSWORD 'stored for app_clone'");
    }
}

#[test]
fn what_a_clone_owns_is_not_put_out_of_its_reach() {
    let mut adopted = facts(role(|_| ()), marked(|_| ()), FULL);
    adopted.besides.objects = true;
    declined(Turn::Clone, &adopted, "REASSIGN OWNED BY \"app_clone\" TO \"app\"");
    // Once its sessions start as the base it is too late to matter.
    adopted.clone = clone();
    assert_eq!(planned(Turn::Clone, &adopted).statements.len(), 1);
}

#[test]
fn both_accounts_must_be_there_to_take_turns() {
    for turn in [Turn::Base, Turn::Clone] {
        declined(turn, &facts(None, clone(), None), "no role \"app\"");
        let locked = role(|base| base.can_login = false);
        declined(turn, &facts(locked, clone(), FULL), "may not log in");
    }
    declined(Turn::Base, &facts(role(|_| ()), None, None), "no role \"app_clone\"");
}
