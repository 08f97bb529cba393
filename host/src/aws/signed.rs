//! Calls of AWS's APIs without an SDK of each: a request that is signed, sent, repeated and bounded in
//! time as the SDKs do it, by their own runtime.
//!
//! It knows no service: whoever calls says the service's names, writes the body and reads the answer.
//!
//! 1. A request goes to the endpoint that AWS's rules give for the region ([`endpoint`]), or to the one
//!    that is configured, by the HTTP client that is handed in; that one refuses plain HTTP to anything
//!    but this machine.
//! 2. It is signed with Signature Version 4 for that region and service, anew for each attempt. A
//!    clock that the service finds wrong is corrected.
//! 3. Throttling, 5xx and broken connections are repeated as configured; what can't get better by
//!    repetition is not.
//! 4. Of an answer no more than [`answer_limit::LONGEST_ANSWER`] is read.

mod answer_limit;
pub(crate) mod endpoint;

use std::borrow::Cow;
use std::fmt;
use std::io;

use aws_config::SdkConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{SigV4OperationSigningConfig, SigningOptions};
use aws_runtime::invocation_id::InvocationIdInterceptor;
use aws_runtime::recursion_detection::RecursionDetectionInterceptor;
use aws_runtime::request_info::RequestInfoInterceptor;
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_runtime::service_clock_skew::{ServiceClockSkewClassifier, ServiceClockSkewInterceptor};
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{
    AuthSchemeOptionResolverParams, SharedAuthScheme, SharedAuthSchemeOptionResolver,
};
use aws_smithy_runtime_api::client::identity::SharedIdentityResolver;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata};
use aws_types::SigningName;
use aws_types::region::SigningRegion;

use super::connect_error::BadTls;
use answer_limit::{AnswerLimit, TooLong};
use endpoint::Rules;

/// An API of AWS, as requests need to know it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Api {
    /// What the SDKs call it, in their logs.
    pub(crate) name: &'static str,
    /// What its signatures are for.
    pub(crate) signing_name: &'static str,
    /// Where it is.
    pub(crate) endpoints: Rules,
    /// The code and the message of an answer that refuses the request.
    pub(crate) refusal: fn(&HttpResponse) -> ErrorMetadata,
}

/// A request: `POST /`, which is all that the query and the JSON protocols send.
pub(crate) struct Request {
    /// Its headers, beside those of signature and transport.
    pub(crate) headers: Vec<(&'static str, Cow<'static, str>)>,
    /// Its body.
    pub(crate) body: String,
}

/// Without the body: it may be a secret.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("headers", &self.headers).finish_non_exhaustive()
    }
}

/// What a service answered that refused a request.
#[derive(Debug)]
pub(crate) struct Refusal(ErrorMetadata);

/// What CloudTrail shows of who called. The signature does not cover it.
const USER_AGENT: &str = concat!("windlass/", env!("CARGO_PKG_VERSION"));

/// The most of a refusal's code that is kept, in characters. AWS's longest has some fifty.
const CODE: usize = 128;

/// The most of a refusal's message that is kept, in characters: it goes into logs and errors.
const MESSAGE: usize = 2000;

/// What a refusal says, no longer than a log line should be: whatever answers chose the texts.
pub(super) fn refusal(code: Option<&str>, message: Option<&str>) -> ErrorMetadata {
    let cut = |text: &str, most: usize| text.chars().take(most).collect::<String>();
    let mut metadata = ErrorMetadata::builder();
    if let Some(code) = code {
        metadata = metadata.code(cut(code, CODE));
    }
    if let Some(message) = message {
        metadata = metadata.message(cut(message, MESSAGE));
    }
    metadata.build()
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Refusal {}

impl ProvideErrorMetadata for Refusal {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

/// What to do where a request has no region to be signed for.
pub(crate) const NO_REGION: &str = "no AWS region is configured; set --region or AWS_REGION";

/// A client of one service in one region.
pub(crate) struct SignedClient {
    operation: Operation<Request, Vec<u8>, Refusal>,
}

impl SignedClient {
    /// A client with the credentials, region, HTTP client, retries and time limits of `shared`, at
    /// `endpoint` or at AWS's own.
    ///
    /// # Errors
    /// If a region is missing that a signature needs, or is no name that an endpoint can have.
    pub(crate) fn new(api: Api, shared: &SdkConfig, endpoint: Option<&str>) -> io::Result<Self> {
        let region = shared.region().ok_or_else(|| io::Error::other(NO_REGION))?;
        let variant = endpoint::Variant {
            fips: shared.use_fips().unwrap_or_default(),
            dual_stack: shared.use_dual_stack().unwrap_or_default(),
        };
        let url = match endpoint {
            Some(url) => url.to_owned(),
            None => api.endpoints.url(region.as_ref(), variant).ok_or_else(|| {
                io::Error::other(format!("not a name of an AWS region: `{region}`; set AWS_REGION"))
            })?,
        };
        let missing = |what: &str| io::Error::other(format!("no {what} is configured"));
        let http_client = shared.http_client().ok_or_else(|| missing("HTTP client"))?;
        let (retries, timeouts) = (shared.retry_config(), shared.timeout_config());
        let mut builder = Operation::builder()
            .service_name(api.name)
            .operation_name("call")
            .http_client(http_client)
            .endpoint_url(&url)
            .standard_retry(&retries.cloned().unwrap_or_else(super::client::retries))
            .timeout_config(timeouts.cloned().unwrap_or_else(super::client::timeouts))
            .with_connection_poisoning()
            .retry_classifier(HttpStatusCodeClassifier::default())
            .retry_classifier(TransientErrorClassifier::<Refusal>::new())
            .retry_classifier(AwsErrorCodeClassifier::<Refusal>::new())
            .retry_classifier(ServiceClockSkewClassifier::<Refusal>::new())
            .retry_classifier(BadTls)
            .retry_classifier(TooLong)
            .interceptor(ServiceClockSkewInterceptor::new())
            .interceptor(InvocationIdInterceptor::new())
            .interceptor(RequestInfoInterceptor::new())
            .interceptor(RecursionDetectionInterceptor::new())
            .interceptor(AnswerLimit)
            .runtime_plugin(signing(api, shared, region.clone())?);
        if let Some(version) = shared.behavior_version() {
            builder = builder.behavior_version(version);
        }
        if let Some(sleep) = shared.sleep_impl() {
            builder = builder.sleep_impl(sleep);
        }
        let refusal = api.refusal;
        let operation =
            builder.serializer(serialize).deserializer(move |response| read(response, refusal));
        Ok(Self { operation: operation.build() })
    }

    /// Sends a request and returns the body of the answer.
    ///
    /// # Errors
    /// [`SdkError::ServiceError`] with the service's code and message where it refused; anything else
    /// was not sent, or not answered.
    pub(crate) async fn post(
        &self,
        request: Request,
    ) -> Result<Vec<u8>, SdkError<Refusal, HttpResponse>> {
        self.operation.invoke(request).await
    }
}

/// How requests are signed, and with whose credentials.
fn signing(
    api: Api,
    shared: &SdkConfig,
    region: aws_types::region::Region,
) -> io::Result<StaticRuntimePlugin> {
    let credentials = shared
        .credentials_provider()
        .ok_or_else(|| io::Error::other("no credentials are configured"))?;
    let mut options = SigningOptions::default();
    options.double_uri_encode = true;
    options.normalize_uri_path = true;
    let mut layer = Layer::new("signing");
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_put(SigV4OperationSigningConfig {
        region: Some(SigningRegion::from(region)),
        name: Some(SigningName::from_static(api.signing_name)),
        signing_options: options,
        ..SigV4OperationSigningConfig::default()
    });
    let schemes = StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]);
    let mut components = RuntimeComponentsBuilder::new("signing")
        .with_auth_scheme(SharedAuthScheme::new(SigV4AuthScheme::new()))
        .with_auth_scheme_option_resolver(Some(SharedAuthSchemeOptionResolver::new(schemes)))
        .with_identity_cache(Some(
            shared.identity_cache().unwrap_or_else(|| IdentityCache::lazy().build()),
        ));
    components.set_identity_resolver(SCHEME_ID, SharedIdentityResolver::new(credentials));
    if let Some(time) = shared.time_source() {
        components.set_time_source(Some(time));
    }
    Ok(StaticRuntimePlugin::new().with_config(layer.freeze()).with_runtime_components(components))
}

fn serialize(request: Request) -> Result<HttpRequest, aws_smithy_runtime_api::box_error::BoxError> {
    let mut sent = HttpRequest::new(SdkBody::from(request.body));
    sent.set_method("POST")?;
    sent.set_uri("/")?;
    let length = sent.body().content_length().unwrap_or_default();
    sent.headers_mut().try_insert("content-length", length.to_string())?;
    sent.headers_mut().try_insert("user-agent", USER_AGENT)?;
    for (name, value) in request.headers {
        sent.headers_mut().try_insert(name, value)?;
    }
    Ok(sent)
}

fn read(
    response: &HttpResponse,
    refusal: fn(&HttpResponse) -> ErrorMetadata,
) -> Result<Vec<u8>, OrchestratorError<Refusal>> {
    if !response.status().is_success() {
        return Err(OrchestratorError::operation(Refusal(refusal(response))));
    }
    Ok(response.body().bytes().unwrap_or_default().to_vec())
}

#[cfg(test)]
mod tests;
