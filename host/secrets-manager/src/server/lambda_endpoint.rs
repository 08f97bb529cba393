//! A rotation function behind Lambda's Invoke API, as AWS's Runtime Interface Emulator serves it.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;

use super::rotator::{InvokeError, StepInvoker};

/// The name under which the emulator serves the one function that it runs.
const EMULATED_FUNCTION: &str = "function";

/// The longest that Lambda lets a function run.
const LONGEST_RUN: Duration = Duration::from_mins(15);

/// Connecting within one machine or network either works at once or not at all.
const CONNECT: Duration = Duration::from_secs(10);

/// The most that Lambda takes as an answer.
const ANSWER: usize = 6 * 1024 * 1024;

/// Why an endpoint's address can't be used.
#[derive(Debug, thiserror::Error)]
#[error("not an address like http://HOST:PORT: `{0}`")]
pub struct BadEndpoint(String);

/// A function to be called over HTTP.
pub struct LambdaEndpoint {
    host: String,
    port: u16,
    path: String,
}

impl LambdaEndpoint {
    /// The one function of an emulator, such as `http://127.0.0.1:9000`.
    ///
    /// # Errors
    /// If this is not an `http` address. There is no TLS here: calls carry no credentials, and
    /// the emulator speaks plain HTTP.
    pub fn new(url: &str) -> Result<Self, BadEndpoint> {
        Self::named(url, EMULATED_FUNCTION)
    }

    /// A function by its name, where an endpoint serves several.
    ///
    /// # Errors
    /// As [`LambdaEndpoint::new`].
    pub fn named(url: &str, function: &str) -> Result<Self, BadEndpoint> {
        let bad = || BadEndpoint(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| bad())?;
        if uri.scheme_str() != Some("http") {
            return Err(bad());
        }
        let host = uri.host().ok_or_else(bad)?.to_owned();
        let port = uri.port_u16().unwrap_or(80);
        let base = uri.path().trim_end_matches('/');
        let path = format!("{base}/2015-03-31/functions/{function}/invocations");
        // Refuses a function name that does not fit into an address.
        let _: Uri = path.parse().map_err(|_| bad())?;
        Ok(Self { host, port, path })
    }

    async fn call(&self, event: serde_json::Value) -> Result<(), InvokeError> {
        let place = format!("{}:{}", self.host, self.port);
        let unreachable = |what: &str, error: &dyn std::fmt::Display| {
            InvokeError::new(
                "Unreachable",
                format!("failed to {what} the rotation function at {place}: {error}"),
            )
        };
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        let stream = tokio::time::timeout(CONNECT, TcpStream::connect((bare, self.port)))
            .await
            .map_err(|error| unreachable("connect to", &error))?
            .map_err(|error| unreachable("connect to", &error))?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream))
                .await
                .map_err(|error| unreachable("speak HTTP with", &error))?;
        let request = Request::post(&self.path)
            .header(HOST, &place)
            .header(CONTENT_TYPE, "application/json")
            .header("X-Amz-Invocation-Type", "RequestResponse")
            .body(Full::from(event.to_string()))
            .map_err(|error| unreachable("call", &error))?;
        let exchange = async {
            let answer = sender.send_request(request).await?;
            Ok::<_, hyper::Error>(read(answer).await)
        };
        // The connection has to be driven while the answer is awaited. It may end first, having
        // handed over all that the function said; the exchange then knows how it went.
        let (mut exchange, connection) = (std::pin::pin!(exchange), std::pin::pin!(connection));
        let outcome = tokio::select! {
            outcome = &mut exchange => outcome,
            _ = connection => exchange.await,
        };
        outcome.map_err(|error| unreachable("hear from", &error))?
    }
}

impl StepInvoker for LambdaEndpoint {
    fn invoke<'a>(
        &'a self,
        event: serde_json::Value,
    ) -> Pin<Box<dyn Future<Output = Result<(), InvokeError>> + Send + 'a>> {
        Box::pin(async move {
            match tokio::time::timeout(LONGEST_RUN, self.call(event)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(InvokeError::new(
                    "Timeout",
                    format!("the rotation function did not answer within {LONGEST_RUN:?}"),
                )),
            }
        })
    }
}

/// What a function answers that failed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FunctionError {
    error_type: String,
    #[serde(default)]
    error_message: String,
}

async fn read(answer: Response<hyper::body::Incoming>) -> Result<(), InvokeError> {
    let status = answer.status();
    let declared = answer.headers().contains_key("X-Amz-Function-Error");
    match Limited::new(answer.into_body(), ANSWER).collect().await {
        Ok(body) => judge(status, declared, &body.to_bytes()),
        // An incomplete answer does not count: the missing part may say that the step failed.
        Err(error) => Err(InvokeError::new(
            "Unreachable",
            format!("the rotation function's answer broke off: {error}"),
        )),
    }
}

/// The header says that a function failed; some releases of the emulator leave it out, and only
/// the body tells.
fn judge(status: StatusCode, declared: bool, body: &[u8]) -> Result<(), InvokeError> {
    if let Ok(error) = serde_json::from_slice::<FunctionError>(body) {
        return Err(InvokeError::new(error.error_type, error.error_message));
    }
    if declared {
        return Err(InvokeError::new("FunctionError", "the function failed and did not say why"));
    }
    if !status.is_success() {
        return Err(InvokeError::new("InvokeRefused", format!("the endpoint answered {status}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_judged_by_status_header_and_body() {
        let failed = r#"{"errorType":"Refused","errorMessage":"no","stackTrace":[]}"#;
        for (status, declared, body, expected) in [
            (200, false, "null", Ok(())),
            (200, false, "", Ok(())),
            (200, false, r#"{"statusCode":500}"#, Ok(())),
            (200, true, failed, Err("Refused")),
            (200, false, failed, Err("Refused")),
            (200, true, "oops", Err("FunctionError")),
            (404, false, "", Err("InvokeRefused")),
            (502, false, failed, Err("Refused")),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let outcome = judge(status, declared, body.as_bytes());
            let outcome = outcome.as_ref().map_err(|error| error.error_type.as_str());
            assert_eq!(outcome.copied(), expected, "{status} {declared} {body}");
        }
    }

    #[test]
    fn an_address_is_http_with_a_host() {
        for (url, path) in [
            ("http://127.0.0.1:9000", Some("/2015-03-31/functions/function/invocations")),
            ("http://127.0.0.1:9000/", Some("/2015-03-31/functions/function/invocations")),
            ("http://host/base", Some("/base/2015-03-31/functions/function/invocations")),
            ("https://127.0.0.1:9000", None),
            ("127.0.0.1:9000", None),
            ("http://", None),
        ] {
            let parsed = LambdaEndpoint::new(url).ok().map(|endpoint| endpoint.path);
            assert_eq!(parsed.as_deref(), path, "{url}");
        }
        assert!(LambdaEndpoint::named("http://host", "two words").is_err());
    }
}
