//! A secret's value, in AWS's JSON structure, parsed at the door.
//!
//! Every field that a rotation uses is checked when it is read, and what is wrong is said with the
//! field's name, never with its value. Keys that nobody here knows stay as they are, in their
//! place, to the last digit: the document belongs to the applications that read it.

use std::net::Ipv6Addr;

use serde_json::{Map, Value};

use super::ports::{SecretValue, TlsMode};
pub use super::secret_problem::{Origin, SecretProblem};
use crate::host_port::HostPort;
use crate::redact::wipe;
use crate::secret::{Secret, mute};

/// Keys that say where and how to sign in. A plugin gets what they mean, and no key that it does
/// not declare.
pub const OWN_KEYS: [&str; 8] =
    ["engine", "host", "port", "username", "password", "dbname", "ssl", "masterarn"];

/// What some editors put before the first character of a file.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The longest name that DNS carries (RFC 1035, section 2.3.4).
const HOST_BYTES: usize = 253;

/// The keys that a rotation changes.
const CHANGING_KEYS: [&str; 2] = ["username", "password"];

mute!(SecretDocument);

/// The JSON object of one version of a secret. Its texts are wiped when it is dropped.
pub struct SecretDocument {
    /// For messages: which version of which secret this is.
    origin: Origin,
    fields: Map<String, Value>,
}

impl SecretDocument {
    /// Parses a version's value.
    ///
    /// # Errors
    /// If it is binary or not a JSON object.
    pub fn parse(value: &SecretValue, origin: Origin) -> Result<Self, SecretProblem> {
        let Some(text) = &value.text else {
            return Err(SecretProblem::Binary { origin });
        };
        // Not passed over: the new version would silently be another text than the applications'
        // reader copes with today.
        if text.reveal().starts_with(BYTE_ORDER_MARK) {
            return Err(SecretProblem::ByteOrderMark { origin });
        }
        match serde_json::from_str::<Value>(text.reveal()) {
            Ok(Value::Object(fields)) => Ok(Self { origin, fields }),
            Ok(mut other) => {
                wipe(&mut other);
                Err(SecretProblem::NotAnObject { origin })
            }
            // The parser's own text has a position and no content; but what stands there may be a
            // password, so the position is all that is told.
            Err(error) => {
                Err(SecretProblem::NotJson { origin, line: error.line(), column: error.column() })
            }
        }
    }

    /// Where it came from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The kind of service, which chooses the plugin.
    ///
    /// # Errors
    /// If it is missing, empty or no text.
    pub fn engine(&self) -> Result<&str, SecretProblem> {
        self.text("engine")
    }

    /// The account's name.
    ///
    /// # Errors
    /// If it is missing, empty or no text.
    pub fn username(&self) -> Result<&str, SecretProblem> {
        self.text("username")
    }

    /// A copy of the password.
    ///
    /// # Errors
    /// If it is missing, empty or no text.
    pub fn password(&self) -> Result<Secret, SecretProblem> {
        self.text("password").map(|password| Secret::new(password.to_owned()))
    }

    /// Host and port; the plugin's default port where the secret has none.
    ///
    /// # Errors
    /// If the host is missing or has a port in it, or the port is not a number from 1 to 65535.
    pub fn place(&self, default_port: u16) -> Result<HostPort, SecretProblem> {
        let host = self.text("host")?;
        // The host is told in errors. One with other characters may be a whole address that somebody
        // pasted, password included: `user:password@host`, `scheme://…`, `host?password=…`.
        if !can_be_a_host(host) {
            return Err(self.wrong("host", "a host name or an IP address"));
        }
        if host.contains(':') && !is_ipv6(host) {
            return Err(self.wrong(
                "host",
                "a host name or an IP address alone, without a port; the port belongs in field `port`",
            ));
        }
        Ok(HostPort { host: host.to_owned(), port: self.port()?.unwrap_or(default_port) })
    }

    /// The database; absent and null both mean the service's default.
    ///
    /// # Errors
    /// If it is there and neither text nor null.
    pub fn database(&self) -> Result<Option<&str>, SecretProblem> {
        match self.fields.get("dbname") {
            None | Some(Value::Null) => Ok(None),
            Some(_) => self.text("dbname").map(Some),
        }
    }

    /// The ARN or name of the secret that holds an administrator's credential.
    ///
    /// # Errors
    /// If it is there and not a text, or empty.
    pub fn admin_secret(&self) -> Result<Option<&str>, SecretProblem> {
        match self.fields.get("masterarn") {
            None | Some(Value::Null) => Ok(None),
            Some(_) => self.text("masterarn").map(Some),
        }
    }

    /// Whether it has the keys that say which server it is for. Whether they can be used is another
    /// question.
    pub fn has_location(&self) -> bool {
        ["engine", "host"].iter().all(|key| self.fields.contains_key(*key))
    }

    /// Whether it holds `username` and `password` and nothing else: then Amazon RDS manages it, and
    /// its tags say which database it is for.
    pub fn is_credential_alone(&self) -> bool {
        let keys = ["username", "password"];
        self.fields.len() == keys.len() && keys.iter().all(|key| self.fields.contains_key(*key))
    }

    /// What `ssl` says: a truth value or its name in any case. Anything else says nothing.
    pub fn tls(&self) -> TlsMode {
        match self.fields.get("ssl") {
            Some(Value::Bool(true)) => TlsMode::Required,
            Some(Value::Bool(false)) => TlsMode::Disabled,
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => TlsMode::Required,
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => TlsMode::Disabled,
            _ => TlsMode::Unspecified,
        }
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
        let mut new = Self { origin: self.origin.clone(), fields: self.fields.clone() };
        for (key, value) in [("username", username), ("password", password.reveal())] {
            if let Some(mut old) = new.fields.insert(key.to_owned(), Value::from(value)) {
                wipe(&mut old);
            }
        }
        let document = Value::Object(std::mem::take(&mut new.fields));
        let text = written(&document);
        if let Value::Object(fields) = document {
            new.fields = fields;
        }
        text
    }

    fn port(&self) -> Result<Option<u16>, SecretProblem> {
        let wrong = || self.wrong("port", "a number from 1 to 65535");
        let port = match self.fields.get("port") {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Number(number)) => number.to_string().parse::<u16>(),
            Some(Value::String(text)) => text.trim().parse::<u16>(),
            Some(_) => return Err(wrong()),
        };
        match port {
            Ok(port) if port > 0 => Ok(Some(port)),
            _ => Err(wrong()),
        }
    }

    fn text(&self, field: &'static str) -> Result<&str, SecretProblem> {
        match self.fields.get(field) {
            None => Err(SecretProblem::Missing { origin: self.origin.clone(), field }),
            Some(Value::String(text)) if text.is_empty() => {
                Err(SecretProblem::Empty { origin: self.origin.clone(), field })
            }
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(self.wrong(field, "a string")),
        }
    }

    fn wrong(&self, field: &'static str, expected: &'static str) -> SecretProblem {
        SecretProblem::Wrong { origin: self.origin.clone(), field, expected }
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

/// Whether a text has nothing in it that no host name or address has.
fn can_be_a_host(text: &str) -> bool {
    let of_hosts = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:%".contains(&byte);
    text.bytes().all(of_hosts) && text.len() <= HOST_BYTES
}

/// Whether a text is an IPv6 address, with the name of an interface or without.
fn is_ipv6(text: &str) -> bool {
    let (address, zone) = text.split_once('%').unwrap_or((text, "none"));
    address.parse::<Ipv6Addr>().is_ok() && !zone.is_empty()
}

fn plain_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rotation::ports::{Stage, VersionId};

    fn origin() -> Origin {
        Origin { secret: "db".into(), role: Stage::Current }
    }

    fn parse(text: &str) -> Result<SecretDocument, SecretProblem> {
        let text = Some(Secret::new(text.to_owned()));
        let value = SecretValue { version: VersionId::new("v"), created_at: None, text };
        SecretDocument::parse(&value, origin())
    }

    fn good(text: &str) -> SecretDocument {
        parse(text).expect("the document is good")
    }

    #[test]
    fn what_is_not_a_json_object_is_refused_without_showing_it() {
        for text in ["hunter2", "\"hunter2\"", "[\"hunter2\"]", "{\"password\": hunter2}", ""] {
            let message = parse(text).err().expect("refused").to_string();
            assert!(message.starts_with("the AWSCURRENT version of secret `db`"), "{message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn each_bad_field_is_named_and_not_shown() {
        type Read = fn(&SecretDocument) -> Option<SecretProblem>;
        let host: Read = |d| d.place(1).err();
        let table: [(&str, Read, &str); 17] = [
            ("{}", |d| d.engine().err(), "has no field `engine`"),
            (r#"{"engine":""}"#, |d| d.engine().err(), "`engine` of the AWSCURRENT"),
            (r#"{"engine":5}"#, |d| d.engine().err(), "must be a string"),
            ("{}", |d| d.username().err(), "has no field `username`"),
            ("{}", |d| d.password().err(), "has no field `password`"),
            (r#"{"password":["s3cret"]}"#, |d| d.password().err(), "`password` of"),
            ("{}", host, "has no field `host`"),
            (r#"{"host":"a b"}"#, host, "must be a host name"),
            (r#"{"host":"app:s3cret@db"}"#, host, "must be a host name"),
            (r#"{"host":"db/?password=s3cret"}"#, host, "must be a host name"),
            (r#"{"host":"db:5432"}"#, host, "without a port; the port belongs in field `port`"),
            (r#"{"host":"db:"}"#, host, "without a port"),
            (r#"{"host":"fe80::1%"}"#, host, "without a port"),
            (r#"{"host":"h","port":65536}"#, host, "from 1 to 65535"),
            (r#"{"host":"h","port":0}"#, host, "from 1 to 65535"),
            (r#"{"host":"h","port":"x"}"#, host, "from 1 to 65535"),
            (r#"{"masterarn":true}"#, |d| d.admin_secret().err(), "`masterarn` of"),
        ];
        for (text, read, expected) in table {
            let message = read(&good(text)).expect(text).to_string();
            assert!(message.contains(expected), "{text}: {message}");
            assert!(!message.contains("s3cret"), "{message}");
        }
    }

    #[test]
    fn ports_are_numbers_or_texts_or_the_default() {
        for (text, port) in [("5433", 5433), ("\"5433\"", 5433), ("null", 5432)] {
            let document = good(&format!(r#"{{"host":"h","port":{text}}}"#));
            assert_eq!(document.place(5432).ok().unwrap().port, port);
        }
        assert_eq!(good(r#"{"host":"h"}"#).place(5432).ok().unwrap().port, 5432);
    }

    #[test]
    fn an_address_of_either_kind_is_a_host() {
        for host in ["10.0.0.1", "fd00::1", "::1", "fe80::1%eth0", "::ffff:10.0.0.1", "db.example"]
        {
            let document = good(&format!(r#"{{"host":"{host}"}}"#));
            assert_eq!(document.place(1).ok().map(|place| place.host).as_deref(), Some(host));
        }
    }

    #[test]
    fn a_byte_order_mark_is_named_and_not_passed_over() {
        let message = parse("\u{feff}{}").err().expect("refused").to_string();
        assert!(message.contains("begins with a byte order mark (U+FEFF)"), "{message}");
        assert!(message.contains("UTF-8 without a byte order mark"), "{message}");
    }

    #[test]
    fn plaintext_only_where_the_secret_says_so() {
        for (ssl, tls) in [
            ("true", TlsMode::Required),
            ("\"TRUE\"", TlsMode::Required),
            ("false", TlsMode::Disabled),
            ("\"False\"", TlsMode::Disabled),
            ("null", TlsMode::Unspecified),
            ("0", TlsMode::Unspecified),
            ("\"no\"", TlsMode::Unspecified),
        ] {
            assert_eq!(good(&format!(r#"{{"ssl":{ssl}}}"#)).tls(), tls, "{ssl}");
        }
        assert_eq!(good("{}").tls(), TlsMode::Unspecified);
    }

    #[test]
    fn a_new_version_keeps_unknown_keys_their_order_and_every_digit() {
        let text = r#"{"zeta":1.10,"password":"old","big":123456789012345678901234567890,"username":"app","nested":{"b":[1,null],"a":"ü"}}"#;
        let new = good(text).with_credential("app_clone", &Secret::new("n\"ew".into()));
        assert_eq!(
            new.reveal(),
            r#"{"zeta":1.10,"password":"n\"ew","big":123456789012345678901234567890,"username":"app_clone","nested":{"b":[1,null],"a":"ü"}}"#
        );
    }

    #[test]
    fn a_plugin_gets_the_fields_that_it_declares_and_no_other() {
        let document = good(
            r#"{"engine":"x","host":"h","username":"u","password":"p4ss","masterarn":"a",
                "options":{"a":1},"realm":"R","pin":"4711","smtp":{"password":"s"},
                "slackWebhook":"https://hooks.example/T0/B0/s"}"#,
        );
        let declared = ["realm", "options", "absent", "password", "masterarn"].map(str::to_owned);
        assert_eq!(
            document.declared(&declared),
            [("realm".to_owned(), "R".to_owned()), ("options".to_owned(), "{\"a\":1}".to_owned())]
        );
        assert_eq!(document.declared(&[]), []);
    }

    #[test]
    fn a_grant_may_name_what_can_be_a_place() {
        let document = good(
            r#"{"host":"h","password":"p","replicaHost":"r.example","replicaPort":5433,"on":true,
                "url":"https://user:pw@h/","nested":{"host":"x"}}"#,
        );
        let place = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            document.named_places(),
            [place("replicaHost", "r.example"), place("replicaPort", "5433")]
        );
    }
}
