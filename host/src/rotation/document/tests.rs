//! What is taken for a secret's document, and what of it gets out.

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
    for host in ["10.0.0.1", "fd00::1", "::1", "fe80::1%eth0", "::ffff:10.0.0.1", "db.example"] {
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
