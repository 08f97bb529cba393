//! One request of the protocol, taken apart, and its answer put together again.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use hyper::{Method, Request, Response};
use serde_json::Value;

use crate::http::Answer;

/// Names the action.
const TARGET: HeaderName = HeaderName::from_static("x-amz-target");

/// The headers that the protocol and a signature have a use for.
const PASSED_ON: [HeaderName; 3] = [CONTENT_TYPE, TARGET, AUTHORIZATION];

/// A request, taken apart.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) body: Bytes,
    /// Null where the body is not JSON.
    pub(super) input: Value,
}

impl Call {
    pub(super) fn new(request: Request<Bytes>) -> Self {
        let (head, body) = request.into_parts();
        let headers = PASSED_ON.into_iter().filter_map(|name| {
            let value = head.headers.get(&name)?.to_str().ok()?.to_owned();
            Some((name, value))
        });
        Self {
            method: head.method,
            path: head.uri.path().to_owned(),
            headers: headers.collect(),
            input: serde_json::from_slice(&body).unwrap_or_default(),
            body,
        }
    }

    /// Such as `GetSecretValue`.
    pub(super) fn action(&self) -> Option<&str> {
        let (_, target) = self.headers.iter().find(|(name, _)| *name == TARGET)?;
        target.strip_prefix("secretsmanager.")
    }

    /// The version that the call makes, if it makes one.
    pub(super) fn token(&self) -> Option<&str> {
        self.input.get("ClientRequestToken").and_then(Value::as_str)
    }

    /// Another call by the same caller.
    pub(super) fn reading(&self, action: &str, input: &Value) -> Self {
        let mut headers = self.headers.clone();
        headers.retain(|(name, _)| *name != TARGET);
        headers.push((TARGET, format!("secretsmanager.{action}")));
        Self {
            method: self.method.clone(),
            path: self.path.clone(),
            headers,
            body: input.to_string().into(),
            input: input.clone(),
        }
    }
}

/// As the caller gets it.
pub(super) fn respond(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = answer.status;
    for name in [CONTENT_TYPE, HeaderName::from_static("x-amzn-errortype")] {
        if let Some(value) = answer.headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}
