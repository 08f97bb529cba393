//! Keeps a secret's values out of what a rotation function says when it fails: its words are kept
//! and shown, and it is not trusted to choose them well.

use zeroize::Zeroizing;

use crate::store::embedded::{EmbeddedStore, StoredValue};

/// What stands in a value's place.
const MASK: &str = "***";

/// Shorter texts occur by chance; masking them would garble the message and show what they are.
const SHORTEST: usize = 4;

/// The most that is kept of a message.
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
    let mut words = Vec::new();
    for value in &values {
        if let StoredValue::Text(text) = &**value {
            words.push(Zeroizing::new(text.reveal().to_owned()));
            if let Ok(fields) = serde_json::from_str(text.reveal()) {
                collect(&fields, &mut words);
            }
        }
    }
    // Longest first: a value may contain another.
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let mut message = message.to_owned();
    for word in words.iter().filter(|word| word.len() >= SHORTEST) {
        message = message.replace(word.as_str(), MASK);
    }
    match message.char_indices().nth(LONGEST) {
        Some((end, _)) => message.get(..end).unwrap_or_default().to_owned() + "…",
        None => message,
    }
}

fn collect(fields: &serde_json::Value, words: &mut Vec<Zeroizing<String>>) {
    match fields {
        serde_json::Value::String(text) => words.push(Zeroizing::new(text.clone())),
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, words)),
        serde_json::Value::Object(map) => map
            .iter()
            .filter(|(key, _)| !PLAIN_FIELDS.contains(&key.to_ascii_lowercase().as_str()))
            .for_each(|(_, item)| collect(item, words)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use crate::store::embedded::CreateSecret;

    #[test]
    fn no_value_is_left_in_a_message() {
        let store = EmbeddedStore::in_memory();
        let text = r#"{"username":"app","host":"db.example","password":"hunter2 and more","token":"tok-123"}"#;
        let request = CreateSecret::with_text("s", Secret::new(text.to_owned()));
        store.create_secret(request).unwrap();
        for (message, expected) in [
            ("sign-in of app at db.example refused", "sign-in of app at db.example refused"),
            ("tried 'hunter2 and more' and tok-123", "tried '***' and ***"),
            (text, "***"),
        ] {
            assert_eq!(scrub(&store, message), expected);
        }
        assert_eq!(scrub(&store, &"x".repeat(3000)).chars().count(), LONGEST + 1);
    }
}
