//! Two accounts that take turns: what is PostgreSQL's own, settings, options and owners. The turns
//! themselves are in `conformance`.

use anyhow::Result;
use serde_json::Value;
use windlass_suite::{Database, Login, Options, World};

/// A pair: the secret of `{name}`, with an admin secret for `admin`.
async fn prepare(world: &World, name: &str, options: &str, admin: &Login) -> Result<Login> {
    let database = world.database();
    let port = database.postgres().port();
    let first = database.account(name, options).await?;
    let admin = world.create_secret(&format!("{name}/admin"), &admin.secret(port)).await?;
    let mut value = first.secret(port);
    value["masterarn"] = Value::from(admin);
    world.create_secret(name, &value).await?;
    Ok(first)
}

/// What matters at sign-in, of one role.
async fn attributes(database: &Database, role: &str) -> Result<String> {
    let role = Login::literal(role);
    database
        .admin(&format!(
            "SELECT rolconnlimit, coalesce(rolvaliduntil::text, 'never'), rolcanlogin \
             FROM pg_roles WHERE rolname = {role}"
        ))
        .await
}

/// The settings of one role, but for the one that makes it the other half of its pair.
async fn settings(database: &Database, role: &str) -> Result<String> {
    let role = Login::literal(role);
    database
        .admin(&format!(
            "SELECT coalesce(datname, '*') || ' ' || setting FROM pg_db_role_setting \
             JOIN pg_roles ON pg_roles.oid = setrole \
             LEFT JOIN pg_database ON pg_database.oid = setdatabase, unnest(setconfig) setting \
             WHERE rolname = {role} AND NOT (setdatabase = 0 AND setting LIKE 'role=%') ORDER BY 1"
        ))
        .await
}

#[tokio::test]
async fn settings_options_and_owners_are_equal_after_every_turn() -> Result<()> {
    let world = World::start().await?;
    let database = world.database();
    let admin = database.superuser();
    let options = "CONNECTION LIMIT 7 VALID UNTIL '2099-12-31 10:00+02'";
    let first = prepare(&world, "turns", options, &admin).await?;
    database
        .admin(
            "CREATE SCHEMA turns AUTHORIZATION turns; \
             ALTER ROLE turns SET search_path = turns, public; \
             ALTER ROLE turns SET work_mem = '8MB'; \
             ALTER ROLE turns IN DATABASE template1 SET statement_timeout = '5s'",
        )
        .await?;

    // First turn: the clone is made, equal to the account that people manage.
    let second = world.rotate("turns").await?;
    assert_eq!(second.username, "turns_clone");
    assert!(second.signs_in(database).await?);
    assert!(first.signs_in(database).await?, "the account in use is not touched");
    assert_equal(database, "turns").await?;
    second.psql(database, "CREATE TABLE of_clone (id int)").await?;
    let owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'of_clone'";
    assert_eq!(database.admin(owner).await?, "turns", "what the clone creates is the base's");

    // Second turn: the base again; what its administrators changed meanwhile stays.
    database
        .admin("ALTER ROLE turns SET work_mem = '16MB'; ALTER ROLE turns CONNECTION LIMIT 9")
        .await?;
    let third = world.rotate("turns").await?;
    assert_eq!(third.username, "turns");
    assert!(third.signs_in(database).await?);
    assert!(!first.signs_in(database).await?, "its first password is refused");
    assert!(second.signs_in(database).await?, "the clone, in use until now, is not touched");
    assert_eq!(third.psql(database, "SHOW work_mem").await?, "16MB");
    third.psql(database, "INSERT INTO of_clone VALUES (1); CREATE TABLE of_base (id int)").await?;

    // A right that is granted between turns reaches both at once.
    database.admin("CREATE TABLE public.later (id int); GRANT SELECT ON later TO turns").await?;
    for login in [&second, &third] {
        assert_eq!(login.psql(database, "SELECT count(*) FROM public.later").await?, "0");
    }

    // Third turn: the clone follows what changed, and what was changed on it alone is undone.
    database.admin("ALTER ROLE turns_clone SET jit = off").await?;
    let fourth = world.rotate("turns").await?;
    assert_eq!(fourth.username, "turns_clone");
    assert!(fourth.signs_in(database).await? && third.signs_in(database).await?);
    assert!(!second.signs_in(database).await?);
    assert_equal(database, "turns").await?;
    fourth.psql(database, "ALTER TABLE of_base ADD COLUMN name text; DROP TABLE of_clone").await?;

    // Fourth turn.
    let fifth = world.rotate("turns").await?;
    assert_eq!(fifth.username, "turns");
    assert!(fifth.signs_in(database).await? && fourth.signs_in(database).await?);
    assert!(!third.signs_in(database).await?);
    for login in [&second, &third, &fourth, &fifth] {
        assert!(!database.logged(&login.password)?, "a password is in the server's log");
        assert!(!world.function_log()?.contains(&login.password), "a password is in our log");
    }
    Ok(())
}

async fn assert_equal(database: &Database, base: &str) -> Result<()> {
    let clone = format!("{base}_clone");
    assert_eq!(attributes(database, base).await?, attributes(database, &clone).await?);
    assert_eq!(settings(database, base).await?, settings(database, &clone).await?);
    Ok(())
}

#[tokio::test]
async fn an_administrator_with_createrole_alone_is_enough() -> Result<()> {
    let world = World::start().await?;
    let database = world.database();
    let admin = database.account("modest_admin", "CREATEROLE").await?;
    let first = prepare(&world, "modest", "", &admin).await?;
    database.admin("GRANT modest TO modest_admin").await?;
    let second = world.rotate("modest").await?;
    assert_eq!(second.username, "modest_clone");
    assert!(first.signs_in(database).await? && second.signs_in(database).await?);
    let third = world.rotate("modest").await?;
    assert!(third.signs_in(database).await? && !first.signs_in(database).await?);
    Ok(())
}

#[tokio::test]
async fn a_change_that_fails_half_way_leaves_no_account_behind() -> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let database = world.database();
    let admin = database.account("halfway_admin", "CREATEROLE").await?;
    prepare(&world, "halfway", "", &admin).await?;
    // Only a superuser may give this setting to a role.
    database.admin("ALTER ROLE halfway SET log_statement = 'all'").await?;
    let token = world.begin("halfway").await?;
    world.steps(&["createSecret"], "halfway", &token).await?;
    let error = world.failure("setSecret", "halfway", &token).await?;
    assert_eq!(error.kind, "Windlass.Service.Declined");
    assert!(error.message.contains("log_statement"), "{}", error.message);
    let count = "SELECT count(*) FROM pg_roles WHERE rolname = 'halfway_clone'";
    assert_eq!(database.admin(count).await?, "0");

    // Once that is mended, the same token ends well.
    database.admin("ALTER ROLE halfway RESET log_statement").await?;
    world.steps(&windlass_suite::STEPS, "halfway", &token).await?;
    assert!(world.current("halfway").await?.signs_in(database).await?);
    Ok(())
}
