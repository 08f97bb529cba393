//! Rights of alternating users: whatever the base has, the clone has on every turn, and no more.
//!
//! Each case is a set-up of the base and what happens to either half before the turns. After each
//! of four turns the server must describe both halves in the same words.

use windlass_harness::MysqlKind;

use crate::world::World;

/// A set-up, and what is done before the second, the third and the fourth turn. `$b` is the base,
/// `$c` the clone.
struct Case {
    name: &'static str,
    setup: &'static str,
    between: [&'static str; 3],
}

const fn case(name: &'static str, setup: &'static str, between: [&'static str; 3]) -> Case {
    Case { name, setup, between }
}

/// Databases, tables, routines and roles that the grants are about.
const OBJECTS: &str = "CREATE DATABASE shop; CREATE DATABASE `odd``na.me`; CREATE DATABASE tmp; \
    CREATE TABLE shop.orders (id INT, price INT, `odd ``col` INT); \
    CREATE TABLE shop.`odd ``t'able` (id INT); CREATE TABLE tmp.gone (id INT, other INT); \
    CREATE PROCEDURE shop.pay() SELECT 1; CREATE FUNCTION shop.tax() RETURNS INT DETERMINISTIC \
    RETURN 1; CREATE USER proxied@'%' IDENTIFIED BY 'proxied-P4ss'; \
    CREATE ROLE reader, writer, auditor; GRANT SELECT ON shop.* TO reader";

/// A package of MariaDB's, which its Oracle mode knows.
const PACKAGE: &[&str] = &[
    "DELIMITER $\nSET sql_mode = 'ORACLE' $\nCREATE PACKAGE shop.money AS FUNCTION rate RETURN INT; \
     END $\nCREATE PACKAGE BODY shop.money AS FUNCTION rate RETURN INT AS BEGIN RETURN 1; END; END $",
];

const CASES: &[Case] = &[
    case("nothing", "SELECT 1", ["SELECT 1", "SELECT 1", "SELECT 1"]),
    case(
        "global",
        "GRANT SELECT, PROCESS ON *.* TO $b",
        ["GRANT RELOAD ON *.* TO $b", "REVOKE PROCESS ON *.* FROM $b", "GRANT FILE ON *.* TO $c"],
    ),
    case(
        "global_with_grant_option",
        "GRANT SELECT ON *.* TO $b WITH GRANT OPTION",
        [
            "REVOKE GRANT OPTION ON *.* FROM $b",
            "GRANT USAGE ON *.* TO $b WITH GRANT OPTION",
            "SELECT 1",
        ],
    ),
    case(
        "everything",
        "GRANT ALL ON *.* TO $b WITH GRANT OPTION",
        [
            "REVOKE INSERT ON *.* FROM $b",
            "REVOKE ALL PRIVILEGES ON *.* FROM $c",
            "GRANT ALL ON *.* TO $b",
        ],
    ),
    case(
        "database",
        "GRANT SELECT, INSERT ON shop.* TO $b",
        [
            "GRANT DELETE ON shop.* TO $b",
            "REVOKE INSERT ON shop.* FROM $b",
            "GRANT DROP ON shop.* TO $c",
        ],
    ),
    case(
        "database_all",
        "GRANT ALL ON shop.* TO $b",
        [
            "REVOKE DROP ON shop.* FROM $b",
            "GRANT ALL ON shop.* TO $b",
            "REVOKE ALL ON shop.* FROM $b",
        ],
    ),
    case(
        "database_grant_option",
        "GRANT SELECT ON shop.* TO $b WITH GRANT OPTION",
        [
            "REVOKE GRANT OPTION ON shop.* FROM $b",
            "GRANT USAGE ON shop.* TO $c WITH GRANT OPTION",
            "SELECT 1",
        ],
    ),
    case(
        "database_wildcard",
        "GRANT SELECT ON `sh\\_p%`.* TO $b; GRANT INSERT ON `%`.* TO $b",
        ["REVOKE INSERT ON `%`.* FROM $b", "GRANT UPDATE ON `sh\\_p%`.* TO $b", "SELECT 1"],
    ),
    case(
        "odd_names",
        "GRANT SELECT ON `odd``na.me`.* TO $b; GRANT INSERT ON shop.`odd ``t'able` TO $b",
        [
            "GRANT DELETE ON shop.`odd ``t'able` TO $c",
            "REVOKE SELECT ON `odd``na.me`.* FROM $b",
            "SELECT 1",
        ],
    ),
    case(
        "table",
        "GRANT SELECT, UPDATE ON shop.orders TO $b",
        [
            "GRANT TRIGGER ON shop.orders TO $b",
            "REVOKE UPDATE ON shop.orders FROM $b",
            "REVOKE SELECT ON shop.orders FROM $c",
        ],
    ),
    case(
        "table_all",
        "GRANT ALL ON shop.orders TO $b WITH GRANT OPTION",
        [
            "REVOKE DROP ON shop.orders FROM $b",
            "GRANT ALL ON shop.orders TO $b",
            "REVOKE GRANT OPTION ON shop.orders FROM $b",
        ],
    ),
    case(
        "column",
        "GRANT SELECT (id, `odd ``col`), INSERT (price) ON shop.orders TO $b",
        [
            "GRANT UPDATE (id) ON shop.orders TO $b",
            "REVOKE SELECT (id) ON shop.orders FROM $b",
            "GRANT SELECT (price) ON shop.orders TO $c",
        ],
    ),
    case(
        "column_beside_table",
        "GRANT SELECT ON shop.orders TO $b; GRANT UPDATE (price) ON shop.orders TO $b WITH GRANT OPTION",
        [
            "REVOKE SELECT ON shop.orders FROM $b",
            "REVOKE GRANT OPTION ON shop.orders FROM $b",
            "GRANT SELECT (id) ON shop.orders TO $b",
        ],
    ),
    case(
        "routine",
        "GRANT EXECUTE ON PROCEDURE shop.pay TO $b; GRANT ALTER ROUTINE ON FUNCTION shop.tax TO $b",
        [
            "GRANT EXECUTE ON FUNCTION shop.tax TO $b",
            "REVOKE EXECUTE ON PROCEDURE shop.pay FROM $b",
            "GRANT EXECUTE ON PROCEDURE shop.pay TO $c",
        ],
    ),
    case(
        "routine_grant_option",
        "GRANT EXECUTE ON PROCEDURE shop.pay TO $b WITH GRANT OPTION",
        ["REVOKE GRANT OPTION ON PROCEDURE shop.pay FROM $b", "SELECT 1", "SELECT 1"],
    ),
    case(
        "proxy",
        "GRANT PROXY ON proxied@'%' TO $b",
        ["REVOKE PROXY ON proxied@'%' FROM $b", "GRANT PROXY ON proxied@'%' TO $b", "SELECT 1"],
    ),
    case(
        "roles",
        "GRANT reader TO $b; GRANT writer TO $b",
        ["REVOKE writer FROM $b", "GRANT auditor TO $b", "GRANT writer TO $c"],
    ),
    case(
        "role_admin",
        "GRANT reader TO $b WITH ADMIN OPTION; GRANT writer TO $b",
        [
            "GRANT writer TO $b WITH ADMIN OPTION",
            "REVOKE reader FROM $b; GRANT reader TO $b",
            "SELECT 1",
        ],
    ),
    case(
        "limits",
        "ALTER USER $b WITH MAX_QUERIES_PER_HOUR 50 MAX_USER_CONNECTIONS 3",
        [
            "ALTER USER $b WITH MAX_UPDATES_PER_HOUR 7",
            "ALTER USER $b WITH MAX_QUERIES_PER_HOUR 0",
            "ALTER USER $c WITH MAX_USER_CONNECTIONS 0",
        ],
    ),
    case(
        "require_tls",
        "ALTER USER $b REQUIRE SSL",
        ["ALTER USER $b REQUIRE NONE", "ALTER USER $c REQUIRE SSL", "ALTER USER $b REQUIRE SSL"],
    ),
    case(
        "require_certificate",
        "ALTER USER $b REQUIRE SUBJECT '/CN=it is' AND ISSUER '/CN=ca'",
        [
            "ALTER USER $b REQUIRE CIPHER 'x'",
            "ALTER USER $b REQUIRE X509",
            "ALTER USER $b REQUIRE NONE",
        ],
    ),
    case(
        "expiry",
        "ALTER USER $b PASSWORD EXPIRE INTERVAL 90 DAY",
        [
            "ALTER USER $b PASSWORD EXPIRE NEVER",
            "ALTER USER $c PASSWORD EXPIRE",
            "ALTER USER $b PASSWORD EXPIRE DEFAULT",
        ],
    ),
    case(
        "a_locked_clone",
        "GRANT SELECT ON shop.* TO $b",
        ["SELECT 1", "ALTER USER $c ACCOUNT LOCK", "SELECT 1"],
    ),
    case(
        "a_table_that_is_none",
        "GRANT SELECT ON shop.* TO $b",
        ["GRANT CREATE, SELECT ON tmp.later TO $b", "SELECT 1", "SELECT 1"],
    ),
];

const OF_MARIADB: &[Case] = &[
    case(
        "default_role",
        "GRANT reader TO $b; GRANT writer TO $b; SET DEFAULT ROLE reader FOR $b",
        [
            "SET DEFAULT ROLE writer FOR $b",
            "SET DEFAULT ROLE NONE FOR $b",
            "SET DEFAULT ROLE reader FOR $c",
        ],
    ),
    case(
        "admin_privileges",
        "GRANT BINLOG ADMIN, READ_ONLY ADMIN ON *.* TO $b",
        ["REVOKE BINLOG ADMIN ON *.* FROM $b", "GRANT BINLOG MONITOR ON *.* TO $c", "SELECT 1"],
    ),
    case(
        "statement_time",
        "ALTER USER $b WITH MAX_STATEMENT_TIME 2.5",
        ["ALTER USER $b WITH MAX_STATEMENT_TIME 0", "SELECT 1", "SELECT 1"],
    ),
    case(
        "proxy_with_grant_option",
        "GRANT PROXY ON proxied@'%' TO $b WITH GRANT OPTION; REVOKE GRANT OPTION ON *.* FROM $b",
        [
            "REVOKE PROXY ON proxied@'%' FROM $b; GRANT PROXY ON proxied@'%' TO $b",
            "SELECT 1",
            "SELECT 1",
        ],
    ),
    case(
        "package",
        "SET sql_mode = 'ORACLE'; GRANT EXECUTE ON PACKAGE shop.money TO $b; \
         GRANT EXECUTE ON PACKAGE BODY shop.money TO $b WITH GRANT OPTION",
        [
            "SET sql_mode = 'ORACLE'; REVOKE EXECUTE ON PACKAGE shop.money FROM $b",
            "SET sql_mode = 'ORACLE'; REVOKE GRANT OPTION ON PACKAGE BODY shop.money FROM $b",
            "SET sql_mode = 'ORACLE'; GRANT EXECUTE ON PACKAGE shop.money TO $c",
        ],
    ),
    case(
        "another_method",
        "ALTER USER $b IDENTIFIED VIA ed25519 USING PASSWORD('base-P4ss')",
        ["SELECT 1", "SELECT 1", "SELECT 1"],
    ),
];

const OF_MYSQL: &[Case] = &[
    case(
        "default_role",
        "GRANT reader TO $b; GRANT writer TO $b; ALTER USER $b DEFAULT ROLE reader",
        [
            "ALTER USER $b DEFAULT ROLE writer, reader",
            "ALTER USER $b DEFAULT ROLE NONE",
            "GRANT auditor TO $c; ALTER USER $c DEFAULT ROLE auditor",
        ],
    ),
    case(
        "dynamic_privileges",
        "GRANT BACKUP_ADMIN, ROLE_ADMIN ON *.* TO $b; GRANT XA_RECOVER_ADMIN ON *.* TO $b WITH GRANT OPTION",
        [
            "REVOKE ROLE_ADMIN ON *.* FROM $b",
            "REVOKE XA_RECOVER_ADMIN ON *.* FROM $b; GRANT XA_RECOVER_ADMIN ON *.* TO $b",
            "GRANT CLONE_ADMIN ON *.* TO $c",
        ],
    ),
    case(
        "password_rules",
        "ALTER USER $b PASSWORD HISTORY 5 PASSWORD REUSE INTERVAL 10 DAY PASSWORD REQUIRE CURRENT OPTIONAL",
        [
            "ALTER USER $b FAILED_LOGIN_ATTEMPTS 3 PASSWORD_LOCK_TIME 2",
            "ALTER USER $b PASSWORD HISTORY DEFAULT",
            "ALTER USER $b PASSWORD_LOCK_TIME UNBOUNDED",
        ],
    ),
    case(
        "proxy_with_grant_option",
        "GRANT PROXY ON proxied@'%' TO $b WITH GRANT OPTION",
        [
            "REVOKE PROXY ON proxied@'%' FROM $b; GRANT PROXY ON proxied@'%' TO $b",
            "SELECT 1",
            "SELECT 1",
        ],
    ),
];

/// What the server says about a half, its name and its stored password left out.
fn described(world: &World, user: &str) -> Vec<String> {
    let mut lines: Vec<String> = world
        .admin(&format!("SHOW GRANTS FOR `{user}`@'%'; SHOW CREATE USER `{user}`@'%'"))
        .replace(&format!("`{user}`"), "`half`")
        .lines()
        // The mark is no right.
        .filter(|line| !line.starts_with("GRANT `windlass:"))
        .map(|line| columns_in_order(&without_password(line)))
        .collect();
    lines.sort();
    lines
}

/// MariaDB lists columns in any order.
fn columns_in_order(line: &str) -> String {
    let parts = line.split('(').map(|part| match part.split_once(')') {
        Some((columns, rest)) => {
            let mut columns: Vec<_> = columns.split(", ").collect();
            columns.sort_unstable();
            format!("{}){rest}", columns.join(", "))
        }
        None => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("(")
}

fn without_password(line: &str) -> String {
    let Some((before, after)) = line.split_once(" IDENTIFIED ") else { return line.to_owned() };
    let ends = [" REQUIRE ", " WITH ", " DEFAULT ROLE ", " PASSWORD EXPIRE", " ACCOUNT "];
    // The method itself contains WITH on MySQL.
    let rest = after.strip_prefix("WITH ").unwrap_or(after);
    let method = rest.split_whitespace().find(|word| *word != "VIA" && *word != "BY").unwrap();
    let method = if method == "PASSWORD" { "mysql_native_password" } else { method };
    let end = ends.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
    let mut rest = rest[end..].split(" ATTRIBUTE ").next().unwrap().to_owned();
    // MySQL writes some limits that are none.
    for limit in ["MAX_QUERIES_PER_HOUR 0 ", "MAX_USER_CONNECTIONS 0 "] {
        rest = rest.replace(limit, "");
    }
    format!("{before} by {method}{rest}")
}

fn turns(kind: MysqlKind, own: &[Case]) {
    let Some(world) = World::start(kind, &[]) else { return };
    world.admin(OBJECTS);
    if kind == MysqlKind::Mariadb {
        PACKAGE.iter().for_each(|statement| drop(world.admin(statement)));
    }
    let mut wrong = Vec::new();
    for case in CASES.iter().chain(own) {
        let (base, clone) = (case.name.to_owned(), format!("{}_clone", case.name));
        let run = |statements: &str| {
            let statements = statements
                .replace("$b", &format!("`{base}`@'%'"))
                .replace("$c", &format!("`{clone}`@'%'"));
            world.admin(&statements);
        };
        run("CREATE USER $b IDENTIFIED BY 'base-P4ss'");
        run(case.setup);
        let before = [&[""][..], &case.between].concat();
        for (turn, before) in before.iter().enumerate() {
            if !before.is_empty() {
                run(before);
            }
            let (current, next) = if turn % 2 == 0 { (&base, &clone) } else { (&clone, &base) };
            let model = described(&world, &base);
            let password = format!("turn-{turn}-P4ss");
            let outcome = world.change_by_admin(next, &password, |request| {
                request.clone_of = Some(current.clone());
            });
            if let Err(failure) = outcome {
                wrong.push(format!("{}, turn {turn}: {failure}", case.name));
                break;
            }
            assert_eq!(described(&world, &base), model, "{}: the base was changed", case.name);
            let (base, clone) = (described(&world, &base), described(&world, &clone));
            if base != clone {
                wrong.push(format!("{}, turn {turn}: {base:#?} {clone:#?}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn both_halves_have_the_same_rights_after_every_turn_on_mariadb() {
    turns(MysqlKind::Mariadb, OF_MARIADB);
}

#[test]
fn both_halves_have_the_same_rights_after_every_turn_on_mysql() {
    turns(MysqlKind::Mysql, OF_MYSQL);
}
