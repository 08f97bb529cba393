//! Secrets Manager's contract, a check or more for each row of it: on the embedded store, and on
//! moto, an emulator of others, where that is right. With `--nocapture` the tables are shown.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::{Context, Result};
use windlass_harness::process::Launch;
use windlass_harness::{Artifact, Local, LocalOptions, WorkDir};
use windlass_suite::leaks::Watch;
use windlass_suite::{Ran, python, with_all_logged, within};

/// moto imports a good part of botocore before it listens; on a busy machine that takes seconds.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A port of this machine's that was free a moment ago.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn assert_holds(ran: &Ran) {
    println!("{}", ran.stdout);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.lines().count() > 30, "{}", ran.stdout);
}

#[tokio::test]
async fn every_row_of_the_contract_holds_in_the_embedded_store() -> Result<()> {
    let work = WorkDir::new()?;
    let port = free_port()?;
    let options = LocalOptions {
        windlass: Artifact::Windlass.path()?,
        store: work.private("store")?.join("secrets.db"),
        plugins: None,
        lambda_endpoint: Some(format!("http://127.0.0.1:{port}")),
        environment: with_all_logged(&[]),
    };
    let _watch = Watch::new(work.path(), &options.store);
    let local = Local::start(&options, work.path(), "local").await?;
    let arguments = ["embedded", local.secrets().endpoint(), &port.to_string()];
    assert_holds(&python("boto3_rows.py", &arguments).await?);
    Ok(())
}

#[tokio::test]
async fn moto_agrees_on_every_row_that_is_marked_so() -> Result<()> {
    let work = WorkDir::new()?;
    let port = free_port()?;
    let moto = Launch::new(Artifact::Python.path()?)
        .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .start(work.path(), "moto")?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listening = async {
        while tokio::net::TcpStream::connect(address).await.is_err() {
            if let Some(status) = moto.exited()? {
                anyhow::bail!("moto {status}: {}", moto.stderr()?);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    };
    within(START_LIMIT, "moto's start", listening).await?.context("starting moto's server")?;
    assert_holds(&python("boto3_rows.py", &["moto", &format!("http://{address}")]).await?);
    Ok(())
}
