//! The fields of a secret: what is required, what is optional, and what each value means.

use serde_json::{Value, json};

use super::super::super::Step;
use super::super::world::{SECRET, SignIn, id};
use super::{GONE, pair, world};
use crate::rotation::ports::TlsMode;
use crate::rotation::ports::{SecretStore, Stage, VersionSelector};
use crate::rotation::settings::TlsPolicy;

/// The sign-in of a rotation's first steps, or what createSecret says.
async fn signs_in(fields: &Value) -> Result<SignIn, String> {
    let mut world = world(fields);
    // The one policy that leaves open what the secret leaves open.
    world.settings.tls_policy = TlsPolicy::Compatible;
    let version = world.begin();
    if let Err(error) = world.step(Step::Create, &version).await {
        assert_eq!(world.sign_ins(), 0, "{}", error.report());
        return Err(error.report());
    }
    world.step(Step::Set, &version).await.expect("the password is changed");
    let logins = &world.plugin.database.lock().unwrap().logins;
    Ok(logins.first().expect("a sign-in").clone())
}

#[tokio::test]
async fn required_fields_and_engine_names() {
    for (row, fields, expected) in [
        ("engine is required", json!({"engine": GONE}), Some("has no field `engine`; add it")),
        ("host is required", json!({"host": GONE}), Some("has no field `host`; add it")),
        ("username is required", json!({"username": GONE}), Some("has no field `username`")),
        ("password is required", json!({"password": GONE}), Some("has no field `password`")),
        ("engine postgres", json!({"engine": "postgres"}), None),
        ("engine aurora-postgresql", json!({"engine": "aurora-postgresql"}), None),
        ("engine mysql: error", json!({"engine": "mysql"}), Some("serves engine `mysql`")),
        ("engine Postgres: error", json!({"engine": "Postgres"}), Some("serves engine `Postgres`")),
        ("engine postgresql: error", json!({"engine": "postgresql"}), Some("engine `postgresql`")),
        ("port is optional", json!({"port": GONE}), None),
        ("dbname is optional", json!({"dbname": GONE}), None),
        ("masterarn is optional: single user", json!({"masterarn": GONE}), None),
        (
            "DIFFERS: an empty field is used as it is | said to be empty",
            json!({"username": ""}),
            Some("is empty; fill it in"),
        ),
        (
            "DIFFERS: a field of another type fails somewhere inside | named",
            json!({"password": 7}),
            Some("field `password` of the AWSCURRENT version of secret `app-db` must be a string"),
        ),
    ] {
        let got = signs_in(&fields).await;
        match expected {
            None => assert!(got.is_ok(), "{row}: {got:?}"),
            Some(expected) => {
                let error = got.expect_err(row);
                assert!(error.contains(expected), "{row}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn a_secret_string_that_is_not_json() {
    for (row, text) in
        [("bad JSON: error", "{"), ("not an object: error", "[]"), ("a bare password", "hunter2")]
    {
        let world = world(&json!({}));
        world.replace_current(text);
        let version = world.begin();
        let error = world.error(Step::Create, &version).await;
        assert!(error.contains("it must be an object such as"), "{row}: {error}");
    }
}

#[tokio::test]
async fn port() {
    for (row, port, expected) in [
        ("absent: 5432", json!(GONE), Ok(5432)),
        ("a number", json!(6000), Ok(6000)),
        ("a string with a number", json!("6000"), Ok(6000)),
        ("DIFFERS: null: error | the default", json!(null), Ok(5432)),
        ("not a number: error", json!("db"), Err("a number from 1 to 65535")),
        (
            "DIFFERS: what is no port fails in the driver | refused",
            json!(0),
            Err("a number from 1 to 65535"),
        ),
        (
            "DIFFERS: what is no port fails in the driver | refused",
            json!(65536),
            Err("a number from 1 to 65535"),
        ),
        (
            "DIFFERS: what is no port fails in the driver | refused",
            json!(5432.9),
            Err("a number from 1 to"),
        ),
    ] {
        match (signs_in(&json!({"port": port})).await, expected) {
            (Ok(login), Ok(port)) => assert_eq!(login.place, format!("db.example:{port}"), "{row}"),
            (Err(error), Err(expected)) => assert!(error.contains(expected), "{row}: {error}"),
            (got, expected) => panic!("{row}: {got:?}, not {expected:?}"),
        }
    }
}

/// The plugin takes `postgres` where it is handed none (`plugins/postgres/src/startup.rs`).
#[tokio::test]
async fn dbname() {
    for (row, dbname, expected) in [
        ("absent: the default", json!(GONE), Ok(None)),
        ("null: the default, as the alternating function does", json!(null), Ok(None)),
        ("a text", json!("orders"), Ok(Some("orders"))),
        ("DIFFERS: empty is handed to the driver | refused", json!(""), Err("`dbname` of")),
        ("DIFFERS: a number fails in the driver | refused", json!(7), Err("`dbname` of")),
    ] {
        match (signs_in(&json!({"dbname": dbname})).await, expected) {
            (Ok(login), Ok(name)) => assert_eq!(login.database.as_deref(), name, "{row}"),
            (Err(error), Err(expected)) => assert!(error.contains(expected), "{row}: {error}"),
            (got, expected) => panic!("{row}: {got:?}, not {expected:?}"),
        }
    }
}

#[tokio::test]
async fn ssl_has_three_states() {
    // What the operator's WINDLASS_TLS makes of that is in the tests of signing in.
    let unsaid = "DIFFERS: TLS, then plaintext if that fails for any reason | the operator decides";
    for (row, ssl, expected) in [
        (unsaid, json!(GONE), TlsMode::Unspecified),
        (unsaid, json!(null), TlsMode::Unspecified),
        (unsaid, json!(1), TlsMode::Unspecified),
        (unsaid, json!(0), TlsMode::Unspecified),
        (unsaid, json!(["false"]), TlsMode::Unspecified),
        (unsaid, json!("no"), TlsMode::Unspecified),
        (unsaid, json!(""), TlsMode::Unspecified),
        ("true: TLS only", json!(true), TlsMode::Required),
        ("\"true\" in any case: TLS only", json!("TRUE"), TlsMode::Required),
        ("\"true\" in any case: TLS only", json!("true"), TlsMode::Required),
        ("false: plaintext only", json!(false), TlsMode::Disabled),
        ("\"false\" in any case: plaintext only", json!("False"), TlsMode::Disabled),
        ("\"false\" in any case: plaintext only", json!("false"), TlsMode::Disabled),
    ] {
        let login = signs_in(&json!({"ssl": ssl})).await.expect(row);
        assert_eq!(login.tls, expected, "{row}: {ssl}");
    }
}

#[tokio::test]
async fn the_administrators_dbname_and_ssl() {
    for (row, own, admin, database) in [
        (
            "admin dbname := child's",
            json!({"dbname": "orders"}),
            json!({"dbname": "x"}),
            Some("orders"),
        ),
        ("admin dbname := child's, absent", json!({}), json!({"dbname": "x"}), None),
        ("admin dbname := child's, null", json!({"dbname": null}), json!({"dbname": "x"}), None),
    ] {
        let world = pair(&own, &admin);
        world.rotate().await;
        let logins = &world.plugin.database.lock().unwrap().logins;
        let admin = logins.iter().find(|login| login.username == "admin").expect(row);
        assert_eq!(admin.database.as_deref(), database, "{row}");
    }
    let world = pair(&json!({"ssl": false}), &json!({"ssl": true}));
    world.rotate().await;
    let row =
        "DIFFERS: each connects as its own secret says | the administrator's proof as the admin's";
    let logins = &world.plugin.database.lock().unwrap().logins;
    let modes: Vec<_> = logins.iter().map(|login| (login.username.as_str(), login.tls)).collect();
    let expected = [
        ("app", TlsMode::Required),
        ("admin", TlsMode::Required),
        ("app_clone", TlsMode::Disabled),
    ];
    assert_eq!(modes, expected, "{row}");
}

#[tokio::test]
async fn the_pending_value_is_the_current_one_with_another_password() {
    for (row, world, username) in [
        ("createSecret, single user: new password", world(&further()), "app"),
        (
            "createSecret, alternating: and the other username",
            pair(&further(), &json!({})),
            "app_clone",
        ),
    ] {
        let version = world.begin();
        let before = text(&world, Stage::Current).await;
        world.step(Step::Create, &version).await.expect(row);
        let mut after = text(&world, Stage::Pending).await;
        assert_ne!(after["password"], before["password"], "{row}");
        assert_eq!(after["username"], username, "{row}");
        for key in ["password", "username"] {
            after[key] = before[key].clone();
        }
        // Compared as text: keys in their order, numbers to the digit.
        assert_eq!(after.to_string(), before.to_string(), "{row}: unknown keys are kept");
    }
}

/// Keys that nobody here knows.
fn further() -> Value {
    json!({"dbInstanceIdentifier": "db-1", "nested": {"b": [1, null], "a": 1.10}, "zeta": true})
}

async fn text(world: &super::super::world::World, stage: Stage) -> Value {
    let value = world.store.value(&id(SECRET), &VersionSelector::Stage(stage)).await.unwrap();
    serde_json::from_str(value.text.unwrap().reveal()).unwrap()
}
