//! What the service says of refused passwords is passed on, with the remedy that fits.

use crate::rotation::ports::Stage;
use serde_json::json;

use super::super::Step;
use super::world::World;

/// A world in which no known password signs in, with the versions' passwords.
async fn lost() -> (World, crate::rotation::ports::VersionId, [String; 3]) {
    let world = World::new(&json!({}));
    world.rotate().await;
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    world.set_password("app", "by hand");
    let mut passwords = Vec::new();
    for stage in [Stage::Current, Stage::Pending, Stage::Previous] {
        passwords.push(world.field(stage, "password").await);
    }
    (world, version, passwords.try_into().unwrap())
}

fn answer(world: &World, password: &str, message: &str, remedy: &str) {
    let answer = (message.to_owned(), remedy.to_owned());
    world.plugin.database.lock().unwrap().answers.insert(password.to_owned(), answer);
}

const BY_HAND: &str = "set the account's password to the one in AWSCURRENT by hand";

#[tokio::test]
async fn one_answer_to_all_is_said_once_with_the_plugins_remedy() {
    let (world, version, passwords) = lost().await;
    let expired = "the account's password has expired";
    let remedy = "extend it: ALTER ROLE app VALID UNTIL 'infinity'";
    for password in &passwords {
        answer(&world, password, expired, remedy);
    }
    let error = world.error(Step::Set, &version).await;
    let message = "tried AWSCURRENT, AWSPENDING, AWSPREVIOUS (each refused: the account's password has \
                expired (28000)); nothing was changed; extend it: ALTER ROLE app";
    assert!(error.contains(message), "{error}");
    assert_eq!(error.matches(expired).count(), 1, "{error}");
    assert_eq!(error.matches(remedy).count(), 1, "{error}");
    assert!(!error.contains(BY_HAND), "{error}");
}

#[tokio::test]
async fn each_answer_that_differs_is_said_with_its_password() {
    let (world, version, [current, pending, _]) = lost().await;
    answer(&world, &current, "no MD5 password is stored", "set password_encryption = md5");
    answer(&world, &pending, "no such password", "");
    let error = world.error(Step::Set, &version).await;
    for part in [
        "AWSCURRENT (refused: no MD5 password is stored (28000)), AWSPENDING (refused: no such \
         password (28000)), AWSPREVIOUS (refused: as told)",
        "nothing was changed; set password_encryption = md5",
    ] {
        assert!(error.contains(part), "no `{part}` in: {error}");
    }
}

#[tokio::test]
async fn where_the_plugin_knows_no_cause_the_usual_is_advised() {
    let (world, version, _) = lost().await;
    let error = world.error(Step::Set, &version).await;
    assert!(
        error.contains("AWSPREVIOUS (each refused: as told); nothing was changed; set"),
        "{error}"
    );
    assert!(error.contains(BY_HAND), "{error}");
}

#[tokio::test]
async fn a_repair_says_the_same() {
    let (world, _, passwords) = lost().await;
    for password in &passwords {
        answer(&world, password, "a client certificate is required", "ALTER USER app REQUIRE SSL");
    }
    let error = super::repair::repair(&world).await.err().expect("nothing signs in").report();
    for part in ["a client certificate is required (28000)", "; ALTER USER app REQUIRE SSL"] {
        assert!(error.contains(part), "no `{part}` in: {error}");
    }
    assert!(!error.contains(BY_HAND), "{error}");
}

#[tokio::test]
async fn an_account_that_is_not_tried_any_more_has_the_last_answer_and_its_remedy() {
    let (world, version, passwords) = lost().await;
    let remedy = "extend it: ALTER ROLE app VALID UNTIL 'infinity'";
    for password in &passwords {
        answer(&world, password, "the account's password has expired", remedy);
    }
    let mut message = String::new();
    for _ in 0..9 {
        message = world.error(Step::Set, &version).await;
    }
    assert!(message.contains("no more sign-ins are tried for now"), "{message}");
    let last =
        format!("; the last answer was: the account's password has expired (28000); {remedy}");
    assert!(message.contains(&last), "{message}");
    assert!(!message.contains(BY_HAND), "{message}");

    // Another secret that names the account learns nothing of this one's.
    let other = json!({
        "engine": "fake", "host": "db.example", "username": "app", "password": "wrong",
    });
    world.create("other", &other.to_string());
    let version = world.begin_of("other");
    world.step_of("other", Step::Create, &version).await.unwrap();
    for _ in 0..3 {
        let error = world.step_of("other", Step::Set, &version).await.expect_err("refused");
        message = error.report();
        assert!(!message.contains("has expired"), "{message}");
    }
}
