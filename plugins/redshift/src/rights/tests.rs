//! The comparison as a table: which access lists lead to which statements.

use windlass_sdk::Pair;

use super::*;
use crate::catalog::Catalog;

fn object(kind: &str, schema: &str, name: &str, detail: &str, owner: &str, list: &str) -> Object {
    let row = [kind, schema, name, detail, owner, list].map(|text| Some(text.to_owned()));
    Object::read(row.to_vec()).unwrap()
}

fn difference(objects: &[Object], redshift: bool) -> Difference {
    compare(objects, &Pair::new("app", "app_clone").unwrap(), redshift).unwrap()
}

fn table(list: &str) -> Object {
    object("t", "s", "t", "", "owner", list)
}

#[test]
fn each_kind_of_object_has_its_statement() {
    let cases: &[(Object, &str)] = &[
        (object("d", "", "dev", "", "o", "app=CT/o"), "CREATE, TEMPORARY ON DATABASE \"dev\""),
        (object("n", "", "s", "", "o", "app=UC/o"), "CREATE, USAGE ON SCHEMA \"s\""),
        (table("app=r/o"), "SELECT ON TABLE \"s\".\"t\""),
        (
            object("c", "s", "t", "c", "", "app=rw/o"),
            "SELECT (\"c\"), UPDATE (\"c\") ON TABLE \"s\".\"t\"",
        ),
        (
            object("f", "s", "f", "integer, character varying", "o", "app=X/o"),
            "EXECUTE ON FUNCTION \"s\".\"f\"(integer, character varying)",
        ),
        (object("p", "s", "p", "", "o", "app=X/o"), "EXECUTE ON PROCEDURE \"s\".\"p\"()"),
        (object("l", "", "plpythonu", "", "", "app=U/o"), "USAGE ON LANGUAGE \"plpythonu\""),
    ];
    for (object, expected) in cases {
        let given = difference(std::slice::from_ref(object), true);
        assert_eq!(given.statements, [format!("GRANT {expected} TO \"app_clone\"")]);
        assert!(given.base_has_rights && given.unknown.is_empty());
        let mut other = object.clone();
        other.list = other.list.replace("app=", "app_clone=");
        let taken = difference(&[other], true);
        assert_eq!(taken.statements, [format!("REVOKE {expected} FROM \"app_clone\"")]);
        assert!(!taken.base_has_rights);
    }
}

#[test]
fn only_what_differs_is_written() {
    let on = "ON TABLE \"s\".\"t\"";
    let cases: &[(&str, &[String])] = &[
        ("app=rw/o,app_clone=rw/o", &[]),
        ("app=rw/o,app_clone=w/o,app_clone=r/x", &[]),
        (
            "app=r*/o,app_clone=r/o",
            &[format!("GRANT SELECT {on} TO \"app_clone\" WITH GRANT OPTION")],
        ),
        (
            "app=r/o,app_clone=r*/o",
            &[format!("REVOKE GRANT OPTION FOR SELECT {on} FROM \"app_clone\"")],
        ),
        (
            "app=ra*/o,app_clone=dw/o",
            &[
                format!("REVOKE DELETE, UPDATE {on} FROM \"app_clone\""),
                format!("GRANT INSERT {on} TO \"app_clone\" WITH GRANT OPTION"),
                format!("GRANT SELECT {on} TO \"app_clone\""),
            ],
        ),
        // Others' rights, groups and PUBLIC are nobody's business.
        ("=r/o,group app=w/o,apple=d/o,xapp_clone=d/o", &[]),
    ];
    for (list, expected) in cases {
        assert_eq!(difference(&[table(list)], true).statements, *expected, "{list}");
    }
}

#[test]
fn what_is_taken_comes_before_what_is_given_and_objects_go_together() {
    let mut objects: Vec<_> =
        (0..250).map(|n| object("t", "s", &format!("t{n:03}"), "", "o", "app=r/o")).collect();
    objects.push(object("n", "", "a", "", "o", "app_clone=U/o"));
    let statements = difference(&objects, true).statements;
    assert_eq!(statements.len(), 1 + 3);
    assert!(statements[0].starts_with("REVOKE USAGE ON SCHEMA \"a\""));
    assert_eq!(statements[1].matches("\"s\".").count(), 100);
    assert_eq!(statements[3].matches("\"s\".").count(), 50);
}

#[test]
fn what_the_base_may_as_an_owner_is_given_and_what_the_clone_owns_is_left_alone() {
    let owned = object("t", "s", "t", "", "app", "app=arwdRxt/app,app_clone=rwaxd/app");
    assert!(difference(&[owned], true).statements.is_empty());
    let unlisted = difference(&[object("n", "", "s", "", "app", "")], true);
    assert_eq!(unlisted.statements, ["GRANT CREATE, USAGE ON SCHEMA \"s\" TO \"app_clone\""]);
    let own = difference(&[object("t", "s", "t", "", "app_clone", "app_clone=r/app_clone")], true);
    assert_eq!(own.owned_by_clone, ["s.t"]);
    assert!(own.statements.is_empty());
}

#[test]
fn default_privileges_of_others_are_given_and_those_of_its_own_are_told() {
    let of_others = [
        object("a", "s", "", "r", "maker", "app=r/maker"),
        object("a", "", "", "f", "maker", "app=X/maker"),
        object("a", "", "", "p", "maker", "app_clone=X/maker"),
    ];
    let alter = "ALTER DEFAULT PRIVILEGES FOR USER \"maker\"";
    assert_eq!(
        difference(&of_others, true).statements,
        [
            format!("{alter} REVOKE EXECUTE ON PROCEDURES FROM \"app_clone\""),
            format!("{alter} GRANT EXECUTE ON FUNCTIONS TO \"app_clone\""),
            format!("{alter} IN SCHEMA \"s\" GRANT SELECT ON TABLES TO \"app_clone\""),
        ]
    );
    let own = difference(&[object("a", "s", "", "r", "app", "other=r/app")], true);
    assert!(own.own_defaults && own.statements.is_empty());
}

#[test]
fn a_letter_that_is_not_known_is_told_and_never_guessed() {
    let unknown = difference(&[table("app=rPQ/o,app_clone=Q*/o")], true);
    assert_eq!(unknown.statements, ["GRANT SELECT ON TABLE \"s\".\"t\" TO \"app_clone\""]);
    let unknown: Vec<_> = unknown.unknown.iter().map(String::as_str).collect();
    assert_eq!(unknown, ["'P' on s.t", "'Q' on s.t"]);
    // Where both have it there is nothing to tell.
    assert!(difference(&[table("app=Q/o,app_clone=Q/o")], true).unknown.is_empty());
    // One letter has two meanings.
    for (redshift, privilege) in [(true, "DROP"), (false, "TRUNCATE")] {
        let known = difference(&[table("app=D/o")], redshift).statements;
        assert_eq!(known, [format!("GRANT {privilege} ON TABLE \"s\".\"t\" TO \"app_clone\"")]);
    }
}

#[test]
fn what_can_not_be_named_is_taken_with_all_the_rest_and_given_with_it() {
    let (on, user) = ("ON TABLE \"s\".\"t\"", "\"app_clone\"");
    let taken = difference(&[table("app=rw/o,app_clone=rPZ/o")], true);
    assert_eq!(
        taken.statements,
        [
            format!("REVOKE ALL PRIVILEGES {on} FROM {user}"),
            format!("GRANT SELECT, UPDATE {on} TO {user}"),
        ]
    );
    assert!(taken.unknown.is_empty());
    let schema = object("n", "", "n", "", "o", "app_clone=Z/o");
    let taken = difference(&[schema], true).statements;
    assert_eq!(taken, [format!("REVOKE ALL PRIVILEGES ON SCHEMA \"n\" FROM {user}")]);
    // What GRANT ALL gives on Redshift.
    let all = |list: &str| difference(&[table(list)], true);
    let given = all("app=arwdRxtDPA/o,app_clone=r/o");
    assert_eq!(given.statements, [format!("GRANT ALL PRIVILEGES {on} TO {user}")]);
    assert!(given.unknown.is_empty());
    let with_option = all("app=a*r*w*d*R*x*t*D*P*A*/o").statements;
    assert_eq!(with_option, [format!("GRANT ALL PRIVILEGES {on} TO {user} WITH GRANT OPTION")]);
    assert!(all("app=arwdRxtDPA/o,app_clone=arwdRxtDPA/o").statements.is_empty());
    assert_eq!(all("app=a*rwdRxtDPA/o").unknown.len(), 2, "some may be granted on, others not");
}

#[test]
fn types_of_arguments_are_taken_as_they_are_and_nothing_else_is() {
    for list in
        ["", "integer", "character varying, double precision[]", "s.\"Odd \"\"; --\", super"]
    {
        assert_eq!(types(list).unwrap(), list);
    }
    for list in ["integer) TO PUBLIC; --", "\"open", "a'b", "a;b", "a/*", "é", "a\"b\"; x\"y\""] {
        assert!(types(list).is_err(), "{list}");
    }
}

#[test]
fn rows_that_make_no_sense_are_a_protocol_failure() {
    let row = |values: &[&str]| values.iter().map(|text| Some((*text).to_owned())).collect();
    assert!(Object::read(row(&["t", "s", "t", "", "o"])).is_err());
    assert!(Object::read(row(&["?", "s", "t", "", "o", ""])).is_err());
    let pair = Pair::new("app", "app_clone").unwrap();
    assert!(compare(&[table("app=r")], &pair, true).is_err());
    assert!(compare(&[object("t", "", "t", "", "o", "app=r/o")], &pair, true).is_err());
}

#[test]
fn the_query_names_nothing_that_is_not_there() {
    let pair = Pair::new("it's", "it's_clone").unwrap();
    let bare = query(&Catalog::default(), &pair, 0).unwrap();
    for absent in ["pg_proc", "pg_attribute", "pg_default_acl"] {
        assert!(!bare.contains(absent), "{absent}");
    }
    assert!(
        bare.contains(
            "object_owner IN ('it''s', 'it''s_clone') OR strpos(object_acl, 'it''s') > 0"
        )
    );
    let of_redshift = Catalog::from_columns(&[
        ("pg_proc_info", "prokind"),
        ("pg_proc", "prokind"),
        ("pg_attribute_info", "attacl"),
        ("pg_default_acl", "defacluser"),
    ]);
    let full = query(&of_redshift, &pair, 2000).unwrap();
    assert!(full.contains("FROM pg_proc_info p") && full.contains("pg_attribute_info a"));
    assert!(full.contains("f.defacluser") && full.ends_with("LIMIT 1000 OFFSET 2000"));
}
