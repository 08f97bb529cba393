//! Tables of servers that mean harm, and of servers that say no, as text files: what a server does, and what
//! the plugin has to make of it.
//!
//! ```text
//! 3 cases                                 how many there are
//!
//! ! in clear                              the group: what is called, and how
//!
//! # half a header                         a case
//! < "R\0\0"                               the server says this where the plugin waits
//! > 1                                     how many times the plugin sends something
//! = Unreachable: the server closed …      what becomes of the call: kind, message, code
//! -> check that …                         and the remedy
//!
//! # notices without end
//! << "N\0\0\0\x05\0"                      it says this for ever
//! > 1
//! = Protocol: …
//!
//! # a challenge of its own
//! < "salt" <scram "r={nonce}" <silence    one turn after the other; `scram` is the plugin's own word
//! > 2
//! = Protocol: …
//! ```
//!
//! Bytes are quoted, with `\0`, `\n`, `\r`, `\t`, `\"`, `\\` and `\xNN`; `"ab"*1000` repeats. A turn begins
//! with `<` or `<<` and has any number of quoted parts, or is `<silence`, or a word of the plugin's with its
//! quoted argument, of which [`Words`] makes bytes when its time comes. Where turns are used up, the server
//! closes the connection. What the plugin sends between two of its waits counts as once: one more than it
//! was is an answer to something that should not have been answered. `BLESS=1` writes what became of each
//! case into the file, and the number of cases, so that a case which is lost is noticed; read the
//! difference.
//!
//! Of every case holds, besides what its lines say: no password goes out, and none is in the failure;
//! where TLS is required, nothing but [`Bounds::before_tls`] goes out in clear; no more is read than
//! [`Bounds::read`] before something is sent; messages and remedies are short lines; and only
//! [`Bounds::refused`] is a refusal. An author of a plugin writes such a file and a test of ten lines.

mod format;
mod server;

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::calls::{NEW_PASSWORD, PASSWORD};
use super::in_memory;
use crate::{Endpoint, Failure, FailureKind, TlsMode};
use server::Hostile;

/// What holds for every case of a table.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// What goes out in clear where TLS is required, if anything does: the request for it.
    pub before_tls: &'static [u8],
    /// How many bytes are read at most before something is sent.
    pub read: usize,
    /// The code of a refused password; with another, nobody refused.
    pub refused: &'static str,
}

/// The longest message of a failure, or remedy, in bytes: 400 characters of the server's, with the
/// plugin's words around them.
const MESSAGE_MAX: usize = 1000;

/// Makes bytes of a word and its argument, and of what the server has heard so far. `None` for a word
/// that there is not.
pub type Words = fn(word: &str, argument: &str, heard: &[u8]) -> Option<Vec<u8>>;

/// One call of a group: how TLS is asked for, and the call of the plugin at this endpoint.
pub type Call = fn(Endpoint) -> Result<(), Failure>;

/// Runs every case of the table at `path`, which is relative to the package that is tested. `group` says
/// what is called in a group, and how the secret asks for TLS there; it answers `None` to a group that
/// there is not.
///
/// # Panics
/// Where the file can't be read or is malformed, with its line; where it holds no cases, or another number
/// of them than it says; where something does not hold, with all cases of which it does not; where a case
/// comes to another end than its lines say.
pub fn check(
    path: impl AsRef<Path>,
    bounds: &Bounds,
    words: Words,
    group: impl Fn(&str) -> Option<(TlsMode, Call)>,
) {
    // At run time, not `env!`: two clones may share a build directory.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let path = &Path::new(&package).join(path);
    let text = std::fs::read_to_string(path)
        .unwrap_or_else(|error| fail(&format!("failed to read `{}`: {error}", path.display())));
    let bless = std::env::var_os("BLESS").is_some();
    let outcome = checked(&text, bounds, words, group)
        .and_then(|actual| if bless { Ok(actual) } else { compared(&text, actual) });
    match outcome {
        Ok(actual) if bless => std::fs::write(path, actual)
            .unwrap_or_else(|error| fail(&format!("`{}`: {error}", path.display()))),
        Ok(_) => {}
        Err(problem) => fail(&format!("{}: {problem}", path.display())),
    }
}

/// The table, where it is what became of its cases.
fn compared(text: &str, actual: String) -> Result<String, String> {
    let pairs = text.split("\n\n").zip(actual.split("\n\n"));
    match pairs.into_iter().find(|(expected, actual)| expected != actual) {
        Some((expected, actual)) => {
            Err(format!("it says\n{expected}\nand it is\n{actual}\nBLESS=1 renews it"))
        }
        None if text == actual => Ok(actual),
        None => Err("lines at its end belong to no case; BLESS=1 renews it".to_owned()),
    }
}

#[expect(clippy::panic, reason = "a panic is how a test reports")]
fn fail(why: &str) -> ! {
    panic!("{why}")
}

/// The table with what became of each case.
fn checked(
    text: &str,
    bounds: &Bounds,
    words: Words,
    group: impl Fn(&str) -> Option<(TlsMode, Call)>,
) -> Result<String, String> {
    let (mut all, mut wrong) = (String::new(), String::new());
    let parts = format::parse(text)?;
    let cases = parts.iter().filter(|part| matches!(part, format::Part::Case(_))).count();
    if cases == 0 {
        return Err("it holds no case".to_owned());
    }
    let _ = writeln!(all, "{cases} cases\n");
    for part in parts {
        let case = match part {
            format::Part::Group { name, line } => {
                group(&name).ok_or_else(|| format!("line {line}: no group `{name}`"))?;
                let _ = writeln!(all, "! {name}\n");
                continue;
            }
            format::Part::Case(case) => case,
        };
        let known = group(&case.group);
        let (tls, call) =
            known.ok_or_else(|| format!("line {}: a case without a group", case.line))?;
        let server = Hostile::new(VecDeque::from(case.turns.clone()), words);
        match outcome(server, tls, call, bounds) {
            Ok((sent, failure)) => {
                let became = format!("> {sent}\n{}", shown(&failure));
                let _ = writeln!(all, "# {}\n{}{became}", case.name, case.source);
            }
            Err(problem) => {
                let _ = writeln!(wrong, "line {}: {}: {problem}", case.line, case.name);
            }
        }
    }
    if wrong.is_empty() { Ok(all) } else { Err(wrong) }
}

fn shown(failure: &Failure) -> String {
    let mut text = format!("= {:?}: {failure}\n", failure.kind);
    for remedy in failure.remedy.lines() {
        let _ = writeln!(text, "-> {remedy}");
    }
    text
}

/// Runs a case, and makes sure of what holds for all: how many times the plugin sent something, and what
/// became of the call.
fn outcome(
    server: Hostile,
    tls: TlsMode,
    call: Call,
    bounds: &Bounds,
) -> Result<(usize, Failure), String> {
    let server = Arc::new(Mutex::new(server));
    let failed = call(in_memory(Arc::clone(&server)));
    let server = server.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(word) = &server.unknown {
        return Err(format!("no word `{word}`"));
    }
    let failure = failed.err().ok_or("the call succeeds")?;
    let holds =
        |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|at| at == text.as_bytes());
    let secrets = [PASSWORD, NEW_PASSWORD];
    if secrets.iter().any(|secret| holds(&server.heard, secret)) {
        return Err("the password goes out".into());
    }
    if tls == TlsMode::Required && !bounds.before_tls.starts_with(&server.heard_in_clear) {
        return Err(format!("{:?} goes out in clear", server.heard_in_clear));
    }
    if server.most_read > bounds.read + 2 * server::CHUNK {
        return Err(format!("{} bytes are read", server.most_read));
    }
    let texts = [&failure.message, &failure.remedy];
    if texts.iter().any(|text| text.len() > MESSAGE_MAX || text.contains(char::is_control)) {
        return Err(format!("the message is {:?}", failure.message));
    }
    if secrets.iter().any(|secret| format!("{failure:?}").contains(secret)) {
        return Err("a password is in the failure".into());
    }
    if failure.kind == FailureKind::Refused && failure.code != bounds.refused {
        return Err("nobody refused".into());
    }
    Ok((server.sent, failure))
}

#[cfg(test)]
mod tests;
