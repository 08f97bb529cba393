//! Secrets Manager answers, and not as one would like: throttling and faults of its own are waited
//! out, labels that lag are read again, a missing right is named with the statement that grants it.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use windlass_harness::{SecretsProxy, ServiceFault};
use windlass_suite::{Login, Options, STEPS, World, error_of, golden};

/// A function's usual timeout.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An account, its secret, and a Secrets Manager between that fails on demand.
async fn scene(name: &str) -> Result<(World, SecretsProxy, Login, String)> {
    let mut world = World::with(Options::by_hand()).await?;
    let proxy = SecretsProxy::start(world.secrets()).await?;
    world.start_function_calling(proxy.endpoint())?;
    let login = world.database().account(name, "").await?;
    let secret = format!("answers/{name}");
    world.create_secret(&secret, &login.secret(world.database().postgres().port())).await?;
    Ok((world, proxy, login, secret))
}

#[tokio::test]
async fn throttling_and_faults_that_pass_are_waited_out() -> Result<()> {
    use ServiceFault::{InternalError, Throttled, Unavailable};
    let (world, proxy, first, secret) = scene("answers_pass").await?;
    for (number, fault) in [Throttled, InternalError, Unavailable].into_iter().enumerate() {
        let token = world.begin(&secret).await?;
        for step in STEPS {
            // Two of the answers to what is asked at once, or to one call twice.
            proxy.fail_next(fault, 2);
            world.steps(&[step], &secret, &token).await.with_context(|| format!("{fault:?}"))?;
        }
        let current = world.current(&secret).await?;
        assert!(current.signs_in(world.database()).await?, "{fault:?}");
        let refused = world.database().refused_sign_ins(&first.username)?;
        assert_eq!(refused, 0, "{fault:?} in rotation {number}");
    }
    Ok(())
}

#[tokio::test]
async fn throttling_without_end_is_said_with_how_often_it_was_tried() -> Result<()> {
    let (world, proxy, first, secret) = scene("answers_throttled").await?;
    let token = world.begin(&secret).await?;
    proxy.fail_action(ServiceFault::Throttled, "GetSecretValue");
    let event = json!({ "Step": "createSecret", "SecretId": secret, "ClientRequestToken": token });
    let error = error_of(world.lambda().invoke(event, TIMEOUT).await?.outcome)?;
    assert_eq!(error.kind, "Windlass.Aws.Unavailable", "{}", error.message);
    assert!(error.message.contains("ThrottlingException"), "{}", error.message);
    assert!(error.message.contains("after retries"), "{}", error.message);
    assert!(first.signs_in(world.database()).await?);
    proxy.reset();
    world.steps(&STEPS, &secret, &token).await?;
    Ok(())
}

#[tokio::test]
async fn labels_that_lag_are_read_again() -> Result<()> {
    let (world, proxy, first, secret) = scene("answers_lag").await?;
    proxy.lag(2);
    for _ in 0..2 {
        // The rotation begins behind the proxy too, so that its own label lags.
        let token = World::token()?;
        let begin = json!({
            "SecretId": secret, "ClientRequestToken": token,
            "RotationLambdaARN": "arn:aws:lambda:us-east-1:123456789012:function:windlass",
            "RotationRules": { "AutomaticallyAfterDays": 30 },
        });
        proxy.secrets().call("RotateSecret", &begin).await?;
        world.steps(&STEPS, &secret, &token).await?;
        let current = world.secrets().version_at(&secret, "AWSCURRENT").await?;
        assert_eq!(current.as_deref(), Some(token.as_str()));
        assert!(world.current(&secret).await?.signs_in(world.database()).await?);
    }
    assert_eq!(world.database().refused_sign_ins(&first.username)?, 0);
    Ok(())
}

#[tokio::test]
async fn a_right_that_is_missing_is_named_with_the_statement_that_grants_it() -> Result<()> {
    let (world, proxy, first, secret) = scene("answers_denied").await?;
    let mut text = String::new();
    for action in [
        "DescribeSecret",
        "GetSecretValue",
        "GetRandomPassword",
        "PutSecretValue",
        "UpdateSecretVersionStage",
    ] {
        let token = world.begin(&secret).await?;
        proxy.fail_action(ServiceFault::AccessDenied, action);
        let mut denied = None;
        for step in STEPS {
            let event = json!({ "Step": step, "SecretId": secret, "ClientRequestToken": token });
            if let Some(error) = world.invoke(event).await?.error() {
                denied = Some(error.clone());
                break;
            }
        }
        let error = denied.context("nothing was denied")?;
        assert_eq!(error.kind, "Windlass.Operator.AccessDenied", "{action}: {}", error.message);
        text += &format!("# {action}\n{}\n\n", error.message);
        // With the right, the rotation ends well, whatever it had done.
        proxy.reset();
        world.steps(&STEPS, &secret, &token).await?;
        assert!(world.current(&secret).await?.signs_in(world.database()).await?);
    }
    golden("access-denied.txt", &text)?;
    // Without this one, what an abandoned rotation left can't be looked for: the error says so.
    proxy.fail_action(ServiceFault::AccessDenied, "ListSecretVersionIds");
    let name = Login::identifier(&first.username);
    world.database().admin(&format!("ALTER ROLE {name} PASSWORD 'somebody else set it'")).await?;
    let token = world.begin(&secret).await?;
    world.steps(&["createSecret"], &secret, &token).await?;
    let error = world.failure("setSecret", &secret, &token).await?;
    assert_eq!(error.kind, "Windlass.Service.NoPasswordSignsIn");
    assert!(
        error.message.contains("lacks secretsmanager:ListSecretVersionIds"),
        "{}",
        error.message
    );
    Ok(())
}
