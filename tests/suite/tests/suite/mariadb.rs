//! MariaDB, rotated by the function, with MariaDB's own client as the witness.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use windlass_harness::{Mariadb, MariadbOptions, MysqlKind, SqlError};
use windlass_suite::{Database, Login, World, leaks, tell};

static SHARED: OnceCell<Mariadb> = OnceCell::const_new();

/// The server of all tests here, started by whoever asks first; `None`, which is told, where it is
/// not installed.
async fn shared() -> Result<Option<&'static Mariadb>> {
    if let Some(why) = Mariadb::missing(MysqlKind::Mariadb) {
        tell(&format!("skipped: a rotation of MariaDB, because {why}"));
        return Ok(None);
    }
    let started = SHARED.get_or_try_init(async || {
        let server =
            Mariadb::start(Database::shared().await?.ca(), MariadbOptions::default()).await?;
        leaks::note_account(server.admin_password());
        anyhow::Ok(server)
    });
    started.await.map(Some)
}

/// Makes an account with a few rights.
async fn account(server: &Mariadb, name: &str) -> Result<Login> {
    let login = Login::new(name, format!("first password of {name}"));
    leaks::note_account(&login.password);
    let statements = format!(
        "CREATE DATABASE {name}_db; CREATE USER '{name}'@'%' IDENTIFIED BY '{}'; \
         GRANT SELECT, INSERT ON {name}_db.* TO '{name}'@'%'",
        login.password
    );
    server.admin(&statements).await.with_context(|| format!("making `{name}`"))?;
    Ok(login)
}

/// A secret in AWS's structure.
fn secret(login: &Login, server: &Mariadb) -> Value {
    let mut value = login.secret(server.port());
    value["engine"] = Value::from("mariadb");
    value.as_object_mut().map(|keys| keys.remove("dbname"));
    value
}

/// Whether MariaDB's client signs in. Only a refused password is a no.
async fn signs_in(login: &Login, server: &Mariadb) -> Result<bool> {
    match server.sql(&login.username, &login.password, "SELECT 1").await {
        Ok(_) => Ok(true),
        Err(SqlError::Refused { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The rights of an account, without its name and what it signs in with.
async fn rights(server: &Mariadb, name: &str) -> Result<Vec<String>> {
    let told = server.admin(&format!("SHOW GRANTS FOR '{name}'@'%'")).await?;
    let named = format!("`{name}`@`%`");
    let mut rights: Vec<_> = told
        .lines()
        .map(|line| line.replace(&named, "ACCOUNT"))
        .map(|line| line.split(" IDENTIFIED ").next().unwrap_or_default().to_owned())
        .collect();
    rights.sort();
    Ok(rights)
}

#[tokio::test]
async fn a_user_changes_its_own_password() -> Result<()> {
    let Some(server) = shared().await? else { return Ok(()) };
    let world = World::start().await?;
    let first = account(server, "maria_single").await?;
    world.create_secret("maria/single", &secret(&first, server)).await?;
    let second = world.rotate("maria/single").await?;
    assert!(!signs_in(&first, server).await?, "the old password signs in");
    assert!(signs_in(&second, server).await?);
    let third = world.rotate("maria/single").await?;
    assert!(!signs_in(&second, server).await? && signs_in(&third, server).await?);
    let log = server.log()?;
    assert!(!log.contains(&second.password) && !log.contains(&third.password), "in clear");
    Ok(())
}

#[tokio::test]
async fn two_users_take_turns_with_the_same_rights() -> Result<()> {
    let Some(server) = shared().await? else { return Ok(()) };
    let world = World::start().await?;
    let first = account(server, "maria_pair").await?;
    let admin = Login::new(Mariadb::ADMIN, server.admin_password());
    let admin = world.create_secret("maria/admin", &secret(&admin, server)).await?;
    let mut value = secret(&first, server);
    value["masterarn"] = json!(admin);
    world.create_secret("maria/pair", &value).await?;

    let second = world.rotate("maria/pair").await?;
    assert_eq!(second.username, "maria_pair_clone");
    assert!(signs_in(&first, server).await? && signs_in(&second, server).await?);
    let of_first = rights(server, "maria_pair").await?;
    assert_eq!(rights(server, "maria_pair_clone").await?, of_first);
    // What is granted, and what is taken away, reaches the other half with the next turn.
    let change = "GRANT DELETE ON maria_pair_db.* TO 'maria_pair'@'%'; \
                  REVOKE INSERT ON maria_pair_db.* FROM 'maria_pair'@'%'";
    server.admin(change).await?;
    let third = world.rotate("maria/pair").await?;
    assert_eq!(third.username, "maria_pair");
    assert!(!signs_in(&first, server).await? && signs_in(&third, server).await?);
    assert!(signs_in(&second, server).await?, "the other half was touched");
    let fourth = world.rotate("maria/pair").await?;
    assert_eq!(fourth.username, "maria_pair_clone");
    assert!(!signs_in(&second, server).await? && signs_in(&fourth, server).await?);
    let of_first = rights(server, "maria_pair").await?;
    assert!(of_first.iter().any(|line| line.contains("DELETE")), "{of_first:?}");
    assert_eq!(rights(server, "maria_pair_clone").await?, of_first);
    Ok(())
}

/// One function, two engines, at the same time.
#[tokio::test]
async fn postgresql_and_mariadb_are_rotated_side_by_side() -> Result<()> {
    let Some(server) = shared().await? else { return Ok(()) };
    let world = World::start().await?;
    let database = world.database();
    let maria = account(server, "maria_beside").await?;
    let postgres = database.account("maria_beside", "").await?;
    world.create_secret("beside/maria", &secret(&maria, server)).await?;
    world.create_secret("beside/postgres", &postgres.secret(database.postgres().port())).await?;
    for _ in 0..3 {
        let (maria, postgres) =
            tokio::join!(world.rotate("beside/maria"), world.rotate("beside/postgres"));
        assert!(signs_in(&maria?, server).await? && postgres?.signs_in(database).await?);
    }
    Ok(())
}
