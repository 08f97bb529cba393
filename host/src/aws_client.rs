//! The Secrets Manager client of the Lambda function: credentials and region from Lambda's own
//! environment, nothing looked up elsewhere, TLS set up only if the endpoint needs it.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::interceptors::InterceptorContext;
use aws_sdk_secretsmanager::config::retry::{ClassifyRetry, RetryAction, RetryConfig};
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Region, SharedHttpClient};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};

/// How long a connection to Secrets Manager may take. Inside a region it takes a millisecond; a
/// missing VPC endpoint shows as silence, and should be reported long before Lambda gives up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long one attempt of a call may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// A client for the Lambda function.
///
/// `endpoint` is `SECRETS_MANAGER_ENDPOINT`; `ca_bundle` a file of PEM certificates to trust
/// instead of the system's.
///
/// # Errors
/// If the bundle can't be read.
pub fn for_lambda(endpoint: Option<&str>, ca_bundle: Option<&Path>) -> std::io::Result<Client> {
    let mut config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .retry_config(retries())
        .retry_classifier(BadTls)
        .timeout_config(timeouts())
        .http_client(http_client(endpoint, ca_bundle)?);
    config.set_region(std::env::var("AWS_REGION").ok().map(Region::new));
    config.set_endpoint_url(endpoint.map(str::to_owned));
    Ok(Client::from_conf(config.build()))
}

/// How often a call is repeated after throttling, a 5xx or a broken connection, with pauses of random
/// length up to 0.2, 0.4 and 0.8 s. Schedules make many rotations begin together, so throttling
/// is ordinary. A step's deadline ends this too.
pub fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(4).with_initial_backoff(Duration::from_millis(200))
}

/// A certificate that can't be trusted now can't be trusted a second later either: such a failure
/// is reported at once.
#[derive(Debug)]
pub struct BadTls;

impl ClassifyRetry for BadTls {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let failure = context.output_or_error().and_then(Result::err);
        match failure.and_then(|error| error.as_connector_error()) {
            Some(error) if said(error, CERTIFICATE) || said(error, NOT_TLS) => {
                RetryAction::RetryForbidden
            }
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "TLS that can't be trusted"
    }
}

/// What the TLS library says of certificates that it does not accept.
pub(crate) const CERTIFICATE: &str = "certificate";

/// What the TLS library says of an answer that is not TLS.
pub(crate) const NOT_TLS: &str = "corrupt message";

/// An error and its causes.
pub(crate) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause| (*cause).source())
}

/// Whether any of the causes says so: most have no type that could be asked.
pub(crate) fn said(error: &(dyn Error + 'static), part: &str) -> bool {
    causes(error).any(|cause| cause.to_string().contains(part))
}

/// How long calls may take.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build()
}

/// An HTTP client with TLS by rustls, or without TLS where the endpoint is plain HTTP: reading the
/// system's roots is the largest single cost of a cold start.
///
/// # Errors
/// If the bundle can't be read.
pub fn http_client(
    endpoint: Option<&str>,
    ca_bundle: Option<&Path>,
) -> std::io::Result<SharedHttpClient> {
    if endpoint.is_some_and(|url| url.starts_with("http://")) {
        return Ok(Builder::new().build_http());
    }
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
