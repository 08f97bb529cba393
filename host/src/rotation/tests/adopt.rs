//! Looking at the two accounts of a secret, and declaring them as a pair.

use serde_json::json;

use super::super::Pairing;
use super::world::{ADMIN, SECRET, World, id};
use crate::rotation::error::Error;
use crate::rotation::ports::{PairState, Proof, TlsMode};

async fn look(world: &World) -> Result<Option<Pairing>, Error> {
    world.with(async |rotation| rotation.look_at_pair(&id(SECRET)).await).await
}

/// Looks and marks, as the command does; `between` happens meanwhile.
async fn adopt_after(world: &World, between: impl FnOnce()) -> Result<bool, Error> {
    let seen = look(world).await?;
    between();
    let Some(seen) = seen else { return Ok(false) };
    world.with(async |rotation| rotation.adopt_pair(&id(SECRET), &seen).await).await
}

async fn adopt(world: &World) -> Result<bool, Error> {
    adopt_after(world, || {}).await
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
        assert_eq!(error.error_type().as_str(), "Windlass.Service.Refused", "{error}");
    }
    let database = world.plugin.database.lock().unwrap();
    assert!(database.marked.is_empty());
    assert!(database.sign_ins.iter().rev().take(2).all(|(username, _)| username == "app_clone"));
}

/// Its writer shows two accounts of their own, and then names another one whose password they know.
#[tokio::test]
async fn nothing_is_marked_but_the_two_that_were_looked_at() {
    let world = unmarked().await;
    world.set_password("other", "known");
    let marked = adopt_after(&world, || {
        let secret = json!({
            "engine": "fake", "host": "db.example", "username": "other", "password": "known",
            "masterarn": ADMIN,
        });
        world.replace_current_of(SECRET, &secret.to_string());
    })
    .await;
    assert_eq!(world.plugin.database.lock().unwrap().marked, []);
    assert_eq!(marked.unwrap_err().error_type().as_str(), "Windlass.Operator.Mismatch");
    // A rotation meanwhile changes nothing about who the two are.
    let world = unmarked().await;
    let seen = look(&world).await.unwrap().expect("a pair");
    world.rotate().await;
    let marked = world.with(async |rotation| rotation.adopt_pair(&id(SECRET), &seen).await).await;
    assert!(marked.unwrap());
}

/// Somebody on the way, or a server that lets everybody in, would make the other account the secret's.
#[tokio::test]
async fn the_other_account_signs_in_with_a_proof_too() {
    for (own, admin, expected) in [
        (json!({"ssl": false}), json!({"ssl": false}), TlsMode::Disabled),
        (json!({"ssl": false}), json!({"ssl": true}), TlsMode::Required),
    ] {
        let world = World::with_admin(&own);
        let mut admin_secret = json!({
            "engine": "fake", "host": "db.example", "username": "admin", "password": "adminpw",
        });
        admin_secret["ssl"] = admin["ssl"].clone();
        world.replace_current_of(ADMIN, &admin_secret.to_string());
        world.rotate().await;
        world.plugin.database.lock().unwrap().pair = Some(PairState::Different);
        world.plugin.database.lock().unwrap().logins.clear();
        look(&world).await.unwrap().expect("a pair");
        let database = world.plugin.database.lock().unwrap();
        for username in ["app", "app_clone"] {
            let login = database.logins.iter().find(|login| login.username == username).unwrap();
            assert_eq!((login.proof, login.tls), (Proof::Mutual, expected), "{username}");
        }
    }
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
    assert_eq!(
        adopt(&world).await.unwrap_err().error_type().as_str(),
        "Windlass.Operator.Mismatch"
    );
}
