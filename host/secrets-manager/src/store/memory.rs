//! Secrets in memory: for tests that make thousands of stores. Records are shared and replaced, so that
//! a copy is cheap: a change is made to one, and a call that fails leaves what was there.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::Identity;
use super::answers::Description;
use super::cursor::Cursor;
use super::error::ServiceError;
use super::moment::Moment;
use super::record::{ARN_ENDING, Content, SecretRecord};
use super::records::Table;
use super::stored_value::StoredValue;

type Secrets = BTreeMap<String, Arc<SecretRecord>>;

/// The secrets of a store without a file.
#[derive(Clone)]
pub(super) struct Memory {
    identity: Identity,
    secrets: RefCell<Secrets>,
}

impl Memory {
    pub(super) fn new(identity: Identity) -> Self {
        Self { identity, secrets: RefCell::default() }
    }

    fn first(&self, which: impl Fn(&SecretRecord) -> bool) -> Option<SecretRecord> {
        let secrets = self.secrets.borrow();
        secrets.values().find(|secret| which(secret)).map(|secret| SecretRecord::clone(secret))
    }
}

impl Table for Memory {
    fn identity(&self) -> Result<Identity, ServiceError> {
        Ok(self.identity.clone())
    }

    fn by_name(&self, name: &str) -> Result<Option<SecretRecord>, ServiceError> {
        Ok(self.secrets.borrow().get(name).map(|secret| SecretRecord::clone(secret)))
    }

    fn by_arn(&self, arn: &str) -> Result<Option<SecretRecord>, ServiceError> {
        Ok(self.first(|secret| secret.arn == arn))
    }

    fn by_partial_arn(&self, arn: &str) -> Result<Option<SecretRecord>, ServiceError> {
        Ok(self.first(|secret| {
            let end = secret.arn.len().checked_sub(ARN_ENDING);
            end.and_then(|end| secret.arn.get(..end)) == Some(arn)
        }))
    }

    fn stored_value(&self, _: &str, _: &str) -> Result<Option<Arc<StoredValue>>, ServiceError> {
        // Records in memory have their values.
        Ok(None)
    }

    fn all_values(&self) -> Result<Vec<Arc<StoredValue>>, ServiceError> {
        let secrets = self.secrets.borrow();
        let versions = secrets.values().flat_map(|secret| &secret.versions);
        let values = versions.filter_map(|version| match &version.content {
            Content::New(value) => Some(Arc::clone(value)),
            Content::Awaited | Content::Stored => None,
        });
        Ok(values.collect())
    }

    fn save(&self, secret: &SecretRecord) -> Result<(), ServiceError> {
        self.secrets.borrow_mut().insert(secret.name.clone(), Arc::new(secret.clone()));
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), ServiceError> {
        self.secrets.borrow_mut().remove(name);
        Ok(())
    }

    fn purge(&self, now: Moment) -> Result<(), ServiceError> {
        self.secrets.borrow_mut().retain(|_, secret| !secret.is_gone(now));
        Ok(())
    }

    fn each(
        &self,
        cursor: &Cursor,
        now: Moment,
        each: &mut dyn FnMut(Description) -> ControlFlow<()>,
    ) -> Result<(), ServiceError> {
        let secrets = self.secrets.borrow();
        let listed = secrets.values().filter(|secret| !secret.is_gone(now) && cursor.takes(secret));
        let mut listed: Vec<_> = listed.collect();
        listed.sort_by(|one, other| cursor.in_order(cursor.key(one), cursor.key(other)));
        for secret in listed {
            if each(secret.describe()).is_break() {
                break;
            }
        }
        Ok(())
    }
}
