//! The embedded store as a rotation sees it.

use super::EmbeddedStore;
use super::error::ServiceError;
use super::requests::{
    DeprecatedVersions, ListSecrets, ListVersionIds, Page, PutSecretValue, RandomPassword, Spaces,
    UpdateVersionStage,
};
use super::stored_value::StoredValue;
use crate::rotation::ports::{
    PasswordRequest, PendingValue, SecretDescription, SecretId, SecretList, SecretStore,
    SecretValue, Stage, StageMove, StoreError, StoreErrorKind, VersionId, VersionListing,
    VersionSelector,
};
use crate::secret::Secret;

impl EmbeddedStore {
    /// Runs one call where waiting for the file's lock or the disk holds up nothing else.
    async fn call<T: Send + 'static>(
        &self,
        action: &'static str,
        resource: &str,
        call: impl FnOnce(&Self) -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let outcome = if self.is_in_memory() {
            call(self)
        } else {
            let store = self.clone();
            match tokio::task::spawn_blocking(move || call(&store)).await {
                Ok(outcome) => outcome,
                Err(source) => {
                    return Err(StoreError {
                        kind: StoreErrorKind::Other,
                        action,
                        resource: resource.to_owned(),
                        message: "the call was interrupted".to_owned(),
                        source: Some(Box::new(source)),
                    });
                }
            }
        };
        outcome.map_err(|error| StoreError {
            kind: error.exception.kind().unless_of_key(&error.message),
            action,
            resource: resource.to_owned(),
            message: error.to_string(),
            source: error.source.map(|source| Box::new(source) as _),
        })
    }
}

impl SecretStore for EmbeddedStore {
    fn address(&self) -> &str {
        "the embedded store"
    }

    async fn describe(&self, secret_id: &SecretId) -> Result<SecretDescription, StoreError> {
        let id = secret_id.to_string();
        let found = self
            .call("DescribeSecret", secret_id.as_str(), move |store| store.describe_secret(&id))
            .await?;
        let stages = found.stages.into_iter().map(|(version, labels)| {
            let labels = labels.iter().map(|label| Stage::from(label.as_str())).collect();
            (VersionId::new(version), labels)
        });
        let tags = found.tags.unwrap_or_default();
        Ok(SecretDescription {
            arn: SecretId::new(found.arn),
            name: found.name,
            rotation_enabled: found.rotation_enabled,
            stages: stages.collect(),
            tags: tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
            deleted_at: found.deletion.map(Into::into),
            last_rotated_at: found.last_rotated.map(Into::into),
            last_changed_at: Some(found.last_changed.into()),
        })
    }

    async fn value(
        &self,
        secret_id: &SecretId,
        version: &VersionSelector,
    ) -> Result<SecretValue, StoreError> {
        let (id, selector) = (secret_id.to_string(), version.clone());
        let found = self
            .call("GetSecretValue", secret_id.as_str(), move |store| {
                store.secret_value(&id, &selector)
            })
            .await?;
        let text = match &*found.value {
            StoredValue::Text(text) => Some(text.duplicate()),
            StoredValue::Binary(_) => None,
        };
        Ok(SecretValue {
            version: VersionId::new(found.version),
            created_at: Some(found.created.into()),
            text,
        })
    }

    async fn put_pending(
        &self,
        secret_id: &SecretId,
        pending: &PendingValue,
    ) -> Result<(), StoreError> {
        let request = PutSecretValue {
            secret_id: secret_id.to_string(),
            token: Some(pending.version.as_str().to_owned()),
            value: StoredValue::Text(pending.text.duplicate()),
            stages: Some(vec![Stage::Pending.as_str().to_owned()]),
            rotation_token: pending.rotation_token.as_ref().map(Secret::duplicate),
        };
        self.call("PutSecretValue", secret_id.as_str(), move |store| {
            store.put_secret_value(request)
        })
        .await
        .map(|_| ())
    }

    async fn move_stage(&self, secret_id: &SecretId, change: &StageMove) -> Result<(), StoreError> {
        let id = |version: &Option<VersionId>| version.as_ref().map(|v| v.as_str().to_owned());
        let request = UpdateVersionStage {
            secret_id: secret_id.to_string(),
            stage: change.stage.as_str().to_owned(),
            remove_from: id(&change.remove_from),
            move_to: id(&change.move_to),
        };
        self.call("UpdateSecretVersionStage", secret_id.as_str(), move |store| {
            store.update_version_stage(&request)
        })
        .await
        .map(|_| ())
    }

    async fn random_password(&self, request: &PasswordRequest) -> Result<Secret, StoreError> {
        let asked = RandomPassword { request: request.clone(), spaces: Spaces::Excluded };
        self.call("GetRandomPassword", "", move |store| store.generate_password(&asked)).await
    }

    async fn versions(&self, secret_id: &SecretId) -> Result<Vec<VersionListing>, StoreError> {
        let mut request = ListVersionIds {
            secret_id: secret_id.to_string(),
            deprecated: DeprecatedVersions::List,
            page: Page::default(),
        };
        let mut all = Vec::new();
        loop {
            let asked = request.clone();
            let page = self
                .call("ListSecretVersionIds", secret_id.as_str(), move |store| {
                    store.list_version_ids(&asked)
                })
                .await?;
            all.extend(page.versions.into_iter().map(|entry| VersionListing {
                version: VersionId::new(entry.id),
                stages: entry.stages.iter().map(|label| Stage::from(label.as_str())).collect(),
                created_at: Some(entry.created.into()),
            }));
            if page.next_token.is_none() {
                return Ok(all);
            }
            request.page.next_token = page.next_token;
        }
    }
}

impl SecretList for EmbeddedStore {
    async fn names(&self) -> Result<Vec<SecretId>, StoreError> {
        let mut names = Vec::new();
        let mut next_token = None;
        loop {
            let page = Page { next_token, ..Page::default() };
            let request = ListSecrets { page, ..ListSecrets::default() };
            let answer =
                self.call("ListSecrets", "", move |store| store.list_secrets(&request)).await?;
            names.extend(answer.secrets.into_iter().map(|secret| SecretId::new(secret.name)));
            next_token = answer.next_token;
            if next_token.is_none() {
                return Ok(names);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::embedded::{CreateSecret, RotateSecret, Tag};

    const TOKEN: &str = "22222222-2222-2222-2222-222222222222";

    /// What a rotation does to a store, call by call.
    async fn rotate(store: &EmbeddedStore) {
        let mut request = CreateSecret::with_text("s", Secret::new("old".to_owned()));
        request.tags = Some(vec![Tag { key: "k".to_owned(), value: "v".to_owned() }]);
        let first = VersionId::new(store.create_secret(request).unwrap().version.unwrap());
        let token = VersionId::new(TOKEN);
        store.begin_rotation(&RotateSecret::at_once("s", TOKEN)).unwrap();

        let found = store.describe(&SecretId::new("s")).await.unwrap();
        assert_eq!(found.rotation_enabled, Some(true));
        assert_eq!(found.version_with(&Stage::Current), Some(&first));
        assert_eq!(found.version_with(&Stage::Pending), Some(&token));
        assert_eq!(found.tags.get("k").map(String::as_str), Some("v"));

        let pending = VersionSelector::Both(token.clone(), Stage::Pending);
        let error = store.value(&found.arn, &pending).await.err().unwrap();
        assert_eq!((error.kind, error.action), (StoreErrorKind::NotFound, "GetSecretValue"));

        let value = |text: &str| PendingValue {
            version: token.clone(),
            text: Secret::new(text.to_owned()),
            rotation_token: Some(Secret::new(TOKEN.to_owned())),
        };
        store.put_pending(&found.arn, &value("new")).await.unwrap();
        store.put_pending(&found.arn, &value("new")).await.unwrap();
        let error = store.put_pending(&found.arn, &value("other")).await.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::AlreadyExists);
        let read = store.value(&SecretId::new("s"), &pending).await.unwrap();
        assert_eq!(read.text.unwrap().reveal(), "new");

        let mut change = StageMove {
            stage: Stage::Current,
            remove_from: Some(token.clone()),
            move_to: Some(token.clone()),
        };
        let error = store.move_stage(&SecretId::new("s"), &change).await.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Invalid);
        change.remove_from = Some(first.clone());
        store.move_stage(&SecretId::new("s"), &change).await.unwrap();
        let versions = store.versions(&SecretId::new("s")).await.unwrap();
        let listed: Vec<_> = versions.iter().map(|listing| &listing.version).collect();
        assert_eq!(listed, [&token, &first], "newest first");
        assert!(store.describe(&SecretId::new("s")).await.unwrap().last_rotated_at.is_some());
    }

    #[tokio::test]
    async fn a_rotation_in_memory() {
        rotate(&EmbeddedStore::in_memory()).await;
    }

    #[tokio::test]
    async fn a_rotation_in_a_file() {
        let path = std::env::temp_dir().join(format!("windlass-{}", uuid::Uuid::new_v4()));
        rotate(&EmbeddedStore::open(&path).unwrap()).await;
        std::fs::remove_file(&path).unwrap();
        std::fs::remove_file(path.with_added_extension("lock")).unwrap();
    }
}
