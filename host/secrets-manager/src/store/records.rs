//! The secrets as one call sees them: how they are found, and which of them are there.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::Identity;
use super::answers::Description;
use super::cursor::Cursor;
use super::error::{ServiceError, invalid_request, not_found};
use super::limits;
use super::moment::Moment;
use super::record::{Content, SecretRecord, VersionRecord};
use super::stored_value::StoredValue;

/// What holds the secrets: one transaction of a database, or memory.
pub(super) trait Table {
    /// Which region and account the store is of.
    fn identity(&self) -> Result<Identity, ServiceError>;

    /// The secret of this name.
    fn by_name(&self, name: &str) -> Result<Option<SecretRecord>, ServiceError>;

    /// The secret of this whole ARN.
    fn by_arn(&self, arn: &str) -> Result<Option<SecretRecord>, ServiceError>;

    /// The first secret whose ARN is this one with a hyphen and six characters.
    fn by_partial_arn(&self, arn: &str) -> Result<Option<SecretRecord>, ServiceError>;

    /// A version's value, which is not in the record.
    fn stored_value(
        &self,
        secret: &str,
        version: &str,
    ) -> Result<Option<Arc<StoredValue>>, ServiceError>;

    /// Every value of every version.
    fn all_values(&self) -> Result<Vec<Arc<StoredValue>>, ServiceError>;

    /// Stores a record, and takes away the versions that it does not have.
    fn save(&self, secret: &SecretRecord) -> Result<(), ServiceError>;

    /// Removes a secret, with its versions.
    fn remove(&self, name: &str) -> Result<(), ServiceError>;

    /// Removes the secrets whose recovery window is over.
    fn purge(&self, now: Moment) -> Result<(), ServiceError>;

    /// Every secret behind a place of an order, until `each` has enough.
    fn each(
        &self,
        cursor: &Cursor,
        now: Moment,
        each: &mut dyn FnMut(Description) -> ControlFlow<()>,
    ) -> Result<(), ServiceError>;
}

/// The secrets as of one moment: those whose recovery window is over then are not there.
pub(super) struct Records<'a> {
    table: &'a dyn Table,
    now: Moment,
}

impl<'a> Records<'a> {
    pub(super) fn new(table: &'a dyn Table, now: Moment) -> Self {
        Self { table, now }
    }

    /// Which region and account the store is of.
    pub(super) fn identity(&self) -> Result<Identity, ServiceError> {
        self.table.identity()
    }

    /// A secret by name, ARN or partial ARN, whether or not it is scheduled for deletion.
    pub(super) fn find(&self, id: &str) -> Result<SecretRecord, ServiceError> {
        limits::secret_id(id)?;
        self.look_up(id)?
            .ok_or_else(|| not_found("Secrets Manager can't find the specified secret."))
    }

    /// A secret that is not scheduled for deletion.
    pub(super) fn live(&self, id: &str) -> Result<SecretRecord, ServiceError> {
        let secret = self.find(id)?;
        if secret.deletion.is_some() {
            return Err(invalid_request(
                "You can't perform this operation on the secret because it was marked for deletion.",
            ));
        }
        Ok(secret)
    }

    /// A secret by its name alone.
    pub(super) fn named(&self, name: &str) -> Result<Option<SecretRecord>, ServiceError> {
        Ok(self.unless_gone(self.table.by_name(name)?))
    }

    /// A secret by name, ARN or partial ARN, if there is one.
    pub(super) fn look_up(&self, id: &str) -> Result<Option<SecretRecord>, ServiceError> {
        // A name has no colon.
        if !id.starts_with("arn:") {
            return self.named(id);
        }
        if let Some(secret) = self.unless_gone(self.table.by_arn(id)?) {
            return Ok(Some(secret));
        }
        Ok(self.unless_gone(self.table.by_partial_arn(id)?))
    }

    fn unless_gone(&self, secret: Option<SecretRecord>) -> Option<SecretRecord> {
        secret.filter(|secret| !secret.is_gone(self.now))
    }

    /// A version's value, if it has one.
    pub(super) fn value(
        &self,
        secret: &SecretRecord,
        version: &VersionRecord,
    ) -> Result<Option<Arc<StoredValue>>, ServiceError> {
        match &version.content {
            Content::Awaited => Ok(None),
            Content::New(value) => Ok(Some(Arc::clone(value))),
            Content::Stored => self.table.stored_value(&secret.name, &version.id),
        }
    }

    /// Every value of every version.
    pub(super) fn all_values(&self) -> Result<Vec<Arc<StoredValue>>, ServiceError> {
        self.table.all_values()
    }

    /// Stores a record, and takes away the versions that it does not have.
    pub(super) fn save(&self, secret: &SecretRecord) -> Result<(), ServiceError> {
        self.table.save(secret)
    }

    /// Removes a secret, with its versions.
    pub(super) fn remove(&self, name: &str) -> Result<(), ServiceError> {
        self.table.remove(name)
    }

    /// Removes the secrets whose recovery window is over.
    pub(super) fn purge(&self) -> Result<(), ServiceError> {
        self.table.purge(self.now)
    }

    /// Every secret behind a place of an order, until `each` has enough.
    pub(super) fn each(
        &self,
        cursor: &Cursor,
        mut each: impl FnMut(Description) -> ControlFlow<()>,
    ) -> Result<(), ServiceError> {
        self.table.each(cursor, self.now, &mut each)
    }
}
