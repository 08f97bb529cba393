//! Keeps a secret's values out of what a rotation function says when it fails: its words are kept
//! and shown, and it is not trusted to choose them well.

use crate::redact::Redactor;
use crate::store::embedded::{EmbeddedStore, StoredValue};

/// The most that is kept of a message, in bytes.
const LONGEST: usize = 2000;

/// The message without any value that any secret of the store holds or held: a rotation also sees
/// its admin's. Passwords that are too short to be masked stay: here it is the developer who reads
/// it, and any secret of the store would silence all functions.
pub(super) fn scrub(store: &EmbeddedStore, message: &str) -> String {
    let Ok(values) = store.all_values() else {
        // Without the values nobody knows what to leave out.
        return "the message was left out: the store can't be read".to_owned();
    };
    let redactor = Redactor::default();
    for value in &values {
        if let StoredValue::Text(text) = &**value {
            redactor.learn_version(text);
        }
    }
    redactor.scrub_of_aws(message, LONGEST)
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
            ("tried 'hunter2 and more' and tok-123", "tried '[redacted]' and [redacted]"),
            ("hunter2 and mo", "[redacted]"),
            (
                text,
                r#"{"username":"app","host":"db.example","password":"[redacted]","token":"[redacted]"}"#,
            ),
        ] {
            assert_eq!(scrub(&store, message), expected);
        }
        assert_eq!(scrub(&store, &"x".repeat(3000)).chars().count(), LONGEST + 1);
    }
}
