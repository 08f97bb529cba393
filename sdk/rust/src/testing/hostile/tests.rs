//! That a table notices what does not hold.

use std::io::{Read as _, Write as _};

use super::*;

const BOUNDS: Bounds = Bounds { before_tls: b"TLS?", read: 1024, refused: "28P01" };

fn words(word: &str, argument: &str, heard: &[u8]) -> Option<Vec<u8>> {
    (word == "echo").then(|| [argument.as_bytes(), heard].concat())
}

/// Sends `hello`, and fails with what it is answered.
fn hello(server: Endpoint) -> Result<(), Failure> {
    let mut connection = server.connect()?;
    connection.write_all(b"hello")?;
    let mut answer = [0; 8];
    let count = connection.read(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer[..count]).into_owned();
    if answer == "ok" { Ok(()) } else { Err(Failure::protocol(format!("it said {answer}"))) }
}

fn reads_on(server: Endpoint) -> Result<(), Failure> {
    let mut connection = server.connect()?;
    let mut buffer = [0; 1000];
    for _ in 0..1000 {
        connection.read_exact(&mut buffer)?;
    }
    Err(Failure::protocol("enough"))
}

fn shows_a_password(_: Endpoint) -> Result<(), Failure> {
    Err(Failure::protocol(format!("it is {PASSWORD}")))
}

fn sends_a_password(server: Endpoint) -> Result<(), Failure> {
    server.connect()?.write_all(PASSWORD.as_bytes())?;
    Err(Failure::protocol("sent"))
}

fn refused(_: Endpoint) -> Result<(), Failure> {
    Err(Failure::refused("no"))
}

fn table(text: &str) -> Result<String, String> {
    checked(text, &BOUNDS, words, |group| {
        let call: Call = match group {
            "hello" | "hello over TLS" => hello,
            "reads on" => reads_on,
            "shows" => shows_a_password,
            "sends" => sends_a_password,
            "refuses" => refused,
            _ => return None,
        };
        let over_tls = group.ends_with("TLS");
        Some((if over_tls { TlsMode::Required } else { TlsMode::Disabled }, call))
    })
}

#[test]
fn each_case_comes_to_what_it_says() {
    let text = "! hello\n\n# says no\n< \"no\"\n= Protocol: it said no\n\n\
                # echoes\n< echo \"<\"\n= Protocol: it said <hello\n\n";
    assert_eq!(table(text).unwrap(), text);
    let other = text.replace("it said no", "it said yes");
    assert_ne!(table(&other).unwrap(), other, "the wrong outcome is replaced by the right one");
}

#[test]
fn what_does_not_hold_is_named() {
    for (text, problem) in [
        ("! hello\n# a\n< \"ok\"", "the call succeeds"),
        ("! hello over TLS\n# a\n< \"no\"", "goes out in clear"),
        ("! hello\n# a\n< shout \"x\"", "no word `shout`"),
        ("! reads on\n# a\n<< \"x\"", "bytes are read"),
        ("! shows\n# a\n< \"x\"", "a password is in the failure"),
        ("! sends\n# a\n< \"x\"", "the password goes out"),
        ("! refuses\n# a\n< \"x\"", "nobody refused"),
        ("! nobody\n# a\n< \"x\"", "no group `nobody`"),
        ("# a\n< \"x\"", "a case without a group"),
    ] {
        let found = table(text).unwrap_err();
        assert!(found.contains(problem) && found.contains("line "), "{text}: {found}");
    }
}
