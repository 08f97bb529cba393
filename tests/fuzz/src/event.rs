//! The rotation event: exactly those are accepted that Secrets Manager's documentation allows, what
//! comes out is what stood in it, and no refusal repeats a value of the event.

use serde_json::Value;
use windlass::rotation::{RotationEvent, Step};

use crate::{Seed, is_one_line};

/// The input is the event's JSON.
pub fn run(data: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Value>(data) else { return };
    match RotationEvent::parse(&event) {
        Ok(parsed) => {
            assert!(is_acceptable(&event), "accepted: {event}");
            assert_eq!(step(&event), Some(parsed.step));
            assert_eq!(event["SecretId"], parsed.secret_id.as_str());
            assert_eq!(event["ClientRequestToken"], parsed.version.as_str());
            let token = parsed.rotation_token.as_ref().map(|token| token.reveal());
            assert_eq!(event.get("RotationToken").and_then(Value::as_str), token);
        }
        Err(error) => {
            assert!(!is_acceptable(&event), "{error}: {event}");
            let message = error.to_string();
            assert!(is_one_line(&message) && message.len() < 200, "{message:?}");
            for value in event.as_object().into_iter().flat_map(|fields| fields.values()) {
                // What is shorter may be a word of the message by chance.
                let text = value.as_str().filter(|text| text.len() > 32);
                assert!(!text.is_some_and(|text| message.contains(text)), "{message}");
            }
        }
    }
}

fn is_acceptable(event: &Value) -> bool {
    let text = |field: &str, longest: usize| {
        event[field].as_str().filter(|text| {
            (1..=longest).contains(&text.len()) && text.chars().all(|one| matches!(one, ' '..='~'))
        })
    };
    event.is_object()
        && step(event).is_some()
        && text("SecretId", 2048).is_some()
        && text("ClientRequestToken", 64).is_some_and(|token| token.len() >= 32)
        && match &event["RotationToken"] {
            Value::Null => true,
            _ => text("RotationToken", 256).is_some_and(|token| {
                token.len() >= 36
                    && token.chars().all(|one| one.is_ascii_alphanumeric() || one == '-')
            }),
        }
}

fn step(event: &Value) -> Option<Step> {
    Some(match event["Step"].as_str()? {
        "createSecret" | "create_secret" => Step::Create,
        "setSecret" | "set_secret" => Step::Set,
        "testSecret" | "test_secret" => Step::Test,
        "finishSecret" | "finish_secret" => Step::Finish,
        _ => return None,
    })
}

/// Events as Secrets Manager sends them, and nearly so.
pub fn seeds() -> Vec<Seed> {
    let event = |step: &str, more: &str| {
        format!(
            r#"{{"Step": "{step}", "SecretId": "arn:aws:secretsmanager:us-east-1:123456789012:secret:app-AbCdEf", "ClientRequestToken": "0b94897a-6f8e-4a0e-9d3e-6d7f7f3f4f11"{more}}}"#
        )
    };
    let token = r#", "RotationToken": "0b94897a-6f8e-4a0e-9d3e-6d7f7f3f4f11""#;
    vec![
        Seed::new("create", event("createSecret", "")),
        Seed::new("set", event("setSecret", token)),
        Seed::new("test-in-snake-case", event("test_secret", "")),
        Seed::new("finish-with-null", event("finishSecret", r#", "RotationToken": null"#)),
        Seed::new("unknown-step", event("dropSecret", "")),
        Seed::new(
            "short-token",
            r#"{"Step": "setSecret", "SecretId": "s", "ClientRequestToken": "x"}"#,
        ),
        Seed::new("wrong-types", r#"{"Step": 1, "SecretId": [], "ClientRequestToken": {}}"#),
        Seed::new("escapes", r#"{"Step": "set\u0053ecret", "SecretId": "\u00e9\n"}"#),
        Seed::new("a-list", "[]"),
    ]
}
