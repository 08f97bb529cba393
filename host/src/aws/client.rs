//! The AWS clients of the Lambda function: credentials and region from Lambda's own environment,
//! nothing looked up elsewhere, TLS set up only if the endpoint needs it. Secrets Manager's is made
//! at the start; the inventory's when a rotation first needs them.
//!
//! Every HTTP client that is made here, those of the command line included, refuses plain HTTP to
//! anything but this machine: see `plain`.

use std::path::Path;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Region, SharedHttpClient};
use aws_sdk_secretsmanager::{Client, config};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};

use crate::aws::connect_error::BadTls;
use crate::aws::plain::{self, Purpose};
use crate::aws::variants::Variants;

/// How long a connection to an AWS service may take. Inside a region it takes a millisecond; a
/// missing VPC endpoint shows as silence, and should be reported long before Lambda gives up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long one attempt of a call may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// A client of Secrets Manager for the Lambda function.
///
/// `endpoint` is `SECRETS_MANAGER_ENDPOINT`; `ca_bundle` a file of PEM certificates to trust
/// instead of the system's.
///
/// # Errors
/// If the bundle can't be read, or the environment asks for an endpoint that there is none of.
pub fn for_lambda(endpoint: Option<&str>, ca_bundle: Option<&Path>) -> std::io::Result<Client> {
    let mut config = config(Variants::from_environment()?, http_client(endpoint, ca_bundle)?)
        .credentials_provider(EnvironmentVariableCredentialsProvider::new());
    config.set_region(std::env::var("AWS_REGION").ok().map(Region::new));
    config.set_endpoint_url(endpoint.map(str::to_owned));
    Ok(Client::from_conf(config.build()))
}

fn config(variants: Variants, http_client: SharedHttpClient) -> config::Builder {
    let mut config = config::Builder::new()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .retry_config(retries())
        .retry_classifier(BadTls)
        .timeout_config(timeouts())
        .http_client(http_client);
    config.set_use_fips(variants.fips);
    config.set_use_dual_stack(variants.dual_stack);
    config
}

/// How often a call is repeated after throttling, a 5xx or a broken connection, with pauses of random
/// length up to 0.2, 0.4 and 0.8 s. Schedules make many rotations begin together, so throttling
/// is ordinary. A step's deadline ends this too.
pub fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(4).with_initial_backoff(Duration::from_millis(200))
}

/// How long calls may take.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build()
}

/// An HTTP client for calls of a service, with TLS by rustls, or without TLS where the endpoint is
/// plain HTTP: reading the system's roots is the largest single cost of a cold start.
///
/// # Errors
/// If the bundle can't be read.
pub fn http_client(
    endpoint: Option<&str>,
    ca_bundle: Option<&Path>,
) -> std::io::Result<SharedHttpClient> {
    if endpoint.is_some_and(is_plain) {
        return Ok(plain::guarded(Builder::new().build_http(), Purpose::Service));
    }
    Ok(plain::guarded(with_tls(ca_bundle)?, Purpose::Service))
}

/// An HTTP client for looking up credentials, which may ask the metadata services as well.
///
/// # Errors
/// If the bundle can't be read.
#[cfg(feature = "cli")]
pub(crate) fn credentials_client(ca_bundle: Option<&Path>) -> std::io::Result<SharedHttpClient> {
    Ok(plain::guarded(with_tls(ca_bundle)?, Purpose::Credentials))
}

fn with_tls(ca_bundle: Option<&Path>) -> std::io::Result<SharedHttpClient> {
    let roots = match ca_bundle {
        Some(path) => {
            let pem = std::fs::read(path).map_err(|error| {
                std::io::Error::new(
                    error.kind(),
                    format!("failed to read the CA bundle `{}`: {error}", path.display()),
                )
            })?;
            TrustStore::empty().with_pem_certificate(pem)
        }
        None => TrustStore::default(),
    };
    let context = TlsContext::builder()
        .with_trust_store(roots)
        .build()
        .map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidData, error.to_string()))?;
    let provider = Provider::Rustls(CryptoMode::Ring);
    Ok(Builder::new().tls_provider(provider).tls_context(context).build_https())
}

/// Only chooses a client; what may be reached with either is decided in `plain`.
pub(crate) fn is_plain(url: &str) -> bool {
    url.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_sdk_secretsmanager::config::Credentials;
    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
    };
    use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
    use aws_smithy_runtime_api::client::result::ConnectorError;

    use super::*;

    /// Notes where a request goes, and sends none.
    #[derive(Debug, Clone, Default)]
    struct Noted(Arc<Mutex<Vec<String>>>);

    impl HttpConnector for Noted {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            self.0.lock().unwrap().push(request.uri().to_owned());
            HttpConnectorFuture::ready(Err(ConnectorError::user("nobody is asked".into())))
        }
    }

    #[tokio::test]
    async fn requests_go_to_the_endpoint_that_is_asked_for() {
        // Secrets Manager's ordinary endpoint is dual-stack already, in this partition.
        for (fips, dual_stack, host) in [
            (None, None, "secretsmanager.us-east-1.amazonaws.com"),
            (Some(false), Some(true), "secretsmanager.us-east-1.amazonaws.com"),
            (Some(true), None, "secretsmanager-fips.us-east-1.amazonaws.com"),
        ] {
            let noted = Noted::default();
            let connector = noted.clone();
            let http = http_client_fn(move |_, _| SharedHttpConnector::new(connector.clone()));
            let nobody = Credentials::new("nobody", "nobody", None, None, "test");
            let config = config(Variants { fips, dual_stack }, http)
                .credentials_provider(nobody)
                .region(Region::new("us-east-1"));
            let client = Client::from_conf(config.build());
            client.get_random_password().send().await.unwrap_err();
            let asked = noted.0.lock().unwrap().clone();
            assert_eq!(asked[0], format!("https://{host}/"), "{fips:?} {dual_stack:?}");
        }
    }
}
