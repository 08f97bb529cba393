//! The plan as a table: which facts lead to which statements.

use windlass_sdk::FailureKind;

use super::*;
use crate::facts::{Membership, Things};

const FULL: Option<Membership> = Some(Membership { inherit: true, set: true, admin: false });

const MARK: &str = "windlass: the clone of \"app\"";

fn pair(turn: Turn) -> Pair {
    Pair { base: "app".into(), clone: "app_clone".into(), turn }
}

fn facts(base: Option<Role>, clone: Option<Role>, membership: Option<Membership>) -> Facts {
    Facts { base, clone, membership, ..Facts::default() }
}

fn role(change: impl FnOnce(&mut Role)) -> Option<Role> {
    let mut role = Role::as_created();
    change(&mut role);
    Some(role)
}

fn set(role: &mut Role, entry: &str) {
    role.settings.add(&DIALECT, None, entry).unwrap();
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

/// Things of a kind that the clone has.
fn things(name: &str) -> Things {
    Things { count: 1, names: vec![name.into()] }
}

/// A plan's statements, with a password in them, and its notes.
struct Planned {
    statements: Vec<String>,
    notes: Vec<(LogLevel, String)>,
}

fn planned(turn: Turn, facts: &Facts) -> Planned {
    let Plan { password: Statement { before, after }, statements, notes } =
        plan(&pair(turn), facts).unwrap();
    let mut all = vec![format!("{before} '…'{after}")];
    all.extend(statements);
    Planned { statements: all, notes }
}

#[track_caller]
fn declined(turn: Turn, facts: &Facts, part: &str) {
    failed(turn, facts, FailureKind::Declined, part);
}

#[track_caller]
fn failed(turn: Turn, facts: &Facts, kind: FailureKind, part: &str) {
    let failure = plan(&pair(turn), facts).unwrap_err();
    assert_eq!(failure.kind, kind);
    let whole = format!("{}: {}", failure.message, failure.remedy);
    assert!(whole.contains(part) && !failure.remedy.is_empty(), "{whole}");
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
            "CREATE ROLE \"app_clone\" LOGIN INHERIT PASSWORD '…' REPLICATION \
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
    assert_eq!(plan.statements, ["ALTER ROLE \"app_clone\" PASSWORD '…'"]);
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
            "ALTER ROLE \"app_clone\" PASSWORD '…' LOGIN INHERIT \
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
    let password = "ALTER ROLE \"app\" PASSWORD '…'";
    let plan = planned(Turn::Base, &in_order);
    assert_eq!((plan.statements, plan.notes), (vec![password.to_owned()], vec![]));

    let base = role(|base| base.connection_limit = 9);
    let clone = marked(|clone| set(clone, "jit=off"));
    let plan = planned(Turn::Base, &facts(base, clone, FULL));
    assert_eq!(plan.statements, [password]);
    let (level, note) = &plan.notes[0];
    assert_eq!(*level, LogLevel::Warn);
    assert!(note.contains("CONNECTION LIMIT (9, not unlimited), jit, role"), "{note}");
}

#[test]
fn an_account_that_is_not_the_other_half_is_not_touched() {
    for turn in [Turn::Base, Turn::Clone] {
        let strangers = facts(role(|_| ()), role(|_| ()), None);
        failed(turn, &strangers, FailureKind::NotAPair, "is not a member of \"app\"");
    }
}

#[test]
fn a_mark_alone_makes_a_pair_and_the_membership_is_given() {
    let only_marked = facts(role(|_| ()), marked(|_| ()), None);
    let plan = planned(Turn::Clone, &only_marked);
    assert_eq!(
        plan.statements,
        [
            "ALTER ROLE \"app_clone\" PASSWORD '…'",
            "GRANT \"app\" TO \"app_clone\"",
            "ALTER ROLE \"app_clone\" SET \"role\" TO 'app'",
        ]
    );
    assert_eq!(planned(Turn::Base, &only_marked).statements, ["ALTER ROLE \"app\" PASSWORD '…'"]);
}

#[test]
fn what_changes_is_told_with_both_values_and_a_longer_life_is_warned_of() {
    let until = |text: &str| (text != "infinity").then(|| text.to_owned());
    for (clones, own, level) in [
        ("2030-01-01 00:00:00+00", "infinity", LogLevel::Warn),
        ("2030-01-01 00:00:00+00", "2030-01-01 00:00:01+00", LogLevel::Warn),
        ("9999-01-01 00:00:00+00", "10000-01-01 00:00:00+00", LogLevel::Warn),
        ("infinity", "2030-01-01 00:00:00+00", LogLevel::Info),
        ("2031-01-01 00:00:00+00", "2030-01-01 00:00:00+00", LogLevel::Info),
    ] {
        let base = role(|base| base.valid_until = until(own));
        let clone = marked(|clone| {
            set(clone, "role=app");
            clone.valid_until = until(clones);
            clone.connection_limit = 3;
        });
        let plan = planned(Turn::Clone, &facts(base, clone, FULL));
        let (found, note) = &plan.notes[0];
        assert_eq!(*found, level, "{note}");
        let both =
            format!("CONNECTION LIMIT from 3 to unlimited; VALID UNTIL from {clones} to {own}");
        assert!(note.contains(&both), "{note}");
    }
}

#[test]
fn whatever_a_turn_changes_in_a_clone_is_logged_with_both_values() {
    let base = role(|base| base.replication = true);
    let clone = marked(|clone| {
        set(clone, "role=app");
        (clone.can_login, clone.inherit) = (false, false);
    });
    let plan = planned(Turn::Clone, &facts(base, clone, FULL));
    let (_, note) = &plan.notes[0];
    let all = "LOGIN from NOLOGIN to LOGIN; INHERIT from NOINHERIT to INHERIT; REPLICATION from \
               NOREPLICATION to REPLICATION";
    assert!(note.contains(all), "{note}");
}

#[test]
fn rights_that_stop_working_are_named_when_they_do() {
    let mut own_rights = facts(role(|_| ()), marked(|_| ()), FULL);
    own_rights.besides.rights = Things { count: 9, names: vec!["table payroll".into()] };
    own_rights.besides.memberships = things("payers");
    let plan = planned(Turn::Clone, &own_rights);
    let (level, note) = plan.notes.last().unwrap();
    assert_eq!(*level, LogLevel::Warn);
    for part in ["on table payroll, and 8 more", "as a member of payers", "to \"app\""] {
        assert!(note.to_lowercase().contains(part), "{note}");
    }
    // They have stopped already.
    own_rights.clone = clone();
    assert_eq!(planned(Turn::Clone, &own_rights).notes, []);
}

#[test]
fn who_has_expired_is_not_given_a_password_that_lets_nobody_in() {
    for turn in [Turn::Base, Turn::Clone] {
        let expired = role(|base| base.expired = true);
        declined(turn, &facts(expired, clone(), FULL), "ALTER ROLE \"app\" VALID UNTIL 'infinity'");
    }
}

#[test]
fn a_setting_that_only_a_superuser_may_make_says_what_to_run() {
    let base = role(|base| set(base, "log_statement=all"));
    let mut facts = facts(base, None, None);
    facts.superuser_settings.insert("log_statement".into());
    let remedy =
        |facts: &Facts, version| denied(&pair(Turn::Clone), facts, "admin", version).unwrap();
    let create = "CREATE ROLE \"app_clone\" LOGIN; GRANT \"app\" TO \"app_clone\"; \
                  COMMENT ON ROLE \"app_clone\" IS 'windlass: the clone of \"app\"'; \
                  ALTER ROLE \"app_clone\" SET \"log_statement\" TO 'all'";
    assert_eq!(remedy(&facts, 140_000), format!("as a superuser: {create}"));
    let grant = "GRANT SET ON PARAMETER \"log_statement\" TO \"admin\"; or: ";
    assert_eq!(remedy(&facts, 150_000), format!("as a superuser: {grant}{create}"));
    assert!(
        remedy(&facts, 160_000).ends_with("GRANT \"app_clone\" TO \"admin\" WITH ADMIN OPTION")
    );
    facts.clone = clone();
    assert_eq!(
        remedy(&facts, 140_000),
        "as a superuser: ALTER ROLE \"app_clone\" SET \"log_statement\" TO 'all'"
    );
    // Nothing of it is left to be made.
    facts.clone = marked(|clone| {
        set(clone, "role=app");
        set(clone, "log_statement=all");
    });
    assert!(remedy(&facts, 150_000).contains("\"admin\" CREATEROLE"));
}

/// A remedy is one line, and a statement that was cut or cleaned would do something else.
#[test]
fn what_has_several_lines_is_in_no_remedy() {
    let base = role(|base| set(base, "log_line_prefix=a\nb"));
    let mut facts = facts(base, clone(), FULL);
    facts.superuser_settings.insert("log_line_prefix".into());
    let remedy = denied(&pair(Turn::Clone), &facts, "admin", 160_000).unwrap();
    assert_eq!(
        remedy,
        "as a superuser: ALTER ROLE \"app_clone\" SET to what \"app\" has (SELECT * FROM \
         pg_db_role_setting): \"log_line_prefix\""
    );

    facts.besides.memberships = things("pay\nroll");
    let (base, clone) = (facts.base.clone().unwrap(), facts.clone.clone().unwrap());
    let doubts = proof::doubts(&pair(Turn::Clone), &facts, &base, &clone).unwrap();
    let remedy = &doubts.last().unwrap().remedy;
    assert_eq!(
        remedy,
        "GRANT to \"app\" those that the pair needs, and REVOKE all of them from \"app_clone\""
    );
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
                    format!("ALTER ROLE \"{name}\" PASSWORD '…'"),
                    format!("COMMENT ON ROLE \"app_clone\" IS {written}"),
                ]
            );
            let (level, note) = plan.notes.last().unwrap();
            assert!(*level == LogLevel::Warn && note.contains("was not marked"), "{note}");
        }

        type Doubt = fn(&mut Facts);
        let doubts: &[(Doubt, &str)] = &[
            (|facts| facts.besides.objects = things("table t"), "owns table t"),
            (|facts| facts.besides.rights = things("table t"), "rights of its own: table t"),
            (|facts| facts.besides.policies = things("policy p"), "policies of row security"),
            (|facts| facts.besides.memberships = things("pay\nroll"), "other roles: pay roll"),
            (|facts| facts.membership.as_mut().unwrap().admin = true, "ADMIN OPTION"),
            (|facts| facts.clone.as_mut().unwrap().create_role = true, "is CREATEROLE"),
            (
                |facts| {
                    let clone = facts.clone.as_mut().unwrap();
                    clone.comment = Some("windlass: the clone of \"ap\"".into());
                    clone.superuser = true;
                },
                "is SUPERUSER",
            ),
        ];
        for (doubt, part) in doubts {
            let mut doubtful = facts(role(|_| ()), unmarked(), FULL);
            doubt(&mut doubtful);
            failed(turn, &doubtful, FailureKind::NotAPair, part);
            let mark = "COMMENT ON ROLE \"app_clone\" IS '";
            failed(turn, &doubtful, FailureKind::NotAPair, mark);
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
        assert_eq!(plan.statements[0], "ALTER ROLE \"app_clone\" PASSWORD '…'");
    }
}

#[test]
fn what_a_clone_owns_is_not_put_out_of_its_reach() {
    let mut adopted = facts(role(|base| set(base, "jit=off")), marked(|_| ()), FULL);
    adopted.besides.objects = things("table t");
    adopted.besides.databases = things("shop");
    let plan = planned(Turn::Clone, &adopted);
    assert_eq!(plan.statements[1..], ["ALTER ROLE \"app_clone\" SET \"jit\" TO 'off'"]);
    let (level, note) = plan.notes.last().unwrap();
    let remedy = "in the database shop: REASSIGN OWNED BY \"app_clone\" TO \"app\"";
    assert!(*level == LogLevel::Warn && note.contains(remedy), "{note}");
    // Once its sessions start as the base it is too late to matter.
    adopted.clone = clone();
    assert_eq!(planned(Turn::Clone, &adopted).statements.len(), 2);
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
