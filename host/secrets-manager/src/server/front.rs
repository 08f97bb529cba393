//! One HTTP request: who may ask, what is asked, what is answered.
//!
//! In this order: the `Host` header names this machine (a page in a browser that was led here by a
//! name of its own is turned away: there are no credentials that it would lack), then the path and
//! method, then the size of the body, then the action. Signatures are accepted and not checked.

use std::convert::Infallible;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::json;

use super::actions::{self, Action, Context};
use super::calls::CallLog;
use super::fields::Fields;
use super::rejection::Rejection;

/// A value of 65,536 bytes may grow sixfold by JSON's escapes; the rest of a request is small.
const BODY: usize = 512 * 1024;

/// A client on this machine that takes longer to send its body has stopped.
const BODY_WAIT: Duration = Duration::from_secs(30);

const JSON_1_1: &str = "application/x-amz-json-1.1";
const JSON: &str = "application/json";

/// What the call log names a request whose action is not known.
const UNKNOWN_ACTION: &str = "(unknown)";

pub(super) struct Front {
    pub(super) context: Context,
    pub(super) calls: CallLog,
}

impl Front {
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let answer = self.route(request).await;
        Ok(answer.unwrap_or_else(|rejection| refusal(&rejection)))
    }

    async fn route(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Rejection> {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        if !host.is_some_and(is_this_machine) {
            return Err(Rejection::forbidden(
                "the Host header must name this machine: localhost, or a loopback address",
            ));
        }
        let report = |report: serde_json::Result<Vec<u8>>| {
            let report = report.map_err(|_| Rejection::internal("failed to write the report"))?;
            Ok(respond(StatusCode::OK, JSON, report))
        };
        match (request.method(), request.uri().path()) {
            (&Method::POST, "/") => self.call(request).await,
            (&Method::GET, "/windlass/health") => Ok(respond(StatusCode::OK, JSON, "{}")),
            (&Method::GET, "/windlass/calls") => report(self.calls.report()),
            (&Method::POST, "/windlass/calls/reset") => {
                self.calls.reset();
                Ok(respond(StatusCode::OK, JSON, "{}"))
            }
            (&Method::GET, "/windlass/rotations") => {
                report(self.context.scheduler.history().report())
            }
            _ => Err(Rejection::unknown_operation(
                "this is Secrets Manager's API: POST / with the header X-Amz-Target. Besides: \
                 GET /windlass/health, GET /windlass/calls, POST /windlass/calls/reset, \
                 GET /windlass/rotations",
            )),
        }
    }

    /// One action, from its target to its answer, noted in the call log. Whatever is to happen
    /// around every call belongs here.
    async fn call(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Rejection> {
        let begun = Instant::now();
        let target = request.headers().get("x-amz-target").and_then(|t| t.to_str().ok());
        let found = actions::find(target);
        let name = found.as_ref().map_or(UNKNOWN_ACTION, |action| action.name);
        let mut secret = None;
        let outcome = match found {
            Ok(action) => self.perform(action, request, &mut secret).await,
            Err(rejection) => Err(rejection),
        };
        let word = outcome.as_ref().map_or_else(|rejection| rejection.exception, |_| "ok");
        self.calls.note(name, secret, begun, word);
        outcome
    }

    async fn perform(
        &self,
        action: Action,
        request: Request<Incoming>,
        secret: &mut Option<String>,
    ) -> Result<Response<Full<Bytes>>, Rejection> {
        let body = read_body(request.into_body()).await?;
        let context = self.context.clone();
        let fields = Fields::parse(&body)?;
        *secret = fields.secret_id();
        let work = move || {
            let answer = (action.run)(&context, fields)?;
            Ok(respond(StatusCode::OK, JSON_1_1, answer.to_string()))
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Rejection::internal(format!("{} was interrupted", action.name))),
        }
    }
}

async fn read_body(body: Incoming) -> Result<Bytes, Rejection> {
    match tokio::time::timeout(BODY_WAIT, Limited::new(body, BODY).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(Rejection::too_large(format!("the request is larger than {BODY} bytes")))
        }
        Ok(Err(_)) => Err(Rejection::serialization("the request's body broke off")),
        Err(_) => Err(Rejection::serialization("the request's body did not arrive in time")),
    }
}

/// Whether a `Host` header is a loopback address or a name that always means one.
fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    match name.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => {
            let name = name.to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

fn refusal(rejection: &Rejection) -> Response<Full<Bytes>> {
    let body = json!({ "__type": rejection.exception, "Message": rejection.message });
    let mut response = respond(rejection.status, JSON_1_1, body.to_string());
    let kind = HeaderValue::from_static(rejection.exception);
    response.headers_mut().insert("x-amzn-errortype", kind);
    response
}

fn respond(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(id) = HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_that_mean_this_machine_are_served() {
        for (host, served) in [
            ("127.0.0.1:8080", true),
            ("127.0.0.2", true),
            ("[::1]:8080", true),
            ("localhost", true),
            ("LocalHost:80", true),
            ("secretsmanager.localhost:80", true),
            ("localhost.example:80", false),
            ("rebound.example:8080", false),
            ("192.168.0.1:8080", false),
            ("[fe80::1]:8080", false),
            ("", false),
        ] {
            assert_eq!(is_this_machine(host), served, "{host}");
        }
    }
}
