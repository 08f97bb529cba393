//! A secret's value, in AWS's JSON structure, parsed whole at the door.
//!
//! Every field that a rotation uses is checked here, and an error has the field's name, never its
//! value. Keys that nobody here knows stay as they are, in their
//! place, to the last digit: the document belongs to the applications that read it.

use std::net::Ipv6Addr;

use serde_json::{Map, Value};

use super::ports::{
    Description, Login, OWN_KEYS, Proof, SecretId, SecretRef, SecretValue, TlsMode,
};
use super::secret_problem::{Origin, SecretProblem};
use crate::host_port::HostPort;
use crate::redact::wipe;
use crate::secret::{Secret, mute};

/// What some editors put before the first character of a file.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The longest name that DNS carries (RFC 1035, section 2.3.4).
const HOST_BYTES: usize = 253;

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

/// The JSON object of a version, whose fields are not checked yet.
struct Fields<'a> {
    origin: &'a Origin,
    fields: &'a Map<String, Value>,
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

impl Fields<'_> {
    /// The host, if there is one.
    fn host(&self) -> Result<Option<String>, SecretProblem> {
        let Some(host) = self.optional("host")? else { return Ok(None) };
        // The host is shown in errors. One with other characters may be a whole address that somebody
        // pasted, password included: `user:password@host`, `scheme://…`, `host?password=…`.
        if !can_be_a_host(&host) {
            return Err(self.wrong("host", "a host name or an IP address"));
        }
        if host.contains(':') && !is_ipv6(&host) {
            return Err(self.wrong(
                "host",
                "a host name or an IP address alone, without a port; the port belongs in field `port`",
            ));
        }
        Ok(Some(host))
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

    fn tls(&self) -> TlsMode {
        match self.fields.get("ssl") {
            Some(Value::Bool(true)) => TlsMode::Required,
            Some(Value::Bool(false)) => TlsMode::Disabled,
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => TlsMode::Required,
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => TlsMode::Disabled,
            _ => TlsMode::Unspecified,
        }
    }

    fn optional(&self, field: &'static str) -> Result<Option<String>, SecretProblem> {
        if !self.fields.contains_key(field) {
            return Ok(None);
        }
        self.required(field).map(|text| Some(text.to_owned()))
    }

    fn optional_or_null(&self, field: &'static str) -> Result<Option<String>, SecretProblem> {
        match self.fields.get(field) {
            Some(Value::Null) => Ok(None),
            _ => self.optional(field),
        }
    }

    fn required(&self, field: &'static str) -> Result<&str, SecretProblem> {
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

    /// A document with these fields, and a credential where they have none.
    fn with(text: &str) -> Result<SecretDocument, SecretProblem> {
        let mut fields = serde_json::from_str::<Map<String, Value>>(text).expect("an object");
        for key in ["username", "password"] {
            fields.entry(key).or_insert_with(|| Value::from("made-up"));
        }
        parse(&Value::Object(fields).to_string())
    }

    fn good(text: &str) -> SecretDocument {
        with(text).expect("the document is good")
    }

    fn place(text: &str, default_port: u16) -> HostPort {
        let fields = text.replacen('{', r#"{"engine":"x","#, 1);
        good(&fields).location().expect("it has one").place(default_port)
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
        let table = [
            (r#"{"engine":""}"#, "`engine` of the AWSCURRENT"),
            (r#"{"engine":5}"#, "must be a string"),
            (r#"{"username":null}"#, "`username` of the AWSCURRENT"),
            (r#"{"password":["s3cret"]}"#, "`password` of"),
            (r#"{"host":"a b"}"#, "must be a host name"),
            (r#"{"host":"app:s3cret@db"}"#, "must be a host name"),
            (r#"{"host":"db/?password=s3cret"}"#, "must be a host name"),
            (r#"{"host":"db:5432"}"#, "without a port; the port belongs in field `port`"),
            (r#"{"host":"db:"}"#, "without a port"),
            (r#"{"host":"fe80::1%"}"#, "without a port"),
            (r#"{"host":"h","port":65536}"#, "from 1 to 65535"),
            (r#"{"host":"h","port":0}"#, "from 1 to 65535"),
            (r#"{"host":"h","port":"x"}"#, "from 1 to 65535"),
            (r#"{"dbname":7}"#, "`dbname` of"),
            (r#"{"masterarn":true}"#, "`masterarn` of"),
        ];
        for (text, expected) in table {
            let message = with(text).err().expect(text).to_string();
            assert!(message.contains(expected), "{text}: {message}");
            assert!(!message.contains("s3cret"), "{message}");
        }
    }

    #[test]
    fn each_missing_field_is_named() {
        for (text, field) in [("{}", "username"), (r#"{"username":"app"}"#, "password")] {
            let message = parse(text).err().expect(text).to_string();
            assert!(message.contains(&format!("has no field `{field}`")), "{message}");
        }
        for (text, field) in [("{}", "engine"), (r#"{"engine":"x"}"#, "host")] {
            let document = good(text);
            let message = document.location().err().expect(text).to_string();
            assert!(message.contains(&format!("has no field `{field}`")), "{message}");
        }
    }

    #[test]
    fn ports_are_numbers_or_texts_or_the_default() {
        for (text, port) in [("5433", 5433), ("\"5433\"", 5433), ("null", 5432)] {
            let fields = format!(r#"{{"host":"h","port":{text}}}"#);
            assert_eq!(place(&fields, 5432).port, port);
        }
        assert_eq!(place(r#"{"host":"h"}"#, 5432).port, 5432);
    }

    #[test]
    fn an_address_of_either_kind_is_a_host() {
        for host in ["10.0.0.1", "fd00::1", "::1", "fe80::1%eth0", "::ffff:10.0.0.1", "db.example"]
        {
            assert_eq!(place(&format!(r#"{{"host":"{host}"}}"#), 1).host, host);
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
