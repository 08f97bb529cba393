//! Passwords of every kind where PostgreSQL stores MD5 hashes; where it stores SCRAM verifiers they
//! are in `conformance`.

use anyhow::{Context, Result};
use windlass_suite::{Login, Options, World};

use crate::conformance::names::{PASSWORDS, rotate_to};

#[tokio::test]
async fn every_password_works_where_md5_hashes_are_stored() -> Result<()> {
    let name = "passwords_md5";
    let world = World::with(Options::by_hand()).await?;
    let database = world.database();
    let login = database.account(name, "").await?;
    let options = "ALTER ROLE passwords_md5 SET password_encryption = 'md5'; \
                   GRANT md5_signers TO passwords_md5";
    database.admin(options).await?;
    // Stored anew, in the form that the account's settings ask for.
    let own = format!("ALTER ROLE {name} PASSWORD {}", Login::literal(&login.password));
    login.psql(database, &own).await?;
    world.create_secret(name, &login.secret(database.postgres().port())).await?;
    for password in PASSWORDS {
        // With its own beginning, so that a search of the server's log finds nothing by chance.
        let next = Login::new(name, format!("{name} {password}"));
        rotate_to(&world, database, name, &next)
            .await
            .with_context(|| format!("the password `{}`", password.escape_unicode()))?;
        let stored = format!("SELECT rolpassword FROM pg_authid WHERE rolname = '{name}'");
        let stored = database.admin(&stored).await?;
        assert!(stored.starts_with("md5"), "stored as {stored}");
        assert!(!database.logged(&next.password)?, "in the server's log: {password}");
        assert!(!world.function_log()?.contains(&next.password), "in our log: {password}");
    }
    Ok(())
}
