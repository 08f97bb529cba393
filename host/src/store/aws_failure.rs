//! What went wrong with a call of Secrets Manager: one of [`StoreErrorKind`], and a sentence that
//! says which layer it was, at which address, and what usually causes it.

use std::error::Error;
use std::io;

use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};

use super::{NO_ANSWER_ADVICE, StoreError, StoreErrorKind};
use crate::aws_client::{CERTIFICATE, NOT_TLS, causes, said};
use crate::error::chain;

/// Translates an SDK error once, for every action. `address` is where the call went.
pub(super) fn translate<E>(
    action: &'static str,
    resource: &str,
    address: &str,
    error: &SdkError<E, HttpResponse>,
) -> StoreError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let (kind, message) = match error {
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or("unknown error");
            let text = service.err().message().unwrap_or("no message");
            let kind = kind_of(code, status).unless_of_key(text);
            let status = status.filter(|_| kind == StoreErrorKind::Transient);
            let status =
                status.map(|status| format!(" (HTTP {status} of {address}, after retries)"));
            (kind, format!("{code}: {text}{}", status.unwrap_or_default()))
        }
        // Whatever answers there does not speak HTTP, or breaks off.
        SdkError::DispatchFailure(failure) if failure.is_other() && said(error, "SendRequest") => {
            (StoreErrorKind::Transient, format!("{address} could not be used: {}", reason(error)))
        }
        // Credentials that can't be found look like a request that could not be sent.
        SdkError::DispatchFailure(failure) if failure.is_other() || failure.is_user() => (
            StoreErrorKind::Other,
            format!(
                "the request could not be made: {}; check the AWS credentials and region of \
                 whoever runs this",
                chain(error)
            ),
        ),
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            (StoreErrorKind::Transient, format!("{address} could not be used: {}", reason(error)))
        }
        _ => (StoreErrorKind::Other, chain(error)),
    };
    StoreError { kind, action, resource: resource.to_owned(), message, source: None }
}

/// Which layer failed, and what to look at there.
fn reason(error: &(dyn Error + 'static)) -> String {
    let innermost = causes(error).last().map(ToString::to_string).unwrap_or_default();
    let of_system = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>());
    let said = |part| said(error, part);
    match of_system.map(io::Error::kind) {
        // The library tells the time in seconds since 1970.
        _ if said("certificate expired") => {
            "TLS failed: its certificate has expired; whoever runs it has to renew it".to_owned()
        }
        _ if said(CERTIFICATE) => format!(
            "TLS failed: {innermost}; set AWS_CA_BUNDLE to the CA certificates of whatever answers \
             there"
        ),
        _ if said(NOT_TLS) => "what answers there does not speak TLS; check \
             SECRETS_MANAGER_ENDPOINT, its scheme and port"
            .to_owned(),
        _ if said("invalid HTTP") => "what answers there does not speak HTTP; check \
             SECRETS_MANAGER_ENDPOINT, its scheme and port"
            .to_owned(),
        Some(io::ErrorKind::ConnectionRefused) => {
            "connection refused: nothing listens there; check SECRETS_MANAGER_ENDPOINT".to_owned()
        }
        Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => {
            format!("no route ({innermost}); {NO_ANSWER_ADVICE}")
        }
        _ if said("dns error") || said("failed to lookup address") => format!(
            "its name does not resolve ({innermost}); check SECRETS_MANAGER_ENDPOINT, and the DNS \
             settings of the function's VPC"
        ),
        _ if said("timeout") || said("timed out") => {
            format!("no answer in time; {NO_ANSWER_ADVICE}")
        }
        _ => format!("it broke off: {innermost}; {NO_ANSWER_ADVICE}"),
    }
}

fn kind_of(code: &str, status: Option<u16>) -> StoreErrorKind {
    match code {
        "ResourceNotFoundException" => StoreErrorKind::NotFound,
        "ResourceExistsException" => StoreErrorKind::AlreadyExists,
        "InvalidParameterException" | "InvalidRequestException" | "ValidationException" => {
            StoreErrorKind::Invalid
        }
        "AccessDeniedException" => StoreErrorKind::AccessDenied,
        "DecryptionFailure" | "DecryptionFailureException" | "EncryptionFailure" => {
            StoreErrorKind::Key
        }
        code if code.starts_with("Throttling") || code == "InternalServiceError" => {
            StoreErrorKind::Transient
        }
        _ if status.is_some_and(|status| status >= 500) => StoreErrorKind::Transient,
        _ => StoreErrorKind::Other,
    }
}
