//! The rotation event, parsed at the door.
//!
//! What comes out is one of the four steps, an identifier, and tokens in the form that Secrets
//! Manager documents. Anything else is refused with the name of the field, never with its value:
//! an event that somebody else built may hold anything, control characters included.

use serde_json::{Map, Value};

use super::ports::{SecretId, VersionId};
use crate::secret::{Secret, mute};

/// The longest SecretId (an ARN or a name) that Secrets Manager takes, in characters.
const SECRET_ID_MAX: usize = 2048;
/// A ClientRequestToken is 32 to 64 characters long.
const TOKEN_LENGTH: std::ops::RangeInclusive<usize> = 32..=64;
/// A RotationToken is 36 to 256 characters long.
const ROTATION_TOKEN_LENGTH: std::ops::RangeInclusive<usize> = 36..=256;

/// One of the four rotation steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Make a new password and store it as `AWSPENDING`.
    Create,
    /// Make the service take the new password.
    Set,
    /// Prove that the new password signs in.
    Test,
    /// Make the new version `AWSCURRENT`.
    Finish,
}

impl Step {
    /// All of them, in the order in which Secrets Manager sends them.
    pub const ALL: [Self; 4] = [Self::Create, Self::Set, Self::Test, Self::Finish];

    /// The name in the spelling of the events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "createSecret",
            Self::Set => "setSecret",
            Self::Test => "testSecret",
            Self::Finish => "finishSecret",
        }
    }
}

impl std::str::FromStr for Step {
    type Err = EventError;

    /// Both spellings that AWS documents: `createSecret` and `create_secret`.
    fn from_str(text: &str) -> Result<Self, EventError> {
        match text {
            "createSecret" | "create_secret" => Ok(Self::Create),
            "setSecret" | "set_secret" => Ok(Self::Set),
            "testSecret" | "test_secret" => Ok(Self::Test),
            "finishSecret" | "finish_secret" => Ok(Self::Finish),
            _ => Err(EventError::UnknownStep),
        }
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

mute!(RotationEvent);

/// What Secrets Manager sends the function.
pub struct RotationEvent {
    /// Which step to run.
    pub step: Step,
    /// The secret's ARN or name.
    pub secret_id: SecretId,
    /// ClientRequestToken: the version that this rotation makes.
    pub version: VersionId,
    /// RotationToken: passed on to PutSecretValue, never logged.
    pub rotation_token: Option<Secret>,
}

impl RotationEvent {
    /// Reads an event. Fields that it does not know are ignored, as AWS may add some.
    ///
    /// # Errors
    /// Names the field and what is wrong with it.
    pub fn parse(event: &Value) -> Result<Self, EventError> {
        let fields = event.as_object().ok_or(EventError::NotAnObject)?;
        let step = text(fields, "Step")?.parse()?;
        let secret_id = text(fields, "SecretId")?;
        if secret_id.chars().count() > SECRET_ID_MAX {
            return Err(EventError::Malformed {
                field: "SecretId",
                expected: "at most 2048 characters",
            });
        }
        let version = text(fields, "ClientRequestToken")?;
        if !TOKEN_LENGTH.contains(&version.len()) {
            return Err(EventError::Malformed {
                field: "ClientRequestToken",
                expected: "32 to 64 characters",
            });
        }
        Ok(Self {
            step,
            secret_id: SecretId::new(secret_id),
            version: VersionId::new(version),
            rotation_token: rotation_token(fields)?,
        })
    }
}

fn rotation_token(fields: &Map<String, Value>) -> Result<Option<Secret>, EventError> {
    if fields.get("RotationToken").is_none_or(Value::is_null) {
        return Ok(None);
    }
    let token = text(fields, "RotationToken")?;
    let in_alphabet = token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !in_alphabet || !ROTATION_TOKEN_LENGTH.contains(&token.len()) {
        return Err(EventError::Malformed {
            field: "RotationToken",
            expected: "36 to 256 letters, digits and hyphens",
        });
    }
    Ok(Some(Secret::new(token.to_owned())))
}

fn text<'a>(fields: &'a Map<String, Value>, field: &'static str) -> Result<&'a str, EventError> {
    let value = fields.get(field).ok_or(EventError::Missing { field })?;
    let value = value.as_str().ok_or(EventError::Malformed { field, expected: "a string" })?;
    if value.is_empty() {
        return Err(EventError::Malformed { field, expected: "a non-empty string" });
    }
    if !value.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Err(EventError::Malformed { field, expected: "printable ASCII characters only" });
    }
    Ok(value)
}

/// An event that is not one of Secrets Manager's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Not a JSON object at all.
    #[error(
        "the event is not a JSON object; this function is invoked by Secrets Manager, with \
         `Step`, `SecretId` and `ClientRequestToken`"
    )]
    NotAnObject,
    /// A field is not there.
    #[error("the event has no `{field}`; Secrets Manager sends it with every rotation step")]
    Missing {
        /// Which one.
        field: &'static str,
    },
    /// A field is there and can't be right.
    #[error("`{field}` of the event must be {expected}")]
    Malformed {
        /// Which one.
        field: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// A step that does not exist.
    #[error(
        "unknown `Step` in the event; the steps are createSecret, setSecret, testSecret and \
         finishSecret"
    )]
    UnknownStep,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TOKEN: &str = "0b94897a-6f8e-4a0e-9d3e-6d7f7f3f4f11";

    fn error(event: &Value) -> EventError {
        RotationEvent::parse(event).err().expect("the event is wrong")
    }

    #[test]
    fn both_spellings_of_every_step_are_read() {
        for step in Step::ALL {
            let camel = step.as_str();
            let snake: String = camel
                .chars()
                .flat_map(|c| c.is_uppercase().then_some('_').into_iter().chain(c.to_lowercase()))
                .collect();
            for name in [camel, snake.as_str()] {
                let event = json!({"Step": name, "SecretId": "s", "ClientRequestToken": TOKEN});
                assert_eq!(RotationEvent::parse(&event).unwrap().step, step, "{name}");
            }
        }
    }

    #[test]
    fn each_bad_event_names_its_field_and_not_its_value() {
        let good = json!({"Step": "setSecret", "SecretId": "s", "ClientRequestToken": TOKEN});
        let with = |field: &str, value: Value| {
            let mut event = good.clone();
            event[field] = value;
            error(&event).to_string()
        };
        assert_eq!(error(&json!([])), EventError::NotAnObject);
        assert_eq!(error(&json!({})), EventError::Missing { field: "Step" });
        for (field, value, expected) in [
            ("SecretId", json!(7), "must be a string"),
            ("SecretId", json!(""), "must be a non-empty string"),
            ("SecretId", json!("a\nb"), "printable ASCII"),
            ("SecretId", json!("pässword"), "printable ASCII"),
            ("SecretId", json!("x".repeat(2049)), "at most 2048"),
            ("ClientRequestToken", json!("short"), "32 to 64"),
            ("RotationToken", json!("short"), "36 to 256"),
            ("RotationToken", json!(format!("{TOKEN}!")), "letters, digits and hyphens"),
            ("Step", json!("dropSecret"), "unknown `Step`"),
        ] {
            let message = with(field, value.clone());
            assert!(message.contains(expected), "{field}={value}: {message}");
            assert!(!message.contains("dropSecret"), "{message}");
        }
    }

    #[test]
    fn a_rotation_token_is_optional_and_kept() {
        let mut event = json!({"Step": "setSecret", "SecretId": "s", "ClientRequestToken": TOKEN});
        assert!(RotationEvent::parse(&event).unwrap().rotation_token.is_none());
        event["RotationToken"] = json!(TOKEN);
        let parsed = RotationEvent::parse(&event).unwrap();
        assert_eq!(parsed.rotation_token.unwrap().reveal(), TOKEN);
    }
}
