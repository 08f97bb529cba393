//! What every sign-in keeps to: TLS as the secret and the operator say, and few refusals.

use serde_json::{Value, json};

use super::super::{REFUSED_LIMIT, Step};
use super::world::World;
use crate::rotation::ports::Stage;
use crate::rotation::settings::TlsPolicy;

#[tokio::test]
async fn a_server_without_tls_is_used_where_the_secret_or_the_operator_says_so() {
    use TlsPolicy::{Compatible, Required};
    for (ssl, policy, works) in [
        (json!(false), Required, true),
        (json!("FALSE"), Required, true),
        (Value::Null, Required, false),
        (json!("prefer"), Required, false),
        (json!(true), Required, false),
        (Value::Null, Compatible, true),
        (json!(1), Compatible, true),
        (json!("prefer"), Compatible, true),
        (json!(true), Compatible, false),
        (json!("True"), Compatible, false),
    ] {
        let mut world = World::new(&json!({"ssl": ssl}));
        world.settings.tls_policy = policy;
        world.plugin.database.lock().unwrap().without_tls = true;
        let version = world.begin();
        world.step(Step::Create, &version).await.unwrap();
        let outcome = world.step(Step::Set, &version).await;
        assert_eq!(outcome.is_ok(), works, "{ssl} with {policy:?}");
        assert_eq!(world.plugin.database.lock().unwrap().in_clear > 0, works);
        if works {
            world.finish_from(Step::Test, &version).await;
            world.check(&version).await;
        } else {
            assert_eq!(outcome.unwrap_err().error_type().as_str(), "Windlass.Service.NoTls");
        }
    }
}

#[tokio::test]
async fn the_compatible_mode_keeps_to_tls_where_the_server_has_it_whatever_else_fails() {
    let mut world = World::new(&json!({}));
    world.settings.tls_policy = TlsPolicy::Compatible;
    world.set_password("app", "nobody knows");
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    let error = world.error(Step::Set, &version).await;
    assert!(error.contains("no known password of `app` signs in"), "{error}");
    assert_eq!(world.plugin.database.lock().unwrap().in_clear, 0);
    assert_eq!(world.failed_sign_ins(), 2, "each password once");
}

#[tokio::test]
async fn attempts_without_end_stop_at_the_bound_and_say_so() {
    let world = World::new(&json!({}));
    world.rotate().await;
    world.set_password("app", "nobody knows");
    let version = world.begin();
    world.step(Step::Create, &version).await.unwrap();
    let mut errors = Vec::new();
    // Secrets Manager attempts again and again.
    for _ in 0..10 {
        errors.push(world.step(Step::Set, &version).await.unwrap_err());
    }
    assert_eq!(world.failed_sign_ins(), REFUSED_LIMIT as usize);
    let last = errors.last().unwrap();
    assert_eq!(last.error_type().as_str(), "Windlass.Service.TooManyRefusals");
    assert!(last.to_string().contains("`app` was refused 8 times at db.example:7"), "{last}");

    // Another process starts counting anew: the password is corrected and the rotation continues.
    let world = World { sign_ins: Default::default(), ..world };
    world.set_password("app", &world.field(Stage::Current, "password").await);
    world.finish_from(Step::Set, &version).await;
    world.check(&version).await;
}
