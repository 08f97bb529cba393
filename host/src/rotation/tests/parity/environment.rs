//! The environment variables of AWS's templates, and their defaults for PostgreSQL.

use serde_json::json;

use super::super::super::{Step, password};
use super::{postgres, world};
use crate::config::Config;
use crate::rotation::ports::{PasswordRequest, Stage};

fn config(pairs: &[(&str, &str)]) -> Config {
    let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::parse(&pairs.collect(), None).expect("a good environment")
}

fn request(pairs: &[(&str, &str)]) -> PasswordRequest {
    password::request(&config(pairs).rotation.passwords, &postgres()).expect("it is strong enough")
}

#[test]
fn password_defaults() {
    assert_eq!(
        request(&[]),
        PasswordRequest {
            length: 32,
            exclude_characters: r#":/@"'\"#.to_owned(),
            exclude_numbers: false,
            exclude_punctuation: false,
            exclude_uppercase: false,
            exclude_lowercase: false,
            require_each_included_type: true,
        }
    );
}

#[test]
fn password_variables() {
    type Read = fn(&PasswordRequest) -> String;
    let characters: Read = |request| request.exclude_characters.clone();
    let length: Read = |request| request.length.to_string();
    for (row, name, value, read, expected) in [
        ("EXCLUDE_CHARACTERS replaces the default", "EXCLUDE_CHARACTERS", "xyz", characters, "xyz"),
        ("EXCLUDE_CHARACTERS empty: nothing", "EXCLUDE_CHARACTERS", "", characters, ""),
        ("PASSWORD_LENGTH", "PASSWORD_LENGTH", "48", length, "48"),
        ("DIFFERS: an empty PASSWORD_LENGTH fails | is none", "PASSWORD_LENGTH", "", length, "32"),
        (
            "DIFFERS: 4096 makes a password that the server cuts or refuses | what it takes",
            "PASSWORD_LENGTH",
            "4096",
            length,
            "995",
        ),
    ] {
        assert_eq!(read(&request(&[(name, value)])), expected, "{row}");
    }
    for text in ["", "0", "none", "4097", "-1"] {
        let variables = [("PASSWORD_LENGTH".to_owned(), text.to_owned())];
        let parsed = Config::parse(&variables.into_iter().collect(), None);
        assert_eq!(parsed.is_ok(), text.is_empty(), "PASSWORD_LENGTH {text:?}");
    }
}

#[test]
fn truth_values() {
    type Read = fn(&PasswordRequest) -> bool;
    let table: [(&str, Read, bool); 5] = [
        ("EXCLUDE_NUMBERS", |request| request.exclude_numbers, false),
        ("EXCLUDE_PUNCTUATION", |request| request.exclude_punctuation, false),
        ("EXCLUDE_UPPERCASE", |request| request.exclude_uppercase, false),
        ("EXCLUDE_LOWERCASE", |request| request.exclude_lowercase, false),
        ("REQUIRE_EACH_INCLUDED_TYPE", |request| request.require_each_included_type, true),
    ];
    for (name, read, default) in table {
        assert_eq!(read(&request(&[])), default, "{name} not set");
        for text in ["true", "True", "TRUE", "1", "y", "Y", "yes", "YES"] {
            assert!(read(&request(&[(name, text)])), "{name} is true: {text}");
        }
        for text in ["false", "0", "n", "no", "on", "t", " true", "2", ""] {
            assert!(!read(&request(&[(name, text)])), "{name} is false: {text:?}");
        }
    }
}

#[test]
fn secrets_manager_endpoint() {
    let endpoint = "https://vpce-1.secretsmanager.eu-west-1.vpce.amazonaws.com";
    let config_with = config(&[("SECRETS_MANAGER_ENDPOINT", endpoint)]);
    assert_eq!(config_with.endpoint.as_deref(), Some(endpoint));
    let row = "DIFFERS: SECRETS_MANAGER_ENDPOINT is mandatory | AWS's own where there is none";
    assert_eq!(config(&[]).endpoint, None, "{row}");
}

/// Over the whole of createSecret: what GetRandomPassword made of it is what is stored.
#[tokio::test]
async fn a_password_as_the_environment_asks_for_it() {
    for (pairs, length, good) in [
        (&[][..], 32, (|c| c.is_ascii_graphic() && !r#":/@"'\"#.contains(c)) as fn(char) -> bool),
        (
            &[("PASSWORD_LENGTH", "20"), ("EXCLUDE_PUNCTUATION", "yes"), ("EXCLUDE_NUMBERS", "Y")],
            20,
            |c| c.is_ascii_alphabetic(),
        ),
        (
            &[
                ("EXCLUDE_LOWERCASE", "1"),
                ("EXCLUDE_UPPERCASE", "TRUE"),
                ("EXCLUDE_CHARACTERS", "!"),
            ],
            32,
            |c| (c.is_ascii_digit() || c.is_ascii_punctuation()) && c != '!',
        ),
    ] {
        let mut world = world(&json!({}));
        world.settings = config(pairs).rotation;
        let version = world.begin();
        world.step(Step::Create, &version).await.unwrap();
        let password = world.field(Stage::Pending, "password").await;
        assert_eq!(password.chars().count(), length, "{pairs:?}");
        assert!(password.chars().all(good), "{pairs:?}: a character that is excluded");
    }
}
