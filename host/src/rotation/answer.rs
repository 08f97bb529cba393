//! A service's answer to a credential. A refusal is an answer; anything else that failed is an error.

use super::error::Error;
use super::ports::{Failure, FailureKind};
use super::service_error::ServiceError;

/// How the service answered a credential.
pub(super) enum Answer<T> {
    /// It signs in, and this came of it.
    Accepted(T),
    /// It does not sign in; the plugin's report.
    Refused(Failure),
}

/// The answer to a credential.
pub(super) fn answered<T>(result: Result<T, Error>) -> Result<Answer<T>, Error> {
    match result {
        Ok(done) => Ok(Answer::Accepted(done)),
        Err(Error::Service(ServiceError::Failed { failure, .. }))
            if failure.kind == FailureKind::Refused =>
        {
            Ok(Answer::Refused(*failure))
        }
        Err(error) => Err(error),
    }
}

/// Whether the service reported that this credential does not sign in, and nothing else.
pub(super) fn is_refusal(error: &Error) -> bool {
    is_failure(error, FailureKind::Refused)
}

/// Whether this is a plugin's failure of this kind.
pub(super) fn is_failure(error: &Error, kind: FailureKind) -> bool {
    matches!(error, Error::Service(ServiceError::Failed { failure, .. }) if failure.kind == kind)
}
