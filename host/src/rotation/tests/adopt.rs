//! Looking at the two accounts of a secret, and declaring them as a pair.

use serde_json::json;

use super::super::Pairing;
use super::super::service::PairState;
use super::world::{ADMIN, SECRET, World};
use crate::error::Error;

async fn look(world: &World) -> Result<Option<Pairing>, Error> {
    world.with(async |rotation| rotation.look_at_pair(SECRET).await).await
}

async fn adopt(world: &World) -> Result<bool, Error> {
    world.with(async |rotation| rotation.adopt_pair(SECRET).await).await
}

/// A secret whose two accounts differ and bear no mark.
async fn unmarked() -> World {
    let world = World::with_admin(&json!({}));
    world.rotate().await;
    world.plugin.database.lock().unwrap().pair = Some(PairState::Different);
    world
}

#[tokio::test]
async fn a_pair_is_looked_at_with_both_of_its_passwords_and_changed_by_nothing() {
    let world = unmarked().await;
    let before = world.plugin.database.lock().unwrap().passwords.clone();
    let pairing = look(&world).await.unwrap().expect("a pair");
    assert_eq!((pairing.current.as_str(), pairing.other.as_str()), ("app_clone", "app"));
    assert!(pairing.both_sign_in() && pairing.is_refused() && pairing.can_be_marked());
    assert_eq!(world.plugin.database.lock().unwrap().passwords, before);
    assert!(world.plugin.database.lock().unwrap().marked.is_empty());

    world.set_password("app", "another");
    let pairing = look(&world).await.unwrap().expect("a pair");
    assert_eq!(pairing.other_signs_in, Some(false));
    assert!(!pairing.both_sign_in());
}

#[tokio::test]
async fn the_administrator_marks_both_after_the_secrets_own_password_signed_in() {
    let world = unmarked().await;
    assert!(adopt(&world).await.unwrap());
    let marked = world.plugin.database.lock().unwrap().marked.clone();
    assert_eq!(marked, [("app".to_owned(), Some("app_clone".to_owned()))]);
    assert!(!look(&world).await.unwrap().expect("a pair").can_be_marked());
    let sign_ins = world.plugin.database.lock().unwrap().sign_ins.clone();
    let acted = sign_ins.iter().rposition(|(username, _)| username == "admin").unwrap();
    assert!(
        sign_ins[..acted].iter().any(|(username, accepted)| username == "app_clone" && *accepted)
    );
}

/// Whoever only writes the secret names accounts that are not theirs.
#[tokio::test]
async fn nothing_is_marked_for_a_secret_that_does_not_sign_in() {
    let world = unmarked().await;
    world.set_password("app_clone", "another");
    for error in [look(&world).await.unwrap_err(), adopt(&world).await.unwrap_err()] {
        assert_eq!(error.error_type(), "Windlass.Service.Refused", "{error}");
    }
    let database = world.plugin.database.lock().unwrap();
    assert!(database.marked.is_empty());
    assert!(database.sign_ins.iter().rev().take(2).all(|(username, _)| username == "app_clone"));
}

/// As in a rotation: a secret that does without TLS takes none from its administrator.
#[tokio::test]
async fn the_administrator_looks_over_the_stricter_tls_of_both_secrets() {
    let world = World::with_admin(&json!({ "ssl": false }));
    world.plugin.database.lock().unwrap().pair = Some(PairState::Absent);
    look(&world).await.unwrap().expect("a pair");
    let in_clear = world.plugin.database.lock().unwrap().in_clear;
    assert_eq!(in_clear, 0);
}

#[tokio::test]
async fn what_is_no_pair_or_can_not_be_looked_at_is_left_alone() {
    let single = World::new(&json!({}));
    assert_eq!(look(&single).await.unwrap(), None);
    assert!(!adopt(&single).await.unwrap());
    assert_eq!(single.sign_ins(), 0);

    let world = unmarked().await;
    world.plugin.database.lock().unwrap().pair = None;
    let pairing = look(&world).await.unwrap().expect("a pair");
    assert_eq!(pairing.assessment, None);
    assert!(!pairing.can_be_marked() && !adopt(&world).await.unwrap());

    // An administrator that is one of the two.
    let admin = json!({
        "engine": "fake", "host": "db.example", "username": "app", "password": "first",
    });
    world.replace_current_of(ADMIN, &admin.to_string());
    assert_eq!(adopt(&world).await.unwrap_err().error_type(), "Windlass.Operator.Mismatch");
}
