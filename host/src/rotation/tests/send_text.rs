//! Whether a password may be sent as text: by the configuration or the tag, and inside TLS only.

use serde_json::{Value, json};

use super::super::{SEND_TEXT_TAG, Step};
use super::world::World;
use crate::rotation::ports::FailureKind;
use crate::rotation::settings::{HonoredTags, TlsPolicy};

/// What the change said to the plugin.
async fn allowed(world: &World) -> bool {
    world.rotate().await;
    let allowed = world.plugin.database.lock().unwrap().texts_allowed.clone();
    assert_eq!(allowed.len(), 1, "one change");
    allowed[0]
}

fn world(fields: &Value, send_text: bool, tags: bool) -> World {
    let mut world = World::new(fields);
    world.settings.send_text = send_text;
    world.settings.tags = HonoredTags { send_text: tags, ..HonoredTags::default() };
    world
}

#[tokio::test]
async fn the_tag_decides_where_tags_may_and_else_the_configuration() {
    let fields = json!({"ssl": true});
    for (configured, heeded, tag, expected) in [
        (false, false, None, false),
        (true, false, None, true),
        (false, false, Some("true"), false),
        (true, false, Some("false"), true),
        (false, true, Some("true"), true),
        (true, true, Some("false"), false),
        (true, true, None, true),
    ] {
        let world = world(&fields, configured, heeded);
        if let Some(tag) = tag {
            world.tag(SEND_TEXT_TAG, tag);
        }
        let got = allowed(&world).await;
        assert_eq!(got, expected, "{configured} {heeded} {tag:?}");
    }
}

#[tokio::test]
async fn without_tls_it_is_never_allowed() {
    assert!(!allowed(&world(&json!({"ssl": false}), true, false)).await);
    let mut compatible = world(&json!({}), true, false);
    compatible.settings.tls_policy = TlsPolicy::Compatible;
    compatible.plugin.database.lock().unwrap().without_tls = true;
    compatible.rotate().await;
    let database = compatible.plugin.database.lock().unwrap();
    assert_eq!(database.texts_allowed, [false], "the change that went without TLS");
}

#[tokio::test]
async fn a_tag_that_says_neither_is_refused_before_anything_is_stored() {
    let world = world(&json!({}), false, true);
    world.tag(SEND_TEXT_TAG, "yes");
    let version = world.begin();
    let error = world.error(Step::Create, &version).await;
    assert!(error.contains("tag `windlass:send-text` must be `true` or `false`"), "{error}");
}

#[tokio::test]
async fn a_service_that_has_to_see_the_text_leads_to_the_setting() {
    let mut world = world(&json!({}), false, false);
    world.plugin.database.lock().unwrap().unwilling = Some(FailureKind::TextRequired);
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    let error = world.step(Step::Set, &version).await.expect_err("text is required");
    assert_eq!(error.error_type().as_str(), "Windlass.Operator.TextRequired");
    let message = error.report();
    assert!(
        message.contains("WINDLASS_SEND_TEXT=true, or send-text = true in windlass.toml"),
        "{message}"
    );
    // Followed to the letter.
    world.settings.send_text = true;
    world.plugin.database.lock().unwrap().unwilling = None;
    world.finish_from(Step::Set, &version).await;
    world.check(&version).await;
}

#[tokio::test]
async fn two_accounts_that_are_not_a_pair_lead_to_their_adoption() {
    let world = World::with_admin(&json!({}));
    world.plugin.database.lock().unwrap().unwilling = Some(FailureKind::NotAPair);
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    let error = world.step(Step::Set, &version).await.expect_err("they are not a pair");
    assert_eq!(error.error_type().as_str(), "Windlass.Operator.NotAPair");
    let message = error.report();
    assert!(message.contains("windlass adopt --secret-id 'app-db' --plugins DIR"), "{message}");
}
