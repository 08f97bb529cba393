//! KMS keys that can't be used. There is no KMS here, and nothing is encrypted; what a key that was
//! disabled, or that nobody may use, does to a rotation has to be seen all the same.
//!
//! These names, as a secret's `KmsKeyId`, stand for such keys. UpdateSecret sets and unsets them at
//! any time, as if the key's state or policy had changed; what needs the key is then refused, as
//! Secrets Manager does, and everything else (DescribeSecret, labels, RotateSecret) goes on:
//!
//! | `KmsKeyId` | reading a value | storing a value |
//! |---|---|---|
//! | `alias/windlass-denied` | `AccessDeniedException` | `AccessDeniedException` |
//! | `alias/windlass-decrypt-only` | works | `AccessDeniedException` |
//! | `alias/windlass-disabled` | `DecryptionFailure` | `EncryptionFailure` |
//! | `alias/windlass-pending-deletion` | `InvalidRequestException` | `InvalidRequestException` |
//!
//! The first message is Secrets Manager's own, the next two are those of its service model. What it
//! says of a key that is to be deleted is not documented: the last one's wording is ours.

use super::error::{Exception, ServiceError};
use super::record::SecretRecord;

/// What a key is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// `kms:Decrypt`.
    Decrypt,
    /// `kms:GenerateDataKey`.
    Encrypt,
}

impl SecretRecord {
    /// Refuses what the secret's key can't do.
    pub(super) fn key_permits(&self, what: Use) -> Result<(), ServiceError> {
        let (exception, message) = match (self.kms_key_id.as_deref(), what) {
            (Some("alias/windlass-denied"), _)
            | (Some("alias/windlass-decrypt-only"), Use::Encrypt) => {
                (Exception::AccessDenied, "Access to KMS is not allowed")
            }
            (Some("alias/windlass-disabled"), Use::Decrypt) => (
                Exception::DecryptionFailure,
                "Secrets Manager can't decrypt the protected secret text using the provided KMS \
                 key.",
            ),
            (Some("alias/windlass-disabled"), Use::Encrypt) => (
                Exception::EncryptionFailure,
                "Secrets Manager can't encrypt the protected secret text using the provided KMS \
                 key. Check that the KMS key is available, enabled, and not in an invalid state.",
            ),
            (Some("alias/windlass-pending-deletion"), _) => (
                Exception::InvalidRequest,
                "You can't perform this operation because the secret's KMS key is pending \
                 deletion.",
            ),
            _ => return Ok(()),
        };
        Err(ServiceError::new(exception, message))
    }
}
