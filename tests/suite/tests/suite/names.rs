//! Names and passwords that PostgreSQL accepts, through the whole path: quotes, `%`, backslash,
//! upper case, spaces, beyond ASCII; stored as a SCRAM verifier and as an MD5 hash.
//!
//! The pending value is the test's own, stored before createSecret, which then leaves it alone: so
//! the new password is as odd as the row says.

use anyhow::{Context, Result};
use serde_json::Value;
use windlass_suite::{Login, Options, STEPS, World};

const NAMES: [&str; 14] = [
    "Upper Case",
    "1st",
    "$1",
    "a\"quote",
    "an'apostrophe",
    "back\\slash",
    "100%s",
    "é½",
    "😀",
    "select",
    "semi;colon",
    "-dash=equals,comma",
    "{host}",
    "sixty_three_bytes_sixty_three_bytes_sixty_three_bytes_sixty_thr",
];

const PASSWORDS: [&str; 19] = [
    "simple",
    "it's",
    "a\"b",
    "back\\slash",
    "100%s %d",
    "$1 $$",
    " spaces around ",
    "n=,r=a,b=c",
    "; DROP ROLE x; --'/*",
    "tab\there",
    // What SASLprep makes equal is not side by side: the old password would still sign in.
    "é",
    "½",        // becomes 1⁄2
    "e\u{301}", // é, decomposed
    "\u{2168}", // the Roman numeral nine, becomes IX
    "a\u{a0}b", // a space that does not break
    "I\u{ad}X", // a soft hyphen, which is dropped
    "\u{627}1", // refused by SASLprep, so used as it is
    "😀½ emoji",
    "long long long long long long long long long long long long long long long long long long long",
];

/// Rotates to `next` by the four steps, and has `psql` prove it.
async fn rotate_to(world: &World, secret: &str, next: &Login) -> Result<()> {
    let database = world.database();
    let old = world.current(secret).await?;
    let token = world.begin(secret).await?;
    let mut value = world.secrets().secret(secret, "AWSCURRENT").await?;
    value["password"] = Value::from(next.password.as_str());
    world.put_pending(secret, &token, &value).await?;
    world.steps(&STEPS, secret, &token).await?;
    assert!(next.signs_in(database).await?, "the new password signs in");
    assert!(!old.signs_in(database).await?, "the old password is refused");
    Ok(())
}

#[tokio::test]
async fn every_name_that_postgresql_takes_is_rotated() -> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let database = world.database();
    for (number, name) in NAMES.into_iter().enumerate() {
        let secret = format!("names/{number}");
        let login = database.account(name, "").await?;
        world.create_secret(&secret, &login.secret(database.postgres().port())).await?;
        let next = Login::new(name, format!("second password of {number}"));
        rotate_to(&world, &secret, &next).await.with_context(|| format!("the name `{name}`"))?;
    }
    Ok(())
}

#[tokio::test]
async fn every_such_name_has_a_clone_that_takes_turns_with_it() -> Result<()> {
    let world = World::start().await?;
    let database = world.database();
    let port = database.postgres().port();
    let admin = world.create_admin_secret("clones/admin", port).await?;
    for (number, name) in NAMES.into_iter().filter(|name| name.len() < 50).enumerate() {
        let (secret, name) = (format!("clones/{number}"), format!("pair of {name}"));
        let first = database.account(&name, "").await?;
        let mut value = first.secret(port);
        value["masterarn"] = Value::from(admin.as_str());
        world.create_secret(&secret, &value).await?;
        let second = world.rotate(&secret).await.with_context(|| format!("the name `{name}`"))?;
        assert_eq!(second.username, format!("{name}_clone"));
        assert_eq!(second.psql(database, "SELECT current_user").await?, name);
        let third = world.rotate(&secret).await.with_context(|| format!("the name `{name}`"))?;
        assert!(third.signs_in(database).await? && second.signs_in(database).await?);
        assert!(!first.signs_in(database).await?);
    }
    Ok(())
}

/// All passwords one after the other, for one account; what the server stores begins with `form`.
async fn every_password(name: &str, options: &str, form: &str) -> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let database = world.database();
    let login = database.account(name, "").await?;
    database.admin(options).await?;
    // Stored anew, in the form that the account's settings ask for.
    let own = format!("ALTER ROLE {name} PASSWORD {}", Login::literal(&login.password));
    login.psql(database, &own).await?;
    world.create_secret(name, &login.secret(database.postgres().port())).await?;
    for password in PASSWORDS {
        // With its own beginning, so that a search of the server's log finds nothing by chance.
        let next = Login::new(name, format!("{name} {password}"));
        rotate_to(&world, name, &next)
            .await
            .with_context(|| format!("the password `{}`", password.escape_unicode()))?;
        let stored = format!("SELECT rolpassword FROM pg_authid WHERE rolname = '{name}'");
        let stored = database.admin(&stored).await?;
        assert!(stored.starts_with(form), "stored as {stored}");
        assert!(!database.logged(&next.password)?, "in the server's log: {password}");
        assert!(!world.function_log()?.contains(&next.password), "in our log: {password}");
    }
    Ok(())
}

#[tokio::test]
async fn every_password_works_where_scram_verifiers_are_stored() -> Result<()> {
    let options = "ALTER ROLE passwords_scram SET password_encryption = 'scram-sha-256'";
    every_password("passwords_scram", options, "SCRAM-SHA-256$4096:").await
}

#[tokio::test]
async fn every_password_works_where_md5_hashes_are_stored() -> Result<()> {
    let options = "ALTER ROLE passwords_md5 SET password_encryption = 'md5'; \
                   GRANT md5_signers TO passwords_md5";
    every_password("passwords_md5", options, "md5").await
}
