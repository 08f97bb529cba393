//! No password stands in any output: the rule of every test here, checked when its world ends.
//!
//! 1. **What is searched**: all that functions and the local Secrets Manager wrote to standard
//!    output (metrics) and standard error (logs), at the finest level; all that functions answered
//!    Lambda, errors included; all that commands printed; what PostgreSQL logged meanwhile.
//! 2. **For what**: every password that any version of any secret in the store holds, those of
//!    accounts that tests made, the administrator's, and every rotation token; each in every form
//!    of [`forms`]. These are written here anew, so that the host and its tests don't share a
//!    mistake.
//! 3. **What is left out**: passwords of fewer than [`SHORTEST`] characters, which stand in every
//!    text; answers of `GetSecretValue`, which are no log; in PostgreSQL's log, what stands in
//!    statements of the tests' own.
//! 4. **A leak fails the test**: a [`Watch`] panics when it is dropped, if nothing else did before.
//!
//! What was searched is counted in the file that [`COUNTS`] names; `cargo xtask test` adds it up.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aho_corasick::AhoCorasick;
use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;

/// Shorter passwords stand in every text by chance.
const SHORTEST: usize = 6;

/// How much of a form is looked for at once; the rest is compared where that was found. It keeps
/// the search small where there are hundreds of passwords.
const PREFIX: usize = 12;

/// Names the file in which searches are counted, if they are to be.
pub const COUNTS: &str = "WINDLASS_DEV_SEARCHED";

/// What commands printed, with their names.
static PRINTED: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

/// Passwords of accounts, whichever secret has them.
static ACCOUNTS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Many passwords, each in every form, to be looked for at once.
pub struct Sought {
    prefixes: AhoCorasick,
    forms: Vec<Form>,
    /// How many passwords there are.
    pub passwords: usize,
}

struct Form {
    name: &'static str,
    /// In lower case.
    text: Vec<u8>,
}

impl Sought {
    /// Looks for these; shorter ones than [`SHORTEST`] are passed over.
    ///
    /// # Errors
    /// If there are too many.
    pub fn new<'a>(passwords: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let long = |password: &&str| password.chars().count() >= SHORTEST;
        let passwords: BTreeSet<&str> = passwords.into_iter().filter(long).collect();
        let mut all = Vec::new();
        for password in &passwords {
            for (name, form) in forms(password) {
                // A log of JSON lines escapes what it is given.
                let escaped = json(&form);
                let again = if escaped == form { None } else { Some(escaped) };
                for text in std::iter::once(form).chain(again) {
                    all.push(Form { name, text: text.to_ascii_lowercase().into_bytes() });
                }
            }
        }
        let prefix = |form: &Form| form.text.iter().copied().take(PREFIX).collect::<Vec<_>>();
        let prefixes = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(all.iter().map(prefix))
            .context("too much is sought")?;
        Ok(Self { prefixes, forms: all, passwords: passwords.len() })
    }

    /// The form in which one of them stands in the text, and where.
    #[must_use]
    pub fn find(&self, text: &[u8]) -> Option<(&'static str, usize)> {
        // Base64 may be broken into lines, here or by whoever escaped the line ends.
        let unbroken = without_line_ends(text);
        [text, &unbroken].into_iter().find_map(|text| {
            self.prefixes.find_overlapping_iter(text).find_map(|found| {
                let form = self.forms.get(found.pattern().as_usize())?;
                let whole = text.get(found.start()..)?.get(..form.text.len())?;
                whole.eq_ignore_ascii_case(&form.text).then_some((form.name, found.start()))
            })
        })
    }
}

fn without_line_ends(text: &[u8]) -> Vec<u8> {
    let mut rest = text;
    let mut unbroken = Vec::with_capacity(text.len());
    while let Some((first, after)) = rest.split_first() {
        rest = match (first, after.first()) {
            (b'\n' | b'\r', _) => after,
            (b'\\', Some(b'n' | b'r')) => after.get(1..).unwrap_or_default(),
            _ => {
                unbroken.push(*first);
                after
            }
        };
    }
    unbroken
}

/// A password in every form in which somebody careless may write it; upper and lower case are the
/// same to the search.
fn forms(password: &str) -> Vec<(&'static str, String)> {
    let bytes = password.as_bytes();
    let backwards: String = password.chars().rev().collect();
    let wide: Vec<u8> = password.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let per_character = |write: &dyn Fn(char) -> String| password.chars().map(write).collect();
    let mut forms: Vec<(&'static str, String)> = vec![
        ("plain", password.to_owned()),
        ("backwards", backwards.clone()),
        ("json", json(password)),
        ("json with \\/", json(password).replace('/', "\\/")),
        ("json, all escaped", units(password)),
        ("json backwards", json(password).chars().rev().collect()),
        ("rust", per_character(&|c| c.escape_debug().to_string())),
        ("rust, all escaped", per_character(&|c| c.escape_unicode().to_string())),
        ("python", password.replace('\\', "\\\\").replace('\'', "\\'")),
        ("sql", password.replace('\'', "''")),
        ("sql with escapes", password.replace('\\', "\\\\").replace('\'', "''")),
        ("sql identifier", password.replace('"', "\"\"")),
        ("hex", numbers(bytes, "", &|b| format!("{b:02x}"))),
        ("hex with colons", numbers(bytes, ":", &|b| format!("{b:02x}"))),
        ("hex with spaces", numbers(bytes, " ", &|b| format!("{b:02x}"))),
        ("hex with \\x", numbers(bytes, "", &|b| format!("\\x{b:02x}"))),
        ("hex backwards", numbers(backwards.as_bytes(), "", &|b| format!("{b:02x}"))),
        ("hex of utf-16", numbers(&wide, "", &|b| format!("{b:02x}"))),
        ("list of bytes", numbers(bytes, ", ", &|b| b.to_string())),
        ("octal", numbers(bytes, "", &|b| format!("\\{b:03o}"))),
        ("url", url(bytes, "%20")),
        ("form", url(bytes, "+")),
        ("url, all escaped", numbers(bytes, "", &|b| format!("%{b:02x}"))),
        ("url twice", url(url(bytes, "%20").as_bytes(), "%20")),
        ("html", html(password)),
        ("html, all decimal", per_character(&|c| format!("&#{};", u32::from(c)))),
        ("html, all hex", per_character(&|c| format!("&#x{:x};", u32::from(c)))),
    ];
    for (name, bytes) in [
        ("base64", bytes),
        ("base64 of json", json(password).as_bytes()),
        ("base64 backwards", backwards.as_bytes()),
        ("base64 of utf-16", &wide),
    ] {
        for before in 0..3 {
            let shifted = [vec![0; before].as_slice(), bytes].concat();
            // Digits at both ends are shared with what stands there.
            let own = (before * 8).div_ceil(6)..shifted.len() * 8 / 6;
            for encoded in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
                forms.push((name, encoded.get(own.clone()).unwrap_or_default().to_owned()));
            }
        }
    }
    let mut seen = BTreeSet::new();
    forms.retain(|(_, form)| form.len() >= SHORTEST && seen.insert(form.clone()));
    forms
}

/// How many kinds of forms there are.
fn kinds() -> usize {
    forms("\"A 'password'/\\").into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>().len()
}

fn json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
}

fn units(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
}

fn numbers(bytes: &[u8], separator: &str, write: &dyn Fn(u8) -> String) -> String {
    bytes.iter().map(|byte| write(*byte)).collect::<Vec<_>>().join(separator)
}

fn url(bytes: &[u8], space: &str) -> String {
    numbers(bytes, "", &|byte| match byte {
        b' ' => space.to_owned(),
        b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02x}"),
    })
}

fn html(text: &str) -> String {
    let escapes = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", "&#39;")];
    escapes.into_iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// All passwords in the file of a local Secrets Manager.
///
/// # Errors
/// If it can't be read.
pub fn passwords_in_store(store: &Path) -> Result<BTreeSet<String>> {
    let reading = || format!("reading the store `{}`", store.display());
    let text = match std::fs::read_to_string(store) {
        Ok(text) => text,
        // Nobody has stored anything.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(error).with_context(reading),
    };
    let store: Value = serde_json::from_str(&text).with_context(reading)?;
    let secrets = store.get("secrets").and_then(Value::as_object).into_iter().flatten();
    let versions = secrets.filter_map(|(_, secret)| secret.get("versions")?.as_array()).flatten();
    let texts = versions.filter_map(|version| version.pointer("/value/text")?.as_str());
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
            let said = said.join("\n");
            let own = |password: &&String| {
                let escaped = password.replace('\\', "\\\\").replace('\'', "''");
                !said.contains(password.as_str()) && !said.contains(&escaped)
            };
            let sought = Sought::new(secrets.iter().filter(own).map(String::as_str))?;
            found.extend(find_all(&sought, &servers)?);
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
    let line = format!("{texts} {bytes} {passwords} {}\n", kinds());
    let file = std::fs::OpenOptions::new().append(true).create(true).open(file);
    file.and_then(|mut file| file.write_all(line.as_bytes())).context("counting a search")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORDS: [&str; 3] = ["Tr0ub4dor&3 'x' \"y\"/\\", "correct horse", "пароль-🔑"];

    #[test]
    fn every_form_is_found_in_whatever_stands_around_it() -> Result<()> {
        for password in PASSWORDS {
            let sought = Sought::new(PASSWORDS)?;
            for (name, form) in forms(password) {
                for text in [
                    form.clone(),
                    format!("before {form} after"),
                    format!("{{\"message\":{}}}", Value::from(form.as_str())),
                    form.to_ascii_uppercase(),
                ] {
                    assert!(sought.find(text.as_bytes()).is_some(), "{name}: {text}");
                }
            }
            // Not in halves, and not by the beginning alone.
            let half: String = password.chars().take(password.chars().count() / 2).collect();
            assert_eq!(sought.find(half.as_bytes()), None);
        }
        Ok(())
    }

    #[test]
    fn base64_is_found_broken_into_lines_and_with_neighbours() -> Result<()> {
        let sought = Sought::new(["correct horse"])?;
        for before in ["", "a", "ab", "abc"] {
            let encoded = STANDARD_NO_PAD.encode(format!("{before}correct horse!"));
            let (first, second) = encoded.split_at(7);
            for text in
                [encoded.clone(), format!("{first}\n{second}"), format!("{first}\\n{second}")]
            {
                assert_eq!(sought.find(text.as_bytes()).map(|found| found.0), Some("base64"));
            }
        }
        Ok(())
    }

    #[test]
    fn a_planted_leak_fails_the_test_that_it_is_in() -> Result<()> {
        let work = windlass_harness::WorkDir::new()?;
        let store = work.path().join("secrets.json");
        let value = serde_json::json!({ "username": "app", "password": "correct horse" });
        let version = serde_json::json!({ "value": { "text": value.to_string() } });
        let secrets = serde_json::json!({ "secrets": { "s": { "versions": [version] } } });
        std::fs::write(&store, secrets.to_string())?;
        let log = work.path().join("function-1.err");
        let watch = Watch::new(work.path(), &store);
        std::fs::write(&log, "app signs in with another one\n")?;
        assert_eq!(watch.search()?, Vec::<String>::new());
        std::fs::write(&log, format!("Basic {}\n", STANDARD_NO_PAD.encode("app:correct horse")))?;
        assert!(watch.search()?.concat().ends_with("as base64"));
        let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(watch)));
        assert!(dropped.is_err(), "the leak was not told");
        Ok(())
    }

    #[test]
    fn a_servers_log_may_hold_what_the_test_said_and_nothing_else() -> Result<()> {
        let work = windlass_harness::WorkDir::new()?;
        let search = |log: &str| {
            let log = log.to_owned();
            Watch::new(work.path(), &work.path().join("none"))
                .and(move || {
                    Ok(Further {
                        secrets: ["made by the test's own", "made by Windlass"]
                            .map(str::to_owned)
                            .into(),
                        servers: vec![("the server".to_owned(), log.clone())],
                        said: vec!["PASSWORD E'made by the test''s own'".to_owned()],
                        ..Further::default()
                    })
                })
                .search()
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
