//! Rights of alternating users: whatever the base has, the clone has on every turn, and no more.
//!
//! Each case is a set-up of the base and what happens to either half before the turns. After each
//! of four turns the server must describe both halves in the same words.

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

/// What the rights are about.
const OBJECTS: &str = "CREATE SCHEMA shop; CREATE SCHEMA \"Odd na\"\"me\"; \
    CREATE TABLE shop.orders (id INT, price INT, \"odd \"\"Col\" INT); \
    CREATE TABLE shop.\"odd t'Able\" (id INT); CREATE VIEW shop.cheap AS SELECT 1 AS one; \
    CREATE MATERIALIZED VIEW shop.cached AS SELECT 1 AS one; \
    CREATE TABLE \"Odd na\"\"me\".t (id INT); \
    CREATE FUNCTION shop.tax(int, varchar) RETURNS int LANGUAGE sql AS 'SELECT 1'; \
    CREATE FUNCTION shop.tax() RETURNS int LANGUAGE sql AS 'SELECT 1'; \
    CREATE PROCEDURE shop.pay(int) LANGUAGE sql AS 'SELECT 1'; \
    REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA shop FROM PUBLIC; \
    CREATE GROUP readers; CREATE GROUP writers; CREATE GROUP \"Odd gr\"\"oup\"; \
    GRANT SELECT ON shop.orders TO GROUP readers; CREATE USER maker PASSWORD 'maker-P4ss'";

const CASES: &[Case] = &[
    case("nothing", "SELECT 1", ["SELECT 1", "SELECT 1", "SELECT 1"]),
    case(
        "table_rights",
        "GRANT SELECT, UPDATE ON shop.orders TO $b",
        [
            "GRANT DELETE ON shop.orders TO $b",
            "REVOKE UPDATE ON shop.orders FROM $b",
            "GRANT INSERT ON shop.orders TO $c",
        ],
    ),
    case(
        "table_all",
        "GRANT ALL ON shop.orders TO $b",
        [
            "REVOKE DELETE ON shop.orders FROM $b",
            "REVOKE ALL ON shop.orders FROM $c",
            "REVOKE ALL ON shop.orders FROM $b",
        ],
    ),
    case(
        "grant_option",
        "GRANT SELECT ON shop.orders TO $b WITH GRANT OPTION; GRANT INSERT ON shop.orders TO $b",
        [
            "GRANT INSERT ON shop.orders TO $b WITH GRANT OPTION",
            "REVOKE GRANT OPTION FOR SELECT ON shop.orders FROM $b",
            "REVOKE GRANT OPTION FOR INSERT ON shop.orders FROM $c",
        ],
    ),
    case(
        "every_table_of_a_schema",
        "GRANT USAGE ON SCHEMA shop TO $b; GRANT SELECT ON ALL TABLES IN SCHEMA shop TO $b",
        [
            "REVOKE SELECT ON ALL TABLES IN SCHEMA shop FROM $b",
            "GRANT INSERT ON ALL TABLES IN SCHEMA shop TO $b",
            "GRANT ALL ON ALL TABLES IN SCHEMA shop TO $c",
        ],
    ),
    case(
        "references_and_trigger",
        "GRANT REFERENCES, TRIGGER, TRUNCATE ON shop.orders TO $b",
        ["REVOKE TRIGGER ON shop.orders FROM $b", "SELECT 1", "GRANT TRIGGER ON shop.orders TO $c"],
    ),
    case(
        "views",
        "GRANT SELECT ON shop.cheap TO $b",
        ["GRANT SELECT ON shop.cached TO $b", "REVOKE SELECT ON shop.cheap FROM $b", "SELECT 1"],
    ),
    case(
        "schemas",
        "GRANT USAGE ON SCHEMA shop TO $b",
        [
            "GRANT CREATE ON SCHEMA shop TO $b",
            "REVOKE USAGE ON SCHEMA shop FROM $b",
            "GRANT USAGE ON SCHEMA public TO $c",
        ],
    ),
    case(
        "schema_with_grant_option",
        "GRANT ALL ON SCHEMA shop TO $b WITH GRANT OPTION",
        ["REVOKE GRANT OPTION FOR CREATE ON SCHEMA shop FROM $b", "SELECT 1", "SELECT 1"],
    ),
    case(
        "database",
        "GRANT CREATE, TEMPORARY ON DATABASE dev TO $b",
        [
            "REVOKE CREATE ON DATABASE dev FROM $b",
            "GRANT CONNECT ON DATABASE dev TO $b",
            "GRANT CREATE ON DATABASE postgres TO $c",
        ],
    ),
    case(
        "odd_names",
        "GRANT USAGE ON SCHEMA \"Odd na\"\"me\" TO $b; GRANT INSERT ON shop.\"odd t'Able\" TO $b",
        [
            "GRANT SELECT ON \"Odd na\"\"me\".t TO $b",
            "GRANT DELETE ON shop.\"odd t'Able\" TO $c",
            "REVOKE INSERT ON shop.\"odd t'Able\" FROM $b",
        ],
    ),
    case(
        "columns",
        "GRANT SELECT (id, \"odd \"\"Col\"), UPDATE (price) ON shop.orders TO $b",
        [
            "GRANT UPDATE (id) ON shop.orders TO $b",
            "REVOKE SELECT (id) ON shop.orders FROM $b",
            "GRANT SELECT (price) ON shop.orders TO $c",
        ],
    ),
    case(
        "columns_beside_their_table",
        "GRANT SELECT ON shop.orders TO $b; GRANT UPDATE (price) ON shop.orders TO $b WITH GRANT OPTION",
        [
            "REVOKE SELECT ON shop.orders FROM $b",
            "REVOKE GRANT OPTION FOR UPDATE (price) ON shop.orders FROM $b",
            "GRANT SELECT (id) ON shop.orders TO $b",
        ],
    ),
    case(
        "functions",
        "GRANT EXECUTE ON FUNCTION shop.tax(int, varchar) TO $b",
        [
            "GRANT EXECUTE ON FUNCTION shop.tax() TO $b",
            "REVOKE EXECUTE ON FUNCTION shop.tax(int, varchar) FROM $b",
            "GRANT EXECUTE ON FUNCTION shop.tax(int, varchar) TO $c",
        ],
    ),
    case(
        "procedures",
        "GRANT EXECUTE ON PROCEDURE shop.pay(int) TO $b WITH GRANT OPTION",
        [
            "REVOKE GRANT OPTION FOR EXECUTE ON PROCEDURE shop.pay(int) FROM $b",
            "REVOKE EXECUTE ON PROCEDURE shop.pay(int) FROM $c",
            "REVOKE EXECUTE ON PROCEDURE shop.pay(int) FROM $b",
        ],
    ),
    case(
        "languages",
        "GRANT USAGE ON LANGUAGE plpgsql TO $b",
        [
            "REVOKE USAGE ON LANGUAGE plpgsql FROM $b",
            "GRANT USAGE ON LANGUAGE sql TO $c",
            "SELECT 1",
        ],
    ),
    case(
        "groups",
        "ALTER GROUP readers ADD USER $b",
        [
            "ALTER GROUP \"Odd gr\"\"oup\" ADD USER $b",
            "ALTER GROUP readers DROP USER $b",
            "ALTER GROUP writers ADD USER $c",
        ],
    ),
    case(
        "groups_beside_rights",
        "ALTER GROUP readers ADD USER $b; GRANT SELECT ON shop.orders TO $b",
        ["ALTER GROUP readers DROP USER $b", "REVOKE SELECT ON shop.orders FROM $b", "SELECT 1"],
    ),
    case(
        "default_rights_of_a_schema",
        "ALTER DEFAULT PRIVILEGES FOR USER maker IN SCHEMA shop GRANT SELECT ON TABLES TO $b",
        [
            "ALTER DEFAULT PRIVILEGES FOR USER maker IN SCHEMA shop GRANT INSERT ON TABLES TO $b \
             WITH GRANT OPTION",
            "ALTER DEFAULT PRIVILEGES FOR USER maker IN SCHEMA shop REVOKE SELECT ON TABLES FROM $b",
            "ALTER DEFAULT PRIVILEGES FOR USER maker IN SCHEMA shop GRANT DELETE ON TABLES TO $c",
        ],
    ),
    case(
        "default_rights",
        "ALTER DEFAULT PRIVILEGES FOR USER maker GRANT EXECUTE ON FUNCTIONS TO $b",
        [
            "ALTER DEFAULT PRIVILEGES FOR USER maker GRANT SELECT, INSERT ON TABLES TO $b",
            "ALTER DEFAULT PRIVILEGES FOR USER maker REVOKE EXECUTE ON FUNCTIONS FROM $b",
            "ALTER DEFAULT PRIVILEGES FOR USER maker REVOKE INSERT ON TABLES FROM $c",
        ],
    ),
    case(
        "may_make_databases",
        "ALTER USER $b CREATEDB",
        ["ALTER USER $b NOCREATEDB", "ALTER USER $c CREATEDB", "ALTER USER $b CREATEDB"],
    ),
    case(
        "connection_limit",
        "ALTER USER $b CONNECTION LIMIT 3",
        [
            "ALTER USER $b CONNECTION LIMIT 0",
            "ALTER USER $b CONNECTION LIMIT -1",
            "ALTER USER $c CONNECTION LIMIT 7",
        ],
    ),
    case(
        "expiry",
        "ALTER USER $b VALID UNTIL '2099-12-31 23:59:59.5+02'",
        [
            "ALTER USER $b VALID UNTIL 'infinity'",
            "ALTER USER $c VALID UNTIL '2099-01-01'",
            "ALTER USER $b VALID UNTIL '2098-01-01'",
        ],
    ),
    case(
        "settings",
        "ALTER USER $b SET search_path TO shop, \"Odd na\"\"me\", \"$user\"; \
         ALTER USER $b SET statement_timeout TO 60000",
        [
            "ALTER USER $b RESET statement_timeout; ALTER USER $b SET DateStyle TO 'German'",
            "ALTER USER $b SET application_name TO 'it''s = a \"b\" \\ c'",
            "ALTER USER $c SET work_mem TO '8MB'; ALTER USER $c RESET search_path",
        ],
    ),
    case(
        "all_of_it",
        "ALTER GROUP readers ADD USER $b; ALTER USER $b CREATEDB CONNECTION LIMIT 4; \
         GRANT ALL ON SCHEMA shop TO $b; GRANT ALL ON ALL TABLES IN SCHEMA shop TO $b; \
         GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA shop TO $b; GRANT CREATE ON DATABASE dev TO $b",
        [
            "DROP OWNED BY $c",
            "DROP OWNED BY $b",
            "GRANT ALL ON ALL TABLES IN SCHEMA shop TO $b WITH GRANT OPTION",
        ],
    ),
];

/// What the server's catalog has about a user, its name and its password left out. The witness reads
/// access lists with the server's own functions.
pub(crate) fn described(world: &World, user: &str) -> Vec<String> {
    let user = user.replace('\'', "''");
    let me = format!("(SELECT oid FROM pg_roles WHERE rolname = '{user}')");
    let granted = |what: &str, name: &str, list: &str, from: &str| {
        format!(
            "SELECT '{what} ' || {name} || ' ' || x.privilege_type || ' ' || x.is_grantable \
             FROM {from} CROSS JOIN LATERAL aclexplode({list}) x WHERE x.grantee = {me}"
        )
    };
    let parts = [
        format!(
            "SELECT concat_ws(' ', rolsuper, rolcreatedb, rolconnlimit, \
             nullif(rolvaliduntil, 'infinity')) FROM pg_roles WHERE oid = {me}"
        ),
        format!("SELECT unnest(setconfig) FROM pg_db_role_setting WHERE setrole = {me}"),
        format!(
            "SELECT 'in ' || g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid \
             WHERE m.member = {me} AND g.rolname <> 'windlass_clones'"
        ),
        granted("database", "datname", "datacl", "pg_database"),
        granted("schema", "nspname", "nspacl", "pg_namespace"),
        granted("table", "o.oid::regclass", "relacl", "pg_class o"),
        granted("column", "attrelid::regclass || attname", "attacl", "pg_attribute"),
        granted("routine", "o.oid::regprocedure", "proacl", "pg_proc o"),
        granted("language", "lanname", "lanacl", "pg_language"),
        granted(
            "default",
            "defaclrole::regrole || defaclobjtype::text || defaclnamespace",
            "defaclacl",
            "pg_default_acl",
        ),
    ];
    let mut lines: Vec<String> =
        world.admin(&parts.join("; ")).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn both_halves_have_the_same_rights_after_every_turn() {
    let world = World::start();
    world.admin(OBJECTS);
    let mut wrong = Vec::new();
    for case in CASES {
        let (base, clone) = (case.name.to_owned(), format!("{}_clone", case.name));
        let run = |statements: &str| {
            world.admin(&statements.replace("$b", &base).replace("$c", &clone));
        };
        run("CREATE USER $b PASSWORD 'base-P4ss'");
        run(case.setup);
        let before = [&[""][..], &case.between].concat();
        for (turn, before) in before.iter().enumerate() {
            if !before.is_empty() {
                run(before);
            }
            let (current, next) = if turn % 2 == 0 { (&base, &clone) } else { (&clone, &base) };
            let model = described(&world, &base);
            let password = format!("turn-{turn}-P4ss");
            if let Err(failure) = world.turn(current, next, &password) {
                wrong.push(format!("{}, turn {turn}: {failure}", case.name));
                break;
            }
            assert!(described(&world, &base) == model, "{}: the base was changed", case.name);
            let (base, clone) = (described(&world, &base), described(&world, &clone));
            if base != clone {
                wrong.push(format!("{}, turn {turn}: {base:#?} {clone:#?}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
