//! Which texts of a version are learnt.

use super::*;

fn reading(version: &str) -> Redactor {
    let redactor = Redactor::default();
    redactor.learn_version(&Secret::new(version.to_owned()));
    redactor
}

const VERSION: &str = r#"{
    "engine": "postgres", "host": "orders.db.example", "port": 54321, "username": "app_user",
    "dbname": "orders_live", "ssl": true, "masterarn": "arn:aws:secretsmanager:eu-1:1:secret:admin",
    "dbInstanceIdentifier": "orders-instance", "dbClusterIdentifier": "orders-cluster",
    "password": "k7Qv", "oldPassword": "Zr9t",
    "smtp": { "host": "mail.example.org", "password": "J4sBn" }, "db_pwd": "x2mWv",
    "slackWebhook": "https://hooks.chat.example/T0/B1/wq8Lz5",
    "pin": 73910, "codes": ["5082q", ["yR6e!"]], "credentials": { "a": { "b": "hT3+x" } },
    "licence": 471100815, "short": "eu-9", "owner": "App_User", "replica": "orders.db.example",
    "databaseUrl": "postgres://app_user:u@5/Kf@orders.db.example:54321/orders_live",
    "reader": "reader.db.example", "at": "2001:db8::7", "near": "localhost",
    "token": "hq2.tz.dwmn", "odd": "Hq3.tz.dwmn", "odder": "hq4.tz.9",
    "inner": "{\"password\": \"gV2.c\"}", "file": "\n  {\"password\": \"bN8;m\"}\n", "flag": true, "nothing": null
}"#;

#[test]
fn every_text_of_a_version_is_learnt_at_every_depth() {
    let redactor = reading(VERSION);
    for secret in [
        "k7Qv",
        "Zr9t",
        "J4sBn",
        "x2mWv",
        "https://hooks.chat.example/T0/B1/wq8Lz5",
        "73910",
        "5082q",
        "yR6e!",
        "hT3+x",
        "471100815",
        "u@5/Kf",
        "gV2.c",
        "bN8;m",
        "hq2.tz.dwmn",
        "Hq3.tz.dwmn",
        "hq4.tz.9",
    ] {
        assert_eq!(
            redactor.scrub(&format!("is <{secret}>"), 99),
            format!("is <{MASK}>"),
            "{secret}"
        );
    }
}

#[test]
fn what_says_where_to_sign_in_and_what_is_short_stays() {
    let redactor = reading(VERSION);
    for plain in [
        "postgres",
        "orders.db.example",
        "54321",
        "app_user",
        "orders_live",
        "orders-instance",
        "orders-cluster",
        "arn:aws:secretsmanager:eu-1:1:secret:admin",
        "eu-9",
        "App_User",
        "true",
        "mail.example.org",
        "reader.db.example",
        "2001:db8::7",
        "localhost",
    ] {
        let text = format!("is <{plain}>");
        assert_eq!(redactor.scrub(&text, 99), text);
    }
}

#[test]
fn a_place_is_plain_only_at_the_top_and_a_password_is_never() {
    let redactor = reading(
        r#"{"host": {"a": "k7Qvx2mW"}, "x": {"username": "Zr9tJ4sB"}, "username": "n5Dy1", "password": "n5Dy1"}"#,
    );
    assert_eq!(redactor.scrub("k7Qvx2mW, Zr9tJ4sB, n5Dy1", 99), format!("{MASK}, {MASK}, {MASK}"));
}

#[test]
fn only_a_password_that_is_too_short_silences_the_step() {
    assert_eq!(reading(r#"{"pin": 12, "token": "abc", "a": ""}"#).scrub("12 abc", 99), "12 abc");
    let redactor = reading(r#"{"password": "abc"}"#);
    assert_eq!(redactor.scrub("is abc", 200), WITHHELD);
    assert_eq!(redactor.scrub("a message", 200), "a message");
}

#[test]
fn a_version_that_is_no_object_is_a_password_with_all_its_texts() {
    for (version, secret) in [
        ("k7Qv!", "k7Qv!"),
        ("{\"password\": \"k7Qv!", "password\": \"k7Qv!"),
        ("[\"k7Qv\", {\"a\": \"Zr9t\"}]", "Zr9t"),
        ("[\"k7Qv\"]", "k7Qv"),
        ("\"Zr9t\"", "Zr9t"),
        ("739150", "739150"),
    ] {
        let shown = reading(version).scrub(&format!("is <{secret}>"), 99);
        assert_eq!(shown, format!("is <{MASK}>"), "{version}");
    }
}

#[test]
fn of_what_is_no_credential_short_runs_are_words() {
    let redactor = reading(
        r#"{"a": "the database of the orders team", "jdbc": "jdbc:postgresql://orders.db.example/x",
            "host": "orders.db.example", "password": "k7Qvx2mWZr9tJ4sB"}"#,
    );
    let text = "a database at orders.db.example runs PostgreSQL";
    assert_eq!(redactor.scrub(text, 99), text);
    assert_eq!(redactor.scrub("<ase of the orders te>", 99), format!("<{MASK}>"));
}

#[test]
fn what_is_a_credential_somewhere_is_one_everywhere() {
    let redactor = reading(r#"{"a": "k7Qvx2mWZr9tJ4sB", "token": "k7Qvx2mWZr9tJ4sB"}"#);
    assert_eq!(redactor.scrub("<2mWZr9tJ>", 99), format!("<{MASK}>"));
    let long = reading(r#"{"a": "k7Qvx2mWZr9tJ4sBnDy1gV2c"}"#);
    assert_eq!(long.scrub("<2mWZr9tJ>", 99), "<2mWZr9tJ>");
}
