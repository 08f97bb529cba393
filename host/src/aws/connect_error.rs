//! Calls to AWS that were not answered: which layer failed, at which address, and what usually causes
//! it. The same for every service.

use std::error::Error;
use std::io;

use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::config::interceptors::InterceptorContext;
use aws_sdk_secretsmanager::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_secretsmanager::error::SdkError;

use crate::aws::plain::PlainHttp;
use crate::report::chain;

/// What the TLS library says of certificates that it does not accept.
const CERTIFICATE: &str = "certificate";

/// What the TLS library says of an answer that is not TLS.
const NOT_TLS: &str = "corrupt message";

/// A service of AWS, for messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AwsService<'a> {
    /// Its name, and its address where that is known.
    pub(crate) name: &'a str,
    /// What its VPC endpoint is called.
    pub(crate) vpc_endpoint: &'static str,
    /// The variable that names another endpoint than AWS's.
    pub(crate) variable: &'static str,
}

/// A call that was not answered.
pub(crate) enum Unanswered {
    /// It was never sent.
    NotSent(String),
    /// It was sent, or could not be for want of a connection.
    NoAnswer(String),
}

impl AwsService<'_> {
    /// Secrets Manager, as `name` calls it.
    pub(crate) fn secrets_manager(name: &str) -> AwsService<'_> {
        let variable = "SECRETS_MANAGER_ENDPOINT";
        AwsService { name, vpc_endpoint: "secretsmanager", variable }
    }

    /// Whether a call was not answered; what happened instead and what to do.
    pub(crate) fn unanswered<E>(self, error: &SdkError<E, HttpResponse>) -> Option<Unanswered>
    where
        E: Error + Send + Sync + 'static,
    {
        // In whichever request it was: the call itself, or one for credentials.
        if let Some(refused) = causes(error).find_map(|cause| cause.downcast_ref::<PlainHttp>()) {
            return Some(Unanswered::NotSent(refused.to_string()));
        }
        let name = self.name;
        let no_answer =
            || Unanswered::NoAnswer(format!("{name} could not be used: {}", self.reason(error)));
        match error {
            // Whatever answers there does not speak HTTP.
            SdkError::DispatchFailure(failure)
                if failure.is_other() && said(error, "SendRequest") =>
            {
                Some(no_answer())
            }
            // Credentials that can't be found look like a request that could not be sent.
            SdkError::DispatchFailure(failure) if failure.is_other() || failure.is_user() => {
                Some(Unanswered::NotSent(format!(
                    "the request could not be made: {}; check the AWS credentials and region of \
                     the function or command",
                    chain(error)
                )))
            }
            SdkError::TimeoutError(_)
            | SdkError::DispatchFailure(_)
            | SdkError::ResponseError(_) => Some(no_answer()),
            _ => None,
        }
    }

    /// What helps where it does not answer.
    pub(crate) fn advice(self) -> String {
        format!(
            "in a VPC the function needs an interface endpoint for {} or a NAT gateway, and \
             security groups that let port 443 pass",
            self.vpc_endpoint
        )
    }

    /// Which layer failed, and what to look at there.
    fn reason(self, error: &(dyn Error + 'static)) -> String {
        let Self { variable, .. } = self;
        let innermost = causes(error).last().map(ToString::to_string).unwrap_or_default();
        let of_system = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>());
        let said = |part| said(error, part);
        match of_system.map(io::Error::kind) {
            // The library tells the time in seconds since 1970.
            _ if said("certificate expired") => {
                "TLS failed: its certificate has expired and has to be renewed there".to_owned()
            }
            _ if said(CERTIFICATE) => format!(
                "TLS failed: {innermost}; set AWS_CA_BUNDLE to the CA certificates of that endpoint"
            ),
            _ if said(NOT_TLS) => {
                format!("the endpoint does not speak TLS; check {variable}, its scheme and port")
            }
            _ if said("invalid HTTP") => {
                format!("the endpoint does not speak HTTP; check {variable}, its scheme and port")
            }
            _ if said("length limit exceeded") => {
                format!("its answer is larger than any of AWS's; check {variable}")
            }
            Some(io::ErrorKind::ConnectionRefused) => {
                format!("connection refused: nothing listens there; check {variable}")
            }
            Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => {
                format!("no route ({innermost}); {}", self.advice())
            }
            // The TLS library does not take every name that the resolver might.
            _ if said("dns error")
                || said("failed to lookup address")
                || said("invalid dns name") =>
            {
                format!(
                    "its name does not resolve ({innermost}); check {variable}, and the DNS \
                     settings of the function's VPC"
                )
            }
            _ if said("timeout") || said("timed out") => {
                format!("no answer in time; {}", self.advice())
            }
            _ => format!("it broke off: {innermost}; {}", self.advice()),
        }
    }
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

/// An error and its causes.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause| (*cause).source())
}

/// Whether any of the causes says so: most have no type that could be asked.
fn said(error: &(dyn Error + 'static), part: &str) -> bool {
    causes(error).any(|cause| cause.to_string().contains(part))
}
