//! SCRAM-SHA-256-PLUS: a sign-in is bound to the server's certificate, so that somebody in between
//! is noticed even with a certificate that the function trusts.

use std::time::Duration;

use anyhow::{Context, Result};
use windlass_harness::process::{Launch, Process};
use windlass_harness::{Artifact, Validity, WorkDir};
use windlass_suite::{Options, World, within};

/// Python needs a moment to start.
const START_LIMIT: Duration = Duration::from_secs(20);

/// Starts the program in between, and returns the port that it listens on.
async fn intercept(world: &World, work: &WorkDir) -> Result<(Process, u16)> {
    let database = world.database();
    let identity = database.ca().issue("in-between", Validity::Valid)?;
    let package = std::env::var_os("CARGO_MANIFEST_DIR").context("not run by cargo")?;
    let program = std::path::PathBuf::from(package).join("python/tls_intercept.py");
    let process = Launch::new(Artifact::Python.path()?)
        .args([program.as_os_str()])
        .args([database.postgres().port().to_string()])
        .args([&identity.certificate, &identity.key])
        .start(work.path(), "intercept")?;
    let port = async {
        loop {
            if let Some((port, _)) = process.stdout()?.split_once('\n') {
                return Ok::<u16, anyhow::Error>(port.parse()?);
            }
            anyhow::ensure!(process.exited()?.is_none(), "it ended: {}", process.stderr()?);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let port = within(START_LIMIT, "the start of the program in between", port).await??;
    Ok((process, port))
}

#[tokio::test]
async fn somebody_in_between_with_a_trusted_certificate_gets_no_sign_in() -> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let work = WorkDir::new()?;
    let database = world.database();
    let login = database.account("bound_scram", "").await?;
    let (_process, port) = intercept(&world, &work).await?;
    world.create_secret("bound/scram", &login.secret(port)).await?;
    let token = world.begin("bound/scram").await?;
    world.steps(&["createSecret"], "bound/scram", &token).await?;
    let error = world.failure("setSecret", "bound/scram", &token).await?;
    assert!(error.message.contains("channel binding"), "{error:?}");
    assert_ne!(error.kind, "Windlass.Service.Refused", "no other password must be tried");
    assert!(login.signs_in(database).await?, "its password was not changed");

    // The program works: an account without SCRAM, which nothing binds, gets through it.
    let login = database.account("bound_md5", "").await?;
    database
        .admin(
            "GRANT md5_signers TO bound_md5; ALTER ROLE bound_md5 SET password_encryption = 'md5'",
        )
        .await?;
    let own = format!(
        "ALTER ROLE bound_md5 PASSWORD {}",
        windlass_suite::Login::literal(&login.password)
    );
    login.psql(database, &own).await?;
    world.create_secret("bound/md5", &login.secret(port)).await?;
    let token = world.begin("bound/md5").await?;
    world.steps(&windlass_suite::STEPS, "bound/md5", &token).await?;
    Ok(())
}
