//! An event in; an outcome, or a report of what went wrong, out. What the Lambda function, the
//! command line and the local server have in common.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::error::Error;
use crate::error_type::ErrorType;
use crate::iam;
use crate::inventory::aws::AwsInventory;
use crate::network::Deadline;
use crate::redact::Redactor;
use crate::rotation::ports::{InventoryError, SecretStore, StoreError};
use crate::rotation::{
    self, Invoker, Outcome, PasswordRequests, Progress, Rotation, RotationEvent, Settings, SignIns,
};
use crate::sandbox::InstalledPlugins;
use crate::store::GuardedStore;

/// Kept back of Lambda's deadline, for reporting why there was no more time: an error that Lambda
/// itself ends says nothing at all.
const REPORT_RESERVE: Duration = Duration::from_millis(1500);

/// The most that the reserve may take of a short deadline.
const REPORT_RESERVE_DIVISOR: u32 = 4;

/// What a failed operation needs, to be reported in the step's own error rather than as a lack of time:
/// a plugin passes it on, a session is closed.
const PASSING_ON: Duration = Duration::from_millis(250);

/// Runs steps against one store with the installed plugins.
pub struct Handler<S> {
    /// Where the secrets are.
    pub store: S,
    /// What AWS says about its databases.
    pub inventory: AwsInventory,
    /// The plugins.
    pub plugins: InstalledPlugins,
    /// How rotations are run.
    pub settings: Settings,
    sign_ins: SignIns,
    requests: PasswordRequests,
}

/// From now on what errors suggest for policies is for this function, as it was invoked.
pub fn runs_as(function_arn: &str) {
    iam::runs_as(function_arn);
}

impl<S: SecretStore> Handler<S> {
    /// A handler that has run nothing yet.
    pub fn new(
        store: S,
        inventory: AwsInventory,
        plugins: InstalledPlugins,
        settings: Settings,
    ) -> Self {
        Self {
            store,
            inventory,
            plugins,
            settings,
            sign_ins: SignIns::default(),
            requests: PasswordRequests::default(),
        }
    }

    /// Works with the rotation's parts outside of any step, within `time`.
    #[cfg(feature = "cli")]
    pub(crate) async fn working<T>(
        &self,
        time: Duration,
        work: impl AsyncFnOnce(
            &Rotation<'_, GuardedStore<'_, S>, InstalledPlugins, AwsInventory>,
        ) -> Result<T, rotation::Error>,
    ) -> Result<T, Error> {
        let redactor = Arc::new(Redactor::for_process());
        let progress = Progress::default();
        let operations_end = Some(Instant::now() + time.saturating_sub(PASSING_ON));
        let rotation = Rotation {
            store: &GuardedStore::new(&self.store, operations_end, &redactor),
            catalog: &self.plugins.for_step(Deadline::until(operations_end), Arc::clone(&redactor)),
            inventory: &self.inventory,
            settings: &self.settings,
            progress: &progress,
            sign_ins: &self.sign_ins,
            requests: &self.requests,
        };
        let answer = tokio::time::timeout(time, Box::pin(work(&rotation))).await;
        settled(answer, &progress).map_err(|error| scrubbed(error, &redactor))
    }

    /// Runs the step of an event, within `time` if there is a limit.
    ///
    /// # Errors
    /// What stopped the step; it is safe to run again.
    pub async fn handle(&self, event: &Value, time: Option<Duration>) -> Result<Outcome, Error> {
        let event = RotationEvent::parse(event).inspect_err(|error| {
            tracing::error!(error_type = ErrorType::Event.as_str(), "{error}");
        })?;
        self.run(&event, Invoker::SecretsManager, time).await
    }

    /// Runs a step, within `time` if there is a limit, and logs what became of it.
    ///
    /// # Errors
    /// What stopped the step; it is safe to run again.
    pub async fn run(
        &self,
        event: &RotationEvent,
        invoker: Invoker,
        time: Option<Duration>,
    ) -> Result<Outcome, Error> {
        let started = Instant::now();
        let progress = Progress::default();
        let time =
            time.map(|time| time.saturating_sub(REPORT_RESERVE.min(time / REPORT_RESERVE_DIVISOR)));
        let operations_end = time.map(|time| started + time.saturating_sub(PASSING_ON));
        let redactor = Arc::new(Redactor::for_process());
        event.rotation_token.iter().for_each(|token| redactor.learn(token));
        let deadline = Deadline::until(operations_end);
        let catalog = self.plugins.for_step(deadline, Arc::clone(&redactor));
        let rotation = Rotation {
            store: &GuardedStore::new(&self.store, operations_end, &redactor),
            catalog: &catalog,
            inventory: &self.inventory,
            settings: &self.settings,
            progress: &progress,
            sign_ins: &self.sign_ins,
            requests: &self.requests,
        };
        // A large future, which nobody should have to move around.
        let step = Box::pin(rotation.run(event, invoker));
        let answer = match time {
            None => step.await.map_err(Error::Rotation),
            Some(time) => settled(tokio::time::timeout(time, step).await, &progress),
        };
        let answer = answer.map_err(|error| scrubbed(error, &redactor));
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (step, secret, version) = (event.step.as_str(), &event.secret_id, &event.version);
        match &answer {
            Ok(outcome) => {
                tracing::info!(step, %secret, %version, milliseconds, "{outcome}");
            }
            Err(error) => {
                let error_type = error.error_type().as_str();
                tracing::error!(step, %secret, %version, milliseconds, error_type, "{}", error.report());
            }
        }
        answer
    }
}

/// What work came to that had a limit of time.
fn settled<T>(
    answer: Result<Result<T, rotation::Error>, tokio::time::error::Elapsed>,
    progress: &Progress,
) -> Result<T, Error> {
    match answer {
        Ok(answer) => answer.map_err(Error::Rotation),
        Err(_) => Err(Error::OutOfTime { during: progress.latest() }),
    }
}

/// The most that is shown of what AWS reports. Its longest messages name an ARN or two.
const AWS_MESSAGE_BYTES: usize = 4 << 10;

/// An error as it may be shown. What plugins say was scrubbed where it came in; what AWS's services
/// and its SDK say comes by here.
fn scrubbed(error: Error, redactor: &Redactor) -> Error {
    let sanitized = |message: &str| redactor.scrub_of_aws(message, AWS_MESSAGE_BYTES);
    match error {
        Error::Rotation(rotation::Error::Store(error)) => {
            StoreError { message: sanitized(&error.message), ..error }.into()
        }
        Error::Rotation(rotation::Error::Inventory(error)) => {
            InventoryError { message: sanitized(&error.message), ..error }.into()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rotation::ports::{InventoryErrorKind, StoreErrorKind};
    use crate::secret::Secret;

    #[test]
    fn the_log_knows_where_outcomes_come_from() {
        let own = module_path!().strip_suffix("::tests");
        assert_eq!(own, Some(crate::logging::OUTCOMES));
    }

    #[test]
    fn what_aws_reports_is_shown_without_secrets() {
        let redactor = Redactor::default();
        redactor.learn(&Secret::new("IQoJb3JpZ2luX2VjEOj/session+token==".to_owned()));
        let message = "InvalidSignatureException: the canonical request should have been \
                       'x-amz-security-token:IQoJb3JpZ2luX2VjEOj/session+token=='"
            .to_owned();
        let store = StoreError {
            kind: StoreErrorKind::Other,
            action: "GetSecretValue",
            resource: "app".to_owned(),
            message: message.clone(),
            source: None,
        };
        let inventory = InventoryError {
            kind: InventoryErrorKind::Other,
            action: "DescribeDBInstances",
            resource: "db".to_owned(),
            message,
            remedy: String::new(),
        };
        for error in [Error::from(store), Error::from(inventory)] {
            let message = scrubbed(error, &redactor).report();
            assert!(message.contains("x-amz-security-token:[redacted]'"), "{message}");
            assert!(!message.contains("IQoJ"), "{message}");
        }
    }
}
