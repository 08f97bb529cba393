//! Administrators who are no superusers, as Amazon RDS's are: PostgreSQL 16 changed what `CREATEROLE` may
//! do with roles, and who is whose member. With every version, a pair takes its turns under one.

use anyhow::{Context, Result};
use serde_json::Value;
use windlass_suite::{Engine, Login, World};

/// Before 16 somebody with CREATEROLE administers every role; since then, those that they made.
async fn turns(engine: Engine) -> Result<()> {
    let Some(server) = engine.server().await? else { return Ok(()) };
    let admin = Login::made_up("createrole_admin");
    let (name, password) = (Login::identifier(&admin.username), Login::literal(&admin.password));
    server.admin(&format!("CREATE ROLE {name} LOGIN CREATEROLE PASSWORD {password}")).await?;
    let first = Login::made_up("createrole_app");
    let (name, password) = (Login::identifier(&first.username), Login::literal(&first.password));
    server.run(&admin, &format!("CREATE ROLE {name} LOGIN PASSWORD {password}")).await?;
    server
        .admin(&format!(
            "CREATE TABLE rights.{name} (id int); GRANT ALL ON rights.{name} TO {name}"
        ))
        .await?;

    let world = World::start().await?;
    let arn = world.create_secret("createrole/admin", &server.secret(&admin)).await?;
    let mut value = server.secret(&first);
    value["masterarn"] = Value::from(arn);
    world.create_secret("createrole", &value).await?;
    let mut old = first;
    for turn in ["createrole_app_clone", "createrole_app", "createrole_app_clone"] {
        let new = world.rotate("createrole").await.with_context(|| format!("to {turn}"))?;
        assert_eq!(new.username, turn);
        assert!(new.signs_in(&server).await? && old.signs_in(&server).await?, "{turn}");
        // What either does, it does as the one that people manage.
        let insert = "INSERT INTO rights.createrole_app VALUES (1); SELECT current_user";
        let who = server.run(&new, insert).await?;
        assert!(who.ends_with("createrole_app"), "{who}");
        old = new;
    }
    for name in ["createrole_app", "createrole_app_clone", "createrole_admin"] {
        assert_eq!(server.refused_sign_ins(name)?, 0, "{name}");
    }
    Ok(())
}

macro_rules! versions {
    ($($module:ident: $engine:ident,)*) => { $(
        mod $module {
            use super::*;

            #[tokio::test]
            async fn a_pair_takes_its_turns_under_an_administrator_who_is_no_superuser() -> Result<()> {
                turns(Engine::$engine).await
            }
        }
    )* };
}

// Not `for_each_version`: another engine's administrators have no such attribute.
versions! {
    postgres: POSTGRES,
    postgres13: POSTGRES_13,
    postgres14: POSTGRES_14,
    postgres16: POSTGRES_16,
    postgres17: POSTGRES_17,
    postgres18: POSTGRES_18,
}
