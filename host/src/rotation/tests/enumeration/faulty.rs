//! A store and a plugin whose n-th operation does not get to its end.
//!
//! Operations of both are numbered together, in the order in which they are asked for. Beside
//! failing they can be made to wait for their turn, one by one, so that a test decides how two
//! invocations interleave.

use std::future::{Future, pending, poll_fn};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use tokio::sync::Notify;

use super::super::world::FakePlugin;
use crate::rotation::ports::{
    CallError, Catalog, Change, Description, Failure, FailureKind, Login, PluginFault, SecretId,
    Service,
};
use crate::rotation::ports::{
    PasswordRequest, PendingValue, SecretDescription, SecretStore, SecretValue, StageMove,
    StoreError, StoreErrorKind, VersionListing, VersionSelector,
};
use crate::secret::Secret;
use windlass_secrets_manager::EmbeddedStore;

/// Whether the operation has taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    Before,
    After,
}

/// How an operation does not get to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The function is no more.
    Crash,
    /// The operation is reported as failed.
    Error,
}

/// One operation that does not get to its end; counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) operation: usize,
    pub(super) moment: Moment,
    pub(super) way: Way,
}

impl Point {
    /// The ways in which one operation does not get to its end.
    pub(super) fn every(operation: usize) -> impl Iterator<Item = Self> {
        Self::different(operation).chain([Self {
            operation,
            moment: Moment::After,
            way: Way::Crash,
        }])
    }

    /// Those of them that are not the same as one at the next operation: after a crash, nobody can
    /// tell whether it was after this one or before the next.
    pub(super) fn different(operation: usize) -> impl Iterator<Item = Self> {
        let ways = [
            (Moment::Before, Way::Crash),
            (Moment::Before, Way::Error),
            (Moment::After, Way::Error),
        ];
        ways.into_iter().map(move |(moment, way)| Self { operation, moment, way })
    }
}

/// How many operations were asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) store: usize,
    pub(super) database: usize,
}

impl Counts {
    pub(super) fn all(self) -> usize {
        self.store + self.database
    }
}

/// The one line on which all operations of an invocation stand.
#[derive(Default)]
pub(super) struct Line {
    point: Option<Point>,
    counts: Mutex<Counts>,
    /// How many operations may still begin, where that is limited.
    permits: Mutex<Option<usize>>,
    crashed: Notify,
}

impl Line {
    pub(super) fn new(point: Option<Point>) -> Arc<Self> {
        Arc::new(Self { point, ..Self::default() })
    }

    /// One on which operations wait for [`Line::let_one`].
    pub(super) fn gated() -> Arc<Self> {
        Arc::new(Self { permits: Mutex::new(Some(0)), ..Self::default() })
    }

    pub(super) fn let_one(&self) {
        let mut permits = self.permits.lock().unwrap();
        *permits = permits.map(|permits| permits + 1);
    }

    pub(super) fn let_all(&self) {
        *self.permits.lock().unwrap() = None;
    }

    pub(super) fn counts(&self) -> Counts {
        *self.counts.lock().unwrap()
    }

    /// Whether the point came.
    pub(super) fn reached(&self) -> bool {
        self.point.is_some_and(|point| point.operation <= self.counts().all())
    }

    /// Completes when the function is no more.
    pub(super) async fn crashed(&self) {
        self.crashed.notified().await;
    }

    async fn operation<T, E>(
        &self,
        count: impl FnOnce(&mut Counts),
        work: impl Future<Output = Result<T, E>>,
        failure: impl FnOnce() -> E,
    ) -> Result<T, E> {
        poll_fn(|_| match &mut *self.permits.lock().unwrap() {
            Some(0) => Poll::Pending,
            Some(permits) => {
                *permits -= 1;
                Poll::Ready(())
            }
            None => Poll::Ready(()),
        })
        .await;
        let number = {
            let mut counts = self.counts.lock().unwrap();
            count(&mut counts);
            counts.all()
        };
        let point = self.point.filter(|point| point.operation == number);
        if let Some(Point { moment: Moment::Before, way, .. }) = point {
            return Err(self.stop(way, failure).await);
        }
        let done = work.await;
        match point {
            Some(Point { moment: Moment::After, way, .. }) => Err(self.stop(way, failure).await),
            _ => done,
        }
    }

    async fn stop<E>(&self, way: Way, failure: impl FnOnce() -> E) -> E {
        match way {
            Way::Error => failure(),
            Way::Crash => {
                self.crashed.notify_one();
                pending().await
            }
        }
    }
}

#[derive(Clone)]
pub(super) struct FaultyStore {
    pub(super) store: EmbeddedStore,
    pub(super) line: Arc<Line>,
}

impl FaultyStore {
    async fn call<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let failure = || StoreError {
            kind: StoreErrorKind::Transient,
            action: "AnyAction",
            resource: String::new(),
            message: "no answer".to_owned(),
            source: None,
        };
        self.line.operation(|counts| counts.store += 1, work, failure).await
    }
}

impl SecretStore for FaultyStore {
    fn address(&self) -> &str {
        self.store.address()
    }

    async fn describe(&self, secret_id: &SecretId) -> Result<SecretDescription, StoreError> {
        self.call(self.store.describe(secret_id)).await
    }

    async fn value(
        &self,
        secret_id: &SecretId,
        version: &VersionSelector,
    ) -> Result<SecretValue, StoreError> {
        self.call(self.store.value(secret_id, version)).await
    }

    async fn put_pending(
        &self,
        secret_id: &SecretId,
        value: &PendingValue,
    ) -> Result<(), StoreError> {
        self.call(self.store.put_pending(secret_id, value)).await
    }

    async fn move_stage(&self, secret_id: &SecretId, change: &StageMove) -> Result<(), StoreError> {
        self.call(self.store.move_stage(secret_id, change)).await
    }

    async fn random_password(&self, request: &PasswordRequest) -> Result<Secret, StoreError> {
        self.call(self.store.random_password(request)).await
    }

    async fn versions(&self, secret_id: &SecretId) -> Result<Vec<VersionListing>, StoreError> {
        self.call(self.store.versions(secret_id)).await
    }
}

#[derive(Clone)]
pub(super) struct FaultyPlugin {
    pub(super) plugin: FakePlugin,
    pub(super) line: Arc<Line>,
}

impl FaultyPlugin {
    async fn call(
        &self,
        work: impl Future<Output = Result<(), CallError>>,
    ) -> Result<(), CallError> {
        let failure = || {
            let kind = FailureKind::Unreachable;
            CallError::Failed(Failure {
                kind,
                code: String::new(),
                message: "no answer".into(),
                remedy: String::new(),
            })
        };
        self.line.operation(|counts| counts.database += 1, work, failure).await
    }
}

impl Service for FaultyPlugin {
    fn description(&self) -> &Description {
        self.plugin.description()
    }

    fn foresee(&self, login: &Login) -> Result<(), CallError> {
        self.plugin.foresee(login)
    }

    async fn verify(&self, login: &Login) -> Result<(), CallError> {
        self.call(self.plugin.verify(login)).await
    }

    async fn change(&self, change: &Change<'_>) -> Result<(), CallError> {
        self.call(self.plugin.change(change)).await
    }
}

impl Catalog for FaultyPlugin {
    type Service = Self;

    fn plugins(&self) -> Vec<&Description> {
        self.plugin.plugins()
    }

    async fn open(&self, plugin: &str, engine: &str) -> Result<Self, PluginFault> {
        let plugin = self.plugin.open(plugin, engine).await?;
        Ok(Self { plugin, line: Arc::clone(&self.line) })
    }

    fn location(&self) -> String {
        self.plugin.location()
    }

    fn descriptions(&self) -> impl Iterator<Item = &Description> {
        self.plugin.descriptions()
    }
}
