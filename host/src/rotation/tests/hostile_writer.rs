//! Somebody who may write one secret or tag, and weakens nothing of another.

use serde_json::{Value, json};

use super::super::Step;
use super::world::{ADMIN, SECRET, World};
use crate::rotation::ports::{Description, PasswordRules, Proof, Stage, TlsMode};
use crate::rotation::settings::TlsPolicy;

/// A secret for somebody else's account, whose password its writer does not know; `admin` is on top
/// of the admin secret's usual fields.
fn victim(own: &Value, admin: &Value) -> World {
    let mut fields = own.clone();
    fields["password"] = json!("made up");
    fields["masterarn"] = json!(ADMIN);
    let world = World::new(&fields);
    let mut secret = json!({
        "engine": "fake", "host": "db.example", "username": "admin", "password": "adminpw",
    });
    secret.as_object_mut().unwrap().extend(admin.as_object().unwrap().clone());
    world.create(ADMIN, &secret.to_string());
    world.set_password("admin", "adminpw");
    world.set_password("app", "somebody else's");
    world.tag("windlass:strategy", "single-user");
    world
}

/// Whatever comes of setSecret, the administrator has not signed in and nothing was changed.
async fn no_administrator_acts(world: &World) -> String {
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    let outcome = match world.step(Step::Set, &version).await {
        Ok(outcome) => outcome.to_string(),
        Err(error) => error.report(),
    };
    let database = world.plugin.database.lock().unwrap();
    assert!(database.sign_ins.iter().all(|(user, _)| user != "admin"), "{outcome}");
    assert_eq!(database.passwords["app"], "somebody else's", "{outcome}");
    outcome
}

#[tokio::test]
async fn an_answer_in_clear_proves_nothing_to_an_administrator() {
    // With TLS the server itself answers, and refuses.
    let world = victim(&json!({"ssl": false}), &json!({}));
    world.plugin.database.lock().unwrap().imposter = true;
    no_administrator_acts(&world).await;
    assert_eq!(world.failed_sign_ins(), 1, "the made-up password, at the server itself");

    // Where the administrator does without TLS as well, the server has to prove itself.
    let world = victim(&json!({"ssl": false}), &json!({"ssl": false}));
    world.plugin.database.lock().unwrap().imposter = true;
    let error = no_administrator_acts(&world).await;
    assert!(error.contains("remove \"ssl\": false from the secret and from the admin"), "{error}");

    // In the compatible mode, whoever is on the way may say that there is no TLS.
    let mut world = victim(&json!({}), &json!({}));
    world.settings.tls_policy = TlsPolicy::Compatible;
    {
        let mut database = world.plugin.database.lock().unwrap();
        (database.imposter, database.without_tls) = (true, true);
    }
    no_administrator_acts(&world).await;
}

#[tokio::test]
async fn an_administrators_proof_is_made_in_the_stricter_mode_of_both_secrets() {
    for (own, admin, expected) in [
        (json!({"ssl": false}), json!({"ssl": true}), TlsMode::Required),
        (json!({"ssl": false}), json!({}), TlsMode::Required),
        (json!({"ssl": true}), json!({"ssl": false}), TlsMode::Required),
        (json!({"ssl": false}), json!({"ssl": false}), TlsMode::Disabled),
        (json!({}), json!({"ssl": false}), TlsMode::Required),
    ] {
        let world = victim(&own, &admin);
        world.set_password("app", "made up");
        world.rotate().await;
        let database = world.plugin.database.lock().unwrap();
        let first = database.logins.first().unwrap();
        assert_eq!((first.username.as_str(), first.proof), ("app", Proof::Mutual));
        assert_eq!(first.tls, expected, "{own} {admin}");
    }
}

#[tokio::test]
async fn a_secret_without_tls_under_an_administrator_with_it_says_which_secret_asks() {
    let world = victim(&json!({"ssl": false}), &json!({}));
    world.set_password("app", "made up");
    world.plugin.database.lock().unwrap().without_tls = true;
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    let error = world.step(Step::Set, &version).await.unwrap_err();
    assert_eq!(error.error_type().as_str(), "Windlass.Service.NoTls");
    let error = error.report();
    assert!(error.contains("the admin secret `admin-db` requires TLS"), "{error}");
    assert!(error.contains("set \"ssl\": false in the admin secret, too"), "{error}");
    assert_eq!(world.plugin.database.lock().unwrap().in_clear, 0);
}

#[tokio::test]
async fn where_the_operator_wants_tls_always_no_secret_turns_it_off() {
    let mut world = World::new(&json!({"ssl": false}));
    world.settings.tls_policy = TlsPolicy::Always;
    world.rotate().await;
    {
        let mut database = world.plugin.database.lock().unwrap();
        assert!(database.logins.iter().all(|login| login.tls == TlsMode::Required));
        database.without_tls = true;
    }
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    let error = world.step(Step::Set, &version).await.unwrap_err();
    assert_eq!(error.error_type().as_str(), "Windlass.Service.NoTls");
    assert!(error.report().contains("over TLS, which tls = \"always\""), "{}", error.report());
    assert_eq!(world.plugin.database.lock().unwrap().in_clear, 0);
}

#[tokio::test]
async fn a_bad_certificate_is_no_lack_of_tls() {
    let mut world = World::new(&json!({}));
    world.settings.tls_policy = TlsPolicy::Compatible;
    world.plugin.database.lock().unwrap().bad_certificate = true;
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    let error = world.step(Step::Set, &version).await.unwrap_err();
    assert_eq!(error.error_type().as_str(), "Windlass.Service.TlsFailed");
    assert_eq!(world.plugin.database.lock().unwrap().in_clear, 0);
}

/// A password that was stored for TLS, and a newer version that says that there is none.
#[tokio::test]
async fn an_older_password_is_not_sent_in_clear_for_a_newer_version() {
    let world = World::new(&json!({"ssl": true, "password": "first"}));
    world.set_password("app", "first");
    let newer = json!({
        "engine": "fake", "host": "db.example", "username": "app", "password": "x", "ssl": false,
    });
    world.replace_current(&newer.to_string());
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    world.step(Step::Set, &version).await.unwrap();
    let modes: Vec<_> = {
        let database = world.plugin.database.lock().unwrap();
        database.logins.iter().map(|login| login.tls).collect()
    };
    assert_eq!(modes, [TlsMode::Disabled, TlsMode::Disabled, TlsMode::Required]);

    // And where the server has no TLS, it stays at home.
    let world = World::new(&json!({"ssl": true}));
    world.replace_current(&newer.to_string());
    world.plugin.database.lock().unwrap().without_tls = true;
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    let error = world.error(Step::Set, &version).await;
    assert!(
        error.contains("AWSPENDING (each refused: as told); passwords of versions without"),
        "{error}"
    );
    assert!(error.contains("because the server has no TLS"), "{error}");
    assert_eq!(world.sign_ins(), 2);

    // Any other failure is one of the step: nobody knows what the password would have led to.
    let world = World::new(&json!({"ssl": true}));
    world.replace_current(&newer.to_string());
    world.plugin.database.lock().unwrap().bad_certificate = true;
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    let error = world.step(Step::Set, &version).await.unwrap_err();
    assert_eq!(error.error_type().as_str(), "Windlass.Service.TlsFailed", "{}", error.report());
}

#[tokio::test]
async fn an_older_password_is_not_handed_to_the_plugin_of_another_engine() {
    let mut world = World::new(&json!({}));
    world.plugin.others = vec![other("other", "")];
    world.set_password("app", "first");
    let newer = json!({
        "engine": "other", "host": "db.example", "port": 7, "username": "app", "password": "x",
    });
    world.replace_current(&newer.to_string());
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    let error = world.error(Step::Set, &version).await;
    assert!(error.contains("another host, port or engine"), "{error}");
    assert_eq!(world.sign_ins(), 2, "with the newer version's own passwords");
}

/// Another plugin, whose passwords have none of these characters.
fn other(engine: &str, excluded: &str) -> Description {
    let mut description = World::new(&json!({})).description();
    description.name = engine.into();
    description.engines = vec![engine.into()];
    description.password_rules =
        PasswordRules { excluded_characters: excluded.into(), ..description.password_rules };
    description
}

#[tokio::test]
async fn a_plugin_that_excludes_most_characters_weakens_no_others_passwords() {
    let all_but_a: String = ('!'..='~').filter(|c| *c != 'a').collect();
    let mut world = World::new(&json!({}));
    world.plugin.others = vec![other("weak", &all_but_a)];
    for _ in 0..2 {
        world.rotate().await;
        let password = world.field(Stage::Current, "password").await;
        assert!(password.chars().any(|c| c != 'a'), "24 times a");
        let different: std::collections::BTreeSet<_> = password.chars().collect();
        assert!(different.len() > 8, "{different:?}");
    }
}

/// What was right for the secret once is asked for ahead the next time, and used only if it still is.
#[tokio::test]
async fn a_password_that_was_asked_for_by_other_rules_is_not_used() {
    let small: String = ('a'..='z').collect();
    let mut world = World::new(&json!({}));
    world.plugin.others = vec![other("other", &small)];
    let version = world.rotate().await;
    let password = world.field(Stage::Current, "password").await;
    let moved = json!({
        "engine": "other", "host": "db.example", "username": "app", "password": password,
    });
    world.replace_current(&moved.to_string());
    world.take_label(&version).await;
    world.rotate().await;
    let password = world.field(Stage::Current, "password").await;
    assert!(!password.contains(|c| small.contains(c)), "24 characters, by the other's rules");
}

#[tokio::test]
async fn passwords_that_would_be_guessed_are_not_made() {
    let mut world = World::new(&json!({}));
    world.settings.passwords.length = Some(4);
    let version = world.begin();
    let error = world.step(Step::Create, &version).await.unwrap_err();
    assert_eq!(error.error_type().as_str(), "Windlass.Operator.PasswordSettings");
    assert!(error.report().contains("raise PASSWORD_LENGTH"), "{}", error.report());
    world.settings.passwords.length = None;
    world.finish_from(Step::Create, &version).await;
}

#[tokio::test]
async fn a_tag_chooses_no_plugin_of_another_engine_and_none_against_the_operator() {
    let mut world = World::with_admin(&json!({}));
    world.plugin.others = vec![other("other", "")];
    world.tag("windlass:plugin", "other");
    let version = world.begin();
    let error = world.error(Step::Create, &version).await;
    assert!(error.contains("names plugin `other`, which serves other and not the"), "{error}");

    world.settings.plugin = Some("fake".into());
    let error = world.error(Step::Create, &version).await;
    assert!(error.contains("configured to use `fake` for every secret"), "{error}");
    assert_eq!(world.sign_ins(), 0);

    // Tags can be switched off, each by itself.
    world.settings.plugin = None;
    world.settings.tags.plugin = false;
    world.finish_from(Step::Create, &version).await;
}

#[tokio::test]
async fn a_tag_that_names_the_operators_plugin_is_no_contradiction() {
    let mut world = World::new(&json!({}));
    world.settings.plugin = Some("fake".into());
    world.tag("windlass:plugin", "fake");
    let version = world.rotate().await;
    world.check(&version).await;
}

#[tokio::test]
async fn a_strategy_tag_counts_only_where_tags_choose_the_strategy() {
    let mut world = World::with_admin(&json!({}));
    world.tag("windlass:strategy", "single-user");
    world.settings.tags.strategy = false;
    world.rotate().await;
    assert_eq!(world.field(Stage::Current, "username").await, "app_clone");
    world.settings.tags.strategy = true;
    world.rotate().await;
    assert_eq!(world.field(Stage::Current, "username").await, "app_clone", "no turn");
}

/// Whatever chose the plugin, an administrator of another engine is not handed to it.
#[tokio::test]
async fn an_administrators_password_goes_to_no_plugin_that_does_not_serve_its_engine() {
    let mut world = World::with_admin(&json!({}));
    world.plugin.others = vec![other("other", "")];
    world.settings.plugin = Some("other".into());
    let version = world.begin();
    let error = world.up_to_set(&version).await.expect_err("not its engine").report();
    assert!(error.contains("is for engine `fake`, which plugin `other` does not serve"), "{error}");
    let database = world.plugin.database.lock().unwrap();
    assert!(database.sign_ins.iter().all(|(user, _)| user != "admin"), "{error}");
}

#[tokio::test]
async fn wrong_passwords_in_one_secret_do_not_stop_the_rotation_of_another() {
    let world = World::new(&json!({}));
    let evil = json!({
        "engine": "fake", "host": "db.example", "username": "app", "password": "made up",
    });
    world.create("evil", &evil.to_string());
    let version = world.begin_of("evil");
    world.step_of("evil", Step::Create, &version).await.unwrap();
    let mut last = String::new();
    for _ in 0..10 {
        last = world.step_of("evil", Step::Set, &version).await.unwrap_err().report();
    }
    assert!(last.contains("or of others that name the account"), "{last}");
    assert_eq!(world.failed_sign_ins(), 5);
    let version = world.rotate().await;
    assert_eq!(world.failed_sign_ins(), 5);
    world.check(&version).await;
    assert_eq!(world.field(Stage::Current, "username").await, "app", "{SECRET}");
}

/// The new password, and the old one, are in the administrator's session.
#[tokio::test]
async fn an_admin_secret_without_tls_takes_it_from_no_other_secret() {
    for strategy in ["single-user", "alternating-users", "dual-password"] {
        for own in [json!({"ssl": true}), json!({})] {
            let world = victim(&own, &json!({"ssl": false}));
            world.set_password("app", "made up");
            world.tag("windlass:strategy", strategy);
            world.rotate().await;
            let database = world.plugin.database.lock().unwrap();
            let admin = database.logins.iter().find(|login| login.username == "admin").unwrap();
            assert_eq!(admin.tls, TlsMode::Required, "{strategy} {own}");
            assert_eq!(database.in_clear, 0, "{strategy} {own}");
        }
    }
}

/// One account behind several names of its server.
#[tokio::test]
async fn a_secret_that_spells_the_host_anew_has_no_more_tries_for_it() {
    let world = World::new(&json!({}));
    world.set_password("app", "somebody else's");
    for number in 0..10 {
        let evil = json!({
            "engine": "fake", "host": format!("db-{number}.example"), "username": "app",
            "password": format!("made up {number}"),
        });
        world.drop_pending_of(SECRET).await;
        world.replace_current(&evil.to_string());
        let version = world.begin();
        world.step(Step::Create, &version).await.unwrap();
        for _ in 0..3 {
            world.step(Step::Set, &version).await.unwrap_err();
        }
    }
    assert!(world.failed_sign_ins() < 10, "{}: policies lock at ten", world.failed_sign_ins());
}

/// A secret that was rotated, and then written anew for somebody else's account.
#[tokio::test]
async fn a_rotated_secret_does_not_stop_an_administrator_or_a_new_secret() {
    let rotated_evil = async |username: &str| {
        let world = World::with_admin(&json!({}));
        let evil = json!({
            "engine": "fake", "host": "db.example", "username": "mine", "password": "mine",
        });
        world.create("evil", &evil.to_string());
        world.set_password("mine", "mine");
        let version = world.begin_of("evil");
        for step in Step::ALL {
            world.step_of("evil", step, &version).await.unwrap();
        }
        let evil = json!({
            "engine": "fake", "host": "db.example", "username": username, "password": "made up",
        });
        world.drop_pending_of("evil").await;
        world.replace_current_of("evil", &evil.to_string());
        let version = world.begin_of("evil");
        world.step_of("evil", Step::Create, &version).await.unwrap();
        for _ in 0..10 {
            world.step_of("evil", Step::Set, &version).await.unwrap_err();
        }
        world
    };
    for username in ["admin", "app"] {
        let world = rotated_evil(username).await;
        let version = world.rotate().await;
        world.check(&version).await;
    }
}
