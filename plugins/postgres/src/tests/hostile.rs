//! Servers that mean harm, or are none: each case ends, soon, in a failure of the right kind that
//! says what was wrong. What each comes to is in `hostile.txt`; `BLESS=1` renews it.
//!
//! For all of them: the password never goes out, nothing but the request for TLS goes out in clear
//! where TLS is required, no more is read than one answer may be long, and the message is one
//! short line that holds no password.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use windlass_sdk::TlsInfo;
use windlass_sdk::testing::{Server, in_memory};

use super::server::*;
use super::*;
use FailureKind::Refused;

/// What the plugin reads at most before it has to send something: `wire::ANSWER_MAX`, and what is on
/// its way when it stops.
const READ_MAX: usize = 1024 * 1024 + 2 * CHUNK;

/// What an endless server hands over at a time.
const CHUNK: usize = 64 * 1024;

/// The longest message of a failure, or remedy, in bytes: 400 characters of the server's, with our words around
/// them.
const MESSAGE_MAX: usize = 1000;

/// Makes the server's first SCRAM message of the client's nonce.
type Challenge = fn(&str) -> String;

/// What the server does when the plugin waits for bytes.
#[derive(Clone)]
enum Turn {
    Says(Vec<u8>),
    Challenges(Challenge),
    /// It says this for ever.
    Repeats(Vec<u8>),
    Silent,
}

/// A server, and what it saw.
#[derive(Default)]
struct Hostile {
    turns: VecDeque<Turn>,
    in_tls: bool,
    heard: Vec<u8>,
    heard_in_clear: Vec<u8>,
    /// How much was read since something was sent.
    read: usize,
    most_read: usize,
}

impl Server for Hostile {
    fn hear(&mut self, data: &[u8]) {
        self.heard.extend(data);
        if !self.in_tls {
            self.heard_in_clear.extend(data);
        }
        self.read = 0;
    }

    fn start_tls(&mut self) -> Result<TlsInfo, Failure> {
        self.in_tls = true;
        Ok(TlsInfo::default())
    }

    fn speak(&mut self) -> io::Result<Vec<u8>> {
        let said = match self.turns.pop_front() {
            None => Vec::new(),
            Some(Turn::Silent) => return Err(io::ErrorKind::TimedOut.into()),
            Some(Turn::Says(said)) => said,
            Some(Turn::Challenges(challenge)) => {
                let heard = String::from_utf8_lossy(&self.heard);
                let nonce = heard.rsplit_once("n=,r=").map_or("", |(_, nonce)| nonce);
                authentication(11, challenge(nonce).as_bytes())
            }
            Some(Turn::Repeats(message)) => {
                let said = message.repeat(CHUNK.div_ceil(message.len()));
                self.turns.push_front(Turn::Repeats(message));
                said
            }
        };
        self.read += said.len();
        self.most_read = self.most_read.max(self.read);
        Ok(said)
    }
}

fn says(bytes: impl Into<Vec<u8>>) -> Turn {
    Turn::Says(bytes.into())
}

/// A header that announces `length` bytes, and a little of them.
fn announces(length: u32) -> Turn {
    says([&b"R"[..], &length.to_be_bytes(), b"\0\0\0\0\0\0\0\0"].concat())
}

fn offer() -> Turn {
    says(authentication(10, b"SCRAM-SHA-256\0\0"))
}

/// A challenge that is answered: of one round.
fn fair() -> Turn {
    Turn::Challenges(|nonce| format!("r={nonce}+,s=c2FsdA==,i=1"))
}

fn let_in() -> [Turn; 2] {
    let key = message(b'K', &[0; 8]);
    [says(ASK_MD5), says([OK, &key, READY].concat())]
}

fn settings(values: &[Option<&str>]) -> Vec<u8> {
    [complete("BEGIN"), head(), row(values), complete("SELECT 1")].concat()
}

/// An ErrorResponse of these fields.
fn fields(fields: &[u8]) -> Turn {
    says(message(b'E', fields))
}

type Case = (&'static str, Vec<Turn>);

/// Before anybody signed in, without TLS.
fn at_first() -> Vec<Case> {
    let cases = [
        ("a length of 0", announces(0)),
        ("a length of 3", announces(3)),
        ("a length one too long", announces(64 * 1024 + 1)),
        ("the largest positive length", announces(0x7fff_ffff)),
        ("a negative length", announces(0x8000_0000)),
        ("a length of -1", announces(u32::MAX)),
        ("closes", says("")),
        ("is silent", Turn::Silent),
        ("half a header", says(*b"R\0\0")),
        ("half a message", says(*b"R\0\0\0\x0c\0\0")),
        ("another protocol", says("HTTP/1.1 400 Bad Request\r\n\r\n")),
        ("an unknown message", says(message(b'?', b"x"))),
        ("notices without end", Turn::Repeats(message(b'N', b"SNOTICE\0Mhello\0\0"))),
        ("empty notices without end", Turn::Repeats(message(b'N', b""))),
        ("large notices without end", Turn::Repeats(message(b'N', &[b'x'; 60_000]))),
        ("parameters without end", Turn::Repeats(message(b'S', b"name\0value\0"))),
        ("notifications without end", Turn::Repeats(message(b'A', b"\0\0\0\0x\0y\0"))),
        ("versions without end", Turn::Repeats(message(b'v', b"\0\0\0\0\0\0\0\0"))),
        ("rows without end", Turn::Repeats(row(&[Some("x")]))),
        ("ready before anything was proved", says(READY)),
        ("a row", says(row(&[Some("x")]))),
        ("the end of a statement", says(complete("COMMIT"))),
        ("asks for a copy", says(message(b'G', b"\0\0\0"))),
        ("a key", says(message(b'K', &[0; 8]))),
        ("lets in whom it asked nothing", says(OK)),
        ("asks for the password in clear", says(ASK_CLEARTEXT)),
        ("goes on with SCRAM that nobody began", says(authentication(11, b"r=x,s=c2FsdA==,i=1"))),
        ("ends SCRAM that nobody began", says(authentication(12, b"v=AAAA"))),
        ("an unknown request", says(authentication(99, b""))),
        ("a salt too short for MD5", says(authentication(5, b"\x01\x02"))),
        ("a salt too long for MD5", says(authentication(5, b"12345"))),
        ("a request with something behind it", says(authentication(3, b"x"))),
        ("no mechanism", says(authentication(10, b"\0"))),
        ("a mechanism without an end", says(authentication(10, b"SCRAM-SHA-256"))),
        ("a mechanism in bytes", says(authentication(10, b"\xff\xfe\0\0"))),
        ("channel binding without TLS", says(authentication(10, b"SCRAM-SHA-256-PLUS\0\0"))),
        ("an error that is empty", fields(b"")),
        ("an error without fields", fields(b"\0")),
        ("an error without an end", fields(b"C28000\0Mno end")),
        ("an error without a code", fields(b"Mno code\0\0")),
        ("an error whose code is none", fields(b"C28p01\0Mno\0\0")),
        ("a code with something behind it", fields(b"C28P01 \0Mno\0\0")),
        ("an error in bytes", fields(b"C28000\0M\xff\xfe\xfd\0\0")),
        ("an error that drives a terminal", fields(b"C28000\0M\x1b[2J\r\nlevel=error\x07\0\0")),
        ("a wrong password, before it was asked for", fields(b"C28P01\0Mno\0\0")),
        ("a long error", fields(&[b"C28000\0M", &[b'x'; 60_000][..], b"\0\0"].concat())),
        ("an error of a megabyte", fields(&[b"C28000\0M", &[b'x'; 1 << 20][..], b"\0\0"].concat())),
        ("errors without end", Turn::Repeats(message(b'E', b"C57P03\0Mstarting\0\0"))),
    ];
    cases.into_iter().map(|(name, turn)| (name, vec![turn])).collect()
}

/// After a request for MD5 was answered.
fn after_md5() -> Vec<Case> {
    let cases = [
        ("asks for MD5 again", says(ASK_MD5)),
        ("asks in clear after MD5", says(ASK_CLEARTEXT)),
        ("offers SCRAM after MD5", offer()),
        ("ready without saying so after MD5", says(READY)),
        ("lets in twice", says([OK, OK].concat())),
        ("lets in and asks again", says([OK, ASK_CLEARTEXT].concat())),
        ("keys without end", Turn::Repeats([OK, &message(b'K', &[0; 8])].concat())),
        ("a row before ready", says([OK, &row(&[None])].concat())),
        ("lets in and is silent", says(OK)),
    ];
    let silent = |turn| vec![says(ASK_MD5), turn, Turn::Silent];
    cases.into_iter().map(|(name, turn)| (name, silent(turn))).collect()
}

/// In the middle of SCRAM.
fn within_scram() -> Vec<Case> {
    let challenges: [(&str, Challenge); 22] = [
        ("no rounds", |nonce| format!("r={nonce}+,s=c2FsdA==,i=0")),
        ("negative rounds", |nonce| format!("r={nonce}+,s=c2FsdA==,i=-4096")),
        ("one round too many", |nonce| format!("r={nonce}+,s=c2FsdA==,i=600001")),
        ("2000000000 rounds", |nonce| format!("r={nonce}+,s=c2FsdA==,i=2000000000")),
        ("more rounds than 32 bits", |nonce| format!("r={nonce}+,s=c2FsdA==,i=4294967297")),
        ("rounds of many digits", |nonce| format!("r={nonce}+,s=c2FsdA==,i={}", "9".repeat(1000))),
        ("rounds in words", |nonce| format!("r={nonce}+,s=c2FsdA==,i=many")),
        ("rounds with a blank", |nonce| format!("r={nonce}+,s=c2FsdA==,i=4096 ")),
        ("rounds with a sign", |nonce| format!("r={nonce}+,s=c2FsdA==,i=+4096")),
        ("no salt", |nonce| format!("r={nonce}+,s=,i=1")),
        ("a salt that is no Base64", |nonce| format!("r={nonce}+,s=c2Fsd,i=1")),
        ("a huge salt", |nonce| format!("r={nonce}+,s={},i=1", "AAAA".repeat(15_000))),
        ("a nonce of its own", |_| "r=abcdefghijklmnopqrstuvwx,s=c2FsdA==,i=1".into()),
        ("our nonce alone", |nonce| format!("r={nonce},s=c2FsdA==,i=1")),
        ("our nonce at the end", |nonce| format!("r=x{nonce},s=c2FsdA==,i=1")),
        ("a piece of our nonce", |nonce| format!("r={},s=c2FsdA==,i=1", &nonce[..20])),
        ("an extension that must be known", |nonce| format!("m=x,r={nonce}+,s=c2FsdA==,i=1")),
        ("an extension behind it", |nonce| format!("r={nonce}+,s=c2FsdA==,i=1,x=y")),
        ("an error for a challenge", |_| "e=unknown-user".into()),
        ("another order", |nonce| format!("s=c2FsdA==,r={nonce}+,i=1")),
        ("an empty challenge", |_| String::new()),
        ("a zero byte", |nonce| format!("r={nonce}\0,s=c2FsdA==,i=1\0")),
    ];
    let challenges = challenges.map(|(name, challenge)| (name, Turn::Challenges(challenge)));
    let instead = [
        ("a challenge in bytes", says(authentication(11, b"r=\xff\xfe,s=,i=1"))),
        ("lets in instead of a challenge", says(OK)),
        ("the password in clear instead of a challenge", says(ASK_CLEARTEXT)),
        ("MD5 instead of a challenge", says(ASK_MD5)),
        ("SCRAM again instead of a challenge", offer()),
        ("its proof instead of a challenge", says(authentication(12, b"v=AAAA"))),
        ("ready instead of a challenge", says(READY)),
        ("notices instead of a challenge", Turn::Repeats(message(b'N', b"\0"))),
    ];
    let first = challenges.into_iter().chain(instead);
    let mut cases: Vec<Case> = first.map(|(name, turn)| (name, vec![offer(), turn])).collect();
    let proof = |text: &str| says(authentication(12, text.as_bytes()));
    let last = [
        ("lets in without a proof", says([OK, READY].concat())),
        ("the password in clear instead of a proof", says(ASK_CLEARTEXT)),
        ("MD5 instead of a proof", says(ASK_MD5)),
        ("another challenge instead of a proof", fair()),
        ("ready instead of a proof", says(READY)),
        ("a wrong proof", proof("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")),
        ("a short proof", proof("v=AAAA")),
        ("no proof", proof("v=")),
        ("an empty last message", proof("")),
        ("a proof that is no Base64", proof("v=!!!!")),
        ("an error for a proof", proof("e=invalid-proof")),
        ("a long error for a proof", proof(&format!("e={}", "x\u{1b}".repeat(10_000)))),
        ("a proof in bytes", says(authentication(12, b"v=\xff"))),
        ("a refusal of the proof", fields(b"C28P01\0Mpassword authentication failed\0\0")),
        ("silence instead of a proof", Turn::Silent),
    ];
    cases.extend(last.into_iter().map(|(name, turn)| (name, vec![offer(), fair(), turn])));
    cases
}

/// Around the start of TLS.
fn around_tls() -> Vec<Case> {
    let error = message(b'E', b"C28P01\0Mgo to evil.example\0\0");
    vec![
        ("no TLS", vec![says("N")]),
        ("no TLS, and something behind it", vec![says([b"N", OK].concat())]),
        ("an error instead of TLS", vec![says(error)]),
        ("another answer", vec![says("s")]),
        ("a sign-in instead of TLS", vec![says([OK, READY].concat())]),
        ("slips something in before TLS", vec![says([b"S", OK, READY].concat())]),
        ("slips one byte in before TLS", vec![says("SS")]),
        ("closes instead of TLS", vec![]),
        ("silent instead of TLS", vec![Turn::Silent]),
        ("another protocol in TLS", vec![says("S"), says("HTTP/1.1 400 Bad Request\r\n")]),
        ("lets in at once in TLS", vec![says("S"), says([OK, READY].concat())]),
        ("SCRAM in TLS, then in clear", vec![says("S"), offer(), says(ASK_CLEARTEXT)]),
        ("SCRAM in TLS, then MD5", vec![says("S"), offer(), fair(), says(ASK_MD5)]),
        (
            "insists on a binding that there is none for",
            vec![says("S"), says(authentication(10, b"SCRAM-SHA-256-PLUS\0\0"))],
        ),
    ]
}

/// In the place of what a statement returns.
fn to_statements() -> Vec<Case> {
    let columns =
        |count: u16, body: &[u8]| message(b'D', &[&count.to_be_bytes()[..], body].concat());
    let behind = |row: Vec<u8>| says([head(), row].concat());
    let cases = [
        ("a row without a head", says(row(&[Some("1")]))),
        ("more columns than there are", behind(columns(u16::MAX, b"\0\0\0\x01x"))),
        ("a column longer than its row", behind(columns(1, b"\x7f\xff\xff\xffx"))),
        ("a column of length -2", behind(columns(1, b"\xff\xff\xff\xfex"))),
        ("a row without a count", behind(message(b'D', b"\0"))),
        ("a value with a zero byte", behind(row(&[Some("a\0b")]))),
        ("heads without end", Turn::Repeats(head())),
        ("rows without end, behind a head", Turn::Repeats([head(), row(&[None])].concat())),
        ("wide rows without end", {
            let nulls = columns(16_000, &[0xff; 64_000]);
            Turn::Repeats([head(), nulls].concat())
        }),
        ("ends without end", Turn::Repeats(complete("SELECT 1"))),
        ("asks for a copy in", says(message(b'G', b"\0\0\0"))),
        ("starts a copy out", says(message(b'H', b"\0\0\0"))),
        ("lets in once more", says(OK)),
        ("asks for the password once more", says(ASK_CLEARTEXT)),
        ("an answer of the other protocol", says(message(b'1', b""))),
        ("a refusal after the sign-in", fields(b"C28P01\0Mno\0\0")),
        ("an error that is empty, to a statement", fields(b"\0")),
    ];
    let signed_in = |turn| let_in().into_iter().chain([turn, Turn::Silent]).collect();
    cases.into_iter().map(|(name, turn)| (name, signed_in(turn))).collect()
}

/// In the place of what a change by alternating users has to know.
fn to_changes() -> Vec<Case> {
    let scram = settings(&[Some("scram-sha-256"), Some("1"), None]);
    let role = |limit, until| {
        let (yes, no) = (Some("t"), Some("f"));
        row(&[Some("f"), yes, yes, no, no, no, no, no, limit, until, None])
    };
    let catalog = |roles: Vec<u8>, settings: Vec<u8>| {
        let end = || complete("SELECT");
        let tables = [head(), roles, end(), head(), settings, end(), head(), end(), head(), end()];
        says([scram.clone(), tables.concat(), READY.to_vec()].concat())
    };
    let base = || role(Some("-1"), None);
    let long = "x".repeat(60_000);
    let cases = [
        ("no settings", says([complete("BEGIN"), READY.to_vec()].concat())),
        ("settings of NULL", says([settings(&[None, None, None]), READY.to_vec()].concat())),
        ("settings without columns", says([settings(&[]), READY.to_vec()].concat())),
        ("a long password_encryption", says([settings(&[Some(&long)]), READY.to_vec()].concat())),
        ("too many rounds to store", {
            let rounds = settings(&[Some("scram-sha-256"), Some("2147483647"), None]);
            says([rounds, READY.to_vec()].concat())
        }),
        ("no catalog", says([scram.clone(), READY.to_vec()].concat())),
        ("a limit of NULL", catalog(role(None, None), vec![])),
        ("a limit that is no number", catalog(role(Some("1; DROP"), None), vec![])),
        ("too few columns", catalog(row(&[Some("f")]), vec![])),
        ("too many columns", catalog(row(&[Some("f"); 500]), vec![])),
        ("a setting of NULL", catalog(base(), row(&[Some("f"), None, None]))),
        ("a setting without a value", catalog(base(), row(&[Some("f"), None, Some("x")]))),
        ("a setting of nobody", catalog(base(), row(&[None, None, Some("x=y")]))),
        ("a setting with a long name", {
            catalog(base(), row(&[Some("f"), None, Some(&format!("{long}=y"))]))
        }),
        ("a setting without a name", catalog(base(), row(&[Some("f"), None, Some("=y")]))),
        ("a database without a name", catalog(base(), row(&[Some("f"), Some(""), Some("x=y")]))),
        ("a setting in bytes", {
            let text = catalog(base(), row(&[Some("f"), None, Some("x=y?")]));
            let Turn::Says(bytes) = text else { unreachable!() };
            says(
                bytes
                    .iter()
                    .map(|byte| if *byte == b'?' { 0xff } else { *byte })
                    .collect::<Vec<_>>(),
            )
        }),
        ("a list that can't be read", {
            catalog(base(), row(&[Some("f"), None, Some("search_path=\"open")]))
        }),
        ("many catalogs", {
            let table = [head(), complete("SELECT")].concat();
            says([scram.clone(), table.repeat(1000), READY.to_vec()].concat())
        }),
    ];
    let signed_in = |turn| let_in().into_iter().chain([turn, Turn::Silent]).collect();
    cases.into_iter().map(|(name, turn)| (name, signed_in(turn))).collect()
}

/// Runs a case, checks what holds for all, and says what became of it.
fn outcome(
    turns: Vec<Turn>,
    tls: TlsMode,
    call: impl FnOnce(Login) -> Result<(), Failure>,
) -> Result<Failure, String> {
    let server = Arc::new(Mutex::new(Hostile { turns: turns.into(), ..Hostile::default() }));
    let failed = call(Login { tls, ..login(in_memory(Arc::clone(&server)), "app", PASSWORD) });
    let server = server.lock().unwrap();
    let failure = failed.err().ok_or("it succeeds")?;
    let holds =
        |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|at| at == text.as_bytes());
    if [PASSWORD, NEW_PASSWORD].iter().any(|secret| holds(&server.heard, secret)) {
        return Err("the password goes out".into());
    }
    if tls == TlsMode::Required && server.heard_in_clear != SSL_REQUEST {
        return Err(format!("{:?} goes out in clear", server.heard_in_clear));
    }
    if server.most_read > READ_MAX {
        return Err(format!("{} bytes are read", server.most_read));
    }
    let texts = [&failure.message, &failure.remedy];
    if texts.iter().any(|text| text.len() > MESSAGE_MAX || text.contains(char::is_control)) {
        return Err(format!("the message is {:?}", failure.message));
    }
    if failure.kind == Refused && failure.code != "28P01" {
        return Err("nobody refused".into());
    }
    Ok(failure)
}

#[test]
fn every_hostile_server_comes_to_a_named_failure() {
    let verify = |login: Login| Postgres::verify(&login);
    let alternate = |login: Login| {
        Postgres::change(&ChangeRequest {
            actor: login,
            username: "base_clone".into(),
            new_password: NEW_PASSWORD.into(),
            old_password: None,
            clone_of: Some("base".into()),
            keep_old_valid: false,
            may_send_text: false,
        })
    };
    let (required, disabled) = (TlsMode::Required, TlsMode::Disabled);
    type Call = fn(Login) -> Result<(), Failure>;
    let groups: [(Vec<Case>, TlsMode, Call); 6] = [
        (at_first(), disabled, verify),
        (after_md5(), disabled, verify),
        (within_scram(), disabled, verify),
        (around_tls(), required, verify),
        (to_statements(), disabled, verify),
        (to_changes(), disabled, alternate),
    ];
    let (mut all, mut wrong) = (String::new(), String::new());
    for (cases, tls, call) in groups {
        for (name, turns) in cases {
            match outcome(turns, tls, call) {
                Ok(failure) => {
                    writeln!(all, "# {name}\n{:?}: {failure}", failure.kind).unwrap();
                    let remedy = failure.remedy.lines().map(|remedy| format!("-> {remedy}\n"));
                    writeln!(all, "{}", remedy.collect::<String>()).unwrap();
                }
                Err(problem) => writeln!(wrong, "{name}: {problem}").unwrap(),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    // At run time, not `env!`: two clones may share a build directory.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").expect("run by cargo");
    let golden = Path::new(&package).join("src/tests/hostile.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&golden, &all).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap();
    for (expected, actual) in expected.split("\n\n").zip(all.split("\n\n")) {
        assert_eq!(actual, expected);
    }
    assert_eq!(all, expected);
}
