//! The whole store as JSON, for people to read and to compare.

use std::ops::ControlFlow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

use super::cursor::Cursor;
use super::error::ServiceError;
use super::record::SecretRecord;
use super::records::Records;
use super::stored_value::StoredValue;

/// Whether secret values are written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportedValues {
    /// Only whether there is one.
    Hidden,
    /// In clear.
    Shown,
}

/// Everything, by name.
pub(super) fn export(records: &Records<'_>, values: ExportedValues) -> Result<Value, ServiceError> {
    let mut names = Vec::new();
    records.each(&Cursor::all_names(), |secret| {
        names.push(secret.name);
        ControlFlow::Continue(())
    })?;
    let mut secrets = Map::new();
    for name in names {
        if let Some(secret) = records.named(&name)? {
            let exported = one(records, &secret, values)?;
            secrets.insert(name, exported);
        }
    }
    let identity = records.identity()?;
    Ok(json!({ "region": identity.region, "account": identity.account, "secrets": secrets }))
}

fn one(
    records: &Records<'_>,
    secret: &SecretRecord,
    values: ExportedValues,
) -> Result<Value, ServiceError> {
    let mut versions = Vec::new();
    for version in &secret.versions {
        let mut exported = Map::new();
        exported.insert("id".to_owned(), version.id.as_str().into());
        exported.insert("created".to_owned(), version.created.to_rfc3339().into());
        exported.insert("labels".to_owned(), secret.labels_of(&version.id).into());
        let value = match values {
            ExportedValues::Hidden if version.has_value() => Some("[hidden]".into()),
            ExportedValues::Hidden => None,
            ExportedValues::Shown => records.value(secret, version)?.map(|value| written(&value)),
        };
        exported.insert("value".to_owned(), value.unwrap_or_default());
        versions.push(Value::Object(exported));
    }
    let fields = [
        ("arn", Some(secret.arn.as_str().into())),
        ("description", secret.description.as_deref().map(Value::from)),
        ("kms_key_id", secret.kms_key_id.as_deref().map(Value::from)),
        ("tags", secret.tags.as_ref().map(|tags| json!(tags))),
        ("created", Some(secret.created.to_rfc3339().into())),
        ("changed", Some(secret.changed.to_rfc3339().into())),
        ("rotated", secret.rotated.map(|moment| moment.to_rfc3339().into())),
        ("deletion", secret.deletion.map(|moment| moment.to_rfc3339().into())),
        ("rotation", secret.rotation.as_ref().map(|rotation| json!(rotation))),
        ("policy", secret.policy.as_deref().map(Value::from)),
        ("replicas", Some(json!(secret.replicas)).filter(|_| !secret.replicas.is_empty())),
        ("versions", Some(Value::Array(versions))),
    ];
    let there = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Ok(Value::Object(there.collect()))
}

fn written(value: &StoredValue) -> Value {
    match value {
        StoredValue::Binary(bytes) => json!({ "base64": BASE64.encode(bytes.as_slice()) }),
        text => json!({ "text": text.as_text() }),
    }
}
