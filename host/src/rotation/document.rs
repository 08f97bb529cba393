//! A secret's value, in AWS's JSON structure, parsed whole at the door.
//!
//! Every field that a rotation uses is checked here, and an error has the field's name, never its
//! value. Keys that nobody here knows stay as they are, in their
//! place, to the last digit: the document belongs to the applications that read it.

mod fields;

use serde_json::{Map, Value};

use super::ports::{
    Description, Login, OWN_KEYS, Proof, SecretId, SecretRef, SecretValue, TlsMode,
};
use super::secret_problem::{Origin, SecretProblem};
use crate::host_port::HostPort;
use crate::redact::wipe;
use crate::secret::{Secret, mute};
use fields::{Fields, can_be_a_host};

/// What some editors put before the first character of a file.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The keys that a rotation changes.
const CHANGING_KEYS: [&str; 2] = ["username", "password"];

mute!(SecretDocument, Location);

/// The JSON object of one version of a secret. Its texts are wiped when it is dropped.
pub struct SecretDocument {
    /// For messages: which version of which secret this is.
    origin: Origin,
    fields: Map<String, Value>,
    username: String,
    password: Secret,
    location: Option<Location>,
    database: Option<String>,
    admin_secret: Option<SecretId>,
    tls: TlsMode,
}

/// Which service a secret is for, and where that listens.
pub struct Location {
    /// The kind of service, which chooses the plugin.
    pub engine: String,
    host: String,
    port: Option<u16>,
}

impl Location {
    /// Host and port; this port where the secret has none.
    pub fn place(&self, default_port: u16) -> HostPort {
        HostPort { host: self.host.clone(), port: self.port.unwrap_or(default_port) }
    }
}

impl SecretDocument {
    /// Parses a version's value, with every field that a rotation uses.
    ///
    /// # Errors
    /// If it is binary or not a JSON object, has no `username` or `password`, or a field of the sign-in
    /// is not valid. `engine` and `host` may be missing here: see [`location`](Self::location).
    pub fn parse(value: &SecretValue, origin: Origin) -> Result<Self, SecretProblem> {
        let Some(text) = &value.text else {
            return Err(SecretProblem::Binary { origin });
        };
        // Not passed over: the new version would silently be another text than the applications'
        // reader copes with today.
        if text.reveal().starts_with(BYTE_ORDER_MARK) {
            return Err(SecretProblem::ByteOrderMark { origin });
        }
        let mut fields = match serde_json::from_str::<Value>(text.reveal()) {
            Ok(Value::Object(fields)) => Wiped(fields),
            Ok(mut other) => {
                wipe(&mut other);
                return Err(SecretProblem::NotAnObject { origin });
            }
            // The parser's own text has a position and no content; but what stands there may be a
            // password, so the position is all that is shown.
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                return Err(SecretProblem::NotJson { origin, line, column });
            }
        };
        let read = Fields { origin: &origin, fields: &fields.0 };
        let engine = read.optional("engine")?;
        let admin_secret = read.optional_or_null("masterarn")?.map(SecretId::new);
        let host = read.host()?;
        let port = read.port()?;
        let location = engine.zip(host).map(|(engine, host)| Location { engine, host, port });
        let username = read.required("username")?.to_owned();
        let password = Secret::new(read.required("password")?.to_owned());
        let database = read.optional_or_null("dbname")?;
        let tls = read.tls();
        let fields = std::mem::take(&mut fields.0);
        Ok(Self { origin, fields, username, password, location, database, admin_secret, tls })
    }

    /// The account's name.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The password.
    pub fn password(&self) -> &Secret {
        &self.password
    }

    /// Engine, host and port.
    ///
    /// # Errors
    /// If it has no `engine` or no `host`, as the admin secrets that AWS manages.
    pub fn location(&self) -> Result<&Location, SecretProblem> {
        self.location.as_ref().ok_or_else(|| {
            let has_engine = self.fields.contains_key("engine");
            let field = if has_engine { "host" } else { "engine" };
            SecretProblem::Missing { origin: self.origin.clone(), field }
        })
    }

    /// The database; absent and null both mean the service's default.
    pub fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// The ARN or name of the secret that holds an administrator's credential.
    pub fn admin_secret(&self) -> Option<&SecretId> {
        self.admin_secret.as_ref()
    }

    /// Whether it has the keys that say which server it is for.
    pub fn has_location(&self) -> bool {
        self.location.is_some()
    }

    /// What `ssl` is: a truth value or its name in any case. Anything else counts as absent.
    pub fn tls(&self) -> TlsMode {
        self.tls
    }

    /// The sign-in that this version describes.
    ///
    /// # Errors
    /// If it has no `engine` or no `host`.
    pub(super) fn login(
        &self,
        plugin: &Description,
        secret: SecretRef,
    ) -> Result<Login, SecretProblem> {
        let place = self.location()?.place(plugin.default_port);
        Ok(Login { database: self.database.clone(), ..self.login_at(plugin, secret, place) })
    }

    /// The sign-in of this version's account at this place, in the service's default database.
    pub(super) fn login_at(
        &self,
        plugin: &Description,
        secret: SecretRef,
        place: HostPort,
    ) -> Login {
        Login {
            secret,
            place,
            username: self.username.clone(),
            password: self.password.duplicate(),
            database: None,
            tls: self.tls,
            proof: Proof::Accepted,
            fields: self.declared(&plugin.fields),
            named_places: self.named_places(),
        }
    }

    /// Whether it holds `username` and `password` and nothing else: then Amazon RDS manages it, and
    /// its tags say which database it is for.
    pub fn is_credential_alone(&self) -> bool {
        let keys = ["username", "password"];
        self.fields.len() == keys.len() && keys.iter().all(|key| self.fields.contains_key(*key))
    }

    /// The first key in which another version differs, leaving out what a rotation changes.
    pub fn difference<'a>(&'a self, other: &'a Self) -> Option<&'a str> {
        let keys = self.fields.keys().chain(other.fields.keys());
        keys.filter(|key| !CHANGING_KEYS.contains(&key.as_str()))
            .find(|key| self.fields.get(*key) != other.fields.get(*key))
            .map(String::as_str)
    }

    /// Of these keys, those that are there, with their values: a text as it is, anything else as
    /// JSON. The keys of the sign-in itself are not among them, whoever declares them.
    pub fn declared(&self, keys: &[String]) -> Vec<(String, String)> {
        let declared = keys.iter().filter(|key| !OWN_KEYS.contains(&key.as_str()));
        declared.filter_map(|key| Some((key.clone(), plain_text(self.fields.get(key)?)))).collect()
    }

    /// The further keys whose values can be a host or a port: what a grant may name as `{key}`.
    pub fn named_places(&self) -> Vec<(String, String)> {
        let further = self.fields.iter().filter(|(key, _)| !OWN_KEYS.contains(&key.as_str()));
        further
            .filter(|(_, value)| value.is_string() || value.is_number())
            .map(|(key, value)| (key.clone(), plain_text(value)))
            .filter(|(_, value)| can_be_a_host(value))
            .collect()
    }

    /// The value for the new version: this one with another password and, for alternating users,
    /// another name.
    pub fn with_credential(&self, username: &str, password: &Secret) -> Secret {
        let mut new = Wiped(self.fields.clone());
        for (key, value) in [("username", username), ("password", password.reveal())] {
            if let Some(mut old) = new.0.insert(key.to_owned(), Value::from(value)) {
                wipe(&mut old);
            }
        }
        let document = Value::Object(std::mem::take(&mut new.0));
        let text = written(&document);
        if let Value::Object(fields) = document {
            new.0 = fields;
        }
        text
    }
}

/// An object whose texts are wiped when it is dropped.
struct Wiped(Map<String, Value>);

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}

impl Drop for SecretDocument {
    fn drop(&mut self) {
        self.fields.values_mut().for_each(wipe);
    }
}

/// The JSON text, in memory that is asked for once: a text that grows leaves copies behind.
fn written(document: &Value) -> Secret {
    use std::fmt::Write as _;
    let mut counted = Counted(0);
    // Counting and writing into memory don't fail.
    let _ = write!(counted, "{document}");
    let mut text = String::with_capacity(counted.0);
    let _ = write!(text, "{document}");
    Secret::new(text)
}

/// How long a text would be.
struct Counted(usize);

impl std::fmt::Write for Counted {
    fn write_str(&mut self, part: &str) -> std::fmt::Result {
        self.0 += part.len();
        Ok(())
    }
}

fn plain_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
