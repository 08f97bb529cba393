//! Guests that lie about what became of a password. PostgreSQL is the witness.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use windlass_suite::{STEPS, golden};

use super::den::{Den, PASSWORD, steady};
use super::visited::{Manner, Visited};

/// What one process risks of an account within half an hour; the product says why.
const REFUSED_LIMIT: usize = 5;

/// More than Secrets Manager would attempt.
const ATTEMPTS: usize = 12;

/// AWSCURRENT moves when the new password has signed in, not when a plugin says so; and what a
/// plugin hides by lying twice, the next rotation by an honest one mends.
#[tokio::test]
pub(super) async fn pretends() -> Result<()> {
    let mut den = Den::start("pretends").await?;
    let world = &den.world;
    let database = world.database();
    let port = database.postgres().port();
    let mut logins = Vec::new();
    for name in ["once", "twice"] {
        let account = format!("pretends_{name}_{}", world.lambda().address().port());
        let login = database.account(&account, "").await?;
        let mut value = login.secret(port);
        value["engine"] = Value::from("pretends");
        if name == "twice" {
            value["twice"] = Value::from(true);
        }
        world.create_secret(name, &value).await?;
        logins.push(login);
    }

    let token = world.begin("once").await?;
    world.steps(&["createSecret", "setSecret"], "once", &token).await?;
    let error = world.failure("testSecret", "once", &token).await?;
    let named = steady(&error.message).replace(&logins[0].username, "ACCOUNT");
    golden("guests/pretends.txt", &format!("{}: {named}\n", error.kind))?;
    let new = world.pending("once").await?.password;
    den.nothing_got_out(&error, &[&logins[0].password, &new])?;
    assert!(world.current("once").await? == logins[0], "AWSCURRENT has moved");
    assert!(logins[0].signs_in(database).await?);

    // No administrator acts on a sign-in of which the host has seen no TLS.
    let mut superuser = database.superuser().secret(port);
    superuser["engine"] = Value::from("pretends");
    let administrator = world.create_secret("administrator", &superuser).await?;
    let mut value = logins[0].secret(port);
    value["engine"] = Value::from("pretends");
    value["twice"] = Value::from(true);
    value["masterarn"] = Value::from(administrator);
    world.create_secret("administered", &value).await?;
    world.tag("administered", "windlass:strategy", "single-user").await?;
    let token = world.begin("administered").await?;
    world.steps(&["createSecret"], "administered", &token).await?;
    let error = world.failure("setSecret", "administered", &token).await?;
    assert_eq!(error.kind, "Windlass.Service.Protocol");
    ensure!(error.message.contains("a sign-in without TLS"), "{}", error.message);

    // What can't be caught, as the guest's header says, and what becomes of it.
    let token = world.begin("twice").await?;
    world.steps(&STEPS, "twice", &token).await?;
    assert!(!world.current("twice").await?.signs_in(database).await?);
    den.world.restart_function_with("WINDLASS_PLUGIN", "postgres")?;
    let world = &den.world;
    let token = world.begin("twice").await?;
    world.steps(&STEPS, "twice", &token).await?;
    assert!(world.current("twice").await?.signs_in(database).await?);
    den.is_none_the_worse().await
}

/// Another account's password changed instead: the right one still signs in with AWSCURRENT.
#[tokio::test]
pub(super) async fn swaps() -> Result<()> {
    let den = Den::start("swaps").await?;
    let world = &den.world;
    let database = world.database();
    let port = database.postgres().port();
    let number = world.lambda().address().port();
    let victim = database.account(&format!("swaps_victim_{number}"), "").await?;
    let login = database.account(&format!("swaps_{number}"), "").await?;
    // The engine that secret and admin secret name is the guest's.
    let mut superuser = database.superuser().secret(port);
    superuser["engine"] = Value::from("swaps");
    superuser["victim"] = Value::from(victim.username.as_str());
    let administrator = world.create_secret("administrator", &superuser).await?;
    let mut value = login.secret(port);
    value["engine"] = Value::from("swaps");
    value["masterarn"] = Value::from(administrator);
    world.create_secret("swaps", &value).await?;
    world.tag("swaps", "windlass:strategy", "single-user").await?;
    let token = world.begin("swaps").await?;
    world.steps(&["createSecret", "setSecret"], "swaps", &token).await?;
    let error = world.failure("testSecret", "swaps", &token).await?;
    let named = steady(&error.message).replace(&login.username, "ACCOUNT");
    golden("guests/swaps.txt", &format!("{}: {named}\n", error.kind))?;
    let new = world.pending("swaps").await?.password;
    den.nothing_got_out(&error, &[&login.password, &new])?;
    assert!(world.current("swaps").await? == login, "AWSCURRENT has moved");
    assert!(login.signs_in(database).await?);
    // The damage that the guest's header speaks of is real: else this tests nothing.
    assert!(!victim.signs_in(database).await?);
    assert!(database.superuser().signs_in(database).await?);
    den.is_none_the_worse().await
}

/// However often a plugin cries that a password is wrong, the account sees no more sign-ins than are
/// risked for a secret that nothing vouches for.
#[tokio::test]
pub(super) async fn refuses() -> Result<()> {
    let peer = Visited::start(Manner::Listens).await?;
    let den = Den::start("refuses").await?;
    let keys = json!({ "port": peer.port() });
    let mut token = den.tempt("refuses", &keys).await?;
    let mut errors = Vec::new();
    for attempt in 0..ATTEMPTS {
        // As Secrets Manager does after a while, with another token.
        if attempt == 2 {
            den.world.drop_pending("refuses", &token).await?;
            token = den.world.begin("refuses").await?;
            den.world.steps(&["createSecret"], "refuses", &token).await?;
        }
        let error = den.sin_again("refuses", &token).await?;
        den.nothing_got_out(&error, &[PASSWORD])?;
        errors.push(error);
    }
    let visits = peer.all_left().await?.len();
    ensure!(visits == REFUSED_LIMIT, "{visits} sign-ins: {errors:?}");
    let mut text = String::new();
    for (which, error) in [("first", errors.first()), ("last", errors.last())] {
        let told = error.map(|error| format!("{}: {}", error.kind, steady(&error.message)));
        text += &format!("# {which}\n{}\n\n", told.unwrap_or_default());
    }
    golden("guests/refuses.txt", &text)?;
    // testSecret of the same account is not tried either.
    let error = den.world.failure("testSecret", "refuses", &token).await?;
    assert_eq!(error.kind, "Windlass.Service.TooManyRefusals");
    assert_eq!(peer.visits().len(), REFUSED_LIMIT);
    den.is_none_the_worse().await
}
