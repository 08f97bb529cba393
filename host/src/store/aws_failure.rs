//! What went wrong with a call of Secrets Manager: one of [`StoreErrorKind`], and a sentence.

use std::error::Error;

use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};

use super::{StoreError, StoreErrorKind};
use crate::error::chain;
use crate::unanswered::{AwsService, Unanswered};

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
    let service = AwsService::secrets_manager(address);
    let (kind, message) = match (service.unanswered(error), error) {
        (Some(Unanswered::NotSent(message)), _) => (StoreErrorKind::Other, message),
        (Some(Unanswered::NoAnswer(message)), _) => (StoreErrorKind::Transient, message),
        (None, SdkError::ServiceError(service)) => {
            let code = service.err().code().unwrap_or("unknown error");
            let text = service.err().message().unwrap_or("no message");
            let kind = kind_of(code, status).unless_of_key(text);
            let status = status.filter(|_| kind == StoreErrorKind::Transient);
            let status =
                status.map(|status| format!(" (HTTP {status} of {address}, after retries)"));
            (kind, format!("{code}: {text}{}", status.unwrap_or_default()))
        }
        (None, _) => (StoreErrorKind::Other, chain(error)),
    };
    StoreError { kind, action, resource: resource.to_owned(), message, source: None }
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
