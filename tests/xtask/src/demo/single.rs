//! One user changes its own password.

use anyhow::Result;
use windlass_harness::{Function, Stack};

use super::proofs::{Login, Proofs};
use super::steps;
use crate::terminal::heading;

const SECRET: &str = "demo/app";

/// Creates the user and its secret, rotates, and proves it.
pub(super) async fn rotate(stack: &Stack, function: &Function, proofs: &mut Proofs) -> Result<()> {
    println!("\n{}", heading("A user changes its own password (single-user)"));
    let old = Login { username: "app".to_owned(), password: "first-password-of-app".to_owned() };
    stack.postgres().admin(&format!("CREATE ROLE app LOGIN PASSWORD '{}'", old.password)).await?;
    let value = stack.login(&old.username, &old.password, stack.postgres().port());
    stack.create_secret(SECRET, &value).await?;
    proofs.signs_in(stack, "before: the first password signs in", &old).await;

    let before = stack.postgres().log()?;
    steps::rotate(stack, function, SECRET, proofs).await?;
    let seen = stack.postgres().log()?.since(&before);

    let new = steps::login(stack, SECRET, "AWSCURRENT").await?;
    proofs.is_refused(stack, "the old password is refused by the server", &old).await;
    proofs.signs_in(stack, "the new password signs in", &new).await;
    let evidence =
        format!("{} connections, {} refused", seen.connections(), seen.refused_sign_ins());
    proofs.claim("no sign-in failed on the way", seen.refused_sign_ins() == 0, &evidence);
    let hidden = !seen.contains(&new.password) && !function.log()?.contains(&new.password);
    proofs.claim("the new password is in no log, neither the server's nor ours", hidden, "");
    Ok(())
}
