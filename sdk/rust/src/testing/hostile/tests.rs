//! That a table notices what does not hold.

use std::io::{Read as _, Write as _};

use super::*;

const BOUNDS: Bounds = Bounds { before_tls: b"TLS?", read: 1024, refused: "28P01" };

const TABLE: &str = "2 cases\n\n! hello\n\n# says no\n< \"no\"\n> 1\n= Protocol: it said no\n\n\
                     # echoes\n<echo \"<\"\n> 1\n= Protocol: it said <hello\n\n";

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

/// The same, with another word in two parts behind the answer.
fn says_again(server: Endpoint) -> Result<(), Failure> {
    let mut connection = server.connect()?;
    connection.write_all(b"hello")?;
    let mut answer = [0; 2];
    connection.read_exact(&mut answer)?;
    connection.write_all(b"a")?;
    connection.write_all(b"gain")?;
    Err(Failure::protocol(format!("it said {}", String::from_utf8_lossy(&answer))))
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
            "says again" => says_again,
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
    assert_eq!(table(TABLE).unwrap(), TABLE);
    compared(TABLE, table(TABLE).unwrap()).unwrap();
    let other = TABLE.replace("it said no", "it said yes");
    assert_ne!(table(&other).unwrap(), other, "the wrong outcome is replaced by the right one");
}

#[test]
fn a_table_that_says_something_else_or_less_is_noticed() {
    for (from, to) in [
        ("it said no", "it said yes"),
        ("> 1", "> 0"),
        ("> 1\n", ""),
        ("\n\n# echoes\n<echo \"<\"\n> 1\n= Protocol: it said <hello\n\n", ""),
        ("\n\n# echoes\n<echo \"<\"\n> 1\n= Protocol: it said <hello\n\n", "\n\n"),
        ("2 cases\n\n", ""),
        ("2 cases", "1 cases"),
        ("<hello\n\n", "<hello\n\n= Protocol: it said <hello\n\n"),
    ] {
        let other = TABLE.replace(from, to);
        assert_ne!(other, TABLE);
        let problem = compared(&other, table(&other).unwrap()).unwrap_err();
        assert!(problem.contains("BLESS=1"), "{from}: {problem}");
    }
    for empty in ["", "0 cases\n", "! hello\n\n"] {
        assert_eq!(table(empty).unwrap_err(), "it holds no case");
    }
}

#[test]
fn an_answer_that_should_not_be_sent_is_counted() {
    let text = "1 cases\n\n! says again\n\n# asks\n< \"no\"\n> 2\n= Protocol: it said no\n\n";
    assert_eq!(table(text).unwrap(), text);
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
