//! The network fails in every way, towards the database and towards Secrets Manager: each step ends
//! within the time that Lambda gives it, says in which layer and at which address it stopped and
//! what to do, and has changed nothing. The texts are in `golden/network-*.txt`.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use windlass_harness::{
    Behaviour, Direction, Fault, Identity, Peer, Postgres, PostgresOptions, Proxy, Validity,
};
use windlass_suite::{Database, Login, Options, World, error_of, golden};

/// The function's timeout here: not much more than Lambda's default, and shorter than our own time
/// limits, so that what waits is cut off by it; long enough for all of the SDK's retries.
const TIMEOUT: Duration = Duration::from_secs(4);

/// An address that is reserved for examples, so that no network has a way there.
const NOWHERE: &str = "2001:db8::1";

/// Slower than any server is, and faster than an operation may be.
const SLOW: Duration = Duration::from_millis(900);

/// How long this machine may take to say that it knows no way: less than a connection may take.
const NO_ROUTE_LIMIT: Duration = Duration::from_millis(4500);

/// The timeout of AWS's own functions.
const PATIENT: Duration = Duration::from_secs(30);

/// The suite's usual grants.
const LOOPBACK: &str = "tcp://127.0.0.1:*,tcp://localhost:*";

/// A server with this certificate, signed by the authority that functions trust.
async fn server_with(validity: Validity) -> Result<Postgres> {
    let database = Database::shared().await?;
    let identity = Some(database.ca().issue(&format!("database-{validity:?}"), validity)?);
    let options = PostgresOptions { identity, ..PostgresOptions::default() };
    Postgres::start(database.ca(), options).await
}

/// A name that resolves nowhere, and for which no name server has to be asked.
fn impossible_name() -> String {
    format!("{}.invalid", "x".repeat(64))
}

/// Whether this machine says of [`NOWHERE`] that it knows no way; some keep silent.
async fn knows_no_way() -> bool {
    let connecting = TcpStream::connect((NOWHERE, 1));
    let answer = tokio::time::timeout(NO_ROUTE_LIMIT, connecting).await;
    answer.is_ok_and(|answer| answer.is_err())
}

/// A message as it is everywhere: ports, times and long names replaced.
fn everywhere(message: &str, port: u16) -> String {
    let message = message.replace(&port.to_string(), "PORT").replace(&impossible_name(), "NAME");
    let mut words: Vec<&str> = message.split(' ').collect();
    for index in 1..words.len() {
        let is_unit =
            words.get(index).is_some_and(|word| word.trim_end_matches([',', ':', ';']) == "s");
        let number = words.get_mut(index - 1).filter(|word| word.parse::<f64>().is_ok());
        if let Some(word) = number.filter(|_| is_unit) {
            *word = "N";
        }
    }
    words.join(" ")
}

/// A row of the golden text.
fn row(text: &mut String, what: &str, message: &str, port: u16) -> Result<()> {
    Ok(writeln!(text, "# {what}\n{}\n", everywhere(message, port))?)
}

/// What setSecret says of a server that must not or can't be used there.
async fn set_secret(
    world: &World,
    login: &Login,
    host: &str,
    port: u16,
    timeout: Duration,
) -> Result<(String, String)> {
    let name = format!("network/{}", World::token()?);
    let mut value = login.secret(port);
    value["host"] = Value::from(host);
    world.create_secret(&name, &value).await?;
    let token = world.begin(&name).await?;
    world.steps(&["createSecret"], &name, &token).await?;
    let event = json!({ "Step": "setSecret", "SecretId": name, "ClientRequestToken": token });
    let error = error_of(world.lambda().invoke(event, timeout).await?.outcome)?;
    let pending = world.pending(&name).await?;
    for password in [&pending.password, &login.password] {
        assert!(!error.message.contains(password.as_str()), "{}", error.message);
    }
    assert_ne!(world.secrets().version_at(&name, "AWSCURRENT").await?, Some(token));
    Ok((error.kind, error.message))
}

#[tokio::test]
async fn whatever_happens_on_the_way_to_the_database_is_named_with_its_remedy() -> Result<()> {
    let database = Database::shared().await?;
    let (expired, misnamed, without_tls) = tokio::join!(
        server_with(Validity::Expired),
        server_with(Validity::WrongName),
        Postgres::start(
            database.ca(),
            PostgresOptions {
                settings: vec![("ssl".to_owned(), "off".to_owned())],
                ..PostgresOptions::default()
            }
        ),
    );
    let (expired, misnamed, without_tls) = (expired?, misnamed?, without_tls?);
    let stranger = database.stranger()?;
    let options = Options::by_hand().with("WINDLASS_LOG", "debug");
    let options =
        Options { grants: Some(format!("{LOOPBACK},tcp://{{host}}:{{port}}")), ..options };
    let world = World::with(options.clone()).await?;
    let ca_bundle = Some(stranger.certificate().to_owned());
    let trusting_nobody = World::with(Options { ca_bundle, ..options }).await?;

    let silent = Peer::start(Behaviour::Silent).await?;
    let hole = Peer::black_hole().await?;
    let nonsense = Peer::start(Behaviour::Says(b"HTTP/1.1 400 Bad Request\r\n\r\n")).await?;
    let closing = Peer::start(Behaviour::Closes).await?;
    let mute = Peer::start(Behaviour::Says(b"S")).await?;
    let half_way = Proxy::start(database.postgres().address()).await?;
    half_way.fail_all(Fault::CutAfterBytes { direction: Direction::ToClient, bytes: 1200 });
    let slow = Proxy::start(database.postgres().address()).await?;
    slow.fail_all(Fault::Delay { each: SLOW });

    let first = database.account("network_first", "").await?;
    let port = database.postgres().port();
    let (unreachable, no_tls) = ("Windlass.Service.Unreachable", "Windlass.Service.NoTls");
    let tls_failed = "Windlass.Service.TlsFailed";
    let rows = [
        ("nobody listens", &world, "localhost", Peer::nobody().await?, unreachable),
        ("no such name", &world, &impossible_name(), port, unreachable),
        ("packets vanish", &world, "localhost", hole.port(), unreachable),
        ("accepts and is silent", &world, "localhost", silent.port(), unreachable),
        ("agrees to TLS and is silent", &world, "localhost", mute.port(), unreachable),
        (
            "speaks another protocol",
            &world,
            "localhost",
            nonsense.port(),
            "Windlass.Service.Protocol",
        ),
        ("closes at once", &world, "localhost", closing.port(), unreachable),
        ("closes half-way", &world, "localhost", half_way.port(), unreachable),
        ("too slow", &world, "localhost", slow.port(), unreachable),
        ("has no TLS", &world, "localhost", without_tls.port(), no_tls),
        ("untrusted authority", &trusting_nobody, "localhost", port, tls_failed),
        ("expired certificate", &world, "localhost", expired.port(), tls_failed),
        ("certificate of another name", &world, "localhost", misnamed.port(), tls_failed),
    ];
    let mut text = String::new();
    for (what, world, host, port, kind) in rows {
        let (found, message) =
            set_secret(world, &first, host, port, TIMEOUT).await.context(what)?;
        assert_eq!(found, kind, "{what}: {message}");
        row(&mut text, what, &message, port)?;
    }
    golden("network-database.txt", &text)?;
    assert!(first.signs_in(database).await?, "the password is what it was");
    assert_eq!(database.refused_sign_ins("network_first")?, 0);
    for server in [&expired, &misnamed, &without_tls] {
        assert!(!server.log()?.contains("connection authorized"), "somebody signed in");
    }
    Ok(())
}

#[tokio::test]
async fn whatever_happens_on_the_way_to_secrets_manager_is_named_with_its_remedy() -> Result<()> {
    let database = Database::shared().await?;
    let ca = database.ca().certificate().display().to_string();
    let mut world = World::with(Options::by_hand().with("AWS_CA_BUNDLE", ca)).await?;
    let upstream =
        world.secrets().endpoint().trim_start_matches("http://").parse::<SocketAddr>()?;
    let tls = |issued: Result<Identity>| async {
        Peer::start(Behaviour::Tls { identity: issued?, upstream }).await
    };
    let issue = |validity| database.ca().issue(&format!("secrets-manager-{validity:?}"), validity);
    let valid = tls(issue(Validity::Valid)).await?;
    let expired = tls(issue(Validity::Expired)).await?;
    let misnamed = tls(issue(Validity::WrongName)).await?;
    let untrusted = tls(database.stranger()?.issue("stranger", Validity::Valid)).await?;
    let silent = Peer::start(Behaviour::Silent).await?;
    let hole = Peer::black_hole().await?;
    let nonsense = Peer::start(Behaviour::Says(b"SSH-2.0-OpenSSH_9.2\r\n")).await?;
    let half_way = Proxy::start(upstream).await?;
    half_way.fail_all(Fault::CutAfterBytes { direction: Direction::ToClient, bytes: 60 });
    let slow = Proxy::start(upstream).await?;
    slow.fail_all(Fault::Delay { each: TIMEOUT });

    let first = database.account("network_store", "").await?;
    world.create_secret("network/store", &first.secret(database.postgres().port())).await?;
    let token = world.begin("network/store").await?;
    let event = json!({
        "Step": "createSecret", "SecretId": "network/store", "ClientRequestToken": token,
    });
    let http = |port: u16| (format!("http://127.0.0.1:{port}"), port);
    let https = |port: u16| (format!("https://localhost:{port}"), port);
    let rows = [
        ("nobody listens", http(Peer::nobody().await?)),
        ("no such name", (format!("https://{}", impossible_name()), 1)),
        ("packets vanish", http(hole.port())),
        ("accepts and is silent", http(silent.port())),
        ("speaks another protocol", http(nonsense.port())),
        ("closes half-way", http(half_way.port())),
        ("too slow", http(slow.port())),
        ("has no TLS", https(upstream.port())),
        ("TLS and silence", https(silent.port())),
        ("untrusted authority", https(untrusted.port())),
        ("expired certificate", https(expired.port())),
        ("certificate of another name", https(misnamed.port())),
    ];
    let mut text = String::new();
    for (what, (endpoint, port)) in rows {
        world.start_function_calling(endpoint)?;
        let error = error_of(world.lambda().invoke(event.clone(), TIMEOUT).await?.outcome)?;
        assert_eq!(error.kind, "Windlass.Aws.Unavailable", "{what}: {}", error.message);
        // Which of the calls that are made at once is told is a matter of chance.
        let message = error.message.replace("GetSecretValue of", "DescribeSecret of");
        row(&mut text, what, &message, port)?;
        let pending = world.secrets().secret("network/store", "AWSPENDING").await;
        assert!(pending.is_err(), "{what}: a password was stored");
    }
    golden("network-secrets-manager.txt", &text)?;
    // Over TLS that can be trusted everything works.
    world.start_function_calling(https(valid.port()).0)?;
    world.steps(&windlass_suite::STEPS, "network/store", &token).await?;
    let new = world.current("network/store").await?;
    assert!(new.signs_in(database).await? && !first.signs_in(database).await?);
    Ok(())
}

#[tokio::test]
async fn that_there_is_no_route_is_said() -> Result<()> {
    if !knows_no_way().await {
        windlass_suite::skip(&format!("no route: this machine keeps silent about {NOWHERE}"));
        return Ok(());
    }
    let grants = Some(format!("tcp://[{NOWHERE}]:*"));
    let mut world = World::with(Options { grants, ..Options::by_hand() }).await?;
    let login = Login::made_up("somebody");
    let (kind, message) = set_secret(&world, &login, NOWHERE, 1, PATIENT).await?;
    assert_eq!(kind, "Windlass.Service.Unreachable");
    for part in [format!("[{NOWHERE}]:1: no route").as_str(), "check the route tables"] {
        assert!(message.contains(part), "{message}");
    }
    world.start_function_calling(format!("https://[{NOWHERE}]:1"))?;
    let event = json!({
        "Step": "createSecret", "SecretId": "s", "ClientRequestToken": World::token()?,
    });
    let error = error_of(world.lambda().invoke(event.clone(), PATIENT).await?.outcome)?;
    assert_eq!(error.kind, "Windlass.Aws.Unavailable");
    assert!(error.message.contains(&format!("https://[{NOWHERE}]:1")), "{}", error.message);

    // Without TLS nothing of this machine goes there at all.
    world.kill_idle_function().await?;
    world.start_function_calling(format!("http://me:hunter2@[{NOWHERE}]:1"))?;
    let error = error_of(world.lambda().invoke(event, PATIENT).await?.outcome)?;
    assert_eq!(error.kind, "Windlass.Aws.Other");
    let refused = format!("the endpoint http://[{NOWHERE}]:1 is plain HTTP");
    assert!(error.message.contains(&refused), "{}", error.message);
    assert!(!error.message.contains("hunter2"), "{}", error.message);
    Ok(())
}
