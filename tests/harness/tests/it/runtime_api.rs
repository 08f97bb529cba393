//! The emulated Lambda, with a function made of `curl`-like requests.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use windlass_harness::{Outcome, RuntimeApi};

const LONG: Duration = Duration::from_secs(10);

/// One HTTP exchange written by hand: the harness's own client would share its mistakes.
async fn http(api: &RuntimeApi, request: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(api.address()).await.unwrap();
    let length = body.len();
    let text = format!(
        "{request} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(LONG, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

fn header<'a>(answer: &'a str, name: &str) -> &'a str {
    let line = answer.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_once(": ").unwrap().1
}

/// Takes one event and posts `body` as its `what`.
async fn work(api: &RuntimeApi, what: &str, body: &str) -> String {
    let event = http(api, "GET /2018-06-01/runtime/invocation/next", "").await;
    let id = header(&event, "lambda-runtime-aws-request-id").to_owned();
    let path = format!("POST /2018-06-01/runtime/invocation/{id}/{what}");
    let answer = http(api, &path, body).await;
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    event
}

#[tokio::test]
async fn an_event_reaches_the_function_and_its_answer_the_invoker() {
    let api = RuntimeApi::start().await.unwrap();
    let (invocation, seen) = tokio::join!(
        api.invoke(json!({"Step": "createSecret"}), LONG),
        work(&api, "response", "null")
    );
    let invocation = invocation.unwrap();
    assert_eq!(invocation.outcome, Outcome::Answered(Value::Null));
    assert_eq!(invocation.step(), "createSecret");
    assert!(seen.ends_with(r#"{"Step":"createSecret"}"#), "{seen}");
    for name in ["deadline-ms", "invoked-function-arn", "trace-id"] {
        assert!(!header(&seen, &format!("lambda-runtime-{name}")).is_empty());
    }
    assert!(api.first_poll(LONG).await.is_ok());
    assert_eq!(api.invocations().len(), 1);
}

#[tokio::test]
async fn a_function_error_is_told_as_lambda_tells_it() {
    let api = RuntimeApi::start().await.unwrap();
    let body = r#"{"errorType": "Refused", "errorMessage": "no"}"#;
    let invoke = http(&api, "POST /2015-03-31/functions/function/invocations", "{}");
    let (answer, _) = tokio::join!(invoke, work(&api, "error", body));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(header(&answer, "x-amz-function-error"), "Unhandled");
    assert!(answer.ends_with(r#"{"errorType":"Refused","errorMessage":"no"}"#), "{answer}");
}

#[tokio::test]
async fn invocations_end_when_time_or_the_process_ends() {
    let api = RuntimeApi::start().await.unwrap();
    let take = "GET /2018-06-01/runtime/invocation/next";
    let (late, event) =
        tokio::join!(api.invoke(json!({}), Duration::from_millis(50)), http(&api, take, ""));
    let error = late.unwrap().outcome;
    assert_eq!(error.error().unwrap().kind, "Sandbox.Timedout");
    // Its answer comes too late for anybody.
    let id = header(&event, "lambda-runtime-aws-request-id");
    let answer =
        http(&api, &format!("POST /2018-06-01/runtime/invocation/{id}/response"), "1").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");

    let crash = async {
        http(&api, take, "").await;
        api.function_exited(ExitStatus::from_raw(9));
    };
    let (crashed, ()) = tokio::join!(api.invoke(json!({}), LONG), crash);
    let outcome = crashed.unwrap().outcome;
    let error = outcome.error().unwrap();
    assert_eq!(error.kind, "Runtime.ExitError");
    assert!(error.message.ends_with("Error: Runtime was ended by signal 9"), "{}", error.message);
}

#[tokio::test]
async fn a_function_that_cannot_start_is_reported() {
    let api = RuntimeApi::start().await.unwrap();
    let body = r#"{"errorType": "NoPlugins", "errorMessage": "the directory is empty"}"#;
    http(&api, "POST /2018-06-01/runtime/init/error", body).await;
    let error = api.first_poll(LONG).await.unwrap_err();
    assert_eq!(error.to_string(), "the function can't start: NoPlugins: the directory is empty");
    api.expect_new_function();
    assert!(api.init_error().is_none());
}

#[tokio::test]
async fn nobody_takes_it_and_others_paths_are_refused() {
    let api = RuntimeApi::start().await.unwrap();
    let answer = http(&api, "GET /2018-06-01/runtime/nothing", "").await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    let answer = http(&api, "POST /2015-03-31/functions/f/invocations", "not JSON").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[tokio::test]
async fn held_events_pass_one_by_one() {
    let api = RuntimeApi::start().await.unwrap();
    api.hold_events();
    let short = Duration::from_millis(50);
    let held = tokio::time::timeout(short, async {
        tokio::join!(api.invoke(json!({}), LONG), work(&api, "response", "1"))
    });
    assert!(held.await.is_err());
    // The function that asked has been dropped; the event is for the one that asks next.
    api.expect_new_function();
    let let_through = async {
        api.first_poll(LONG).await.unwrap();
        api.let_one_through();
    };
    let (invocation, _, ()) =
        tokio::join!(api.invoke(json!({}), LONG), work(&api, "response", "1"), let_through);
    assert_eq!(invocation.unwrap().outcome, Outcome::Answered(json!(1)));
    api.release_events();
    let (invocation, _) = tokio::join!(api.invoke(json!({}), LONG), work(&api, "response", "2"));
    assert_eq!(invocation.unwrap().outcome, Outcome::Answered(json!(2)));
}
