//! What the store is given and what it answers: the event's RotationToken goes into the call that
//! stores the new value (without it Secrets Manager refuses that call to a function of another account),
//! and of the failures that are no error of the step, each is one for its own reason alone.

use std::sync::Mutex;

use serde_json::json;

use super::super::{
    Invoker, Outcome, PasswordRequests, Progress, Rotation, RotationEvent, SignIns, Step,
};
use super::world::{SECRET, World, id};
use crate::rotation::error::Error;
use crate::rotation::ports::{
    PasswordRequest, PendingValue, SecretDescription, SecretId, SecretStore, SecretValue,
    StageMove, StoreError, StoreErrorKind, VersionListing, VersionSelector,
};
use crate::secret::Secret;
use windlass_secrets_manager::EmbeddedStore;

/// Notes which tokens values are stored with; one of its actions may fail.
struct Noting<'a> {
    store: &'a EmbeddedStore,
    tokens: Mutex<Vec<Option<String>>>,
    fails: Option<(&'static str, StoreErrorKind)>,
}

impl Noting<'_> {
    fn answer(&self, action: &'static str) -> Result<(), StoreError> {
        match self.fails {
            Some((failing, kind)) if failing == action => Err(StoreError {
                kind,
                action,
                resource: SECRET.to_owned(),
                message: "as the test has it".to_owned(),
                source: None,
            }),
            _ => Ok(()),
        }
    }
}

impl SecretStore for Noting<'_> {
    fn address(&self) -> &str {
        self.store.address()
    }

    async fn describe(&self, secret_id: &SecretId) -> Result<SecretDescription, StoreError> {
        self.store.describe(secret_id).await
    }

    async fn value(
        &self,
        secret_id: &SecretId,
        version: &VersionSelector,
    ) -> Result<SecretValue, StoreError> {
        self.store.value(secret_id, version).await
    }

    async fn put_pending(
        &self,
        secret_id: &SecretId,
        pending: &PendingValue,
    ) -> Result<(), StoreError> {
        let token = pending.rotation_token.as_ref().map(|token| token.reveal().to_owned());
        self.tokens.lock().unwrap().push(token);
        self.answer("PutSecretValue")?;
        self.store.put_pending(secret_id, pending).await
    }

    async fn move_stage(&self, secret_id: &SecretId, change: &StageMove) -> Result<(), StoreError> {
        self.store.move_stage(secret_id, change).await
    }

    async fn random_password(&self, request: &PasswordRequest) -> Result<Secret, StoreError> {
        self.store.random_password(request).await
    }

    async fn versions(&self, secret_id: &SecretId) -> Result<Vec<VersionListing>, StoreError> {
        self.answer("ListSecretVersionIds")?;
        self.store.versions(secret_id).await
    }
}

/// A step with this store, by a process that has run nothing yet.
async fn run(world: &World, store: &Noting<'_>, event: &RotationEvent) -> Result<Outcome, Error> {
    let rotation = Rotation {
        store,
        catalog: &world.plugin,
        inventory: &world.inventory,
        settings: &world.settings,
        progress: &Progress::default(),
        sign_ins: &SignIns::default(),
        requests: &PasswordRequests::default(),
    };
    rotation.run(event, Invoker::SecretsManager).await
}

#[tokio::test]
async fn the_new_value_is_stored_with_the_token_of_the_event() {
    const TOKEN: &str = "5f8c1d4e-7a3b-4f6e-9c2d-rotation-token";
    let world = World::new(&json!({}));
    for token in [Some(TOKEN), None] {
        let store = Noting { store: &world.store, tokens: Mutex::default(), fails: None };
        let version = world.begin();
        for step in Step::ALL {
            let event = RotationEvent {
                step,
                secret_id: id(SECRET),
                version: version.clone(),
                rotation_token: token.map(|token| Secret::new(token.to_owned())),
            };
            let outcome = run(&world, &store, &event).await.unwrap();
            assert!(step != Step::Create || matches!(outcome, Outcome::Created { .. }));
        }
        assert_eq!(*store.tokens.lock().unwrap(), [token.map(str::to_owned)]);
    }
}

/// The step of a rotation that has just begun, of an account whose password nobody knows, with a store
/// one of whose actions fails.
async fn fails(step: Step, action: &'static str, kind: StoreErrorKind) -> Result<Outcome, Error> {
    let world = World::new(&json!({}));
    world.set_password("app", "nobody knows");
    let version = world.begin();
    if step == Step::Set {
        world.step(Step::Create, &version).await.unwrap();
    }
    let store =
        Noting { store: &world.store, tokens: Mutex::default(), fails: Some((action, kind)) };
    let event = RotationEvent { step, secret_id: id(SECRET), version, rotation_token: None };
    run(&world, &store, &event).await
}

#[tokio::test]
async fn a_version_that_is_there_already_is_somebody_elses_work_and_any_other_failure_an_error() {
    let put = "PutSecretValue";
    let outcome = fails(Step::Create, put, StoreErrorKind::AlreadyExists).await.unwrap();
    assert_eq!(outcome, Outcome::AlreadyCreated);
    for kind in [StoreErrorKind::AccessDenied, StoreErrorKind::Transient] {
        let error = fails(Step::Create, put, kind).await.unwrap_err();
        assert!(matches!(&error, Error::Store(failed) if failed.kind == kind), "{error}");
    }
}

#[tokio::test]
async fn versions_that_may_not_be_listed_end_the_search_and_any_other_failure_is_an_error() {
    let list = "ListSecretVersionIds";
    let error = fails(Step::Set, list, StoreErrorKind::AccessDenied).await.unwrap_err().report();
    assert!(error.contains("lacks secretsmanager:ListSecretVersionIds"), "{error}");
    for kind in [StoreErrorKind::Transient, StoreErrorKind::Key] {
        let error = fails(Step::Set, list, kind).await.unwrap_err();
        assert!(matches!(&error, Error::Store(failed) if failed.kind == kind), "{error}");
    }
}
