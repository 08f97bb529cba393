//! `windlass.toml`.
//!
//! ```toml
//! strategy = "alternating-users"           # WINDLASS_STRATEGY
//! plugin = "postgres"                      # WINDLASS_PLUGIN
//! plugin-folders = ["plugins"]             # WINDLASS_PLUGINS; paths are relative to this file
//! grants = ["tcp://*.rds.amazonaws.com"]   # WINDLASS_GRANTS; an empty list grants nothing
//! ca-bundle = "roots.pem"                  # WINDLASS_CA_BUNDLE
//! tls = "required"                         # WINDLASS_TLS
//! tags = ["plugin", "strategy"]            # WINDLASS_TAGS; an empty list heeds none
//! send-text = false                        # WINDLASS_SEND_TEXT
//!
//! [plugins.postgres]
//! sha256 = "…"                             # the component that it must be
//! grants = ["tcp://{host}:{port}"]         # for this plugin, in place of the grants above
//!
//! [trust]
//! components = ["ed25519:…"]               # one of these must have signed every component
//! compiled = ["ed25519:…"]                 # one of these must have signed what it was compiled to
//! ```
//!
//! It is walked by hand rather than deserialized, so that every mistake is reported, with its line.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Settings;
use crate::rotation::{HonoredTags, TlsPolicy};
use crate::sandbox::admission::{Admission, PluginPolicy, Trust};
use crate::sandbox::is_word;

/// What the file says.
#[derive(Default)]
pub(super) struct File {
    pub(super) settings: Settings,
    pub(super) admission: Admission,
}

/// The keys of the file, of a plugin's table and of `[trust]`.
const KEYS: [&str; 10] = [
    "strategy",
    "plugin",
    "plugin-folders",
    "grants",
    "ca-bundle",
    "tls",
    "tags",
    "send-text",
    "plugins",
    "trust",
];
const PLUGIN_KEYS: [&str; 2] = ["sha256", "grants"];
const TRUST_KEYS: [&str; 2] = ["components", "compiled"];

/// A table of the file, and how its keys begin in messages.
#[derive(Clone, Copy)]
struct Section<'a, 'i> {
    prefix: &'a str,
    table: &'a DeTable<'i>,
}

/// Reads the file's text; `path` is for messages, and what its relative paths are relative to.
pub(super) fn parse(path: &Path, text: &str, mistakes: &mut Vec<String>) -> File {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { path, text, mistakes };
    for error in &errors {
        reader.mistake(error.span().map_or(0, |span| span.start), error.message());
    }
    // What follows a syntax error is not what was meant.
    if errors.is_empty() { reader.file(document.get_ref()) } else { File::default() }
}

/// Takes values out of sections and notes what is wrong with them.
struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    mistakes: &'a mut Vec<String>,
}

impl Reader<'_> {
    fn file(&mut self, table: &DeTable<'_>) -> File {
        let whole = Section { prefix: "", table };
        self.known(whole, &KEYS);
        let folder = self.path.parent().unwrap_or(Path::new("")).to_owned();
        let beside = |path: String| folder.join(path);
        File {
            settings: Settings {
                strategy: self.parsed(whole, "strategy"),
                plugin: self.text(whole, "plugin"),
                plugin_folders: self
                    .texts(whole, "plugin-folders")
                    .map(|folders| folders.into_iter().map(|(_, path)| beside(path)).collect()),
                grants: self.list(whole, "grants"),
                ca_bundle: self.text(whole, "ca-bundle").map(beside),
                tls_policy: self.tls_policy(whole),
                tags: self.tags(whole),
                send_text: self.truth(whole, "send-text"),
            },
            admission: Admission { plugins: self.plugins(whole), trust: self.trust(whole) },
        }
    }

    fn tls_policy(&mut self, whole: Section<'_, '_>) -> Option<TlsPolicy> {
        let value = whole.table.get("tls")?;
        let policy = value.get_ref().as_str().and_then(|text| text.parse::<TlsPolicy>().ok());
        if policy.is_none() {
            self.mistake(value.span().start, format!("`tls` must be {}", TlsPolicy::NAMES));
        }
        policy
    }

    fn truth(&mut self, section: Section<'_, '_>, key: &str) -> Option<bool> {
        let value = section.table.get(key)?;
        let truth = value.get_ref().as_bool();
        if truth.is_none() {
            let must_be = format!("`{}{key}` must be true or false", section.prefix);
            self.mistake(value.span().start, must_be);
        }
        truth
    }

    fn tags(&mut self, whole: Section<'_, '_>) -> Option<HonoredTags> {
        let at = whole.table.get("tags")?.span().start;
        let names = self.texts(whole, "tags")?;
        HonoredTags::from_names(names.iter().map(|(_, name)| name.as_str()))
            .map_err(|error| self.mistake(at, format!("`tags`: {error}")))
            .ok()
    }

    fn plugins(&mut self, whole: Section<'_, '_>) -> BTreeMap<String, PluginPolicy> {
        let mut plugins = BTreeMap::new();
        let Some(all) = self.table(whole, "plugins") else { return plugins };
        for (name, value) in all {
            let at = name.span().start;
            let name = name.get_ref().as_ref();
            let prefix = format!("plugins.{name}.");
            let Some(table) = value.get_ref().as_table() else {
                self.mistake(at, format!("`plugins.{name}` must be a table"));
                continue;
            };
            if !is_word(name) {
                let why = "a plugin's name is made of lower-case letters, digits and `-`";
                self.mistake(at, format!("`plugins.{name}`: {why}"));
            }
            let section = Section { prefix: &prefix, table };
            self.known(section, &PLUGIN_KEYS);
            let policy = PluginPolicy {
                sha256: self.parsed(section, "sha256"),
                grants: self.list(section, "grants"),
            };
            plugins.insert(name.to_owned(), policy);
        }
        plugins
    }

    fn trust(&mut self, whole: Section<'_, '_>) -> Trust {
        let Some(table) = self.table(whole, "trust") else { return Trust::default() };
        let section = Section { prefix: "trust.", table };
        self.known(section, &TRUST_KEYS);
        Trust {
            components: self.list(section, "components").unwrap_or_default(),
            compiled: self.list(section, "compiled").unwrap_or_default(),
        }
    }

    /// No key is there that nobody knows.
    fn known(&mut self, section: Section<'_, '_>, known: &[&str]) {
        for key in section.table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let name = format!("{}{}", section.prefix, key.get_ref());
            let known = known.join(", ");
            self.mistake(key.span().start, format!("unknown key `{name}`; the keys are {known}"));
        }
    }

    fn table<'t, 'i>(&mut self, section: Section<'t, 'i>, key: &str) -> Option<&'t DeTable<'i>> {
        let value = section.table.get(key)?;
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.mistake(value.span().start, format!("`{}{key}` must be a table", section.prefix));
        }
        table
    }

    fn text(&mut self, section: Section<'_, '_>, key: &str) -> Option<String> {
        let value = section.table.get(key)?;
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            self.mistake(value.span().start, format!("`{}{key}` must be a string", section.prefix));
        }
        text
    }

    /// A list of texts, each with where it stands.
    fn texts(&mut self, section: Section<'_, '_>, key: &str) -> Option<Vec<(usize, String)>> {
        let value: &Spanned<DeValue<'_>> = section.table.get(key)?;
        let must_be = format!("`{}{key}` must be a list of strings", section.prefix);
        let Some(list) = value.get_ref().as_array() else {
            self.mistake(value.span().start, must_be);
            return None;
        };
        let mut texts = Vec::with_capacity(list.len());
        for entry in list.iter() {
            match entry.get_ref().as_str() {
                Some(text) => texts.push((entry.span().start, text.to_owned())),
                None => self.mistake(entry.span().start, must_be.as_str()),
            }
        }
        Some(texts)
    }

    fn parsed<T>(&mut self, section: Section<'_, '_>, key: &str) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        let at = section.table.get(key)?.span().start;
        let parsed = self.text(section, key)?.parse();
        parsed.map_err(|error| self.mistake(at, format!("`{}{key}`: {error}", section.prefix))).ok()
    }

    fn list<T>(&mut self, section: Section<'_, '_>, key: &str) -> Option<Vec<T>>
    where
        T: FromStr<Err: Display>,
    {
        let mut list = Vec::new();
        for (at, text) in self.texts(section, key)? {
            match text.parse() {
                Ok(entry) => list.push(entry),
                Err(error) => self.mistake(at, format!("`{}{key}`: {error}", section.prefix)),
            }
        }
        Some(list)
    }

    fn mistake(&mut self, at: usize, what: impl Display) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        self.mistakes.push(format!("{}, line {line}: {what}", self.path.display()));
    }
}
