//! The HTTP of both APIs, as the Runtime Interface Emulator serves it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::state::State;
use super::{DEFAULT_TIMEOUT, FunctionError, Outcome, invoke};
use crate::http::answer;

const RUNTIME: &str = "/2018-06-01/runtime/";
const INVOKE: &str = "/2015-03-31/functions/";
const FUNCTION_ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:windlass";
const TRACE_ID: &str = "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0";

/// Answers one request of a function or of an invoker.
pub(super) async fn handle(state: Arc<State>, request: Request<Bytes>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let get = request.method() == Method::GET;
    if let Some(rest) = path.strip_prefix(RUNTIME) {
        if !get {
            let body = String::from_utf8_lossy(request.body()).into_owned();
            state.lock().reports.push(body);
        }
        return match (get, rest.split('/').collect::<Vec<_>>().as_slice()) {
            (true, ["invocation", "next"]) => next(&state).await,
            (false, ["invocation", id, "response"]) => {
                let payload = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
                accepted(state.end(id, Outcome::Answered(payload)))
            }
            (false, ["invocation", id, "error"]) => {
                accepted(state.end(id, Outcome::Failed(function_error(request.body()))))
            }
            (false, ["init", "error"]) => {
                let error = function_error(request.body());
                state.update(|record| record.init_error = Some(error));
                accepted(true)
            }
            _ => refused(StatusCode::NOT_FOUND, "no such path in the Runtime API"),
        };
    }
    if !get && path.starts_with(INVOKE) && path.ends_with("/invocations") {
        return match serde_json::from_slice(request.body()) {
            Ok(event) => invocations(&state, event).await,
            Err(_) => refused(StatusCode::BAD_REQUEST, "the event is not JSON"),
        };
    }
    refused(StatusCode::NOT_FOUND, "neither the Runtime API nor the Invoke API")
}

async fn next(state: &State) -> Response<Full<Bytes>> {
    let Some((request_id, event, timeout)) = state.take().await else {
        return refused(StatusCode::GONE, "another function has asked for work since");
    };
    let mut response = answer(StatusCode::OK, event.to_string());
    for (name, value) in [
        ("lambda-runtime-aws-request-id", request_id.as_str()),
        ("lambda-runtime-deadline-ms", &deadline(timeout)),
        ("lambda-runtime-invoked-function-arn", FUNCTION_ARN),
        ("lambda-runtime-trace-id", TRACE_ID),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}

async fn invocations(state: &State, event: Value) -> Response<Full<Bytes>> {
    let invocation = match invoke(state, event, DEFAULT_TIMEOUT).await {
        Ok(invocation) => invocation,
        Err(error) => return refused(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    };
    match invocation.outcome {
        Outcome::Answered(payload) => answer(StatusCode::OK, payload.to_string()),
        Outcome::Failed(error) => {
            let body = json!({ "errorType": error.kind, "errorMessage": error.message });
            let mut response = answer(StatusCode::OK, body.to_string());
            response.headers_mut().insert(
                HeaderName::from_static("x-amz-function-error"),
                HeaderValue::from_static("Unhandled"),
            );
            response
        }
    }
}

/// Milliseconds since 1970 at which an invocation that starts now is out of time.
fn deadline(timeout: Duration) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (now + timeout).as_millis().to_string()
}

fn function_error(body: &[u8]) -> FunctionError {
    let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let text = |key| body.get(key).and_then(Value::as_str).unwrap_or("unknown").to_owned();
    FunctionError { kind: text("errorType"), message: text("errorMessage") }
}

fn accepted(known: bool) -> Response<Full<Bytes>> {
    if known {
        answer(StatusCode::ACCEPTED, r#"{"status":"OK"}"#)
    } else {
        refused(StatusCode::BAD_REQUEST, "no such invocation is running")
    }
}

fn refused(status: StatusCode, message: &str) -> Response<Full<Bytes>> {
    answer(status, json!({ "errorType": "Harness", "errorMessage": message }).to_string())
}
