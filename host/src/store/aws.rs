//! Secrets Manager over its API.
//!
//! Translation only: a call, its answer, its error as one of [`StoreErrorKind`]. Retries within a
//! call (throttling, 5xx, broken connections, with jitter) are the SDK's.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_types::DateTime;

use super::aws_failure::translate;
#[cfg(feature = "cli")]
use crate::rotation::ports::SecretList;
use crate::rotation::ports::{
    PasswordRequest, PendingValue, SecretDescription, SecretId, SecretStore, SecretValue, Stage,
    StageMove, StoreError, StoreErrorKind, VersionId, VersionListing, VersionSelector,
};
use crate::secret::Secret;

/// How many versions one page of `ListSecretVersionIds` holds, at most; and how many pages are read.
/// Secrets Manager removes versions without labels when there are more than about 100, except those
/// of the last day, in which nobody rotates four hundred times.
const PAGE: i32 = 100;
/// See [`PAGE`].
const PAGES: usize = 5;

/// Secrets Manager, at whatever endpoint its client was built for.
#[derive(Debug, Clone)]
pub struct AwsStore {
    client: Client,
    address: String,
}

impl AwsStore {
    fn failed<E>(
        &self,
        action: &'static str,
        resource: &str,
        error: SdkError<E, HttpResponse>,
    ) -> StoreError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        translate(action, resource, &self.address, &error)
    }

    /// Uses a client; [`crate::aws::client`] makes one. `endpoint`: the URL that it was given, where
    /// it was given one.
    pub fn new(client: Client, endpoint: Option<&str>) -> Self {
        let region = client.config().region().map_or("", |region| region.as_ref());
        let address = format!(
            "Secrets Manager at {}",
            match endpoint {
                Some(url) => url.to_owned(),
                None if region.starts_with("cn-") => {
                    format!("secretsmanager.{region}.amazonaws.com.cn")
                }
                None => format!("secretsmanager.{region}.amazonaws.com"),
            }
        );
        Self { client, address }
    }
}

impl SecretStore for AwsStore {
    fn address(&self) -> &str {
        &self.address
    }

    async fn describe(&self, secret_id: &SecretId) -> Result<SecretDescription, StoreError> {
        let answer = self
            .client
            .describe_secret()
            .secret_id(secret_id.as_str())
            .send()
            .await
            .map_err(|error| self.failed("DescribeSecret", secret_id.as_str(), error))?;
        let stages = answer.version_ids_to_stages.unwrap_or_default();
        let tags = answer.tags.unwrap_or_default();
        Ok(SecretDescription {
            arn: SecretId::new(answer.arn.unwrap_or_default()),
            name: answer.name.unwrap_or_else(|| secret_id.to_string()),
            rotation_enabled: answer.rotation_enabled,
            stages: stages
                .into_iter()
                .map(|(version, stages)| (VersionId::new(version), labels(&stages)))
                .collect::<BTreeMap<_, _>>(),
            key: answer.kms_key_id,
            tags: tags.into_iter().filter_map(|tag| Some((tag.key?, tag.value?))).collect(),
            deleted_at: time(answer.deleted_date),
            last_rotated_at: time(answer.last_rotated_date),
            last_changed_at: time(answer.last_changed_date),
        })
    }

    async fn value(
        &self,
        secret_id: &SecretId,
        version: &VersionSelector,
    ) -> Result<SecretValue, StoreError> {
        let (version_id, stage) = match version {
            VersionSelector::Stage(stage) => (None, Some(stage)),
            VersionSelector::Version(version) => (Some(version), None),
            VersionSelector::Both(version, stage) => (Some(version), Some(stage)),
        };
        let answer = self
            .client
            .get_secret_value()
            .secret_id(secret_id.as_str())
            .set_version_id(version_id.map(ToString::to_string))
            .set_version_stage(stage.map(ToString::to_string))
            .send()
            .await
            .map_err(|error| self.failed("GetSecretValue", secret_id.as_str(), error))?;
        Ok(SecretValue {
            version: VersionId::new(answer.version_id.unwrap_or_default()),
            created_at: time(answer.created_date),
            text: answer.secret_string.map(Secret::new),
        })
    }

    async fn put_pending(
        &self,
        secret_id: &SecretId,
        pending: &PendingValue,
    ) -> Result<(), StoreError> {
        self.client
            .put_secret_value()
            .secret_id(secret_id.as_str())
            .client_request_token(pending.version.as_str())
            .secret_string(pending.text.reveal())
            .version_stages(Stage::Pending.as_str())
            .set_rotation_token(pending.rotation_token.as_ref().map(|t| t.reveal().to_owned()))
            .send()
            .await
            .map_err(|error| self.failed("PutSecretValue", secret_id.as_str(), error))?;
        Ok(())
    }

    async fn move_stage(&self, secret_id: &SecretId, change: &StageMove) -> Result<(), StoreError> {
        self.client
            .update_secret_version_stage()
            .secret_id(secret_id.as_str())
            .version_stage(change.stage.as_str())
            .set_remove_from_version_id(change.remove_from.as_ref().map(ToString::to_string))
            .set_move_to_version_id(change.move_to.as_ref().map(ToString::to_string))
            .send()
            .await
            .map_err(|error| self.failed("UpdateSecretVersionStage", secret_id.as_str(), error))?;
        Ok(())
    }

    async fn random_password(&self, request: &PasswordRequest) -> Result<Secret, StoreError> {
        let excluded = &request.exclude_characters;
        let answer = self
            .client
            .get_random_password()
            .password_length(i64::from(request.length))
            .set_exclude_characters((!excluded.is_empty()).then(|| excluded.clone()))
            .exclude_numbers(request.exclude_numbers)
            .exclude_punctuation(request.exclude_punctuation)
            .exclude_uppercase(request.exclude_uppercase)
            .exclude_lowercase(request.exclude_lowercase)
            .require_each_included_type(request.require_each_included_type)
            .send()
            .await
            .map_err(|error| self.failed("GetRandomPassword", "", error))?;
        answer.random_password.map(Secret::new).ok_or_else(|| StoreError {
            kind: StoreErrorKind::Other,
            action: "GetRandomPassword",
            resource: String::new(),
            message: "the answer has no password".to_owned(),
            source: None,
        })
    }

    async fn versions(&self, secret_id: &SecretId) -> Result<Vec<VersionListing>, StoreError> {
        let mut pages = self
            .client
            .list_secret_version_ids()
            .secret_id(secret_id.as_str())
            .include_deprecated(true)
            .max_results(PAGE)
            .into_paginator()
            .send();
        let mut versions = Vec::new();
        for _ in 0..PAGES {
            let Some(page) = pages.next().await else { break };
            let page = page
                .map_err(|error| self.failed("ListSecretVersionIds", secret_id.as_str(), error))?;
            let entries = page.versions.unwrap_or_default();
            versions.extend(entries.into_iter().filter_map(|entry| {
                Some(VersionListing {
                    version: VersionId::new(entry.version_id?),
                    stages: labels(&entry.version_stages.unwrap_or_default()),
                    created_at: time(entry.created_date),
                })
            }));
        }
        // The service documents no order.
        versions.sort_by_key(|listing| std::cmp::Reverse(listing.created_at));
        Ok(versions)
    }
}

#[cfg(feature = "cli")]
impl SecretList for AwsStore {
    async fn names(&self) -> Result<Vec<SecretId>, StoreError> {
        let mut pages = self.client.list_secrets().max_results(PAGE).into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.failed("ListSecrets", "", error))?;
            names.extend(
                page.secret_list
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|s| s.name)
                    .map(SecretId::new),
            );
        }
        Ok(names)
    }
}

fn labels(stages: &[String]) -> BTreeSet<Stage> {
    stages.iter().map(|label| Stage::from(label.as_str())).collect()
}

fn time(date: Option<DateTime>) -> Option<SystemTime> {
    date.and_then(|date| SystemTime::try_from(date).ok())
}
