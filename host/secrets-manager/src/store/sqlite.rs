//! Records out of an SQLite database and back into it, in one transaction.
//!
//! A record is read with all its versions and without their values: a value is read by itself, so
//! that a call costs what the one secret costs that it is about, however many others there are.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use rusqlite::{OptionalExtension as _, Params, Row, Transaction, named_params};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::Identity;
use super::answers::Description;
use super::cursor::Cursor;
use super::database_error::{damaged, failed_sqlite};
use super::error::ServiceError;
use super::moment::Moment;
use super::record::{ARN_ENDING, Content, SecretRecord, VersionRecord};
use super::records::Table;
use super::stored_value::StoredValue;

const COLUMNS: &str = "name, arn, description, kms_key_id, tags, created, changed, rotated, deletion, \
                       rotation, labels, policy, replicas";

/// One transaction.
pub(super) struct Transacted<'a> {
    transaction: &'a Transaction<'a>,
    path: &'a Path,
}

impl<'a> Transacted<'a> {
    pub(super) fn new(transaction: &'a Transaction<'a>, path: &'a Path) -> Self {
        Self { transaction, path }
    }

    fn one(&self, which: &str, by: impl Params) -> Result<Option<SecretRecord>, ServiceError> {
        let sql = format!("SELECT {COLUMNS} FROM secret WHERE {which}");
        let read = self
            .transaction
            .prepare_cached(&sql)
            .and_then(|mut query| query.query_row(by, Columns::read).optional());
        let Some(columns) = read.map_err(|error| self.failed("read", error))? else {
            return Ok(None);
        };
        let mut secret = self.record(columns)?;
        secret.versions = self.versions(&secret.name)?;
        if let Some((label, version)) =
            secret.labels.iter().find(|(_, version)| secret.version(version).is_none())
        {
            return Err(self.contradiction(&format!(
                "label {label} of secret `{}` is on version {version}, which is not there",
                secret.name
            )));
        }
        Ok(Some(secret))
    }

    fn versions(&self, secret: &str) -> Result<Vec<VersionRecord>, ServiceError> {
        let sql = "SELECT id, created, text IS NOT NULL OR binary IS NOT NULL FROM version \
                   WHERE secret = ?1 ORDER BY number";
        let read = self.transaction.prepare_cached(sql).and_then(|mut query| {
            let rows = query.query_map([secret], |row| {
                let content = if row.get(2)? { Content::Stored } else { Content::Awaited };
                Ok(VersionRecord { id: row.get(0)?, created: row.get(1)?, content })
            })?;
            rows.collect()
        });
        read.map_err(|error| self.failed("read", error))
    }

    fn save_columns(&self, secret: &SecretRecord, json: &JsonColumns) -> rusqlite::Result<()> {
        let sql = "INSERT INTO secret (name, arn, description, kms_key_id, tags, created, changed, \
                       rotated, deletion, rotation, labels, policy, replicas) \
                   VALUES (:name, :arn, :description, :kms_key_id, :tags, :created, :changed, \
                       :rotated, :deletion, :rotation, :labels, :policy, :replicas) \
                   ON CONFLICT (name) DO UPDATE SET description = :description, \
                       kms_key_id = :kms_key_id, tags = :tags, changed = :changed, \
                       rotated = :rotated, deletion = :deletion, rotation = :rotation, \
                       labels = :labels, policy = :policy, replicas = :replicas";
        self.transaction.prepare_cached(sql)?.execute(named_params! {
            ":name": secret.name,
            ":arn": secret.arn,
            ":description": secret.description,
            ":kms_key_id": secret.kms_key_id,
            ":tags": json.tags,
            ":created": secret.created,
            ":changed": secret.changed,
            ":rotated": secret.rotated,
            ":deletion": secret.deletion,
            ":rotation": json.rotation,
            ":labels": json.labels,
            ":policy": secret.policy,
            ":replicas": json.replicas,
        })?;
        Ok(())
    }

    fn save_versions(&self, secret: &SecretRecord) -> rusqlite::Result<()> {
        let known: Vec<String> = {
            let sql = "SELECT id FROM version WHERE secret = ?1";
            let mut query = self.transaction.prepare_cached(sql)?;
            query.query_map([&secret.name], |row| row.get(0))?.collect::<Result<_, _>>()?
        };
        for id in known.iter().filter(|id| secret.version(id).is_none()) {
            let sql = "DELETE FROM version WHERE secret = ?1 AND id = ?2";
            self.transaction.prepare_cached(sql)?.execute([&secret.name, id])?;
        }
        for version in &secret.versions {
            let value = match &version.content {
                Content::New(value) => Some(value),
                Content::Awaited if !known.contains(&version.id) => None,
                Content::Awaited | Content::Stored => continue,
            };
            let (text, binary) = match value.map(|value| &**value) {
                None => (None, None),
                Some(StoredValue::Binary(bytes)) => (None, Some(bytes.as_slice())),
                Some(text) => (text.as_text(), None),
            };
            let sql = "INSERT INTO version (secret, id, created, text, binary) \
                       VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (secret, id) DO UPDATE SET \
                       text = excluded.text, binary = excluded.binary";
            self.transaction.prepare_cached(sql)?.execute((
                &secret.name,
                &version.id,
                version.created,
                text,
                binary,
            ))?;
        }
        Ok(())
    }

    fn record(&self, columns: Columns) -> Result<SecretRecord, ServiceError> {
        let Columns { mut secret, json } = columns;
        secret.tags = json.tags.map(|text| self.parse("tags", &text)).transpose()?;
        secret.rotation = json.rotation.map(|text| self.parse("rotation", &text)).transpose()?;
        secret.labels = self.parse("labels", &json.labels)?;
        secret.replicas = self.parse("replicas", &json.replicas)?;
        Ok(secret)
    }

    /// The parser's own words are left out: they quote what stands there.
    fn parse<T: DeserializeOwned>(&self, what: &str, text: &str) -> Result<T, ServiceError> {
        serde_json::from_str(text).map_err(|error| {
            self.contradiction(&format!("the {what} of a secret, at column {}", error.column()))
        })
    }

    fn contradiction(&self, what: &str) -> ServiceError {
        damaged(self.path, what).into()
    }

    fn failed(&self, action: &'static str, error: rusqlite::Error) -> ServiceError {
        failed_sqlite(action, self.path, error).into()
    }
}

impl Table for Transacted<'_> {
    fn identity(&self) -> Result<Identity, ServiceError> {
        let sql = "SELECT region, account FROM identity";
        let found = self
            .transaction
            .query_row(sql, [], |row| Ok(Identity { region: row.get(0)?, account: row.get(1)? }));
        found.map_err(|error| self.failed("read", error))
    }

    fn by_name(&self, name: &str) -> Result<Option<SecretRecord>, ServiceError> {
        self.one("name = ?1", [name])
    }

    fn by_arn(&self, arn: &str) -> Result<Option<SecretRecord>, ServiceError> {
        self.one("arn = ?1", [arn])
    }

    fn by_partial_arn(&self, arn: &str) -> Result<Option<SecretRecord>, ServiceError> {
        // Everything that begins with it and a hyphen; a full stop is the next character.
        let (from, to) = (format!("{arn}-"), format!("{arn}."));
        let length = arn.chars().count().saturating_add(ARN_ENDING);
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        let which = "arn >= ?1 AND arn < ?2 AND length(arn) = ?3 ORDER BY arn LIMIT 1";
        self.one(which, (from, to, length))
    }

    fn stored_value(
        &self,
        secret: &str,
        version: &str,
    ) -> Result<Option<Arc<StoredValue>>, ServiceError> {
        let sql = "SELECT text, binary FROM version WHERE secret = ?1 AND id = ?2";
        let read = self
            .transaction
            .prepare_cached(sql)
            .and_then(|mut query| query.query_row([secret, version], stored_value));
        read.map(|value| value.map(Arc::new)).map_err(|error| self.failed("read", error))
    }

    fn all_values(&self) -> Result<Vec<Arc<StoredValue>>, ServiceError> {
        let sql = "SELECT text, binary FROM version";
        let read = self.transaction.prepare_cached(sql).and_then(|mut query| {
            let values = query.query_map([], stored_value)?.filter_map(Result::transpose);
            values.map(|value| value.map(Arc::new)).collect()
        });
        read.map_err(|error| self.failed("read", error))
    }

    fn save(&self, secret: &SecretRecord) -> Result<(), ServiceError> {
        let json = JsonColumns::new(secret);
        let json = json.map_err(|error| self.contradiction(&error.to_string()))?;
        self.save_columns(secret, &json)
            .and_then(|()| self.save_versions(secret))
            .map_err(|error| self.failed("write", error))
    }

    fn remove(&self, name: &str) -> Result<(), ServiceError> {
        let removed = self.transaction.execute("DELETE FROM secret WHERE name = ?1", [name]);
        removed.map(|_| ()).map_err(|error| self.failed("write", error))
    }

    fn purge(&self, now: Moment) -> Result<(), ServiceError> {
        let sql = "DELETE FROM secret WHERE deletion IS NOT NULL AND deletion <= ?1";
        let purged =
            self.transaction.prepare_cached(sql).and_then(|mut query| query.execute([now]));
        purged.map(|_| ()).map_err(|error| self.failed("write", error))
    }

    fn each(
        &self,
        cursor: &Cursor,
        now: Moment,
        each: &mut dyn FnMut(Description) -> ControlFlow<()>,
    ) -> Result<(), ServiceError> {
        let sql = cursor.sql(COLUMNS);
        let mut query =
            self.transaction.prepare_cached(&sql).map_err(|error| self.failed("read", error))?;
        let (moment, name) = cursor.parameters();
        let mut rows =
            query.query((now, moment, name)).map_err(|error| self.failed("read", error))?;
        while let Some(row) = rows.next().map_err(|error| self.failed("read", error))? {
            let columns = Columns::read(row).map_err(|error| self.failed("read", error))?;
            if each(self.record(columns)?.describe()).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// A row of secrets: a record without versions, and the texts of what is JSON in it.
struct Columns {
    secret: SecretRecord,
    json: JsonColumns,
}

struct JsonColumns {
    tags: Option<String>,
    rotation: Option<String>,
    labels: String,
    replicas: String,
}

impl Columns {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let mut secret = SecretRecord::new(row.get("name")?, row.get("arn")?, row.get("created")?);
        secret.description = row.get("description")?;
        secret.kms_key_id = row.get("kms_key_id")?;
        secret.changed = row.get("changed")?;
        secret.rotated = row.get("rotated")?;
        secret.deletion = row.get("deletion")?;
        secret.policy = row.get("policy")?;
        let json = JsonColumns {
            tags: row.get("tags")?,
            rotation: row.get("rotation")?,
            labels: row.get("labels")?,
            replicas: row.get("replicas")?,
        };
        Ok(Self { secret, json })
    }
}

impl JsonColumns {
    fn new(secret: &SecretRecord) -> serde_json::Result<Self> {
        Ok(Self {
            tags: secret.tags.as_ref().map(serde_json::to_string).transpose()?,
            rotation: secret.rotation.as_ref().map(serde_json::to_string).transpose()?,
            labels: serde_json::to_string(&secret.labels)?,
            replicas: serde_json::to_string(&secret.replicas)?,
        })
    }
}

/// From two columns, of which one at most holds something.
fn stored_value(row: &Row<'_>) -> rusqlite::Result<Option<StoredValue>> {
    if let Some(text) = row.get::<_, Option<String>>(0)? {
        return Ok(Some(StoredValue::text(text)));
    }
    let bytes: Option<Vec<u8>> = row.get(1)?;
    Ok(bytes.map(|bytes| StoredValue::Binary(Zeroizing::new(bytes))))
}
