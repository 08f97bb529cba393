//! Rights as the servers write them, and the statements that make one account's another's.

use super::*;
use crate::tokens::Backslash;

fn name(user: &str) -> AccountName {
    AccountName { user: user.into(), host: "%".into() }
}

fn read(rows: &[&str]) -> Grants {
    Grants::read(rows.iter().copied(), &name("app"), Backslash::Double).unwrap()
}

/// The statements that turn the second rows into the first.
fn steps(wanted: &[&str], current: &[&str]) -> Vec<String> {
    let steps = read(wanted).changes_from(&read(current), "`c`@`%`");
    steps.into_iter().map(|step| step.statement).collect()
}

#[test]
fn rows_of_both_servers_are_read() {
    let grants = read(&[
        "GRANT `reader` TO `app`@`%` WITH ADMIN OPTION",
        "GRANT `a`@`%`,`b`@`h` TO `app`@`%`",
        "GRANT RELOAD, BINLOG ADMIN ON *.* TO `app`@`%` IDENTIFIED BY PASSWORD '*B6' REQUIRE SSL \
         WITH GRANT OPTION MAX_QUERIES_PER_HOUR 5",
        "GRANT BACKUP_ADMIN,ROLE_ADMIN ON *.* TO `app`@`%`",
        "GRANT SELECT (`b c`, `a`), INSERT (`a`), UPDATE ON `d`.`t``x` TO `app`@`%`",
        "GRANT EXECUTE ON PROCEDURE `d`.`p` TO `app`@`%`",
        "GRANT EXECUTE ON PACKAGE BODY `d`.`p` TO `app`@`%`",
        "GRANT PROXY ON ``@`%` TO `app`@`%` WITH GRANT OPTION",
        "SET DEFAULT ROLE `reader` FOR `app`@`%`",
        // Of others: what it has through a role and as everybody.
        "GRANT INSERT ON *.* TO `reader`",
        "GRANT `hidden` TO PUBLIC",
        "GRANT INSERT ON `x`.* TO `other`@`%`",
        "SET DEFAULT ROLE `hidden` FOR `other`@`%`",
    ]);
    assert_eq!(grants.rights.len(), 10);
    assert!(grants.rights[&Object::Global].may_grant);
    assert_eq!(grants.rights[&Object::Global].privileges.len(), 2);
    assert!(!grants.rights[&Object::Dynamic("ROLE_ADMIN".into())].may_grant);
    assert_eq!(grants.rights[&Object::Table("d".into(), "t`x".into())].privileges.len(), 4);
    assert_eq!(grants.default_roles.len(), 1);
    assert!(read(&["GRANT USAGE ON *.* TO `app`@`%` REQUIRE SSL"]).is_empty());
}

#[test]
fn only_differences_are_written_and_what_is_taken_comes_first() {
    let same = &["GRANT SELECT ON `d`.* TO `app`@`%` WITH GRANT OPTION"];
    assert_eq!(steps(same, same), [""; 0]);
    assert_eq!(
        steps(
            &[
                "GRANT SELECT, INSERT ON `d`.* TO `app`@`%` WITH GRANT OPTION",
                "GRANT UPDATE (`a`) ON `d`.`t` TO `app`@`%`",
            ],
            &[
                "GRANT SELECT, DROP ON `d`.* TO `app`@`%`",
                "GRANT UPDATE (`b`) ON `d`.`t` TO `app`@`%` WITH GRANT OPTION",
                "GRANT EXECUTE ON FUNCTION `d`.`f` TO `app`@`%`",
            ]
        ),
        [
            "REVOKE DROP ON `d`.* FROM `c`@`%`",
            "REVOKE UPDATE (`b`) ON `d`.`t` FROM `c`@`%`",
            "REVOKE GRANT OPTION ON `d`.`t` FROM `c`@`%`",
            "REVOKE EXECUTE ON FUNCTION `d`.`f` FROM `c`@`%`",
            "GRANT INSERT ON `d`.* TO `c`@`%` WITH GRANT OPTION",
            "GRANT UPDATE (`a`) ON `d`.`t` TO `c`@`%`",
        ]
    );
}

#[test]
fn everything_stands_for_each_privilege() {
    let (all, some) =
        ("GRANT ALL PRIVILEGES ON `d`.* TO `app`@`%`", "GRANT SELECT, DROP ON `d`.* TO `app`@`%`");
    assert_eq!(steps(&[all], &[some]), ["GRANT ALL PRIVILEGES ON `d`.* TO `c`@`%`"]);
    assert_eq!(
        steps(&[some], &[all]),
        ["REVOKE ALL PRIVILEGES ON `d`.* FROM `c`@`%`", "GRANT DROP, SELECT ON `d`.* TO `c`@`%`"]
    );
}

#[test]
fn an_option_that_can_not_be_taken_alone_goes_with_its_right() {
    for right in ["`r`", "PROXY ON `x`@`%`", "BACKUP_ADMIN ON *.*"] {
        let option = if right == "`r`" { "ADMIN" } else { "GRANT" };
        let with = format!("GRANT {right} TO `app`@`%` WITH {option} OPTION");
        let without = format!("GRANT {right} TO `app`@`%`");
        let (revoke, grant) =
            (format!("REVOKE {right} FROM `c`@`%`"), format!("GRANT {right} TO `c`@`%`"));
        assert_eq!(steps(&[&without], &[&with]), [revoke.clone(), grant.clone()]);
        assert_eq!(steps(&[&with], &[&without]), [format!("{grant} WITH {option} OPTION")]);
        assert_eq!(steps(&[], &[&with]), [revoke]);
        assert_eq!(steps(&[&without], &[]), [grant]);
    }
}

#[test]
fn an_option_alone_is_given_with_no_privilege() {
    let with = "GRANT USAGE ON `d`.`t` TO `app`@`%` WITH GRANT OPTION";
    assert_eq!(steps(&[with], &[]), ["GRANT USAGE ON `d`.`t` TO `c`@`%` WITH GRANT OPTION"]);
    assert_eq!(steps(&[], &[with]), ["REVOKE GRANT OPTION ON `d`.`t` FROM `c`@`%`"]);
}

#[test]
fn a_step_is_taken_apart_by_privilege() {
    let row = "GRANT SELECT (`a`, `b`), UPDATE ON `d`.`t` TO `app`@`%`";
    let steps = read(&[row]).changes_from(&Grants::default(), "`c`@`%`");
    let apart: Vec<_> = steps[0].apart("`c`@`%`").into_iter().map(|it| it.statement).collect();
    assert_eq!(
        apart,
        [
            "GRANT SELECT (`a`) ON `d`.`t` TO `c`@`%`",
            "GRANT SELECT (`b`) ON `d`.`t` TO `c`@`%`",
            "GRANT UPDATE ON `d`.`t` TO `c`@`%`",
        ]
    );
}

#[test]
fn what_one_has_and_the_other_lacks_is_named() {
    let more = read(&[
        "GRANT SELECT, DROP ON `d`.* TO `app`@`%`",
        "GRANT `r` TO `app`@`%`",
        "SET DEFAULT ROLE `r` FOR `app`@`%`",
    ]);
    let less = read(&["GRANT SELECT ON `d`.* TO `app`@`%`"]);
    let about = |wanted: &Grants, current: &Grants| -> Vec<(bool, String)> {
        let steps = wanted.changes_from(current, "x");
        steps.into_iter().map(|step| (step.gives.is_some(), step.about)).collect()
    };
    let [drop, role] = ["DROP ON `d`.*", "the role `r`"].map(str::to_owned);
    assert_eq!(about(&more, &less), [(true, drop.clone()), (true, role.clone())]);
    assert_eq!(about(&less, &more), [(false, drop), (false, role)]);
    let may_grant = read(&[
        "GRANT SELECT, DROP ON `d`.* TO `app`@`%` WITH GRANT OPTION",
        "GRANT `r` TO `app`@`%` WITH ADMIN OPTION",
    ]);
    let [on, of] = ["GRANT OPTION ON `d`.*", "ADMIN OPTION of the role `r`"].map(str::to_owned);
    assert_eq!(about(&may_grant, &more), [(true, on.clone()), (true, of.clone())]);
    assert_eq!(about(&more, &may_grant)[..2], [(false, on), (false, of)]);
}

#[test]
fn packages_are_named_in_mariadbs_oracle_mode_only() {
    let package = read(&["GRANT EXECUTE ON PACKAGE BODY `d`.`p` TO `app`@`%`"]);
    let steps = package.changes_from(&read(&["GRANT SELECT ON `d`.* TO `app`@`%`"]), "`c`@`%`");
    let modes: Vec<_> = steps.iter().map(|step| step.in_oracle_mode).collect();
    assert_eq!(modes, [false, true], "{steps:?}");
}

#[test]
fn rows_that_are_not_known_are_refused() {
    for row in [
        "",
        "GRANT",
        "GRANT SELECT",
        "GRANT SELECT ON *.* TO",
        "GRANT SELECT ON *.x TO `app`@`%`",
        "GRANT SELECT ON FUNCTION `d`.* TO `app`@`%`",
        "GRANT SELECT ON THING `d`.`x` TO `app`@`%`",
        "GRANT SELECT (`a` ON `d`.`x` TO `app`@`%`",
        "GRANT , ON *.* TO `app`@`%`",
        "REVOKE SELECT ON `mysql`.* FROM `app`@`%`",
        "DENY SELECT ON *.* TO `app`@`%`",
    ] {
        let read = Grants::read([row].into_iter(), &name("app"), Backslash::Single);
        assert!(read.is_err(), "{row}");
    }
}
