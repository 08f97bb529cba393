//! Keeps a secret's values out of what a rotation function says when it fails: its words are kept
//! and shown, and it is not trusted to choose them well.

use crate::redact::{Redactor, wipe};
use crate::secret::Secret;
use crate::store::embedded::{EmbeddedStore, StoredValue};

/// Shorter texts occur by chance; masking them would garble the message and show what they are.
const SHORTEST: usize = 4;

/// The most that is kept of a message, in bytes.
const LONGEST: usize = 2000;

/// Fields of a secret's JSON that are no secret, and tell what went wrong.
const PLAIN_FIELDS: &[&str] =
    &["engine", "host", "port", "username", "dbname", "dbinstanceidentifier", "masterarn", "ssl"];

/// The message without any value that any secret of the store holds or held: a rotation also sees
/// its admin's.
pub(super) fn scrub(store: &EmbeddedStore, message: &str) -> String {
    let Ok(values) = store.all_values() else {
        // Without the values nobody knows what to leave out.
        return "the message was left out: the store can't be read".to_owned();
    };
    let redactor = Redactor::default();
    for value in &values {
        if let StoredValue::Text(text) = &**value {
            learn(&redactor, text.reveal());
            if let Ok(mut fields) = serde_json::from_str(text.reveal()) {
                collect(&fields, &redactor);
                wipe(&mut fields);
            }
        }
    }
    redactor.scrub(message, LONGEST)
}

fn learn(redactor: &Redactor, word: &str) {
    if word.chars().count() >= SHORTEST {
        redactor.learn(&Secret::new(word.to_owned()));
    }
}

fn collect(fields: &serde_json::Value, redactor: &Redactor) {
    match fields {
        serde_json::Value::String(text) => learn(redactor, text),
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, redactor)),
        serde_json::Value::Object(map) => map
            .iter()
            .filter(|(key, _)| !PLAIN_FIELDS.contains(&key.to_ascii_lowercase().as_str()))
            .for_each(|(_, item)| collect(item, redactor)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::embedded::CreateSecret;

    #[test]
    fn no_value_is_left_in_a_message() {
        let store = EmbeddedStore::in_memory();
        let text = r#"{"username":"app","host":"db.example","password":"hunter2 and more","token":"tok-123"}"#;
        let request = CreateSecret::with_text("s", Secret::new(text.to_owned()));
        store.create_secret(request).unwrap();
        for (message, expected) in [
            ("sign-in of app at db.example refused", "sign-in of app at db.example refused"),
            ("tried 'hunter2 and more' and tok-123", "tried '[redacted]' and [redacted]"),
            (text, "[redacted]"),
        ] {
            assert_eq!(scrub(&store, message), expected);
        }
        assert_eq!(scrub(&store, &"x".repeat(3000)).chars().count(), LONGEST + 1);
    }
}
