//! Secrets in memory: for tests that make thousands of stores. Records are shared and replaced, so that
//! a call that fails leaves what was there.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::Identity;
use super::answers::Description;
use super::cursor::Cursor;
use super::error::ServiceError;
use super::moment::Moment;
use super::record::{Content, SecretRecord};
use super::records::Table;
use super::stored_value::StoredValue;

/// The hyphen and the random characters that an ARN ends with.
const ENDING: usize = 7;

type Secrets = BTreeMap<String, Arc<SecretRecord>>;

/// What the calls before left.
#[derive(Clone)]
pub(super) struct Memory {
    identity: Identity,
    secrets: Secrets,
}

/// A call's view, and what it has changed.
pub(super) struct Draft {
    identity: Identity,
    secrets: RefCell<Secrets>,
}

impl Memory {
    pub(super) fn new(identity: Identity) -> Self {
        Self { identity, secrets: Secrets::new() }
    }

    pub(super) fn draft(&self) -> Draft {
        let Self { identity, secrets } = self.clone();
        Draft { identity, secrets: RefCell::new(secrets) }
    }

    pub(super) fn replace(&mut self, draft: Draft) {
        self.secrets = draft.secrets.into_inner();
    }
}

impl Draft {
    fn first(&self, which: impl Fn(&SecretRecord) -> bool) -> Option<SecretRecord> {
        let secrets = self.secrets.borrow();
        secrets.values().find(|secret| which(secret)).map(|secret| SecretRecord::clone(secret))
    }
}

impl Table for Draft {
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
            let end = secret.arn.len().checked_sub(ENDING);
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
        let there = |secret: &SecretRecord| secret.deletion.is_none_or(|date| date > now);
        self.secrets.borrow_mut().retain(|_, secret| there(secret));
        Ok(())
    }

    fn each(
        &self,
        cursor: &Cursor,
        now: Moment,
        each: &mut dyn FnMut(Description) -> ControlFlow<()>,
    ) -> Result<(), ServiceError> {
        let secrets = self.secrets.borrow();
        let there = |secret: &SecretRecord| secret.deletion.is_none_or(|date| date > now);
        let mut listed: Vec<_> =
            secrets.values().filter(|secret| there(secret) && cursor.takes(secret)).collect();
        listed.sort_by(|one, other| cursor.in_order(cursor.key(one), cursor.key(other)));
        for secret in listed {
            if each(secret.describe()).is_break() {
                break;
            }
        }
        Ok(())
    }
}
