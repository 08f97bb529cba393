//! Servers that mean harm, in the place of PostgreSQL: the step ends with an error that says what
//! was wrong, no password is in it or in the log, and the function serves the next event. The texts
//! are in `golden/hostile-servers.txt`; many more cases are with the plugin.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use windlass_harness::{Behaviour, Peer, Validity};
use windlass_suite::{Login, Options, STEPS, World, error_of, golden};

/// The function's timeout where a server keeps silent: shorter than our own time limits, so that what
/// waits is cut off by it.
const TIMEOUT: Duration = Duration::from_secs(4);

/// The timeout of AWS's own functions, for what has to be computed or read first: no time limit may
/// be what ends it.
const PATIENT: Duration = Duration::from_secs(30);

/// The request for TLS, in bytes.
const SSL_REQUEST: usize = 8;

const OK: &[u8] = b"R\0\0\0\x08\0\0\0\0";
const READY: &[u8] = b"Z\0\0\0\x05I";
const ASK_MD5: &[u8] = b"R\0\0\0\x0c\0\0\0\x05salt";
const ASK_CLEARTEXT: &[u8] = b"R\0\0\0\x08\0\0\0\x03";

/// What the server that lets everybody in says for ever: a row of one value.
const ROW: &[u8] = b"T\0\0\0\x06\0\0D\0\0\0\x0b\0\x01\0\0\0\x01x";

/// More than any answer may be long.
const FLOOD: usize = 4 * 1024 * 1024;

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [&[tag][..], &length.to_be_bytes(), body].concat()
}

fn authentication(code: u32, body: &[u8]) -> Vec<u8> {
    message(b'R', &[&code.to_be_bytes()[..], body].concat())
}

/// What stands behind the last `before` of what the client said, up to a zero byte.
fn said_behind(heard: &[u8], before: &str) -> String {
    let heard = String::from_utf8_lossy(heard);
    let behind = heard.rsplit_once(before).map_or("", |(_, behind)| behind);
    behind.split('\0').next().unwrap_or_default().to_owned()
}

/// SCRAM: the offer, then a challenge of so many rounds, then what comes instead of a proof.
fn scram(answered: usize, heard: &[u8], rounds: u32, last: &[u8]) -> Vec<u8> {
    match answered {
        0 => authentication(10, b"SCRAM-SHA-256\0\0"),
        1 => {
            let nonce = said_behind(heard, "n=,r=");
            authentication(11, format!("r={nonce}+,s=c2FsdA==,i={rounds}").as_bytes())
        }
        _ => last.to_vec(),
    }
}

/// Servers without TLS.
const IN_CLEAR: [(&str, Behaviour, Duration); 12] = [
    ("notices without end", Behaviour::Repeats(b"N\0\0\0\x0bSNOTE\0\0"), PATIENT),
    ("parameters without end", Behaviour::Repeats(b"S\0\0\0\x08a\0b\0"), PATIENT),
    ("the largest length", Behaviour::Says(b"R\x7f\xff\xff\xff\0\0\0\0"), PATIENT),
    ("a length of 0", Behaviour::Says(b"R\0\0\0\0"), PATIENT),
    ("half a message", Behaviour::Says(b"R\0\0\0\x0c\0\0"), TIMEOUT),
    ("lets in whom it asked nothing", Behaviour::Says(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"), PATIENT),
    ("the password in clear", Behaviour::Says(ASK_CLEARTEXT), PATIENT),
    (
        "2000000000 rounds of SCRAM",
        Behaviour::Answers(|answered, heard| scram(answered, heard, 2_000_000_000, b"")),
        PATIENT,
    ),
    (
        "the most rounds of SCRAM that are computed, and no proof",
        Behaviour::Answers(|answered, heard| scram(answered, heard, 600_000, OK)),
        PATIENT,
    ),
    (
        "SCRAM, then the password in clear",
        Behaviour::Answers(|answered, heard| scram(answered, heard, 1, ASK_CLEARTEXT)),
        PATIENT,
    ),
    (
        "rows without end",
        Behaviour::Answers(|answered, _| match answered {
            0 => ASK_MD5.to_vec(),
            1 => [OK, READY].concat(),
            _ => ROW.repeat(FLOOD / ROW.len()),
        }),
        PATIENT,
    ),
    (
        "an error that is long and drives a terminal",
        Behaviour::Answers(|_, _| {
            let text = "\x1b[2J\r\n{\"level\":\"ERROR\"} \u{202e}".to_owned() + &"x".repeat(50_000);
            message(b'E', format!("SFATAL\0C28000\0M{text}\0\0").as_bytes())
        }),
        PATIENT,
    ),
];

/// Servers at the start of TLS.
const BEFORE_TLS: [(&str, Behaviour, Duration); 4] = [
    (
        "slips something in before TLS",
        Behaviour::Says(b"SR\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"),
        PATIENT,
    ),
    (
        "another protocol instead of a handshake",
        Behaviour::Answers(|answered, _| match answered {
            0 => b"S".to_vec(),
            _ => b"R\0\0\0\x08\0\0\0\0".to_vec(),
        }),
        PATIENT,
    ),
    (
        "an error instead of TLS",
        Behaviour::Answers(|_, _| message(b'E', b"C28P01\0Mgo to evil.example\0\0")),
        PATIENT,
    ),
    ("another answer to the request for TLS", Behaviour::Says(b"X"), PATIENT),
];

/// Asks for the password in clear, inside TLS, and sends it back in its error, as it is and encoded.
const ECHO: Behaviour = Behaviour::Answers(|answered, heard| {
    if answered == 0 {
        return ASK_CLEARTEXT.to_vec();
    }
    // Behind the startup packet stand the tag and the length of the message with the password.
    let from = heard.iter().rposition(|byte| *byte == b'p').map_or(0, |tag| tag + 5);
    let password = String::from_utf8_lossy(heard.get(from..).unwrap_or_default()).into_owned();
    let password = password.trim_end_matches('\0');
    let hex: String = password.bytes().map(|byte| format!("{byte:02x}")).collect();
    let turned: String = password.chars().rev().collect();
    let text = format!("C28000\0Mno \"{password}\", {hex}, {turned}\0D{password}\0\0");
    message(b'E', text.as_bytes())
});

/// What setSecret says of a server that plays false.
async fn set_secret(
    world: &World,
    login: &Login,
    tls: bool,
    port: u16,
    timeout: Duration,
) -> Result<(String, String)> {
    let name = format!("hostile/{}", World::token()?);
    let mut value = login.secret(port);
    value["ssl"] = Value::from(tls);
    world.create_secret(&name, &value).await?;
    let token = world.begin(&name).await?;
    world.steps(&["createSecret"], &name, &token).await?;
    let event = json!({ "Step": "setSecret", "SecretId": name, "ClientRequestToken": token });
    let error = error_of(world.lambda().invoke(event, timeout).await?.outcome)?;
    let pending = world.pending(&name).await?;
    let log = world.function_log()?;
    for password in [&pending.password, &login.password] {
        assert!(!error.message.contains(password.as_str()), "{}", error.message);
        assert!(!log.contains(password.as_str()), "a password is in the log");
    }
    assert_ne!(world.secrets().version_at(&name, "AWSCURRENT").await?, Some(token));
    Ok((error.kind, error.message))
}

#[tokio::test]
async fn whatever_a_server_does_the_step_ends_with_its_name_and_the_function_goes_on() -> Result<()>
{
    let world = World::with(Options::by_hand().with("WINDLASS_LOG", "debug")).await?;
    let database = world.database();
    // It has no `p`, by which [`ECHO`] finds its beginning.
    let login = Login::new("hostile_app", "made-u-Q7xW2kZt9");
    let mut text = String::new();
    let mut row = |what: &str, (kind, message): (String, String), port: u16| {
        let message = message.replace(&port.to_string(), "PORT");
        // How long it waited is the machine's business.
        let mut words: Vec<&str> = message.split(' ').collect();
        for index in 1..words.len() {
            if words[index] == "s:" {
                words[index - 1] = "N";
            }
        }
        writeln!(text, "# {what}\n{kind}: {}\n", words.join(" "))
    };
    let in_clear = IN_CLEAR.into_iter().map(|case| (case, false));
    for ((what, behaviour, timeout), tls) in
        in_clear.chain(BEFORE_TLS.into_iter().map(|case| (case, true)))
    {
        let peer = Peer::start(behaviour).await?;
        let answer = set_secret(&world, &login, tls, peer.port(), timeout).await.context(what)?;
        row(what, answer, peer.port())?;
    }
    let echo = Peer::start(ECHO).await?;
    let upstream = SocketAddr::from((Ipv4Addr::LOCALHOST, echo.port()));
    let identity = database.ca().issue("hostile-echo", Validity::Valid)?;
    let tls = Behaviour::TlsOnRequest { request: SSL_REQUEST, answer: b"S", identity, upstream };
    let peer = Peer::start(tls).await?;
    let answer = set_secret(&world, &login, true, peer.port(), PATIENT).await?;
    row("sends the password back", answer, peer.port())?;
    golden("hostile-servers.txt", &text)?;

    // The same function, with an honest server.
    let honest = database.account("hostile_honest", "").await?;
    world.create_secret("hostile/honest", &honest.secret(database.postgres().port())).await?;
    let token = world.begin("hostile/honest").await?;
    world.steps(&STEPS, "hostile/honest", &token).await?;
    let new = world.current("hostile/honest").await?;
    assert!(new.signs_in(database).await? && !honest.signs_in(database).await?);
    Ok(())
}
