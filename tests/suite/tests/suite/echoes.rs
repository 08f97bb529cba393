//! A server that echoes passwords: it has been told some, or knows them from elsewhere, and quotes
//! one in an error. Nobody gets to read it, in whatever form, whichever call it answers.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use windlass_harness::{Behaviour, Peer, Validity};
use windlass_suite::{Database, Login, Options, World};

/// What the plugin passes on of a server's message, in characters.
const PASSED_ON: usize = 400;

/// A PostgreSQL that answers every client's first message with one error.
struct Echo {
    port: u16,
    says: Arc<Mutex<String>>,
    serving: tokio::task::JoinHandle<()>,
    _tls: Peer,
}

impl Echo {
    async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let upstream = listener.local_addr()?;
        let says = Arc::new(Mutex::new(String::new()));
        let to_say = Arc::clone(&says);
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let text = to_say.lock().unwrap_or_else(PoisonError::into_inner).clone();
                // A client that has gone is no reason to stop.
                let _ = refuse(client, &text).await;
            }
        });
        // An administrator acts on no sign-in that was made in clear.
        let identity = Database::shared().await?.ca().issue("echo", Validity::Valid)?;
        let tls = Behaviour::TlsOnRequest { request: 8, answer: b"S", identity, upstream };
        let tls = Peer::start(tls).await?;
        Ok(Self { port: tls.port(), says, serving, _tls: tls })
    }

    fn say(&self, text: String) {
        *self.says.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// 42704: no other password would help, and waiting would not either.
async fn refuse(mut client: TcpStream, text: &str) -> Result<()> {
    let mut first = [0; 1024];
    let _ = client.read(&mut first).await?;
    let fields = format!("SFATAL\0C42704\0M{text}\0\0");
    let length = u32::try_from(fields.len() + 4)?;
    client.write_all(&[b"E", &length.to_be_bytes()[..], fields.as_bytes()].concat()).await?;
    Ok(())
}

fn each(text: &str, write: impl Fn(u8) -> String) -> String {
    text.bytes().map(write).collect()
}

#[tokio::test]
async fn a_server_that_echoes_what_another_call_was_given_is_not_heard() -> Result<()> {
    let world = World::with(Options::by_hand()).await?;
    let server = Echo::start().await?;
    let admin = world.create_admin_secret("echo/admin", server.port).await?;
    let mut value = Login::made_up("echo").secret(server.port);
    value["masterarn"] = Value::from(admin);
    world.create_secret("echo", &value).await?;
    world.tag("echo", "windlass:strategy", "single-user").await?;
    let token = world.begin("echo").await?;
    world.steps(&["createSecret"], "echo", &token).await?;
    let Login { password: current, .. } = world.current("echo").await?;
    let Login { password: pending, .. } = world.pending("echo").await?;

    // setSecret begins with a sign-in with AWSCURRENT: that call was not given the pending one.
    for password in [&current, &pending] {
        let percent = each(password, |byte| format!("%{byte:02X}"));
        let backwards: String = password.chars().rev().collect();
        let html = password.chars().fold(String::new(), |mut text, c| {
            let _ = write!(text, "&#{};", u32::from(c));
            text
        });
        for echoed in [
            password.clone(),
            Value::from(password.as_str()).to_string(),
            password.to_uppercase(),
            backwards,
            each(password, |byte| format!("{byte:02x}")),
            each(password, |byte| format!("\\x{byte:02X}")),
            percent,
            html,
        ] {
            server.say(format!("<{echoed}> is not what it is"));
            let error = world.failure("setSecret", "echo", &token).await?;
            assert_eq!(error.kind, "Windlass.Service.Declined", "{}", error.message);
            assert!(error.message.contains("[redacted]"), "{}", error.message);
            assert!(error.message.contains("> is not what it is"), "{}", error.message);
        }
        // A part of it, with whatever stands in or beside it: 17 of 18 characters, say.
        let characters: Vec<char> = password.chars().collect();
        let last = characters.len() - 1;
        for part in
            [&characters[1..], &characters[..last], &characters[1..last], &characters[3..11]]
        {
            let part = String::from_iter(part);
            for echoed in [format!("x'{part}'"), each(&part, |byte| format!("{byte:02x}"))] {
                server.say(format!("<{echoed}> is a part of it"));
                let error = world.failure("setSecret", "echo", &token).await?;
                assert!(error.message.contains("[redacted]"), "{}", error.message);
                assert!(error.message.contains("> is a part of it"), "{}", error.message);
                assert!(!error.message.contains(&part[..8]), "{}", error.message);
            }
        }
        // The plugin cuts a long message, wherever that is.
        for shown in [password.len() / 2, 12, password.len()] {
            server.say(format!("{}{password}{}", "-".repeat(PASSED_ON - shown), "+".repeat(99)));
            let error = world.failure("setSecret", "echo", &token).await?;
            assert!(error.message.contains("-[redacted]"), "{}", error.message);
            assert!(!error.message.contains(&password[..8]), "{}", error.message);
        }
    }
    Ok(())
}
