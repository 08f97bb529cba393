//! What a refused call says: Secrets Manager's own exception and its wording.
//!
//! A message names secrets, versions, labels and fields. It never quotes a value that was sent.

use super::database_error::DatabaseError;

/// The exceptions of Secrets Manager that this store raises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exception {
    /// `ResourceNotFoundException`.
    ResourceNotFound,
    /// `ResourceExistsException`.
    ResourceExists,
    /// `InvalidParameterException`.
    InvalidParameter,
    /// `InvalidRequestException`: does not fit the state that the secret is in.
    InvalidRequest,
    /// `InvalidNextTokenException`.
    InvalidNextToken,
    /// `LimitExceededException`.
    LimitExceeded,
    /// `AccessDeniedException`: the KMS key may not be used.
    AccessDenied,
    /// `DecryptionFailure`: the KMS key can't decrypt.
    DecryptionFailure,
    /// `EncryptionFailure`: the KMS key can't encrypt.
    EncryptionFailure,
    /// `MalformedPolicyDocumentException`: a resource policy that is not one.
    MalformedPolicy,
    /// `PublicPolicyException`: a resource policy that lets everybody in.
    PublicPolicy,
    /// `ValidationException`: outside the lengths and characters that the API allows.
    Validation,
    /// `InternalServiceError`: the database could not be read or written.
    InternalService,
}

impl Exception {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::ResourceExists => "ResourceExistsException",
            Self::InvalidParameter => "InvalidParameterException",
            Self::InvalidRequest => "InvalidRequestException",
            Self::InvalidNextToken => "InvalidNextTokenException",
            Self::LimitExceeded => "LimitExceededException",
            Self::AccessDenied => "AccessDeniedException",
            Self::DecryptionFailure => "DecryptionFailure",
            Self::EncryptionFailure => "EncryptionFailure",
            Self::MalformedPolicy => "MalformedPolicyDocumentException",
            Self::PublicPolicy => "PublicPolicyException",
            Self::Validation => "ValidationException",
            Self::InternalService => "InternalServiceError",
        }
    }
}

/// A call that was refused. It changed nothing.
#[derive(Debug, thiserror::Error)]
#[error("{}: {message}", exception.as_str())]
pub struct ServiceError {
    /// Which exception.
    pub exception: Exception,
    /// Secrets Manager's wording where it is known, our own otherwise.
    pub message: String,
    /// Why the database could not be used, for [`Exception::InternalService`].
    #[source]
    pub source: Option<Box<DatabaseError>>,
}

impl ServiceError {
    /// A refusal without a deeper cause.
    pub fn new(exception: Exception, message: impl Into<String>) -> Self {
        Self { exception, message: message.into(), source: None }
    }
}

impl From<DatabaseError> for ServiceError {
    fn from(source: DatabaseError) -> Self {
        // The one message that repeats its sources: over HTTP they do not travel, and the operator
        // has to learn which file to look at.
        let message = match std::error::Error::source(&source) {
            Some(cause) => format!("{source}: {cause}"),
            None => source.to_string(),
        };
        Self { exception: Exception::InternalService, message, source: Some(Box::new(source)) }
    }
}

pub(super) fn not_found(message: impl Into<String>) -> ServiceError {
    ServiceError::new(Exception::ResourceNotFound, message)
}

pub(super) fn exists(message: impl Into<String>) -> ServiceError {
    ServiceError::new(Exception::ResourceExists, message)
}

pub(super) fn invalid_parameter(message: impl Into<String>) -> ServiceError {
    ServiceError::new(Exception::InvalidParameter, message)
}

pub(super) fn invalid_request(message: impl Into<String>) -> ServiceError {
    ServiceError::new(Exception::InvalidRequest, message)
}

pub(super) fn limit_exceeded(message: impl Into<String>) -> ServiceError {
    ServiceError::new(Exception::LimitExceeded, message)
}

pub(super) fn validation(message: impl Into<String>) -> ServiceError {
    ServiceError::new(Exception::Validation, message)
}
