//! What a rotation costs others: calls of Secrets Manager, connections to the database, and not
//! one failed sign-in.
//!
//! Calls that wait for one another are told from calls that are made at once by a proxy that
//! delays every piece: then there is a gap at the server between the former, and none between the
//! latter.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use windlass_harness::{Fault, Proxy};
use windlass_suite::{Database, STEPS, World};

/// Both ways together a call takes twice this.
const DELAY: Duration = Duration::from_millis(100);

/// Less than two delays, more than calls made at once are apart on a busy machine.
const GAP: Duration = Duration::from_millis(150);

/// What one rotation took.
#[derive(Debug, PartialEq, Eq)]
struct Cost {
    calls: usize,
    waves: usize,
    connections: usize,
    refused: usize,
}

/// Rotates an account of this name once, by itself or, with `kind`, by an administrator.
async fn measure(name: &str, strategy: Option<&str>) -> Result<Cost> {
    let mut world = World::start().await?;
    let database: &Database = world.database();
    let postgres = Proxy::start(database.postgres().address()).await?;
    let endpoint =
        world.secrets().endpoint().trim_start_matches("http://").parse::<SocketAddr>()?;
    let secrets_manager = Proxy::start(endpoint).await?;
    secrets_manager.fail_all(Fault::Delay { each: DELAY });
    world.start_function_calling(format!("http://127.0.0.1:{}", secrets_manager.port()))?;

    let login = database.account(name, "").await?;
    let mut value = login.secret(postgres.port());
    if strategy.is_some() {
        let admin = format!("{name}/admin");
        value["masterarn"] = Value::from(world.create_admin_secret(&admin, postgres.port()).await?);
    }
    world.create_secret(name, &value).await?;
    if let Some(strategy) = strategy {
        world.tag(name, "windlass:strategy", strategy).await?;
    }
    world.local().reset_calls().await?;
    let token = world.begin(name).await?;
    let steps = world.outcome(&token).await?;
    assert!(steps.iter().all(|step| step.outcome.error().is_none()), "{steps:?}");
    assert_eq!(steps.len(), STEPS.len());
    let calls = world.local().calls().await?.without("RotateSecret");
    Ok(Cost {
        calls: calls.calls.len(),
        waves: calls.waves_behind(GAP),
        connections: postgres.traffic().len(),
        refused: database.refused_sign_ins(name)?
            + database.refused_sign_ins(&format!("{name}_clone"))?,
    })
}

#[tokio::test]
async fn a_single_user_costs_two_connections_and_six_waits_for_secrets_manager() -> Result<()> {
    let cost = measure("cost_single", None).await?;
    assert!(cost.waves <= 6, "{cost:?}");
    assert_eq!((cost.connections, cost.refused), (2, 0), "{cost:?}");
    assert!(cost.calls <= 14, "AWS's functions make 14, one after the other: {cost:?}");
    Ok(())
}

#[tokio::test]
async fn an_administrator_adds_one_connection_and_two_waits() -> Result<()> {
    // Its secret is read before a password is stored for it to set, and when it sets it.
    for strategy in ["single-user", "alternating-users"] {
        let cost = measure(&format!("cost_{}", strategy.replace('-', "_")), Some(strategy)).await?;
        assert!(cost.waves <= 8 && cost.calls <= 16, "{strategy}: {cost:?}");
        assert_eq!((cost.connections, cost.refused), (3, 0), "{strategy}: {cost:?}");
    }
    Ok(())
}
