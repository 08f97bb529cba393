//! Guests that connect to more, send more or wait longer than they may, hold on to what is not
//! theirs, or go where nobody let them.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use windlass_harness::{FunctionOptions, Names, WorkDir};
use windlass_suite::{Options, golden, skip};

use super::den::{Den, PASSWORD, steady};
use super::visited::{Manner, Visited};

/// What one call may open.
const CONNECTIONS: usize = 8;

/// What one call may send, and receive.
const NETWORK_BYTES: usize = 8 << 20;

/// What one read returns at most.
const READ_BYTES: usize = 64 << 10;

/// Long enough for a step on a busy machine; short enough to wait for its end.
const SHORT_STEP: Duration = Duration::from_secs(4);

/// Connections are counted when they are opened: closing them makes no room.
#[tokio::test]
pub(super) async fn dials() -> Result<()> {
    let peer = Visited::start(Manner::Listens).await?;
    let den = Den::start("dials").await?;
    den.confess(&[("opens 10000", json!({ "port": peer.port() }))]).await?;
    assert_eq!(peer.all_left().await?.len(), CONNECTIONS);
    assert_eq!(den.said()?, ["opened 8"]);
    Ok(())
}

/// What a call leaves open is closed when it ends, while the function lives on.
#[tokio::test]
pub(super) async fn clings() -> Result<()> {
    let peer = Visited::start(Manner::Listens).await?;
    let den = Den::start("clings").await?;
    den.confess(&[("closes nothing", json!({ "port": peer.port() }))]).await?;
    assert_eq!(peer.all_left().await?.len(), CONNECTIONS);
    assert!(den.world.function()?.process().exited()?.is_none());
    Ok(())
}

/// A silent peer is waited for until shortly before the step's end, which its own error tells; a
/// plugin that waits again and again is ended with the step.
#[tokio::test]
pub(super) async fn waits() -> Result<()> {
    let peer = Visited::start(Manner::Listens).await?;
    let mut den = Den::start("waits").await?;
    den.step_limit = SHORT_STEP;
    let once = json!({ "port": peer.port() });
    let ever = json!({ "port": peer.port(), "stubborn": true });
    den.confess(&[("once", once), ("for ever", ever)]).await?;
    assert_eq!(peer.all_left().await?.len(), 2);
    Ok(())
}

/// What is sent is bounded in all.
#[tokio::test]
pub(super) async fn gushes() -> Result<()> {
    let peer = Visited::start(Manner::Listens).await?;
    let den = Den::start("gushes").await?;
    den.confess(&[("sends without end", json!({ "port": peer.port() }))]).await?;
    let visits = peer.all_left().await?;
    assert_eq!(visits.iter().map(|visit| visit.bytes.len()).collect::<Vec<_>>(), [NETWORK_BYTES]);
    Ok(())
}

/// What is received is bounded in all and at once, whatever is asked for.
#[tokio::test]
pub(super) async fn gorges() -> Result<()> {
    let peer = Visited::start(Manner::Sends).await?;
    let den = Den::start("gorges").await?;
    den.confess(&[("receives without end", json!({ "port": peer.port() }))]).await?;
    let said = den.said()?;
    let number = |line: &str| -> Result<usize> {
        let words = said.iter().find(|said| said.contains(line)).context("nothing was said")?;
        let digits = words.split(' ').find_map(|word| word.parse().ok());
        digits.context("no number was said")
    };
    assert_eq!(number("bytes of somebody")?, NETWORK_BYTES);
    assert!(number("at once")? <= READ_BYTES, "{said:?}");
    Ok(())
}

/// Reading what is there already is no waiting, and gives no time to compute.
#[tokio::test]
pub(super) async fn nibbles() -> Result<()> {
    let peer = Visited::start(Manner::Sends).await?;
    let den = Den::start("nibbles").await?;
    den.confess(&[("computes between bytes", json!({ "port": peer.port() }))]).await?;
    Ok(())
}

/// A number is no permission: neither one that was made up, nor one of another kind.
#[tokio::test]
pub(super) async fn forges() -> Result<()> {
    let forged = |kind: &str, handle: u32| json!({ "kind": kind, "handle": handle });
    let cases = [
        ("an endpoint", forged("endpoint", 77)),
        ("a connection", forged("connection", 77)),
        ("the largest number", forged("connection", u32::MAX)),
        ("nought", forged("endpoint", 0)),
        ("an endpoint as a connection", forged("connection", 1)),
    ];
    Den::start("forges").await?.confess(&cases).await?;
    Ok(())
}

/// A handle that was dropped is nobody's.
#[tokio::test]
pub(super) async fn drops() -> Result<()> {
    Den::start("drops").await?.confess(&[("drops twice", json!({}))]).await?;
    Ok(())
}

/// Nothing outlives a call: no memory, no handle, no connection; not even within one step.
#[tokio::test]
pub(super) async fn keeps() -> Result<()> {
    let peer = Visited::start(Manner::Listens).await?;
    let den = Den::start("keeps").await?;
    den.confess(&[("for the next call", json!({ "port": peer.port() }))]).await?;
    assert_eq!(den.said()?, ["keeping handle 2", "kept for somebody: nothing"]);
    let visits = peer.all_left().await?;
    assert_eq!(visits.len(), 1);
    assert!(visits.iter().all(|visit| visit.bytes.is_empty()), "it was used again");
    Ok(())
}

/// Only what the plugin asks for and the operator granted is reached, in each way of asking.
#[tokio::test]
pub(super) async fn strays() -> Result<()> {
    let peer = Visited::start(Manner::Listens).await?;
    let database = windlass_suite::Database::shared().await?;
    let granted = database.postgres().port();
    let options = Options {
        grants: Some(format!("tcp://localhost:{granted},tcp://granted.example:{granted}")),
        ..Options::by_hand()
    };
    let den = Den::with("strays", options).await?;
    let to = |host: &str, port: u16| json!({ "elsewhere": host, "at": port });
    let cases = [
        ("its own host on another port", json!({ "port": peer.port() })),
        ("redirect to an address", to("127.0.0.1", peer.port())),
        ("redirect to a name on another port", to("localhost", peer.port())),
        ("redirect to a name that is not granted", to("evil.example", granted)),
        ("redirect to a name below one that is", to("a.granted.example", granted)),
        ("redirect to what it does not ask for", to("10.0.0.1", granted)),
        ("redirect to no name at all", to("two words\u{1b}[2J", granted)),
    ];
    den.confess(&cases).await?;
    // A list that names loopback places grants nothing else, not even the secret's own; and where the
    // own place is granted, it is loopback for nobody who wrote a secret.
    for (more, expected) in [
        ("", "the operator did not grant this host and port"),
        (",tcp://{host}:{port}", "loopback needs a grant that names it"),
    ] {
        let grants = Some(format!("tcp://localhost:{granted}{more}"));
        let alone = Den::with("strays", Options { grants, ..Options::by_hand() }).await?;
        let message = alone.sin("own", &json!({ "port": peer.port() })).await?.message;
        assert!(message.contains(expected), "{message}");
    }
    assert!(peer.visits().is_empty(), "it arrived");
    let lines = den.world.function()?.log_lines()?;
    let reasons: Vec<_> =
        lines.iter().filter_map(|line| line["reason"].as_str().map(str::to_owned)).collect();
    assert_eq!(reasons, [["not-granted"; 5].as_slice(), &["not-asked"; 2]].concat());
    assert!(lines.iter().all(|line| line["reason"].is_null() || line["plugin"] == "strays"));
    Ok(())
}

/// The machine's own services are out of reach, even where the operator granted every address there
/// is: metadata in each form of its address, Lambda's runtime API, what is not one host.
#[tokio::test]
pub(super) async fn reaches() -> Result<()> {
    let every = "tcp://0.0.0.0/1:*,tcp://128.0.0.0/1:*,tcp://[::]/1:*,tcp://[8000::]/1:*";
    let grants = Some(format!("{every},tcp://127.0.0.0/8:*,{}", FunctionOptions::LOOPBACK));
    let options = Options { grants: grants.clone(), ..Options::by_hand() };
    let den = Den::with("reaches", options).await?;
    let api = den.world.lambda().address().port();
    let to = |host: &str, port: u16| json!({ "elsewhere": host, "at": port });
    let mut cases = vec![
        ("runtime api by address", to("127.0.0.1", api)),
        ("runtime api by name", to("localhost", api)),
        ("runtime api by another address", to("127.0.0.2", api)),
    ];
    for address in [
        "169.254.169.254",
        "169.254.170.2",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fe80::a9fe:a9fe",
        "::ffff:169.254.169.254",
        "::169.254.169.254",
        "::ffff:0:a9fe:a9fe",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "2002:a9fe:a9fe::",
        "2001:0:a:b:c:d:5601:5601",
        "::ffff:127.0.0.1",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "ff02::1",
        "255.255.255.255",
    ] {
        cases.push((address, to(address, 80)));
    }
    let errors = den.confess(&cases).await?;
    for ((case, _), error) in cases.iter().zip(&errors) {
        assert!(error.message.contains("is not allowed"), "{case}: {}", error.message);
        // The operator's grant did cover it.
        assert!(!error.message.contains("by its name"), "{case}: {}", error.message);
    }

    // On Lambda, nothing of the machine is: also what the tests may reach elsewhere.
    let peer = Visited::start(Manner::Listens).await?;
    let options = Options { grants, ..Options::by_hand() }.with("LAMBDA_TASK_ROOT", "/var/task");
    let den = Den::with("reaches", options).await?;
    let error = den.sin("on-lambda", &to("127.0.0.1", peer.port())).await?;
    let message = steady(&error.message);
    let expected = "127.0.0.1:PORT is not allowed: loopback is never reachable on Lambda";
    assert!(message.ends_with(expected), "{message}");
    assert!(peer.visits().is_empty(), "it arrived");
    Ok(())
}

/// A name is resolved once in a step and connected to where that said, however its meaning changes
/// meanwhile; in the next step it is judged anew.
#[tokio::test]
pub(super) async fn rebinds() -> Result<()> {
    const NAME: &str = "rebinds.windlass.test";
    let Some(library) = Names::library() else {
        skip("libnss_wrapper.so is missing (package libnss-wrapper)");
        return Ok(());
    };
    let work = WorkDir::new()?;
    let names = Arc::new(Names::new(library, work.path().join("hosts"))?);
    names.mean(NAME, "127.0.0.1")?;
    // The first guest has just connected; by the time it has read the answer, the name is another
    // place's.
    let failed = Arc::new(OnceLock::new());
    let greeting = {
        let (names, failed) = (Arc::clone(&names), Arc::clone(&failed));
        move || {
            if let Err(error) = names.mean(NAME, "169.254.169.254") {
                let _ = failed.set(error);
            }
            "right one".to_owned()
        }
    };
    let peer = Visited::start(Manner::Greets(Arc::new(greeting))).await?;
    let grants = Some(format!("{},tcp://{{host}}:{{port}}", FunctionOptions::LOOPBACK));
    let mut options = Options { grants, ..Options::by_hand() };
    for (variable, path) in names.environment() {
        options = options.with(variable, path.to_string_lossy());
    }
    let den = Den::with("rebinds", options).await?;
    let keys = json!({ "host": NAME, "port": peer.port() });
    let token = den.tempt("rebinds", &keys).await?;
    let mut text = String::new();
    for step in ["the step that resolved it", "the next step"] {
        let error = den.sin_again("rebinds", &token).await?;
        text += &format!("# {step}\n{}: {}\n\n", error.kind, steady(&error.message));
        let new = den.world.pending("rebinds").await?.password;
        den.nothing_got_out(&error, &[PASSWORD, &new])?;
    }
    assert!(failed.get().is_none(), "{failed:?}");
    den.is_none_the_worse().await?;
    golden("guests/rebinds.txt", &text)?;
    let greeted = "greeted by the right one";
    let said: Vec<_> = den.said()?.into_iter().filter(|line| line.starts_with("greeted")).collect();
    assert_eq!(said, [greeted; 3]);
    assert_eq!(peer.visits().len(), 3, "all in the first step");
    let lines = den.world.function()?.log_lines()?;
    let refused = |line: &&Value| line["reason"] == "link-local";
    assert_eq!(lines.iter().filter(refused).count(), 1, "the next step's");
    Ok(())
}
