//! The Redshift plugin, whole calls, against a server whose every byte is the input; each further
//! connection is answered with what is left of it.
//!
//! - The password goes out in clear only inside TLS, and only to a server that asked for it so; the
//!   new one never does. With TLS required, nothing but the request for it goes out in clear.
//! - Without TLS, a server that has to prove itself gets nothing. Nobody is verified unless the server
//!   named the user.
//! - `refused` only where the server said that the password is wrong, and before any statement. A
//!   change succeeds only where it said COMMIT.
//! - No text of the server's leaves the quotes in a statement, types of arguments excepted.
//! - A failure is one line, of bounded length, and never blames the secret for what the server said.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use windlass_plugin_redshift::Redshift;
use windlass_sdk::testing::{Server as _, Stream, dialled};
use windlass_sdk::{Failure, FailureKind, TlsInfo};

use crate::postgres::server::{Heard, Server};
use crate::postgres::wire::*;
use crate::postgres::{Call, Choice, MESSAGE_MAX, NEW_PASSWORD, PASSWORD, SSL_REQUEST, call, sql};
use crate::{Seed, holds, is_one_line};

/// What stands outside of quotes in our statements, letters and digits left out.
const MARKS: &str = " ,;()_.:=<>-[]";

/// A byte that chooses, as for the target `postgres`, and what the server says.
pub fn run(data: &[u8]) {
    let Some((choice, says)) = data.split_first() else { return };
    let choice = Choice(*choice);
    let (server, outcome) = conversation(choice, says);
    let server = server.lock().unwrap_or_else(PoisonError::into_inner);
    check_heard(choice, &server);
    match outcome {
        Ok(()) => check_success(choice, &server),
        Err(failure) => check_failure(choice, &server, &failure),
    }
}

fn conversation(choice: Choice, says: &[u8]) -> (Arc<Mutex<Server>>, Result<(), Failure>) {
    let server = Arc::new(Mutex::new(Server::new(choice, says)));
    let connections = Arc::clone(&server);
    let endpoint = dialled(move || Ok(Box::new(Connection::to(Arc::clone(&connections)))));
    (server, call::<Redshift>(choice, choice.login(endpoint)))
}

/// One of several connections to the server, which goes on where it was.
#[derive(Debug)]
struct Connection {
    server: Arc<Mutex<Server>>,
    in_tls: bool,
    unread: VecDeque<u8>,
}

impl Connection {
    fn to(server: Arc<Mutex<Server>>) -> Self {
        Self { server, in_tls: false, unread: VecDeque::new() }
    }

    fn server(&self) -> MutexGuard<'_, Server> {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        server.in_tls = self.in_tls;
        server
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.unread.is_empty() {
            let said = self.server().speak()?;
            self.unread.extend(said);
        }
        self.unread.read(buffer)
    }
}

impl Write for Connection {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.server().hear(data);
        Ok(data.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Connection {
    fn start_tls(mut self: Box<Self>) -> Result<(Box<dyn Stream>, TlsInfo), Failure> {
        if !self.unread.is_empty() {
            return Err(Failure::protocol("the server sent data in clear before TLS"));
        }
        let info = self.server().start_tls()?;
        self.in_tls = true;
        Ok((self, info))
    }
}

fn check_heard(choice: Choice, server: &Server) {
    // A server that knows a password may have it repeated, as the value of a setting.
    let [old, new] = [PASSWORD, NEW_PASSWORD]
        .map(|secret| Some(secret.as_bytes()).filter(|secret| !server.said(secret)));
    for Heard { message, in_tls, may_be_clear } in &server.heard {
        let said = String::from_utf8_lossy(message);
        let may_be_clear = *in_tls && *may_be_clear;
        assert!(may_be_clear || !old.is_some_and(|old| holds(message, old)), "in clear: {said}");
        // Where it is proved after the change, a server may ask for it in clear.
        assert!(may_be_clear || !new.is_some_and(|new| holds(message, new)), "new: {said}");
        let in_clear = choice.has(Choice::TLS) && !in_tls;
        assert!(!in_clear || message == SSL_REQUEST, "before TLS: {said}");
    }
    let proved = server.heard.iter().any(is_proof);
    assert!(!choice.must_be_proved() || !proved, "something made of the password");
    server.heard.iter().filter_map(Heard::query).for_each(|query| {
        assert!(!new.is_some_and(|new| holds(query.as_bytes(), new)), "new: {query}");
        sql::check_marks(query, MARKS);
    });
}

/// Whether it is made of a password.
fn is_proof(heard: &Heard) -> bool {
    matches!(heard.message.first(), Some(b'p' | b'd'))
}

fn check_success(choice: Choice, server: &Server) {
    assert!(server.said(b"R\0\0\0\x08\0\0\0\0"), "nobody was let in");
    assert!(server.said(b"Z\0\0\0\x05"), "the server was not ready");
    assert!(choice.call() != Call::Verify || server.said(b"app"), "another user");
    assert!(server.heard.iter().any(is_proof), "no password");
    if choice.call() != Call::Verify {
        assert!(server.said(b"COMMIT\0"), "nothing was committed");
        let last = server.heard.iter().rev().find_map(Heard::query).unwrap_or_default();
        assert!(last.contains(" PASSWORD '") && last.ends_with("; COMMIT"), "{last}");
    }
}

fn check_failure(choice: Choice, server: &Server, failure: &Failure) {
    let Failure { kind, code, message, remedy } = failure;
    for text in [message, remedy] {
        assert!(is_one_line(text) && text.len() < MESSAGE_MAX, "{text:?}");
    }
    let is_code = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    assert!(code.is_empty() || code.len() == 5 && code.bytes().all(is_code), "{code:?}");
    for secret in [PASSWORD, NEW_PASSWORD] {
        let repeated = message.contains(secret) || remedy.contains(secret);
        assert!(!repeated || server.said(secret.as_bytes()), "{message}; {remedy}");
    }
    match kind {
        FailureKind::Refused => {
            let said = ["password authentication failed", "kept elsewhere"];
            let said = said.iter().any(|text| message.contains(text));
            assert!(code == "28P01" || code == "28000" && said, "refused by nobody: {failure}");
            assert!(server.said(code.as_bytes()), "{failure}");
            let signed_in = server.heard.iter().any(|heard| heard.query().is_some());
            assert!(!signed_in, "refused after the sign-in: {failure}");
        }
        // The login and the request are good: who says so blames the secret for the server.
        FailureKind::InvalidSecret => panic!("the secret is blamed: {failure}"),
        FailureKind::Unproven => assert!(choice.must_be_proved(), "{failure}"),
        // In here TLS never fails.
        FailureKind::TlsFailed => panic!("{failure}"),
        FailureKind::NoTls
        | FailureKind::Unreachable
        | FailureKind::PasswordRejected
        | FailureKind::TextRequired
        | FailureKind::NotAPair
        | FailureKind::Declined
        | FailureKind::Protocol
        | FailureKind::Unsupported => {}
    }
}

/// Conversations as Redshift has them, good and bad.
pub fn seeds() -> Vec<Seed> {
    const VERIFY: u8 = 0;
    const OWN: u8 = 1;
    const BY_ADMINISTRATOR: u8 = 2;
    const ALTERNATING: u8 = 3;
    let seed =
        |name, choice: u8, says: &[&[u8]]| Seed::new(name, [&[choice], &*says.concat()].concat());
    let md5 = authentication(5, &[1, 2, 3, 4]);
    let digest = {
        let length = |length: u32| length.to_be_bytes();
        let parts = [&length(0)[..], &length(32), &[7; 32], &length(5), b"nonce"];
        authentication(13, &parts.concat())
    };
    let let_in = [&md5[..], &welcome()].concat();
    let selected = [&table(&[row(&[Some("app")])])[..], READY].concat();
    let committed = [&complete("ALTER USER")[..], &complete("COMMIT"), READY].concat();
    let wrong = error("28000", "password authentication failed for user \"app\"");
    let catalog = {
        let columns = [
            ["pg_attribute_info", "attacl"],
            ["pg_default_acl", "defacluser"],
            ["pg_proc_info", "prokind"],
            ["svl_user_info", "sessiontimeout"],
            ["svv_user_grants", "admin_option"],
        ];
        let rows = columns.map(|pair| row(&pair.map(Some)));
        [complete("BEGIN"), table(&rows), READY.to_vec()].concat()
    };
    // The clone is there or not, and is a member of the groups and roles or not.
    let state = |clone: &str, member: &str, mark: &[Vec<u8>], list: &str| {
        let user =
            |name| row(&[Some(name), Some("f"), Some("f"), None, Some("search_path=a, \"b\"")]);
        let limit = |name| row(&[Some(name), Some("5"), Some("RESTRICTED"), Some("60")]);
        let group = ["base", member].map(|name| row(&[Some(name), Some("readers")]));
        let role = ["base", member].map(|name| row(&[Some(name), Some("analyst"), Some("True")]));
        let right = |kind, detail| {
            row(&[Some(kind), Some("s"), Some("t"), Some(detail), Some("o"), Some(list)])
        };
        let rights = ["d", "n", "t", "l"].map(|kind| right(kind, "")).into_iter().chain([
            right("c", "column"),
            right("f", "integer, character varying"),
            right("a", "r"),
        ]);
        [
            table(&[user("base"), user(clone)]),
            table(&[&group[..], mark].concat()),
            table(&[row(&[Some("windlass_clones")])]),
            table(&[limit("base"), limit(clone)]),
            table(&role),
            table(&rights.collect::<Vec<_>>()),
            READY.to_vec(),
        ]
        .concat()
    };
    let marked = [row(&[Some("base_clone"), Some("windlass_clones")])];
    let list = "base=r*wX/o,\"q \"\"t\"=U/o,group base=d/o,base_clone=Z/o";
    let new = state("nobody", "nobody", &[], list);
    let differs = state("base_clone", "nobody", &marked, list);
    let equal = state("base_clone", "base_clone", &marked, "");
    // A name that is longer than any.
    let long = row(&[Some("base"), Some(&"x".repeat(128))]);
    let unwritable = state("base_clone", "base_clone", &[&marked[..], &[long]].concat(), "");
    vec![
        seed("md5", VERIFY, &[&let_in, &selected]),
        seed("digest", VERIFY, &[&digest, &welcome(), &selected]),
        seed("digest-in-tls", VERIFY | Choice::TLS, &[b"S", &digest, &welcome(), &selected]),
        seed("mutual-md5", VERIFY | Choice::MUTUAL, &[&let_in, &selected]),
        seed("mutual-digest", VERIFY | Choice::MUTUAL, &[&digest, &welcome(), &selected]),
        seed("refused", VERIFY, &[&md5, &wrong]),
        seed("own", OWN, &[&let_in, &committed]),
        seed("own-proved", OWN, &[&digest, &welcome(), &committed, &digest, &welcome()]),
        seed("own-disproved", OWN, &[&digest, &welcome(), &committed, &digest, &wrong, &committed]),
        seed("by-administrator", BY_ADMINISTRATOR, &[&let_in, &md5, &committed]),
        seed("declined", BY_ADMINISTRATOR, &[&let_in, &md5, &error("42501", "permission denied")]),
        seed("unwritable", ALTERNATING, &[&let_in, &md5, &catalog, &unwritable]),
        seed("created", ALTERNATING, &[&let_in, &md5, &catalog, &new, &equal, &committed]),
        seed("differs", ALTERNATING, &[&let_in, &md5, &catalog, &differs, &equal, &committed]),
        seed("equal", ALTERNATING | Choice::SILENT, &[&let_in, &md5, &catalog, &equal, &committed]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_conversations_to_their_end() {
        for Seed { name, input } in seeds() {
            let outcome = conversation(Choice(input[0]), &input[1..]).1.map_err(|it| it.kind);
            let expected = match name {
                "refused" => Err(FailureKind::Refused),
                "mutual-md5" | "mutual-digest" => Err(FailureKind::Unproven),
                "declined" | "unwritable" => Err(FailureKind::Declined),
                _ => Ok(()),
            };
            assert_eq!(outcome, expected, "{name}");
        }
    }
}
