//! The store's answers as Secrets Manager writes them: what is `None` is left out, times are
//! seconds since 1970, binary values are base64.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};

use crate::{
    Description, Moment, NOT_REPLICATED, RotationRules, StoredValue, Touched, ValueAnswer,
    VersionEntry,
};

/// An object that is filled field by field.
#[derive(Default)]
pub(super) struct Answer(Map<String, Value>);

impl Answer {
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn maybe(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(super) fn time(self, name: &str, moment: Option<Moment>) -> Self {
        self.maybe(name, moment.map(Moment::as_epoch_seconds))
    }

    pub(super) fn done(self) -> Value {
        Value::Object(self.0)
    }
}

pub(super) fn touched(touched: Touched) -> Answer {
    Answer::default()
        .with("ARN", touched.arn)
        .with("Name", touched.name)
        .maybe("VersionId", touched.version)
}

pub(super) fn value(answer: &ValueAnswer) -> Value {
    let (field, content) = match &*answer.value {
        StoredValue::Text(text) => ("SecretString", text.expose_secret().to_owned()),
        StoredValue::Binary(bytes) => ("SecretBinary", BASE64.encode(bytes.as_slice())),
    };
    let stages = Some(&answer.stages).filter(|stages| !stages.is_empty());
    Answer::default()
        .with("ARN", answer.arn.as_str())
        .with("Name", answer.name.as_str())
        .with("VersionId", answer.version.as_str())
        .with(field, content)
        .maybe("VersionStages", stages.cloned())
        .time("CreatedDate", Some(answer.created))
        .done()
}

/// DescribeSecret and ListSecrets differ in one field's name.
pub(super) fn description(secret: Description, stages_field: &str) -> Value {
    let tags = secret.tags.map(|tags| {
        tags.into_iter()
            .map(|tag| json!({"Key": tag.key, "Value": tag.value}))
            .collect::<Vec<Value>>()
    });
    let stages = Some(secret.stages).filter(|stages| !stages.is_empty());
    let replication = Some(replication(&secret.replicas)).filter(|status| !status.is_empty());
    Answer::default()
        .with("ARN", secret.arn)
        .with("Name", secret.name)
        .maybe("Description", secret.description)
        .maybe("KmsKeyId", secret.kms_key_id)
        .maybe("RotationEnabled", secret.rotation_enabled)
        .maybe("RotationLambdaARN", secret.rotation_lambda_arn)
        .maybe("RotationRules", secret.rotation_rules.as_ref().map(rules))
        .time("LastRotatedDate", secret.last_rotated)
        .time("LastChangedDate", Some(secret.last_changed))
        .time("DeletedDate", secret.deletion)
        .maybe("Tags", tags)
        .maybe(stages_field, stages.map(|stages| json!(stages)))
        .maybe("ReplicationStatus", replication)
        .time("CreatedDate", Some(secret.created))
        .done()
}

/// `ReplicationStatus`: each region that was asked for, and that nothing is copied there.
pub(super) fn replication(replicas: &BTreeMap<String, Option<String>>) -> Vec<Value> {
    let status = replicas.iter().map(|(region, key)| {
        Answer::default()
            .with("Region", region.as_str())
            .maybe("KmsKeyId", key.as_deref())
            .with("Status", "Failed")
            .with("StatusMessage", NOT_REPLICATED)
            .done()
    });
    status.collect()
}

fn rules(rules: &RotationRules) -> Value {
    Answer::default()
        .maybe("AutomaticallyAfterDays", rules.automatically_after_days)
        .maybe("Duration", rules.duration.as_deref())
        .maybe("ScheduleExpression", rules.schedule_expression.as_deref())
        .done()
}

pub(super) fn version(entry: VersionEntry) -> Value {
    let stages = Some(entry.stages).filter(|stages| !stages.is_empty());
    Answer::default()
        .with("VersionId", entry.id)
        .maybe("VersionStages", stages)
        .time("CreatedDate", Some(entry.created))
        .with("KmsKeyIds", vec!["DefaultEncryptionKey"])
        .done()
}
