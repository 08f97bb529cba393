//! Two users take turns, made equal by an administrator: twice, so that both had theirs.

use anyhow::Result;
use serde_json::Value;
use windlass_harness::{Function, Postgres, Stack};

use super::proofs::{Login, Proofs};
use super::steps;
use crate::terminal::heading;

const SECRET: &str = "demo/shop";
const ADMIN_SECRET: &str = "demo/admin";
const USER: &str = "shop";
const CLONE: &str = "shop_clone";

/// Creates the user, its secret and the administrator's, rotates twice, and proves it.
pub(super) async fn rotate(stack: &Stack, function: &Function, proofs: &mut Proofs) -> Result<()> {
    println!("\n{}", heading("Two users take turns (alternating-users), first rotation"));
    let first = Login { username: USER.to_owned(), password: "first-password-of-shop".to_owned() };
    prepare(stack, &first).await?;

    steps::rotate(stack, function, SECRET, proofs).await?;
    let second = steps::login(stack, SECRET, "AWSCURRENT").await?;
    let named = format!("the secret is `{}`", second.username);
    proofs.claim("the clone has its turn", second.username == CLONE, &named);
    proofs.signs_in(stack, "the clone signs in", &second).await;
    proofs.signs_in(stack, "the first user's password still works, too", &first).await;
    let create = "CREATE TABLE shop.orders (id int); INSERT INTO shop.orders VALUES (1)";
    run(stack, proofs, "the clone creates a table where the user may", &second, create).await;
    let owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'orders'";
    let owner = stack.postgres().admin(owner).await?;
    proofs.claim("the table belongs to the first user", owner == USER, &format!("owner `{owner}`"));

    println!("\n{}", heading("Two users take turns (alternating-users), second rotation"));
    steps::rotate(stack, function, SECRET, proofs).await?;
    let third = steps::login(stack, SECRET, "AWSCURRENT").await?;
    let named = format!("the secret is `{}`", third.username);
    proofs.claim("the first user has its turn again", third.username == USER, &named);
    proofs.signs_in(stack, "it signs in with its new password", &third).await;
    proofs.is_refused(stack, "its first password is refused by the server", &first).await;
    proofs.signs_in(stack, "the clone's password still works, too", &second).await;
    let read = "SELECT count(*) FROM shop.orders";
    run(stack, proofs, "it reads the table that the clone made", &third, read).await;
    Ok(())
}

async fn prepare(stack: &Stack, first: &Login) -> Result<()> {
    let postgres = stack.postgres();
    postgres
        .admin(&format!(
            "CREATE ROLE {USER} LOGIN PASSWORD '{}'; CREATE SCHEMA shop AUTHORIZATION {USER}",
            first.password
        ))
        .await?;
    let admin = stack.login(Postgres::ADMIN, postgres.admin_password(), postgres.port());
    let admin = stack.create_secret(ADMIN_SECRET, &admin).await?;
    let mut value = stack.login(USER, &first.password, postgres.port());
    if let Some(members) = value.as_object_mut() {
        members.insert("masterarn".to_owned(), Value::String(admin));
    }
    stack.create_secret(SECRET, &value).await?;
    Ok(())
}

async fn run(stack: &Stack, proofs: &mut Proofs, claim: &str, login: &Login, sql: &str) {
    let Login { username, password } = login;
    match stack.postgres().psql(username, password, "postgres", sql).await {
        Ok(_) => proofs.claim(claim, true, ""),
        Err(error) => proofs.claim(claim, false, &error.to_string()),
    }
}
