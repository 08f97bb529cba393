//! Each way to fail, against a service that counts its writes and tells the count.

use std::sync::atomic::{AtomicU64, Ordering};

use hyper::StatusCode;

use super::*;
use crate::SecretsManagerError;

/// A Secrets Manager with one secret, `s`: each write makes the next version current.
async fn service() -> (Server, SecretsManager, Arc<AtomicU64>) {
    let writes = Arc::new(AtomicU64::new(0));
    let shared = Arc::clone(&writes);
    let server = Server::start(move |request| {
        let writes = Arc::clone(&shared);
        async move {
            let call = Call::new(request);
            let action = call.action().unwrap_or_default().to_owned();
            if lag::WRITES.contains(&action.as_str()) {
                writes.fetch_add(1, Ordering::Relaxed);
            }
            let now = writes.load(Ordering::Relaxed);
            let wanted = call.input.get("VersionId").and_then(Value::as_str);
            let known = wanted.is_none_or(|wanted| wanted == format!("v{now}"));
            let answer = json!({
                "ARN": "arn:s", "Name": "s", "VersionIdsToStages": { format!("v{now}"): [] },
                "SecretString": format!("{{\"writes\":{now}}}"),
            });
            Ok(if known {
                http::answer(StatusCode::OK, answer.to_string())
            } else {
                let refusal = json!({ "__type": "ResourceNotFoundException" });
                http::answer(StatusCode::BAD_REQUEST, refusal.to_string())
            })
        }
    });
    let server = server.await.unwrap();
    let secrets = SecretsManager::new(format!("http://{}", server.address()));
    (server, secrets, writes)
}

struct Scene {
    proxy: SecretsProxy,
    caller: SecretsManager,
    writes: Arc<AtomicU64>,
    _service: Server,
}

impl Scene {
    async fn set() -> Self {
        let (service, secrets, writes) = service().await;
        let proxy = SecretsProxy::start(&secrets).await.unwrap();
        Self { caller: proxy.secrets(), proxy, writes, _service: service }
    }

    async fn call(&self, action: &str) -> Result<Value, SecretsManagerError> {
        self.caller.call(action, &json!({ "SecretId": "s" })).await
    }

    /// The exception, or how often was written by what the caller is answered.
    async fn answer(&self, input: Value) -> Result<u64, String> {
        let answer = self.caller.call("GetSecretValue", &input).await;
        let answer = answer.map_err(|error| error.kind().unwrap_or("none").to_owned())?;
        let value: Value = serde_json::from_str(answer["SecretString"].as_str().unwrap()).unwrap();
        Ok(value["writes"].as_u64().unwrap())
    }

    fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    fn ends(&self) -> Vec<CallEnd> {
        self.proxy.calls().into_iter().map(|call| call.end).collect()
    }
}

#[tokio::test]
async fn calls_pass_and_are_numbered_as_they_come() {
    let scene = Scene::set().await;
    scene.call("PutSecretValue").await.unwrap();
    assert_eq!(scene.answer(json!({ "SecretId": "s" })).await, Ok(1));
    scene.answer(json!({ "SecretId": "s", "VersionId": "v9" })).await.unwrap_err();
    let calls: Vec<_> =
        scene.proxy.calls().into_iter().map(|call| (call.number, call.action, call.end)).collect();
    let row = |number, action: &str, status| (number, action.to_owned(), CallEnd::Answered(status));
    let expected = [
        row(1, "PutSecretValue", 200),
        row(2, "GetSecretValue", 200),
        row(3, "GetSecretValue", 400),
    ];
    assert_eq!(calls, expected);
    scene.proxy.reset();
    scene.call("PutSecretValue").await.unwrap();
    assert_eq!(scene.proxy.calls()[0].number, 1);
}

#[tokio::test]
async fn a_stop_comes_before_or_after_the_call_takes_effect_and_nothing_passes_after_it() {
    for (moment, writes) in [(Moment::Before, 1), (Moment::After, 2)] {
        let scene = Scene::set().await;
        scene.proxy.stop_at(2, moment);
        scene.call("PutSecretValue").await.unwrap();
        let never = async {
            tokio::join!(scene.call("PutSecretValue"), async {
                let stopped = scene.proxy.stopped().await;
                assert_eq!((stopped.number, stopped.end), (2, CallEnd::Stopped));
                assert_eq!(scene.writes(), writes, "{moment:?}");
                scene.call("PutSecretValue").await.unwrap();
            })
        };
        // Whatever is not there after such a time was held.
        let short = Duration::from_millis(100);
        assert!(tokio::time::timeout(short, never).await.is_err(), "it was answered");
        assert_eq!(scene.writes(), writes, "{moment:?}");
        assert_eq!(scene.ends()[1..], [CallEnd::Stopped, CallEnd::Stopped]);
        scene.proxy.reset();
        scene.call("PutSecretValue").await.unwrap();
        assert_eq!(scene.writes(), writes + 1);
    }
}

#[tokio::test]
async fn a_lost_answer_is_of_a_call_that_took_effect() {
    let scene = Scene::set().await;
    scene.proxy.lose_answer(1);
    let error = scene.call("PutSecretValue").await.unwrap_err();
    assert!(error.kind().is_none(), "{error}");
    assert_eq!(scene.writes(), 1);
    scene.call("PutSecretValue").await.unwrap();
    assert_eq!(scene.ends(), [CallEnd::Lost, CallEnd::Answered(200)]);
}

#[tokio::test]
async fn faults_take_the_place_of_answers_and_nothing_takes_effect() {
    let rows = [
        (ServiceFault::Throttled, "ThrottlingException"),
        (ServiceFault::InternalError, "InternalServiceError"),
        (ServiceFault::AccessDenied, "AccessDeniedException"),
    ];
    for (fault, kind) in rows {
        let scene = Scene::set().await;
        scene.proxy.fail_next(fault, 2);
        for _ in 0..2 {
            let error = scene.call("PutSecretValue").await.unwrap_err();
            assert_eq!(error.kind(), Some(kind));
        }
        assert_eq!(scene.writes(), 0);
        scene.call("PutSecretValue").await.unwrap();
        let ends = [CallEnd::Failed(fault), CallEnd::Failed(fault), CallEnd::Answered(200)];
        assert_eq!(scene.ends(), ends);
    }
    let scene = Scene::set().await;
    scene.proxy.fail_next(ServiceFault::Unavailable, 1);
    let error =
        format!("{:#}", anyhow::Error::from(scene.call("PutSecretValue").await.unwrap_err()));
    assert!(error.contains("503"), "{error}");
}

#[tokio::test]
async fn one_action_or_a_share_of_all_calls_fails() {
    let scene = Scene::set().await;
    scene.proxy.fail_action(ServiceFault::AccessDenied, "ListSecretVersionIds");
    let error = scene.call("ListSecretVersionIds").await.unwrap_err();
    assert_eq!(error.kind(), Some("AccessDeniedException"));
    scene.call("DescribeSecret").await.unwrap();

    let mut chosen = Vec::new();
    for _ in 0..2 {
        scene.proxy.reset();
        scene.proxy.fail_share(ServiceFault::Throttled, 50, 1);
        for _ in 0..40 {
            let _ = scene.call("DescribeSecret").await;
        }
        chosen.push(scene.ends());
    }
    assert_eq!(chosen[0], chosen[1], "the same seed");
    let failed = chosen[0].iter().filter(|end| **end != CallEnd::Answered(200)).count();
    assert!((10..=30).contains(&failed), "{failed} of 40");
}

#[tokio::test]
async fn readers_are_told_what_was_before_the_write_so_many_times() {
    let scene = Scene::set().await;
    let (by_stage, by_name) =
        (json!({ "SecretId": "s", "VersionStage": "AWSCURRENT" }), json!("s"));
    let by_version = |version: &str| json!({ "SecretId": by_name, "VersionId": version });
    scene.proxy.lag(4);
    assert_eq!(scene.answer(by_stage.clone()).await, Ok(0), "nothing was written yet");
    scene.call("UpdateSecretVersionStage").await.unwrap();
    assert_eq!(scene.writes(), 1);
    assert_eq!(scene.answer(by_stage.clone()).await, Ok(0));
    assert_eq!(scene.answer(json!({ "SecretId": "arn:s" })).await, Ok(0), "by its other name too");
    assert_eq!(scene.answer(by_version("v0")).await, Ok(0), "a version that is no more");
    let described = scene.call("DescribeSecret").await.unwrap();
    assert_eq!(described["VersionIdsToStages"], json!({ "v0": [] }));
    assert_eq!(scene.answer(by_stage.clone()).await, Ok(1), "that were four");
    assert_eq!(scene.ends()[2..6], [CallEnd::Lagged; 4]);

    // A version that the write makes is not found at first.
    let put = json!({ "SecretId": "s", "ClientRequestToken": "v2" });
    scene.caller.call("PutSecretValue", &put).await.unwrap();
    let not_found = Err("ResourceNotFoundException".to_owned());
    for _ in 0..4 {
        assert_eq!(scene.answer(by_version("v2")).await, not_found);
    }
    assert_eq!(scene.answer(by_version("v2")).await, Ok(2));
}
