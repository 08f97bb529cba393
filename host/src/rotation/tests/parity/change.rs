//! setSecret: who signs in, in which order, and what must belong together first.

use serde_json::{Value, json};

use super::super::super::Step;
use super::super::super::strategy::alternate;
use super::super::world::{SECRET, World, id};
use super::{pair, postgres, with, world};
use crate::rotation::ports::TlsMode;
use crate::rotation::ports::{PendingValue, SecretStore, Stage, VersionId};
use crate::secret::Secret;

/// A rotation whose pending version holds these fields on top of `app`'s usual ones.
async fn pending(world: &World, fields: &Value) -> VersionId {
    let version = world.begin();
    let text = Secret::new(with("postgres", "app", "second", fields).to_string());
    let value = PendingValue { version: version.clone(), text, rotation_token: None };
    world.store.put_pending(&id(SECRET), &value).await.unwrap();
    version
}

fn sign_ins(world: &World) -> Vec<(String, bool)> {
    world.plugin.database.lock().unwrap().sign_ins.clone()
}

fn users(expected: &[(&str, bool)]) -> Vec<(String, bool)> {
    expected.iter().map(|(user, accepted)| ((*user).to_owned(), *accepted)).collect()
}

#[tokio::test]
async fn single_user_who_signs_in() {
    let first = "DIFFERS: pending first, which fails in an ordinary rotation | current first";
    let restored = "current fails and previous exists: login previous";
    let done = "DIFFERS: pending works: done, without current | current, then pending";
    for (row, in_force, expected) in [
        (first, "first", &[("app", true)][..]),
        (done, "second", &[("app", false), ("app", true)]),
        (restored, "zeroth", &[("app", false), ("app", false), ("app", true)]),
    ] {
        let world = world(&json!({"password": "zeroth"}));
        world.replace_current(&with("postgres", "app", "first", &json!({})).to_string());
        world.set_password("app", in_force);
        let version = pending(&world, &json!({})).await;
        world.step(Step::Set, &version).await.expect(row);
        assert_eq!(sign_ins(&world), users(expected), "{row}");
        let database = world.plugin.database.lock().unwrap();
        assert_eq!(database.passwords["app"], "second", "{row}");
    }
}

#[tokio::test]
async fn single_user_previous_versions_that_do_not_count() {
    for (row, previous) in [
        ("previous with a missing key: none", json!({"host": super::GONE})),
        (
            "DIFFERS: login previous, then its host is compared | compared first",
            json!({"host": "x"}),
        ),
        ("DIFFERS: login previous, then its username | compared first", json!({"username": "y"})),
    ] {
        let world = world(&json!({}));
        world.replace_current(&with("postgres", "app", "zeroth", &previous).to_string());
        world.replace_current(&with("postgres", "app", "first", &json!({})).to_string());
        world.set_password("app", "by hand");
        let version = pending(&world, &json!({})).await;
        let error = world.error(Step::Set, &version).await;
        assert!(error.contains("no known password of `app` signs in"), "{row}: {error}");
        assert_eq!(sign_ins(&world).len(), 2, "{row}");
    }
    let row = "DIFFERS: previous.ssl := current's, or absent if current has none | the stricter";
    for (previous, current) in [(false, true), (true, false)] {
        let world = world(&json!({}));
        let ssl = |ssl: bool| json!({"ssl": ssl});
        world.replace_current(&with("postgres", "app", "zeroth", &ssl(previous)).to_string());
        world.replace_current(&with("postgres", "app", "first", &ssl(current)).to_string());
        world.set_password("app", "zeroth");
        let version = pending(&world, &ssl(current)).await;
        world.step(Step::Set, &version).await.expect(row);
        let logins = &world.plugin.database.lock().unwrap().logins;
        // Only the last one is made with the previous password.
        assert_eq!(logins.last().map(|login| login.tls), Some(TlsMode::Required), "{row}");
    }
}

#[tokio::test]
async fn versions_that_do_not_belong_together() {
    let edited = "DIFFERS: any other field that differs is taken from pending | error";
    for (row, fields, expected) in [
        ("current.username ≠ pending.username: error", json!({"username": "root"}), "is for user"),
        ("current.host ≠ pending.host: error", json!({"host": "x.example"}), "`host` is not the"),
        (edited, json!({"port": 1}), "`port` is not the same"),
        (edited, json!({"dbname": "x"}), "`dbname` is not the same"),
        (edited, json!({"ssl": false}), "`ssl` is not the same"),
    ] {
        let world = world(&json!({}));
        let version = pending(&world, &fields).await;
        let error = world.error(Step::Set, &version).await;
        assert!(error.contains(expected), "{row}: {error}");
        assert_eq!(sign_ins(&world), [], "{row}");
    }
    let row = "alternate(current.username) must equal pending.username";
    for other in ["app", "app_clone2", "root"] {
        let world = pair(&json!({}), &json!({}));
        let version = pending(&world, &json!({"masterarn": "admin-db", "username": other})).await;
        let error = world.error(Step::Set, &version).await;
        assert!(
            error.contains("but this rotation changes the password of `app_clone`"),
            "{row}: {error}"
        );
        assert_eq!(sign_ins(&world), [], "{row}");
    }
}

#[tokio::test]
async fn alternating_users_who_signs_in() {
    let row = "login with current must succeed, then the administrator's";
    let world = pair(&json!({}), &json!({}));
    world.rotate().await;
    let expected = users(&[("app", true), ("admin", true), ("app_clone", true)]);
    assert_eq!(sign_ins(&world), expected, "{row}");

    let row = "login with current fails: error, whoever the administrator is";
    let world = pair(&json!({}), &json!({}));
    world.set_password("app", "nobody knows");
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    let error = world.error(Step::Set, &version).await;
    assert!(error.contains("no known password of `app`"), "{row}: {error}");
    assert!(sign_ins(&world).iter().all(|(user, _)| user != "admin"), "{row}");

    let row = "DIFFERS: login with current fails: error | an older password of the account will do";
    let world = pair(&json!({"password": "made up"}), &json!({}));
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    let outcome = world.step(Step::Set, &version).await.expect(row);
    assert!(outcome.to_string().contains("after the AWSPREVIOUS password"), "{row}: {outcome}");

    let row = "login as administrator or error";
    let world = pair(&json!({}), &json!({"password": "wrong"}));
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    let error = world.error(Step::Set, &version).await;
    assert!(error.contains("signing in as `admin` with the admin secret's"), "{row}: {error}");
}

#[tokio::test]
async fn the_admin_secret() {
    let ports = "DIFFERS: the ports are not compared | another port is another server";
    let own = "DIFFERS: an administrator that is the user itself is taken | error";
    for (row, own, admin, expected) in [
        ("current.host == admin.host", json!({}), json!({}), None),
        (
            "DIFFERS: hosts are compared to the letter | DNS knows no case",
            json!({}),
            json!({"host": "DB.Example"}),
            None,
        ),
        ("ports: absent is 5432", json!({"port": "5432"}), json!({}), None),
        (
            "current.host ≠ admin.host: error",
            json!({}),
            json!({"host": "x.example"}),
            Some("is for `x.example:5432`"),
        ),
        (ports, json!({}), json!({"port": 5433}), Some("another port is another server")),
        (own, json!({}), json!({"username": "app"}), Some("whose password this rotation changes")),
        (own, json!({}), json!({"username": "app_clone"}), Some("whose password this rotation")),
        (
            "engine of the admin secret: both names",
            json!({}),
            json!({"engine": "aurora-postgresql"}),
            None,
        ),
        (
            "engine of the admin secret: both names",
            json!({"engine": "aurora-postgresql"}),
            json!({}),
            None,
        ),
        (
            "engine of the admin secret: error",
            json!({}),
            json!({"engine": "mysql"}),
            Some("engine `mysql`"),
        ),
        (
            "engine is required",
            json!({}),
            json!({"engine": super::GONE}),
            Some("no field `engine`"),
        ),
        ("host is required", json!({}), json!({"host": super::GONE}), Some("no field `host`")),
        ("username is required", json!({}), json!({"username": super::GONE}), Some("`username`")),
        ("password is required", json!({}), json!({"password": super::GONE}), Some("`password`")),
    ] {
        let world = pair(&own, &admin);
        let version = world.begin();
        let set = world.up_to_set(&version).await;
        match expected {
            None => drop(set.expect(row)),
            Some(expected) => {
                let error = set.expect_err(row).report();
                assert!(error.contains(expected), "{row}: {error}");
                assert!(sign_ins(&world).iter().all(|(user, _)| user != "admin"), "{row}");
            }
        }
    }
    let row = "masterarn names no secret: error";
    let world = world(&json!({"masterarn": "gone"}));
    let version = world.begin();
    let error = world.up_to_set(&version).await.expect_err(row).report();
    assert!(error.contains("`masterarn` of `app-db` names it"), "{row}: {error}");
}

#[test]
fn the_alternate_name() {
    let rules = postgres().username_rules;
    let (longest, too_long) = ("a".repeat(57), "a".repeat(58));
    let longest_clone = format!("{longest}_clone");
    for (row, name, expected) in [
        ("append _clone", "app", Ok("app_clone")),
        ("ends with _clone: strip", "app_clone", Ok("app")),
        ("strip one only", "app_clone_clone", Ok("app_clone")),
        ("the suffix's case counts", "app_CLONE", Ok("app_CLONE_clone")),
        ("63 is the limit", longest.as_str(), Ok(longest_clone.as_str())),
        (
            "longer: error",
            too_long.as_str(),
            Err("has 64 bytes, and the service allows at most 63"),
        ),
        (
            "DIFFERS: characters are counted | bytes, as PostgreSQL does",
            &"é".repeat(29),
            Err("has 64 bytes"),
        ),
        ("DIFFERS: _clone becomes the empty name | error", "_clone", Err("only the suffix")),
    ] {
        match (alternate(name, &rules), expected) {
            (Ok(name), Ok(expected)) => assert_eq!(name, expected, "{row}"),
            (Err(error), Err(expected)) => {
                assert!(error.to_string().contains(expected), "{row}: {error}");
            }
            (got, expected) => panic!("{row}: {got:?}, not {expected:?}"),
        }
    }
}

#[tokio::test]
async fn stages_after_a_rotation() {
    let world = pair(&json!({}), &json!({}));
    world.rotate().await;
    for (row, stage, username) in [
        ("AWSCURRENT is the other user", Stage::Current, "app_clone"),
        ("AWSPREVIOUS moves by itself", Stage::Previous, "app"),
        ("AWSPENDING is not removed", Stage::Pending, "app_clone"),
    ] {
        assert_eq!(world.field(stage, "username").await, username, "{row}");
    }
}
