//! The plan as a table: what is found leads to which statements, and to which refusals.

use windlass_postgres_wire::Value;
use windlass_sdk::FailureKind;

use super::*;

fn row(values: &[&str]) -> Vec<Value> {
    values.iter().map(|value| (*value != "-").then(|| (*value).to_owned())).collect()
}

/// The users as rows of `pg_user`, their groups and their rights.
fn state(users: &[&[&str]], groups: &[&[&str]], rights: &[&[&str]]) -> State {
    let rows = |table: &[&[&str]]| table.iter().map(|values| row(values)).collect::<Vec<_>>();
    let is_mark = |group: &&[&str]| group[1] == MARK;
    let mark = if groups.iter().any(is_mark) { vec![row(&[MARK])] } else { vec![] };
    let limits = users.iter().map(|user| row(&[user[0], "-1", "-", "-"])).collect();
    let pair = pair(Turn::Clone);
    let accounts = account::read([rows(users), rows(groups), mark, limits, vec![]], &pair).unwrap();
    let objects = rights.iter().map(|values| Object::read(row(values)).unwrap()).collect();
    State { accounts, objects }
}

fn pair(turn: Turn) -> Pair {
    Pair { base: "app".into(), clone: "app_clone".into(), turn }
}

const BASE: &[&str] = &["app", "f", "f", "-", "-"];
const CLONE: &[&str] = &["app_clone", "f", "f", "-", "-"];
const MARKED: &[&[&str]] = &[&["app_clone", MARK]];
const RIGHT: &[&str] = &["t", "s", "t", "", "owner", "app=r/owner"];
const EQUAL: &[&str] = &["t", "s", "t", "", "owner", "app=r/owner,app_clone=r/owner"];

fn redshift() -> Catalog {
    Catalog::from_columns(&[("pg_proc_info", "prokind")])
}

fn planned(turn: Turn, state: &State) -> Plan {
    plan(&redshift(), &pair(turn), state).unwrap()
}

#[track_caller]
fn declined(turn: Turn, state: &State, part: &str) {
    failed(turn, state, FailureKind::Declined, part);
}

#[track_caller]
fn failed(turn: Turn, state: &State, kind: FailureKind, part: &str) {
    let failure = plan(&redshift(), &pair(turn), state).unwrap_err();
    assert_eq!(failure.kind, kind, "{failure}");
    let whole = format!("{}: {}", failure.message, failure.remedy);
    assert!(whole.contains(part) && !failure.remedy.is_empty(), "{whole}");
}

#[test]
fn the_first_turn_makes_the_clone_with_a_password_that_nobody_knows() {
    let plan = planned(Turn::Clone, &state(&[BASE], &[], &[RIGHT]));
    let [group, user, mark, right] = &*plan.statements else { panic!("{plan:?}") };
    assert_eq!(group, "CREATE GROUP \"windlass_clones\"");
    assert!(user.starts_with("CREATE USER \"app_clone\" PASSWORD 'md5"), "{user}");
    assert_eq!(mark, "ALTER GROUP \"windlass_clones\" ADD USER \"app_clone\"");
    assert_eq!(right, "GRANT SELECT ON TABLE \"s\".\"t\" TO \"app_clone\"");
    let again = planned(Turn::Clone, &state(&[BASE], &[], &[RIGHT]));
    assert_ne!(again.statements[1], *user, "another password every time");
}

#[test]
fn what_has_several_lines_is_in_no_finding() {
    let rights: &[&[&str]] = &[&["t", "s", "pay\nroll", "", "owner", "app=r/owner"]];
    let state = state(&[BASE, CLONE], &[&["app", "of\u{1}it"]], rights);
    let difference = rights::compare(&state.objects, &pair(Turn::Clone), true).unwrap();
    let Accounts { base: Some(base), clone: Some(clone), .. } = &state.accounts else { panic!() };
    let found = pairs::differences(&pair(Turn::Clone), base, clone, &difference).unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    for finding in found {
        assert!(windlass_postgres_wire::is_one_line(&finding.text), "{finding:?}");
        assert_eq!(finding.remedy, "make it the same for both users");
    }
}

#[test]
fn a_pair_in_order_needs_nothing_on_either_turn() {
    for turn in [Turn::Clone, Turn::Base] {
        assert_eq!(planned(turn, &state(&[BASE, CLONE], MARKED, &[EQUAL])), Plan::default());
    }
}

#[test]
fn the_clone_is_mended_on_either_turn_and_the_log_says_so() {
    for turn in [Turn::Clone, Turn::Base] {
        let plan = planned(turn, &state(&[BASE, CLONE], MARKED, &[RIGHT]));
        assert_eq!(plan.statements, ["GRANT SELECT ON TABLE \"s\".\"t\" TO \"app_clone\""]);
        assert!(plan.notes[0].1.contains("1 objects (s.t)"), "{plan:?}");
    }
}

#[test]
fn only_a_marked_user_or_an_equal_one_is_the_clone() {
    let strangers = |turn, rights: &[&[&str]], part| {
        failed(turn, &state(&[BASE, CLONE], &[], rights), FailureKind::NotAPair, part);
    };
    strangers(Turn::Clone, &[RIGHT], "\"app_clone\" lacks SELECT on s.t");
    strangers(Turn::Base, &[RIGHT], "neither was changed");
    strangers(Turn::Base, &[RIGHT], "ALTER GROUP \"windlass_clones\" ADD USER \"app_clone\"");
    strangers(Turn::Clone, &[], "they have no rights, so their equality proves nothing");
    let mark = "ALTER GROUP \"windlass_clones\" ADD USER \"app_clone\"";
    let plan = planned(Turn::Clone, &state(&[BASE, CLONE], &[], &[EQUAL]));
    assert_eq!(plan.statements.last().unwrap(), mark);
    let groups: &[&[&str]] = &[&["app", "readers"], &["app_clone", "readers"]];
    assert_eq!(planned(Turn::Clone, &state(&[BASE, CLONE], groups, &[])).statements.len(), 2);
}

#[test]
fn users_that_could_have_made_themselves_equal_are_no_pair() {
    let right = |owner: &'static str, list: &'static str| ["t", "s", "t", "", owner, list];
    let equal = right("owner", "app=r/owner,app_clone=r/owner");
    // Equal by what an owner was given, and a grant that may be granted on.
    let of_base = right("app", "app_clone=rawdx/app");
    let of_clone = right("app_clone", "app_clone=r/app_clone");
    let may_grant = right("owner", "app=r*/owner,app_clone=r*/owner");
    for turn in [Turn::Clone, Turn::Base] {
        for (odd, part) in [
            (&of_base, "owns objects: s.t"),
            (&of_clone, "owns objects: s.t"),
            (&may_grant, "could have made them equal"),
        ] {
            let rights: &[&[&str]] = &[&equal, odd];
            let unmarked = state(&[BASE, CLONE], &[], rights);
            failed(turn, &unmarked, FailureKind::NotAPair, part);
            failed(turn, &unmarked, FailureKind::NotAPair, "ADD USER \"app_clone\"");
            // An administrator's word counts for more.
            plan(&redshift(), &pair(turn), &state(&[BASE, CLONE], MARKED, rights)).unwrap();
        }
        let plan = planned(turn, &state(&[BASE, CLONE], &[], &[&equal]));
        let warns = |(level, note): &(LogLevel, String)| {
            *level == LogLevel::Warn && note.contains("was not marked")
        };
        assert_eq!(plan.notes.iter().filter(|note| warns(note)).count(), 1, "{plan:?}");
    }
}

#[test]
fn who_is_missing_or_too_powerful_is_no_half() {
    declined(Turn::Clone, &state(&[], &[], &[]), "no user \"app\"");
    declined(Turn::Base, &state(&[BASE], &[], &[]), "should be in force now");
    let base: &[&str] = &["app", "t", "f", "-", "-"];
    declined(Turn::Clone, &state(&[base], &[], &[]), "no second user is made its equal");
    let clone: &[&str] = &["app_clone", "t", "f", "-", "-"];
    declined(Turn::Clone, &state(&[BASE, clone], MARKED, &[EQUAL]), "NOCREATEUSER");
}

#[test]
fn names_with_capitals_are_kept_where_the_server_would_fold_them() {
    let right: &[&str] = &["t", "s", "Table", "", "owner", "app=r/owner"];
    let setting = "SET LOCAL enable_case_sensitive_identifier TO true";
    let state = state(&[BASE, CLONE], MARKED, &[right]);
    assert_eq!(planned(Turn::Clone, &state).statements[0], setting);
    let on_postgres = plan(&Catalog::default(), &pair(Turn::Clone), &state).unwrap();
    assert_eq!(on_postgres.statements.len(), 1);
}

#[test]
fn what_can_not_be_made_equal_is_told() {
    let rights: &[&[&str]] = &[
        EQUAL,
        &["t", "s", "own", "", "app_clone", ""],
        &["t", "s", "odd", "", "owner", "app=Q/owner"],
        &["a", "s", "", "r", "app", "other=r/app"],
    ];
    let mut state = state(&[BASE, CLONE], MARKED, rights);
    // Without what only a superuser may read.
    state.accounts.base = Some(Account::default());
    let notes = planned(Turn::Clone, &state).notes;
    for part in ["owns 1 objects", "'Q' on s.odd", "default privileges", "session timeout"] {
        let told = notes.iter().any(|(level, note)| {
            *level == LogLevel::Warn && note.contains(part) && note.len() < 1000
        });
        assert!(told, "{part}: {notes:?}");
    }
}

#[test]
fn what_is_left_after_the_change_undoes_it() {
    let check = |state: &State| check_equal(&redshift(), &pair(Turn::Clone), state);
    assert!(check(&state(&[BASE, CLONE], MARKED, &[EQUAL])).is_ok());
    for wrong in [
        state(&[BASE, CLONE], MARKED, &[RIGHT]),
        state(&[BASE, CLONE], &[], &[EQUAL]),
        state(&[BASE], MARKED, &[EQUAL]),
        state(&[BASE, &["app_clone", "f", "t", "-", "-"]], MARKED, &[EQUAL]),
    ] {
        assert_eq!(check(&wrong).unwrap_err().kind, FailureKind::Declined);
    }
}
