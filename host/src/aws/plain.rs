//! Plain HTTP is for this machine alone: secret values and passwords are in what AWS's services are
//! sent and answer.
//!
//! An endpoint comes from many places (a flag, several variables, profiles, the SDK's own rules), so
//! it is not looked at where it is read but where it is used: in front of the connection, with the
//! address of the request itself. HTTPS passes; plain HTTP passes to loopback; to the metadata
//! services, which have no other way and are on this machine's own link, only requests for
//! credentials pass; everything else is refused before a name is resolved.

use std::net::IpAddr;

use aws_sdk_secretsmanager::config::{ConfigBag, HttpClient, RuntimeComponents, SharedHttpClient};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use http::Uri;

/// Where EC2, ECS and EKS hand out credentials, by AWS's documentation of each.
#[cfg(feature = "cli")]
const METADATA: [&str; 5] =
    ["169.254.169.254", "fd00:ec2::254", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"];

/// What an HTTP client is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Calls of a service.
    Service,
    /// Looking up credentials.
    #[cfg(feature = "cli")]
    Credentials,
}

/// An endpoint that was not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the endpoint {endpoint} is plain HTTP, so everybody on the network path could read the \
     secrets, and only an endpoint on this machine (127.0.0.1, [::1], localhost) is used without \
     TLS; write https:// \
     where it is configured: --endpoint-url, SECRETS_MANAGER_ENDPOINT, AWS_ENDPOINT_URL and its \
     variables for single services, or `endpoint_url` in a profile"
)]
pub(crate) struct PlainHttp {
    /// Scheme, host and port: user names and paths may hold what nobody should read.
    endpoint: String,
}

/// Decides whether a request may go to this address.
fn decide(url: &str, purpose: Purpose) -> Result<(), PlainHttp> {
    // The parser is the one of the library that connects: nothing can be read in two ways.
    let Ok(uri) = url.parse::<Uri>() else {
        return Err(PlainHttp { endpoint: "(not a URL)".to_owned() });
    };
    let host = host(&uri);
    let may = match purpose {
        _ if uri.scheme_str() == Some("https") || is_loopback_host(host) => true,
        Purpose::Service => false,
        #[cfg(feature = "cli")]
        Purpose::Credentials => is_metadata_host(host),
    };
    if may {
        return Ok(());
    }
    let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    let scheme = uri.scheme_str().unwrap_or("http");
    Err(PlainHttp { endpoint: format!("{scheme}://{}{port}", uri.host().unwrap_or_default()) })
}

/// Whether a URL is one of this machine.
#[cfg(feature = "cli")]
pub(crate) fn is_loopback(url: &str) -> bool {
    url.parse::<Uri>().is_ok_and(|uri| is_loopback_host(host(&uri)))
}

/// Without the brackets of an IPv6 address.
fn host(uri: &Uri) -> &str {
    let host = uri.host().unwrap_or_default();
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// `localhost` is loopback by RFC 6761, section 6.3.
fn is_loopback_host(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(feature = "cli")]
fn is_metadata_host(host: &str) -> bool {
    let address = host.parse::<IpAddr>().ok();
    address.is_some() && METADATA.iter().any(|known| known.parse().ok() == address)
}

/// The client, which refuses what [`decide`] does.
pub(super) fn guarded(inner: SharedHttpClient, purpose: Purpose) -> SharedHttpClient {
    SharedHttpClient::new(Guarded { inner, purpose })
}

#[derive(Debug)]
struct Guarded<T> {
    inner: T,
    purpose: Purpose,
}

impl HttpClient for Guarded<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Guarded { inner, purpose: self.purpose })
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        bag: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.inner.validate_base_client_config(components, bag)
    }

    fn validate_final_config(
        &self,
        components: &RuntimeComponents,
        bag: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.inner.validate_final_config(components, bag)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.inner.connector_metadata()
    }
}

impl HttpConnector for Guarded<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match decide(request.uri(), self.purpose) {
            Ok(()) => self.inner.call(request),
            // A mistake of the caller's, for the SDK: it is not tried again.
            Err(refused) => HttpConnectorFuture::ready(Err(ConnectorError::user(refused.into()))),
        }
    }
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use aws_sdk_secretsmanager::config::{Builder, Credentials, Region};

    use super::*;
    use crate::aws;
    use crate::rotation::ports::SecretStore as _;
    use crate::store::aws::AwsStore;

    #[test]
    fn plain_http_goes_to_this_machine_alone() {
        for (url, service, credentials) in [
            ("https://secretsmanager.eu-west-1.amazonaws.com/", true, true),
            ("http://127.0.0.1:4567/", true, true),
            ("http://127.8.9.1", true, true),
            ("http://localhost/", true, true),
            ("http://LOCALHOST:80/", true, true),
            ("http://[::1]:1/", true, true),
            ("HTTP://secrets.example/", false, false),
            ("http://localhost.example/", false, false),
            ("http://127.0.0.1.example/", false, false),
            ("http://127.0.0.1:80@secrets.example/", false, false),
            ("http://localhost@secrets.example/", false, false),
            ("http://secrets.example/?http://127.0.0.1", false, false),
            ("http://[::ffff:10.0.0.1]/", false, false),
            ("http://0.0.0.0/", false, false),
            ("http://10.0.0.1:4566", false, false),
            ("http://169.254.169.254/latest/", false, true),
            ("http://[fd00:ec2::23]/v1", false, true),
            ("http://169.254.1.1/", false, false),
            ("ftp://secrets.example/", false, false),
            ("//secrets.example", false, false),
            ("", false, false),
        ] {
            assert_eq!(decide(url, Purpose::Service).is_ok(), service, "{url}");
            assert_eq!(decide(url, Purpose::Credentials).is_ok(), credentials, "{url}");
        }
    }

    #[test]
    fn the_refusal_names_the_endpoint_and_nothing_else_of_the_url() {
        let url = "http://me:hunter2@secrets.example:4566/path?token=abc";
        let refusal = decide(url, Purpose::Service).unwrap_err();
        assert_eq!(refusal.endpoint, "http://secrets.example:4566");
        for part in ["hunter2", "me:", "abc", "path"] {
            assert!(!refusal.endpoint.contains(part), "{refusal}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (url, expected) in [
            ("http://127.0.0.1:4567", true),
            ("http://localhost/", true),
            ("http://[::1]:1", true),
            ("http://localhost.example", false),
            ("http://127.0.0.1:x@secrets.example/", false),
            ("https://secretsmanager.eu-west-1.amazonaws.com", false),
        ] {
            assert_eq!(is_loopback(url), expected, "{url}");
        }
    }

    #[tokio::test]
    async fn the_functions_own_client_sends_nothing_over_plain_http() {
        // A name that never resolves: whoever looked it up would say so.
        for endpoint in ["http://secrets.invalid:4566", "HTTP://secrets.invalid"] {
            let client = aws::client::for_lambda(Some(endpoint), None).unwrap();
            // A test has no credentials of Lambda's.
            let config = client.config().to_builder();
            let config: Builder = config
                .credentials_provider(Credentials::new("id", "key", None, None, "test"))
                .region(Region::new("eu-west-1"));
            let client = aws_sdk_secretsmanager::Client::from_conf(config.build());
            let store = AwsStore::new(client, Some(endpoint));
            let error = store
                .describe(&crate::rotation::ports::SecretId::new("app"))
                .await
                .unwrap_err()
                .message;
            assert!(error.contains("http://secrets.invalid"), "{error}");
            assert!(error.contains("is plain HTTP"), "{error}");
            assert!(error.contains("write https:// where it is configured"), "{error}");
        }
    }
}
