//! Failed sign-ins, counted in the server's own log: policies lock accounts that have too many.

use anyhow::Result;
use windlass_suite::{Login, Options, STEPS, Server, made_up_password};

use super::Subject;

/// What one process risks of an account within half an hour for one secret that was never rotated;
/// the product says why.
const BOUND: usize = 5;

/// More than Secrets Manager would attempt.
const ATTEMPTS: usize = 12;

pub(super) async fn an_ordinary_rotation_fails_no_sign_in_and_a_retry_one_per_wrong_password(
    server: Server,
) -> Result<()> {
    let mut one = Subject::own(server.clone(), "lockout_retry", Options::by_hand()).await?;
    let secret = one.secret.clone();
    let refused = || server.refused_sign_ins("lockout_retry");
    let token = one.world.begin(&secret).await?;
    one.world.steps(&STEPS, &secret, &token).await?;
    assert_eq!(refused()?, 0);

    // An attempt that set the password and was heard of no more.
    let token = one.world.begin(&secret).await?;
    one.world.steps(&["createSecret", "setSecret", "setSecret"], &secret, &token).await?;
    assert_eq!(refused()?, 0, "this process has seen which one is in force");
    one.world.kill_idle_function().await?;
    one.world.start_function()?;
    one.world.steps(&["setSecret"], &secret, &token).await?;
    assert_eq!(refused()?, 1, "the current one, once");
    one.world.steps(&STEPS, &secret, &token).await?;
    assert_eq!(refused()?, 1);

    // Restored from a backup of before the latest rotation: current and pending are wrong.
    let previous = one.world.secrets().secret(&secret, "AWSPREVIOUS").await?;
    server.set_password(&Login::from_secret(&previous)?).await?;
    let token = one.world.begin(&secret).await?;
    one.world.steps(&STEPS, &secret, &token).await?;
    assert_eq!(refused()?, 3);
    Ok(())
}

pub(super) async fn attempts_without_end_stop_before_a_policy_locks_the_account(
    server: Server,
) -> Result<()> {
    let mut one = Subject::own(server, "lockout_bound", Options::by_hand()).await?;
    one.server
        .set_password(&Login::new("lockout_bound", made_up_password("of somebody else")))
        .await?;
    let token = one.world.begin(&one.secret).await?;
    one.world.steps(&["createSecret"], &one.secret, &token).await?;
    let mut kinds = Vec::new();
    for _ in 0..ATTEMPTS {
        let error = one.world.failure("setSecret", &one.secret, &token).await?;
        if error.kind == "Windlass.Service.TooManyRefusals" {
            for part in ["`lockout_bound` was refused 5 times at localhost:", "windlass repair"] {
                assert!(error.message.contains(part), "{}", error.message);
            }
        }
        kinds.push(error.kind);
    }
    assert_eq!(one.server.refused_sign_ins("lockout_bound")?, BOUND, "{kinds:?}");
    assert_eq!(kinds.last().map(String::as_str), Some("Windlass.Service.TooManyRefusals"));

    // Somebody mends the account; another process starts counting anew.
    one.server.set_password(&one.first).await?;
    one.world.start_function()?;
    one.world.steps(&STEPS, &one.secret, &token).await?;
    let new = one.world.current(&one.secret).await?;
    assert!(one.signs_in(&new).await?);
    Ok(())
}
