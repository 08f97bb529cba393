//! No password stands in any output: the rule of every test here, checked when its world ends.
//!
//! 1. **What is searched**: all that functions and the local Secrets Manager wrote to standard
//!    output (metrics) and standard error (logs), at the finest level; all that functions answered
//!    Lambda, errors included; all that commands printed; what the servers logged meanwhile.
//! 2. **For what**: every password that any version of any secret in the store holds, those of
//!    accounts that tests made, the administrator's, and every rotation token; each in every form
//!    of [`Sought`], and every eight characters of it. These are written here anew, so that the host and its tests don't share a
//!    mistake.
//! 3. **What is left out**: passwords of fewer than six characters, which stand in every text;
//!    answers of `GetSecretValue`, which are no log; in a server's log, what stands in statements of
//!    the tests' own.
//! 4. **A leak fails the test**: a [`Watch`] panics when it is dropped, if nothing else did before.
//!
//! What was searched is counted in the file that [`COUNTS`] names; `cargo xtask test` adds it up.

mod sought;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use serde_json::Value;
use windlass_harness::Postgres;
use windlass_secrets_manager::EmbeddedStore;

pub use sought::Sought;

/// Names the file in which searches are counted, if they are to be.
pub const COUNTS: &str = "WINDLASS_DEV_SEARCHED";

/// What commands printed, with their names.
static PRINTED: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

/// Passwords of accounts, whichever secret has them.
static ACCOUNTS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// All passwords in the file of a local Secrets Manager.
///
/// # Errors
/// If it can't be read.
pub fn passwords_in_store(store: &Path) -> Result<BTreeSet<String>> {
    let reading = || format!("reading the store `{}`", store.display());
    // Where nobody has stored anything there is no file, perhaps not even a folder.
    if !store.exists() {
        return Ok(BTreeSet::new());
    }
    let store = EmbeddedStore::open(store).with_context(reading)?;
    let values = store.all_values().with_context(reading)?;
    let texts = values.iter().filter_map(|value| value.as_text());
    Ok(texts.flat_map(passwords_in).collect())
}

/// The passwords in a secret's value; all of it, if it is no JSON object.
pub fn passwords_in(value: &str) -> Vec<String> {
    let Ok(Value::Object(fields)) = serde_json::from_str(value) else {
        return vec![value.to_owned()];
    };
    let fields = fields.iter().filter(|(key, _)| {
        let key = key.to_lowercase();
        key.contains("pass") || key.contains("pwd")
    });
    fields.filter_map(|(_, value)| value.as_str()).map(str::to_owned).collect()
}

/// Notes the password of an account.
pub fn note_account(password: &str) {
    lock(&ACCOUNTS).insert(password.to_owned());
}

/// Notes what a command printed. `store`: the file that it was given, whose passwords are looked
/// for at once.
///
/// # Errors
/// If one was found.
pub fn note_printed(command: &str, printed: String, store: Option<&Path>) -> Result<()> {
    if let Some(store) = store {
        let passwords = passwords_in_store(store)?;
        let sought = Sought::new(passwords.iter().map(String::as_str))?;
        let leak = sought.find(printed.as_bytes());
        count(1, printed.len(), sought.passwords)?;
        if let Some((form, _)) = leak {
            anyhow::bail!("a password stands in what `{command}` printed, as {form}");
        }
    }
    lock(&PRINTED).push((command.to_owned(), printed));
    Ok(())
}

/// Searches the log of a server of a test's own for the passwords of a store.
///
/// # Errors
/// If one was found that the test itself did not say.
pub fn search_server(postgres: &Postgres, store: &Path) -> Result<()> {
    let log = vec![("the server's log".to_owned(), postgres.log()?.text().to_owned())];
    let sought = unsaid(&passwords_in_store(store)?, &postgres.own_statements())?;
    let found = find_all(&sought, &log)?;
    anyhow::ensure!(found.is_empty(), "{}", found.join("\n"));
    Ok(())
}

/// What was not said to a server by the tests themselves.
fn unsaid(secrets: &BTreeSet<String>, said: &[String]) -> Result<Sought> {
    let said = said.join("\n");
    let own = |password: &&String| {
        let escaped = password.replace('\\', "\\\\").replace('\'', "''");
        said.contains(password.as_str()) || said.contains(&escaped)
    };
    Sought::new(secrets.iter().filter(|password| !own(password)).map(String::as_str))
}

/// Searches what a test leaves behind, when it is dropped. It goes last.
pub struct Watch {
    /// The directory of the logs, `*.out` and `*.err`.
    logs: PathBuf,
    store: PathBuf,
    further: Vec<Box<dyn Fn() -> Result<Further> + Send + Sync>>,
}

/// What is searched, and for what, beyond logs and the store.
#[derive(Default)]
pub struct Further {
    /// Name and text.
    pub texts: Vec<(String, String)>,
    /// Passwords and the like.
    pub secrets: BTreeSet<String>,
    /// Name and text, in which passwords of `said` may stand.
    pub servers: Vec<(String, String)>,
    /// What tests said to servers themselves.
    pub said: Vec<String>,
}

impl Watch {
    /// Watches a directory's logs for the passwords of a store.
    #[must_use]
    pub fn new(logs: &Path, store: &Path) -> Self {
        Self { logs: logs.to_owned(), store: store.to_owned(), further: Vec::new() }
    }

    /// And more, to be asked for in the end.
    #[must_use]
    pub fn and(mut self, more: impl Fn() -> Result<Further> + Send + Sync + 'static) -> Self {
        self.further.push(Box::new(more));
        self
    }

    /// Searches everything there is by now, and tells what was found.
    ///
    /// # Errors
    /// If something can't be read.
    pub fn search(&self) -> Result<Vec<String>> {
        let mut secrets = passwords_in_store(&self.store)?;
        secrets.extend(lock(&ACCOUNTS).iter().cloned());
        let mut texts = logs(&self.logs)?;
        let mut chatter: Vec<String> =
            texts.iter().filter_map(|(name, text)| foreign_chatter(name, text)).collect();
        texts.extend(lock(&PRINTED).iter().cloned());
        let (mut servers, mut said) = (Vec::new(), Vec::new());
        for more in &self.further {
            let more = more()?;
            secrets.extend(more.secrets);
            texts.extend(more.texts);
            servers.extend(more.servers);
            said.extend(more.said);
        }
        let sought = Sought::new(secrets.iter().map(String::as_str))?;
        let mut found = find_all(&sought, &texts)?;
        if !servers.is_empty() {
            found.extend(find_all(&unsaid(&secrets, &said)?, &servers)?);
        }
        found.append(&mut chatter);
        Ok(found)
    }
}

fn find_all(sought: &Sought, texts: &[(String, String)]) -> Result<Vec<String>> {
    let bytes = texts.iter().map(|(_, text)| text.len()).sum();
    count(texts.len(), bytes, sought.passwords)?;
    let found = texts.iter().filter_map(|(name, text)| {
        let (form, at) = sought.find(text.as_bytes())?;
        let line = text.get(..at).map_or(0, |before| before.lines().count());
        Some(format!("a password stands in {name}, near line {line}, as {form}"))
    });
    Ok(found.collect())
}

/// The logs of a directory.
fn logs(directory: &Path) -> Result<Vec<(String, String)>> {
    let reading = || format!("reading the logs in `{}`", directory.display());
    let mut logs = Vec::new();
    for entry in std::fs::read_dir(directory).with_context(reading)? {
        let path = entry.with_context(reading)?.path();
        if path.extension().is_some_and(|extension| extension == "out" || extension == "err") {
            let text = std::fs::read(&path).with_context(reading)?;
            let text = String::from_utf8_lossy(&text).into_owned();
            logs.push((path.display().to_string(), text));
        }
    }
    Ok(logs)
}

/// A line of a function's log that a library wrote below the level of warnings: the AWS SDK's
/// hold requests and answers.
fn foreign_chatter(name: &str, log: &str) -> Option<String> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let chatty = lines.into_iter().find(|line| {
        let text = |key| line.get(key).and_then(Value::as_str).unwrap_or_default();
        let own = ["windlass", "bootstrap"].iter().any(|own| text("target").starts_with(own));
        matches!(text("level"), "TRACE" | "DEBUG" | "INFO") && !own
    });
    chatty.map(|line| format!("a library wrote into {name}: {line}"))
}

impl Drop for Watch {
    fn drop(&mut self) {
        let found = match self.search() {
            Ok(found) if found.is_empty() => return,
            Ok(found) => found.join("\n"),
            Err(error) => format!("the search for passwords failed: {error:#}"),
        };
        // A second panic would end the process, and with it the report of the first.
        if std::thread::panicking() {
            let _ = writeln!(std::io::stderr(), "{found}");
        } else {
            tell(&found);
        }
    }
}

#[expect(clippy::panic, reason = "a panic is how a test reports, in its own end as well")]
fn tell(found: &str) {
    panic!("{found}");
}

/// Counts a search, where somebody wants to know.
fn count(texts: usize, bytes: usize, passwords: usize) -> Result<()> {
    let Some(file) = std::env::var_os(COUNTS) else { return Ok(()) };
    let line = format!("{texts} {bytes} {passwords} {}\n", sought::kinds());
    let file = std::fs::OpenOptions::new().append(true).create(true).open(file);
    file.and_then(|mut file| file.write_all(line.as_bytes())).context("counting a search")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    use windlass_secrets_manager::CreateSecret;

    use super::*;

    #[test]
    fn a_planted_leak_fails_the_test_that_it_is_in() -> Result<()> {
        let work = windlass_harness::WorkDir::new()?;
        let store = work.path().join("secrets.db");
        let value = serde_json::json!({ "username": "app", "password": "correct horse" });
        let secret = CreateSecret::with_text("s", value.to_string());
        EmbeddedStore::open(&store)?.create_secret(secret)?;
        let log = work.path().join("function-1.err");
        let watch = Watch::new(work.path(), &store);
        std::fs::write(&log, "app signs in with another one\n")?;
        assert_eq!(watch.search()?, Vec::<String>::new());
        std::fs::write(&log, format!("Basic {}\n", STANDARD_NO_PAD.encode("app:correct horse")))?;
        assert!(watch.search()?.concat().ends_with("as base64"));
        let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(watch)));
        assert!(dropped.is_err(), "the leak was not reported");
        Ok(())
    }

    #[test]
    fn a_servers_log_may_hold_what_the_test_said_and_nothing_else() -> Result<()> {
        let work = windlass_harness::WorkDir::new()?;
        let search = |log: &str| {
            let log = log.to_owned();
            let watch = Watch::new(work.path(), &work.path().join("none")).and(move || {
                Ok(Further {
                    secrets: ["made by the test's own", "made by Windlass"]
                        .map(str::to_owned)
                        .into(),
                    servers: vec![("the server".to_owned(), log.clone())],
                    said: vec!["PASSWORD E'made by the test''s own'".to_owned()],
                    ..Further::default()
                })
            });
            let found = watch.search();
            // It would tell of what was planted.
            std::mem::forget(watch);
            found
        };
        assert_eq!(search("PASSWORD E'made by the test''s own'")?, Vec::<String>::new());
        assert_eq!(search("PASSWORD 'made by Windlass'")?.len(), 1);
        Ok(())
    }

    #[test]
    fn a_library_that_chatters_is_noticed() {
        let line = |level: &str, target: &str| {
            serde_json::json!({ "level": level, "target": target, "message": "x" }).to_string()
        };
        for (level, target, noticed) in [
            ("TRACE", "windlass::handler", false),
            ("INFO", "bootstrap", false),
            ("WARN", "aws_smithy_runtime", false),
            ("DEBUG", "aws_smithy_runtime", true),
            ("TRACE", "hyper::proto", true),
            ("INFO", "wasmtime", true),
        ] {
            assert_eq!(
                foreign_chatter("a log", &line(level, target)).is_some(),
                noticed,
                "{target}"
            );
        }
    }
}
