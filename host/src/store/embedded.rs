//! The embedded Secrets Manager as a rotation sees it: its store behind the rotation's port, and the
//! redactor behind its server's.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use windlass_secrets_manager as embedded;
use windlass_secrets_manager::server::Redact;
use windlass_secrets_manager::{EmbeddedStore, Exception, Page, ServiceError, StoredValue};

use crate::redact::Redactor;
use crate::rotation::ports::{
    PasswordRequest, PendingValue, SecretDescription, SecretId, SecretList, SecretStore,
    SecretValue, Stage, StageMove, StoreError, StoreErrorKind, VersionId, VersionListing,
    VersionSelector,
};
use crate::secret::Secret;

/// Runs one call where waiting for another process or the disk holds up nothing else.
async fn call<T: Send + 'static>(
    store: &EmbeddedStore,
    action: &'static str,
    resource: &str,
    call: impl FnOnce(&EmbeddedStore) -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, StoreError> {
    let outcome = if store.is_in_memory() {
        call(store)
    } else {
        let store = store.clone();
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
        kind: kind(error.exception).unless_of_key(&error.message),
        action,
        resource: resource.to_owned(),
        message: error.to_string(),
        source: error.source.map(|source| source as _),
    })
}

/// What a rotation decides from.
fn kind(exception: Exception) -> StoreErrorKind {
    match exception {
        Exception::ResourceNotFound => StoreErrorKind::NotFound,
        Exception::ResourceExists => StoreErrorKind::AlreadyExists,
        Exception::InvalidParameter
        | Exception::InvalidRequest
        | Exception::InvalidNextToken
        | Exception::LimitExceeded
        | Exception::MalformedPolicy
        | Exception::PublicPolicy
        | Exception::Validation => StoreErrorKind::Invalid,
        Exception::AccessDenied => StoreErrorKind::AccessDenied,
        Exception::DecryptionFailure | Exception::EncryptionFailure => StoreErrorKind::Key,
        Exception::InternalService => StoreErrorKind::Other,
    }
}

fn selector(version: &VersionSelector) -> embedded::VersionSelector {
    let text = |version: &VersionId| version.as_str().to_owned();
    match version {
        VersionSelector::Stage(stage) => {
            embedded::VersionSelector::Stage(stage.as_str().to_owned())
        }
        VersionSelector::Version(version) => embedded::VersionSelector::Version(text(version)),
        VersionSelector::Both(version, stage) => {
            embedded::VersionSelector::Both(text(version), stage.as_str().to_owned())
        }
    }
}

impl SecretStore for EmbeddedStore {
    fn address(&self) -> &str {
        "the embedded store"
    }

    async fn describe(&self, secret_id: &SecretId) -> Result<SecretDescription, StoreError> {
        let id = secret_id.to_string();
        let found = call(self, "DescribeSecret", secret_id.as_str(), move |store| {
            store.describe_secret(&id)
        })
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
            key: found.kms_key_id,
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
        let (id, selector) = (secret_id.to_string(), selector(version));
        let found = call(self, "GetSecretValue", secret_id.as_str(), move |store| {
            store.secret_value(&id, &selector)
        })
        .await?;
        Ok(SecretValue {
            version: VersionId::new(found.version),
            created_at: Some(found.created.into()),
            text: found.value.as_text().map(|text| Secret::new(text.to_owned())),
        })
    }

    async fn put_pending(
        &self,
        secret_id: &SecretId,
        pending: &PendingValue,
    ) -> Result<(), StoreError> {
        let request = embedded::PutSecretValue {
            secret_id: secret_id.to_string(),
            token: Some(pending.version.as_str().to_owned()),
            value: StoredValue::text(pending.text.reveal()),
            stages: Some(vec![Stage::Pending.as_str().to_owned()]),
            rotation_token: pending
                .rotation_token
                .as_ref()
                .map(|token| SecretString::from(token.reveal())),
        };
        call(self, "PutSecretValue", secret_id.as_str(), move |store| {
            store.put_secret_value(request)
        })
        .await
        .map(|_| ())
    }

    async fn move_stage(&self, secret_id: &SecretId, change: &StageMove) -> Result<(), StoreError> {
        let id = |version: &Option<VersionId>| version.as_ref().map(|v| v.as_str().to_owned());
        let request = embedded::UpdateVersionStage {
            secret_id: secret_id.to_string(),
            stage: change.stage.as_str().to_owned(),
            remove_from: id(&change.remove_from),
            move_to: id(&change.move_to),
        };
        call(self, "UpdateSecretVersionStage", secret_id.as_str(), move |store| {
            store.update_version_stage(&request)
        })
        .await
        .map(|_| ())
    }

    async fn random_password(&self, request: &PasswordRequest) -> Result<Secret, StoreError> {
        let asked = embedded::RandomPassword {
            length: request.length,
            exclude_characters: request.exclude_characters.clone(),
            exclude_numbers: request.exclude_numbers,
            exclude_punctuation: request.exclude_punctuation,
            exclude_uppercase: request.exclude_uppercase,
            exclude_lowercase: request.exclude_lowercase,
            require_each_included_type: request.require_each_included_type,
            spaces: embedded::Spaces::Excluded,
        };
        call(self, "GetRandomPassword", "", move |store| store.generate_password(&asked))
            .await
            .map(|password| Secret::new(password.expose_secret().to_owned()))
    }

    async fn versions(&self, secret_id: &SecretId) -> Result<Vec<VersionListing>, StoreError> {
        let mut request = embedded::ListVersionIds {
            secret_id: secret_id.to_string(),
            deprecated: embedded::DeprecatedVersions::List,
            page: Page::default(),
        };
        let mut all = Vec::new();
        loop {
            let asked = request.clone();
            let page = call(self, "ListSecretVersionIds", secret_id.as_str(), move |store| {
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
            let request = embedded::ListSecrets { page, ..Default::default() };
            let answer =
                call(self, "ListSecrets", "", move |store| store.list_secrets(&request)).await?;
            names.extend(answer.secrets.into_iter().map(|secret| SecretId::new(secret.name)));
            next_token = answer.next_token;
            if next_token.is_none() {
                return Ok(names);
            }
        }
    }
}

/// The redactor of rotations, for what a rotation function says. Passwords that are too short to be
/// masked stay: it is the developer who reads it, and any secret of the store would silence all
/// functions.
pub struct Redaction;

/// The most that is kept of a message, in bytes.
const LONGEST: usize = 2000;

impl Redact for Redaction {
    fn redact(&self, values: &[Arc<StoredValue>], text: &str) -> String {
        let redactor = Redactor::default();
        for value in values {
            if let Some(text) = value.as_text() {
                redactor.learn_version(&Secret::new(text.to_owned()));
            }
        }
        redactor.scrub_of_aws(text, LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use windlass_secrets_manager::{CreateSecret, RotateSecret, Tag};

    use super::*;

    const TOKEN: &str = "22222222-2222-2222-2222-222222222222";

    /// What a rotation does to a store, call by call.
    async fn rotate(store: &EmbeddedStore) {
        let mut request = CreateSecret::with_text("s", "old");
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
        let folder = tempfile::tempdir().unwrap();
        rotate(&EmbeddedStore::open(&folder.path().join("store.db")).unwrap()).await;
    }

    #[test]
    fn no_value_is_left_in_a_message() {
        let text = r#"{"username":"app","host":"db.example","password":"hunter2 and more","token":"tok-123"}"#;
        let values = [Arc::new(StoredValue::text(text))];
        for (message, expected) in [
            ("sign-in of app at db.example refused", "sign-in of app at db.example refused"),
            ("tried 'hunter2 and more' and tok-123", "tried '[redacted]' and [redacted]"),
            ("hunter2 and mo", "[redacted]"),
            (
                text,
                r#"{"username":"app","host":"db.example","password":"[redacted]","token":"[redacted]"}"#,
            ),
        ] {
            assert_eq!(Redaction.redact(&values, message), expected);
        }
        let long = Redaction.redact(&values, &"x".repeat(3000));
        assert_eq!(long.chars().count(), LONGEST + 1);
    }
}
