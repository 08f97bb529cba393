//! Users as the catalog shows them, and the statements that make two equal.

use super::*;

fn pair() -> Pair {
    Pair::new("app", "app_clone").unwrap()
}

fn row(values: &[&str]) -> Vec<Value> {
    values.iter().map(|value| (*value != "-").then(|| (*value).to_owned())).collect()
}

/// What has to be said so that the clone, described by the second rows, is like the base.
fn statements(tables: [&[&[&str]]; QUERIES]) -> Vec<String> {
    let tables = tables.map(|table| table.iter().map(|values| row(values)).collect());
    let accounts = read(tables, &pair()).unwrap();
    let clone = accounts.clone.unwrap_or_default();
    let changes = accounts.base.unwrap().changes_for(&clone, "app_clone").unwrap();
    changes.into_iter().map(|change| change.statement).collect()
}

const PLAIN: &[&str] = &["app", "f", "f", "-", "-"];
const PLAIN_CLONE: &[&str] = &["app_clone", "f", "f", "-", "-"];

#[test]
fn every_attribute_of_redshift_has_its_statement() {
    let users: &[&[&str]] = &[
        &["app", "f", "t", "2030-01-01 00:00:00+00", "query_group=x\u{1f}search_path=a, \"B\""],
        &["app_clone", "f", "f", "infinity", "wlm_query_slot_count=2"],
    ];
    let groups: &[&[&str]] =
        &[&["app", "readers"], &["app_clone", "writers"], &["app_clone", MARK]];
    let limits: &[&[&str]] =
        &[&["app", "5", "UNRESTRICTED", "600"], &["app_clone", "UNLIMITED", "RESTRICTED", "0"]];
    let roles: &[&[&str]] = &[
        &["app", "r1", "False"],
        &["app", "r2", "True"],
        &["app", "r3", "f"],
        &["app_clone", "r2", "f"],
        &["app_clone", "r3", "t"],
        &["app_clone", "r4", "f"],
    ];
    assert_eq!(
        statements([users, groups, &[&[MARK]], limits, roles]),
        [
            "ALTER USER \"app_clone\" CREATEDB",
            "ALTER USER \"app_clone\" VALID UNTIL '2030-01-01 00:00:00+00'",
            "ALTER USER \"app_clone\" CONNECTION LIMIT 5",
            "ALTER USER \"app_clone\" SYSLOG ACCESS UNRESTRICTED",
            "ALTER USER \"app_clone\" SESSION TIMEOUT 600",
            "ALTER USER \"app_clone\" RESET \"wlm_query_slot_count\"",
            "ALTER USER \"app_clone\" SET \"query_group\" TO 'x'",
            "ALTER USER \"app_clone\" SET \"search_path\" TO 'a', 'B'",
            "ALTER GROUP \"writers\" DROP USER \"app_clone\"",
            "ALTER GROUP \"readers\" ADD USER \"app_clone\"",
            "REVOKE ADMIN OPTION FOR ROLE \"r3\" FROM \"app_clone\"",
            "REVOKE ROLE \"r4\" FROM \"app_clone\"",
            "GRANT ROLE \"r1\" TO \"app_clone\"",
            "GRANT ROLE \"r2\" TO \"app_clone\" WITH ADMIN OPTION",
        ]
    );
}

#[test]
fn limits_are_taken_back_in_the_words_of_the_server() {
    let of = |base: &[&str], clone: &[&str]| {
        let limits: &[&[&str]] = &[&[&["app"], base].concat(), &[&["app_clone"], clone].concat()];
        statements([&[PLAIN, PLAIN_CLONE], &[], &[], limits, &[]])
    };
    assert_eq!(
        of(&["UNLIMITED", "RESTRICTED", "0"], &["3", "UNRESTRICTED", "60"]),
        [
            "ALTER USER \"app_clone\" CONNECTION LIMIT UNLIMITED",
            "ALTER USER \"app_clone\" SYSLOG ACCESS RESTRICTED",
            "ALTER USER \"app_clone\" RESET SESSION TIMEOUT",
        ]
    );
    assert_eq!(
        of(&["-1", "-", "-"], &["3", "-", "-"]),
        ["ALTER USER \"app_clone\" CONNECTION LIMIT -1"]
    );
    assert!(of(&["", "-", "-"], &["-1", "-", "-"]).is_empty());
}

#[test]
fn a_clone_that_was_just_created_gets_what_differs_from_the_defaults() {
    let limits: &[&[&str]] = &[&["app", "UNLIMITED", "RESTRICTED", "0"]];
    assert!(statements([&[PLAIN], &[], &[], limits, &[]]).is_empty());
    let limits: &[&[&str]] = &[&["app", "0", "UNRESTRICTED", "60"]];
    assert_eq!(statements([&[PLAIN], &[], &[], limits, &[]]).len(), 3);
}

#[test]
fn what_makes_no_sense_is_no_account() {
    let tables: &[[&[&[&str]]; QUERIES]] = &[
        [&[&["app", "maybe", "f", "-", "-"]], &[], &[], &[], &[]],
        [&[&["app", "f", "f", "-"]], &[], &[], &[], &[]],
        [&[&["-", "f", "f", "-", "-"]], &[], &[], &[], &[]],
        [&[&["app", "f", "f", "-", "nothing"]], &[], &[], &[], &[]],
        [&[PLAIN], &[&["app"]], &[], &[], &[]],
        [&[PLAIN], &[], &[], &[&["app", "1; DROP", "-", "-"]], &[]],
        [&[PLAIN], &[], &[], &[&["app", "1", "ANY", "-"]], &[]],
        [&[PLAIN], &[], &[], &[&["app", "1", "-", "-1"]], &[]],
        [&[PLAIN], &[], &[], &[], &[&["app", "r", "perhaps"]]],
    ];
    for table in tables {
        let rows = table.map(|rows| rows.iter().map(|values| row(values)).collect());
        assert!(read(rows, &pair()).is_err(), "{table:?}");
    }
}
