//! What went wrong with a call of Secrets Manager: one of [`StoreErrorKind`], and a sentence.

use std::error::Error;

use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};

use crate::aws::connect_error::{AwsService, Unanswered};
use crate::report::chain;
use crate::rotation::ports::{StoreError, StoreErrorKind};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_key_is_the_keys_whichever_exception_says_it() {
        use StoreErrorKind::{AccessDenied, Invalid, Key};
        let marked = "You can't perform this operation on the secret because it was marked for \
                      deletion.";
        for (code, text, expected) in [
            ("AccessDeniedException", "Access to KMS is not allowed", Key),
            ("AccessDeniedException", "User: x is not authorized to perform: y", AccessDenied),
            ("DecryptionFailure", "Secrets Manager can't decrypt", Key),
            ("EncryptionFailure", "Secrets Manager can't encrypt", Key),
            ("InvalidRequestException", "the secret's KMS key is pending deletion.", Key),
            ("InvalidRequestException", marked, Invalid),
        ] {
            assert_eq!(kind_of(code, Some(400)).unless_of_key(text), expected, "{code}: {text}");
        }
    }
}
