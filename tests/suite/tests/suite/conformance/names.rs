//! Names and passwords that servers accept, through the whole path: quotes, `%`, backslash, upper
//! case, spaces, beyond ASCII.
//!
//! The pending value is the test's own, stored before createSecret, which then leaves it alone: so
//! the new password is as odd as the row says.

use anyhow::{Context, Result};
use serde_json::Value;
use windlass_suite::{Login, Options, STEPS, Server, Witness, World, made_up_password};

const NAMES: [&str; 13] = [
    "Upper Case",
    "1st",
    "$1",
    "a\"quote",
    "an'apostrophe",
    "back\\slash",
    "100%s",
    "é½",
    "select",
    "semi;colon",
    "-dash=equals,comma",
    "{host}",
    "at@host`tick",
];

pub(crate) const PASSWORDS: [&str; 19] = [
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

/// Rotates to `next` by the four steps, and has the server's own client prove it.
pub(crate) async fn rotate_to(
    world: &World,
    witness: &impl Witness,
    secret: &str,
    next: &Login,
) -> Result<()> {
    let old = world.current(secret).await?;
    let token = world.begin(secret).await?;
    let mut value = world.secrets().secret(secret, "AWSCURRENT").await?;
    value["password"] = Value::from(next.password.as_str());
    world.put_pending(secret, &token, &value).await?;
    world.steps(&STEPS, secret, &token).await?;
    assert!(next.signs_in(witness).await?, "the new password signs in");
    assert!(!old.signs_in(witness).await?, "the old password is refused");
    Ok(())
}

pub(super) async fn every_name_that_the_server_takes_is_rotated(server: Server) -> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let names = NAMES.iter().chain(server.engine().names);
    for (number, name) in names.enumerate() {
        let secret = format!("names/{number}");
        let login = server.bare_account(name).await?;
        world.create_secret(&secret, &server.secret(&login)).await?;
        let next = Login::new(*name, made_up_password(&secret));
        let rotated = rotate_to(&world, &server, &secret, &next).await;
        rotated.with_context(|| format!("the name `{name}`"))?;
    }
    Ok(())
}

pub(super) async fn every_such_name_has_a_clone_that_takes_turns_with_it(
    server: Server,
) -> Result<()> {
    let _alone = server.making_clones().await;
    let world = World::start().await?;
    let admin = world.create_admin_secret_of(&server, "clones/admin", server.port()).await?;
    for (number, name) in NAMES.into_iter().enumerate() {
        let (secret, name) = (format!("clones/{number}"), format!("2 {name}"));
        let first = server.account(&name).await?;
        let mut value = server.secret(&first);
        value["masterarn"] = Value::from(admin.as_str());
        world.create_secret(&secret, &value).await?;
        let second = world.rotate(&secret).await.with_context(|| format!("the name `{name}`"))?;
        assert_eq!(second.username, format!("{name}_clone"));
        let third = world.rotate(&secret).await.with_context(|| format!("the name `{name}`"))?;
        assert!(third.signs_in(&server).await? && second.signs_in(&server).await?);
        assert!(!first.signs_in(&server).await?);
        assert_eq!(server.rights(&second.username).await?, server.rights(&name).await?);
    }
    Ok(())
}

pub(super) async fn every_password_signs_in(server: Server) -> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let name = "passwords_odd";
    let login = server.account(name).await?;
    world.create_secret(name, &server.secret(&login)).await?;
    for password in PASSWORDS {
        // With its own beginning, so that a search of the server's log finds nothing by chance.
        let next = Login::new(name, format!("{name} {password}"));
        let rotated = rotate_to(&world, &server, name, &next).await;
        rotated.with_context(|| format!("the password `{}`", password.escape_unicode()))?;
        assert!(!server.logged(&next.password)?, "in the server's log: {password}");
        assert!(!world.function_log()?.contains(&next.password), "in our log: {password}");
    }
    Ok(())
}
