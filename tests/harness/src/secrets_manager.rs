//! A client of Secrets Manager's JSON protocol, for the harness's own reading and writing.
//!
//! Deliberately not the AWS SDK: the product uses that, and a mistake shared by both would be seen
//! by neither. It signs nothing; the embedded store checks no signature.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use hyper::Method;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use serde_json::{Value, json};

use crate::http;

/// A rotation may run inside one request (`RotateSecret` of the local server).
const CALL_LIMIT: Duration = Duration::from_secs(60);

const TOKEN: &str = "ClientRequestToken";

/// The calls whose token becomes a version's id.
const TOKEN_ACTIONS: [&str; 4] = ["CreateSecret", "PutSecretValue", "RotateSecret", "UpdateSecret"];

/// Linux makes a new random one for each reader.
const UUID_SOURCE: &str = "/proc/sys/kernel/random/uuid";

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum SecretsManagerError {
    /// The service answered with an error.
    #[error("{action}: {kind}: {message}")]
    Refused {
        /// The call.
        action: String,
        /// The exception's name, such as `ResourceNotFoundException`.
        kind: String,
        /// Its message.
        message: String,
    },
    /// No answer, or none that can be understood.
    #[error("{action} failed")]
    Failed {
        /// The call.
        action: String,
        /// Why.
        #[source]
        source: anyhow::Error,
    },
}

impl SecretsManagerError {
    /// The exception's name, if the service refused.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        match self {
            Self::Refused { kind, .. } => Some(kind),
            Self::Failed { .. } => None,
        }
    }
}

/// A Secrets Manager at an endpoint.
#[derive(Clone, Debug)]
pub struct SecretsManager {
    endpoint: String,
}

impl SecretsManager {
    /// The service at `endpoint`, such as `http://127.0.0.1:4000`.
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self { endpoint: endpoint.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Its host and port.
    ///
    /// # Errors
    /// If the endpoint is not a plain `http://ADDRESS:PORT`.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        let address = self.endpoint.strip_prefix("http://").unwrap_or(&self.endpoint);
        address.parse().with_context(|| format!("`{}` is not an address", self.endpoint))
    }

    /// One call: `action` such as `DescribeSecret`, with its parameters.
    ///
    /// Adds a `ClientRequestToken` where the SDKs would and `input` has none.
    ///
    /// # Errors
    /// If the service refuses, or does not answer.
    pub async fn call(&self, action: &str, input: &Value) -> Result<Value, SecretsManagerError> {
        let failed = |source| SecretsManagerError::Failed { action: action.to_owned(), source };
        let target = format!("secretsmanager.{action}");
        let headers = [
            (CONTENT_TYPE, "application/x-amz-json-1.1"),
            (HeaderName::from_static("x-amz-target"), target.as_str()),
            (
                AUTHORIZATION,
                "AWS4-HMAC-SHA256 Credential=harness/20200101/us-east-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=none",
            ),
        ];
        let input = with_token(action, input).map_err(failed)?;
        let body = Bytes::from(input.to_string());
        let answer = http::send(Method::POST, &self.endpoint, "/", &headers, body, CALL_LIMIT)
            .await
            .map_err(failed)?;
        let output: Value = if answer.body.is_empty() {
            json!({})
        } else {
            serde_json::from_slice(&answer.body)
                .map_err(|error| failed(anyhow::anyhow!("{}: not JSON: {error}", answer.status)))?
        };
        if answer.status.is_success() {
            return Ok(output);
        }
        Err(SecretsManagerError::Refused {
            action: action.to_owned(),
            kind: exception(&output).unwrap_or_else(|| answer.status.to_string()),
            message: text(&output, &["message", "Message"]).unwrap_or_default().to_owned(),
        })
    }

    /// The secret's value at `stage`, parsed.
    ///
    /// # Errors
    /// If there is none, or it is not JSON.
    pub async fn secret(&self, id: &str, stage: &str) -> Result<Value, SecretsManagerError> {
        let input = json!({ "SecretId": id, "VersionStage": stage });
        let output = self.call("GetSecretValue", &input).await?;
        let value = text(&output, &["SecretString"]).unwrap_or_default();
        serde_json::from_str(value).map_err(|_| SecretsManagerError::Failed {
            action: "GetSecretValue".to_owned(),
            source: anyhow::anyhow!("the value of `{id}` is not JSON"),
        })
    }

    /// The version that holds `stage` now, by `DescribeSecret`.
    ///
    /// # Errors
    /// If the secret does not exist.
    pub async fn version_at(
        &self,
        id: &str,
        stage: &str,
    ) -> Result<Option<String>, SecretsManagerError> {
        let output = self.call("DescribeSecret", &json!({ "SecretId": id })).await?;
        let versions = output.get("VersionIdsToStages").and_then(Value::as_object);
        Ok(versions.into_iter().flatten().find_map(|(version, stages)| {
            let held = stages.as_array()?.iter().any(|held| held.as_str() == Some(stage));
            held.then(|| version.clone())
        }))
    }
}

/// `input` with a fresh token, for the calls that make a version.
fn with_token(action: &str, input: &Value) -> anyhow::Result<Value> {
    let mut input = input.clone();
    let makes_version = TOKEN_ACTIONS.contains(&action);
    if let (true, Some(members)) = (makes_version, input.as_object_mut())
        && !members.contains_key(TOKEN)
    {
        let uuid = std::fs::read_to_string(UUID_SOURCE).context("reading a fresh UUID")?;
        members.insert(TOKEN.to_owned(), Value::from(uuid.trim()));
    }
    Ok(input)
}

/// The exception's bare name: the protocol allows a namespace before it and a URL after it.
fn exception(output: &Value) -> Option<String> {
    let name = text(output, &["__type", "code"])?;
    let name = name.rsplit('#').next().unwrap_or(name);
    Some(name.split(':').next().unwrap_or(name).to_owned())
}

fn text<'a>(output: &'a Value, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| output.get(key)).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exception_names_lose_namespace_and_url() {
        let rows = [
            (json!({"__type": "ResourceNotFoundException"}), Some("ResourceNotFoundException")),
            (
                json!({"__type": "com.amazonaws.secretsmanager#InvalidRequestException"}),
                Some("InvalidRequestException"),
            ),
            (json!({"code": "ResourceExistsException:http://x/"}), Some("ResourceExistsException")),
            (json!({}), None),
        ];
        for (input, expected) in rows {
            assert_eq!(exception(&input).as_deref(), expected, "{input}");
        }
    }
}
