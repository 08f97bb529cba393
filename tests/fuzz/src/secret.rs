//! The secret's JSON: whatever is accepted, another password leaves every other key as it was, in
//! its place and to the last digit; no plugin is handed a field that it does not declare; and no
//! complaint shows what is in the secret.

use serde_json::{Map, Value};
use windlass::Secret;
use windlass::rotation::ports::{SecretId, SecretValue, Stage, TlsMode, VersionId};
use windlass::rotation::{Origin, SecretDocument, SecretProblem};

use crate::{Seed, is_one_line};

/// A name and a password that JSON has to escape.
const NEW_NAME: &str = "new \"name\" \u{1f511}";
const NEW_PASSWORD: &str = "new \\ \"password\" \u{7}\u{e9}";

/// Under this key the JSON library keeps numbers as they were written; an object that has it is
/// read as a number. Nobody's secret does.
const NUMBERS_OWN_KEY: &str = "$serde_json::private";

/// The input is the secret's text.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let document = match parse(text) {
        Ok(document) => document,
        Err(problem) => return check_problem(&problem, text),
    };
    if text.contains(NUMBERS_OWN_KEY) {
        return;
    }
    let Ok(Value::Object(before)) = serde_json::from_str(text) else {
        panic!("accepted, and no object: {text}");
    };
    check_reading(&document, &before, text);
    check_fields(&document, &before);

    let new_text = document.with_credential(NEW_NAME, &Secret::new(NEW_PASSWORD.into()));
    let Ok(Value::Object(mut after)) = serde_json::from_str(new_text.reveal()) else {
        panic!("the new secret is no object");
    };
    assert_eq!(after["username"], NEW_NAME);
    assert_eq!(after["password"], NEW_PASSWORD);
    let Ok(new) = parse(new_text.reveal()) else { panic!("the new secret can't be read") };
    assert!(new.difference(&document).is_none() && document.difference(&new).is_none());
    let again = new.with_credential(NEW_NAME, &Secret::new(NEW_PASSWORD.into()));
    assert_eq!(again.reveal(), new_text.reveal());

    let mut keys: Vec<&str> = before.keys().map(String::as_str).collect();
    keys.extend(["username", "password"].iter().filter(|key| !before.contains_key(**key)));
    assert!(after.keys().eq(keys), "other keys, or in another order");
    let mut before = before;
    for changed in ["username", "password"] {
        before.shift_remove(changed);
        after.shift_remove(changed);
    }
    assert_eq!(before, after);
    check_numbers(text, new_text.reveal());
}

fn parse(text: &str) -> Result<SecretDocument, SecretProblem> {
    let origin = Origin { secret: "app".into(), role: Stage::Current };
    let text = Some(Secret::new(text.to_owned()));
    let value = SecretValue { version: VersionId::new("v"), created_at: None, text };
    SecretDocument::parse(&value, origin)
}

/// What each field is read as, from the documentation.
fn check_reading(document: &SecretDocument, fields: &Map<String, Value>, text: &str) {
    let string = |key: &str| fields.get(key).and_then(Value::as_str).filter(|one| !one.is_empty());
    assert_eq!(Some(document.username()), string("username"));
    assert_eq!(Some(document.password().reveal()), string("password"));
    assert_eq!(document.database(), string("dbname"));
    assert_eq!(document.admin_secret().map(SecretId::as_str), string("masterarn"));
    match document.location() {
        Ok(location) => {
            assert_eq!(Some(location.engine.as_str()), string("engine"));
            let place = location.place(5432);
            assert_eq!(Some(place.host.as_str()), string("host"));
            assert!(place.port > 0 && place.host.bytes().all(|byte| byte.is_ascii_graphic()));
        }
        Err(problem) => check_problem(&problem, text),
    }
    let says = |word: &str, truth: bool| match fields.get("ssl") {
        Some(Value::Bool(value)) => *value == truth,
        Some(Value::String(text)) => text.to_ascii_lowercase() == word,
        _ => false,
    };
    assert_eq!(document.tls() == TlsMode::Disabled, says("false", false));
    assert_eq!(document.tls() == TlsMode::Required, says("true", true));
}

/// What a plugin is handed beside the sign-in: what it declares. What a grant may name: what has
/// the form of a place.
fn check_fields(document: &SecretDocument, fields: &Map<String, Value>) {
    const OWN: [&str; 8] =
        ["engine", "host", "port", "username", "password", "dbname", "ssl", "masterarn"];
    assert!(document.declared(&[]).is_empty(), "undeclared fields");
    let everything: Vec<String> = fields.keys().cloned().collect();
    let declared = document.declared(&everything);
    let handed = declared.iter().map(|(key, _)| key.as_str());
    let further = fields.keys().map(String::as_str).filter(|key| !OWN.contains(key));
    assert!(handed.eq(further), "declared is not all but the sign-in's");
    for (key, value) in document.named_places() {
        assert!(!OWN.contains(&key.as_str()), "{key}");
        assert!(fields.get(&key).is_some_and(|own| own.is_string() || own.is_number()), "{key}");
        assert!(value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/'), "{value}");
    }
}

/// Numbers stay as they are, to the digit. Only where none is lost with a key that comes twice (the last
/// one counts, in the place of the first) or was within what a rotation replaces.
fn check_numbers(before: &str, after: &str) {
    let (mut before, mut after) = (numbers(before), numbers(after));
    before.sort();
    after.sort();
    assert!(before.len() != after.len() || before == after, "{before:?} became {after:?}");
}

/// The numbers of a JSON text, digit by digit. An exponent may be written in two ways: `1E5` becomes
/// `1e+5`.
fn numbers(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(|next: char| next == '"' || next == '-' || next.is_ascii_digit())
    {
        let (_, from) = rest.split_at(at);
        let Some(string) = from.strip_prefix('"') else {
            let end =
                from.find(|next: char| !next.is_ascii_alphanumeric() && !"+-.".contains(next));
            let (number, after) = from.split_at(end.unwrap_or(from.len()));
            found.push(number.to_ascii_lowercase().replace("e+", "e"));
            rest = after;
            continue;
        };
        let mut escaped = false;
        let end = string.find(|next| {
            let ends = next == '"' && !escaped;
            escaped = next == '\\' && !escaped;
            ends
        });
        rest = string.split_at(end.map_or(string.len(), |end| end + 1)).1;
    }
    found
}

fn check_problem(problem: &SecretProblem, text: &str) {
    let message = problem.to_string();
    assert!(is_one_line(&message) && message.len() < 300, "{message:?}");
    // The message is ours alone: it is the same whatever the texts in the secret are.
    for word in text.split(|next: char| !next.is_alphanumeric()).filter(|word| word.len() > 12) {
        assert!(!message.contains(word), "{message:?} shows {word:?}");
    }
}

/// Secrets in AWS's structures, and nearly so.
pub fn seeds() -> Vec<Seed> {
    vec![
        Seed::new(
            "postgres",
            r#"{"engine": "postgres", "host": "db.example", "port": 5432, "username": "app", "password": "made-up", "dbname": "app"}"#,
        ),
        Seed::new(
            "alternating",
            r#"{"engine":"postgres","host":"db.example","username":"app_clone","password":"made-up","masterarn":"arn:aws:secretsmanager:us-east-1:123456789012:secret:admin-AbCdEf","ssl":"False"}"#,
        ),
        Seed::new("credential-alone", r#"{"username":"postgres","password":"made-up"}"#),
        Seed::new(
            "digits",
            r#"{"zeta":1.10,"password":"old","big":123456789012345678901234567890,"exp":[1E5,1e-07,-0,0.0],"username":"app","nested":{"b":[1,null],"a":"ü"}}"#,
        ),
        Seed::new("twice", r#"{"username":"u","password":"a","x":1,"password":"b","x":2}"#),
        Seed::new(
            "escapes",
            r#"{"pass\u0077ord":"\ud83d\udd11\\\"\n","username":"\u0000","x":"\/"}"#,
        ),
        Seed::new(
            "further",
            r#"{"engine":"x","username":"u","password":"p4ss","options":{"a":1},"realm":"R","apiKey":"s","note":"it is p4ss","ssl":true,"port":"5432 ","host":"::1"}"#,
        ),
        Seed::new("no-object", r#"["made-up"]"#),
        Seed::new("no-json", "made-up"),
        Seed::new("broken", r#"{"password": made-up}"#),
        Seed::new(
            "wrong-types",
            r#"{"engine":5,"host":[],"port":0,"username":null,"password":{"a":"b"},"dbname":true}"#,
        ),
    ]
}
