//! A refused request, as the JSON 1.1 protocol carries it.

use hyper::StatusCode;

use crate::{Exception, ServiceError};

/// Status, exception and message.
pub(super) struct Rejection {
    pub(super) status: StatusCode,
    /// A `&'static` name, so that a call log can keep it and no request can put text into it.
    pub(super) exception: &'static str,
    pub(super) message: String,
}

impl Rejection {
    fn bad(exception: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, exception, message: message.into() }
    }

    pub(super) fn serialization(message: impl Into<String>) -> Self {
        Self::bad("SerializationException", message)
    }

    pub(super) fn wrong_type(field: &str, expected: &str) -> Self {
        Self::serialization(format!("{field} must be {expected}"))
    }

    pub(super) fn missing(field: &str) -> Self {
        Self::bad(
            Exception::Validation.as_str(),
            format!(
                "1 validation error detected: Value null at '{field}' failed to satisfy \
                 constraint: Member must not be null"
            ),
        )
    }

    pub(super) fn parameter(message: impl Into<String>) -> Self {
        Self::bad(Exception::InvalidParameter.as_str(), message)
    }

    pub(super) fn request(message: impl Into<String>) -> Self {
        Self::bad(Exception::InvalidRequest.as_str(), message)
    }

    pub(super) fn denied(message: impl Into<String>) -> Self {
        Self::bad(Exception::AccessDenied.as_str(), message)
    }

    pub(super) fn unknown_operation(message: impl Into<String>) -> Self {
        Self::bad("UnknownOperationException", message)
    }

    pub(super) fn too_large(message: impl Into<String>) -> Self {
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, ..Self::bad("RequestTooLarge", message) }
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self { status: StatusCode::FORBIDDEN, ..Self::bad("AccessDeniedException", message) }
    }

    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            ..Self::bad(Exception::InternalService.as_str(), message)
        }
    }
}

impl From<ServiceError> for Rejection {
    fn from(error: ServiceError) -> Self {
        match error.exception {
            Exception::InternalService => Self::internal(error.message),
            exception => Self::bad(exception.as_str(), error.message),
        }
    }
}
