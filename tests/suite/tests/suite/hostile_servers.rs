//! Servers that mean harm, in the place of each engine: the step ends with an error that says what
//! was wrong, no password is in it or in the log, and the function serves the next event. The texts
//! are in `golden/hostile-servers-*.txt`; many more cases are with the plugins.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use windlass_harness::{Behaviour, Peer, Validity};
use windlass_suite::hostile::{Case, Opening};
use windlass_suite::{
    Database, Engine, Login, Options, STEPS, World, error_of, for_each_engine, golden,
};

/// A server that is listening, and what stands before it.
async fn start(case: Case) -> Result<(Peer, Option<Peer>)> {
    let peer = Peer::start(case.behaviour).await?;
    let Some(Some(Opening { greeting, request, answer })) = case.tls else {
        return Ok((peer, None));
    };
    let upstream = SocketAddr::from((Ipv4Addr::LOCALHOST, peer.port()));
    let identity = Database::shared().await?.ca().issue("hostile", Validity::Valid)?;
    let tls = Behaviour::TlsOnRequest { request, answer, identity, upstream };
    let before = Peer::start(Behaviour::Greets(greeting, Box::new(tls))).await?;
    Ok((before, Some(peer)))
}

/// What setSecret says of a server that plays false.
async fn set_secret(world: &World, value: &Value, timeout: Duration) -> Result<(String, String)> {
    let name = format!("hostile/{}", World::token()?);
    world.create_secret(&name, value).await?;
    let token = world.begin(&name).await?;
    world.steps(&["createSecret"], &name, &token).await?;
    let event = json!({ "Step": "setSecret", "SecretId": name, "ClientRequestToken": token });
    let error = error_of(world.lambda().invoke(event, timeout).await?.outcome)?;
    let (current, pending) = (world.current(&name).await?, world.pending(&name).await?);
    let log = world.function_log()?;
    for password in [&pending.password, &current.password] {
        assert!(!error.message.contains(password.as_str()), "{}", error.message);
        assert!(!log.contains(password.as_str()), "a password is in the log");
    }
    assert_ne!(world.secrets().version_at(&name, "AWSCURRENT").await?, Some(token));
    Ok((error.kind, error.message))
}

/// A message as it is everywhere.
fn everywhere(message: &str, port: u16) -> String {
    let message = message.replace(&port.to_string(), "PORT");
    // How long it waited is the machine's business.
    let mut words: Vec<&str> = message.split(' ').collect();
    for index in 1..words.len() {
        if ["s:", "s,"].contains(&words[index]) {
            words[index - 1] = "N";
        }
    }
    words.join(" ")
}

async fn every(engine: Engine) -> Result<()> {
    let cases = (engine.hostile)();
    let Some(server) = engine.server().await? else { return Ok(()) };
    let world = World::with(Options::by_hand().with("WINDLASS_LOG", "debug")).await?;
    // It has no `p`, by which PostgreSQL's echo finds its beginning.
    let login = Login::new("hostile_app", "made-u-Q7xW2kZt9");
    let mut text = String::new();
    for case in cases {
        let (what, timeout, tls) = (case.what, case.timeout, case.tls.is_some());
        let (peer, _behind) = start(case).await?;
        let mut value = server.secret_at(&login, peer.port());
        value["ssl"] = Value::from(tls);
        let (kind, message) = set_secret(&world, &value, timeout).await.context(what)?;
        writeln!(text, "# {what}\n{kind}: {}\n", everywhere(&message, peer.port()))?;
    }
    golden(&format!("hostile-servers-{}.txt", engine.name), &text)?;

    // The same function, with an honest server.
    let honest = server.account("hostile_honest").await?;
    world.create_secret("hostile/honest", &server.secret(&honest)).await?;
    let token = world.begin("hostile/honest").await?;
    world.steps(&STEPS, "hostile/honest", &token).await?;
    let new = world.current("hostile/honest").await?;
    assert!(new.signs_in(&server).await? && !honest.signs_in(&server).await?);
    Ok(())
}

macro_rules! hostile {
    ($($module:ident: $engine:ident = $spec:path,)*) => { $(
        mod $module {
            use super::*;

            #[tokio::test]
            async fn whatever_it_does_the_step_ends_with_its_name_and_the_function_goes_on()
            -> Result<()> {
                every(Engine::$engine).await
            }
        }
    )* };
}

for_each_engine!(hostile);
