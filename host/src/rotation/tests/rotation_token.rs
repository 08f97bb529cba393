//! The event's RotationToken goes into the call that stores the new value, and nowhere else. Without
//! it Secrets Manager refuses that call to a function of another account.

use std::sync::Mutex;

use serde_json::json;

use super::super::{
    Invoker, Outcome, PasswordRequests, Progress, Rotation, RotationEvent, SignIns, Step,
};
use super::world::{SECRET, World};
use crate::secret::Secret;
use crate::store::embedded::EmbeddedStore;
use crate::store::{
    PasswordRequest, PendingValue, SecretDescription, SecretStore, SecretValue, StageMove,
    StoreError, VersionListing, VersionSelector,
};

/// Notes which tokens values are stored with.
struct Noting<'a> {
    store: &'a EmbeddedStore,
    tokens: Mutex<Vec<Option<String>>>,
}

impl SecretStore for Noting<'_> {
    fn address(&self) -> &str {
        self.store.address()
    }

    async fn describe(&self, secret_id: &str) -> Result<SecretDescription, StoreError> {
        self.store.describe(secret_id).await
    }

    async fn value(
        &self,
        secret_id: &str,
        version: &VersionSelector,
    ) -> Result<SecretValue, StoreError> {
        self.store.value(secret_id, version).await
    }

    async fn put_pending(&self, secret_id: &str, pending: &PendingValue) -> Result<(), StoreError> {
        let token = pending.rotation_token.as_ref().map(|token| token.reveal().to_owned());
        self.tokens.lock().unwrap().push(token);
        self.store.put_pending(secret_id, pending).await
    }

    async fn move_stage(&self, secret_id: &str, change: &StageMove) -> Result<(), StoreError> {
        self.store.move_stage(secret_id, change).await
    }

    async fn random_password(&self, request: &PasswordRequest) -> Result<Secret, StoreError> {
        self.store.random_password(request).await
    }

    async fn versions(&self, secret_id: &str) -> Result<Vec<VersionListing>, StoreError> {
        self.store.versions(secret_id).await
    }
}

#[tokio::test]
async fn the_new_value_is_stored_with_the_token_of_the_event() {
    const TOKEN: &str = "5f8c1d4e-7a3b-4f6e-9c2d-rotation-token";
    let world = World::new(&json!({}));
    for token in [Some(TOKEN), None] {
        let store = Noting { store: &world.store, tokens: Mutex::default() };
        let rotation = Rotation {
            store: &store,
            catalog: &world.plugin,
            inventory: &world.inventory,
            config: &world.config,
            progress: &Progress::default(),
            sign_ins: &SignIns::default(),
            requests: &PasswordRequests::default(),
        };
        let version = world.begin();
        for step in Step::ALL {
            let event = RotationEvent {
                step,
                secret_id: SECRET.into(),
                version: version.clone(),
                rotation_token: token.map(|token| Secret::new(token.to_owned())),
            };
            let outcome = rotation.run(&event, Invoker::SecretsManager).await.unwrap();
            assert!(step != Step::Create || matches!(outcome, Outcome::Created { .. }));
        }
        assert_eq!(*store.tokens.lock().unwrap(), [token.map(str::to_owned)]);
    }
}
