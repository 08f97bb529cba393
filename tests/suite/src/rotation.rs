//! Rotations, whole or step by step.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use windlass_harness::{FunctionError, Invocation, Outcome};

use crate::{Login, World};

/// The steps, in the order in which Secrets Manager sends them.
pub const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

/// Four steps on a busy machine take a second or two; four that hang are stopped by their own limits.
const ROTATION_LIMIT: Duration = Duration::from_secs(60);

/// The timeout of the emulated function.
pub(crate) const STEP_LIMIT: Duration = Duration::from_secs(30);

const FUNCTION_ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:windlass";

impl World {
    /// Asks for a rotation, and returns its token.
    ///
    /// # Errors
    /// If the service refuses.
    pub async fn begin(&self, secret: &str) -> Result<String> {
        let token = Self::token()?;
        self.begin_with(secret, &token).await?;
        Ok(token)
    }

    /// Asks for a rotation with this token.
    ///
    /// # Errors
    /// If the service refuses.
    pub async fn begin_with(&self, secret: &str, token: &str) -> Result<()> {
        let input = json!({
            "SecretId": secret,
            "ClientRequestToken": token,
            "RotationLambdaARN": FUNCTION_ARN,
            "RotationRules": { "AutomaticallyAfterDays": 30 },
        });
        self.secrets().call("RotateSecret", &input).await?;
        Ok(())
    }

    /// A whole rotation by RotateSecret; returns the new credential when its last step has ended.
    ///
    /// # Errors
    /// With what the function said, if a step failed.
    pub async fn rotate(&self, secret: &str) -> Result<Login> {
        let token = self.begin(secret).await?;
        let steps = self.outcome(&token).await?;
        for step in &steps {
            if let Some(FunctionError { kind, message }) = step.outcome.error() {
                bail!("{} failed: {kind}: {message}", step.step());
            }
        }
        let done: Vec<_> = steps.iter().map(Invocation::step).collect();
        anyhow::ensure!(done == STEPS, "these steps ran: {done:?}");
        let current = self.secrets().version_at(secret, "AWSCURRENT").await?;
        anyhow::ensure!(current.as_ref() == Some(&token), "AWSCURRENT is on {current:?}");
        self.current(secret).await
    }

    /// What became of the rotation with this token: its steps up to the last, or to the first
    /// that failed.
    ///
    /// # Errors
    /// If it does not come to an end.
    pub async fn outcome(&self, token: &str) -> Result<Vec<Invocation>> {
        let ended = self.lambda().wait_for(|all| {
            let own = |call: &&Invocation| {
                call.event.get("ClientRequestToken").and_then(Value::as_str) == Some(token)
            };
            let steps: Vec<_> = all.iter().filter(own).cloned().collect();
            let last = steps.last()?;
            let over = last.step() == "finishSecret" || last.outcome.error().is_some();
            over.then_some(steps)
        });
        let outcome = tokio::time::timeout(ROTATION_LIMIT, ended).await;
        outcome.context("the rotation did not come to its end")
    }

    /// Invokes the function with one step.
    ///
    /// # Errors
    /// If no function takes the event.
    pub async fn step(&self, step: &str, secret: &str, token: &str) -> Result<Outcome> {
        let event = json!({ "Step": step, "SecretId": secret, "ClientRequestToken": token });
        self.invoke(event).await
    }

    /// Invokes the function with any event.
    ///
    /// # Errors
    /// If no function takes the event.
    pub async fn invoke(&self, event: Value) -> Result<Outcome> {
        Ok(self.lambda().invoke(event, STEP_LIMIT).await?.outcome)
    }

    /// Runs steps one after the other; each has to succeed.
    ///
    /// # Errors
    /// With what the function said, if one failed.
    pub async fn steps(&self, steps: &[&str], secret: &str, token: &str) -> Result<Vec<String>> {
        let mut answers = Vec::new();
        for step in steps {
            match self.step(step, secret, token).await? {
                Outcome::Answered(answer) => {
                    answers.push(answer.as_str().unwrap_or_default().to_owned());
                }
                Outcome::Failed(FunctionError { kind, message }) => {
                    bail!("{step} failed: {kind}: {message}")
                }
            }
        }
        Ok(answers)
    }

    /// Runs one step that has to fail.
    ///
    /// # Errors
    /// If it succeeds.
    pub async fn failure(&self, step: &str, secret: &str, token: &str) -> Result<FunctionError> {
        error_of(self.step(step, secret, token).await?)
    }

    /// Where each label is now.
    ///
    /// # Errors
    /// If there is no such secret.
    pub async fn labels(&self, secret: &str) -> Result<BTreeMap<String, String>> {
        let found = self.secrets().call("DescribeSecret", &json!({ "SecretId": secret })).await?;
        let versions = found.get("VersionIdsToStages").and_then(Value::as_object);
        let labels = versions.into_iter().flatten().flat_map(|(version, labels)| {
            let labels = labels.as_array().into_iter().flatten().filter_map(Value::as_str);
            labels.map(|label| (label.to_owned(), version.clone()))
        });
        Ok(labels.collect())
    }

    /// Takes `AWSPENDING` off a version, as an operator does who gives a rotation up.
    ///
    /// # Errors
    /// If it is not there.
    pub async fn drop_pending(&self, secret: &str, token: &str) -> Result<()> {
        let change = json!({
            "SecretId": secret, "VersionStage": "AWSPENDING", "RemoveFromVersionId": token,
        });
        self.secrets().call("UpdateSecretVersionStage", &change).await?;
        Ok(())
    }

    /// Stores a value as current, as an operator does by hand.
    ///
    /// # Errors
    /// If the service refuses.
    pub async fn put_current(&self, secret: &str, value: &Value) -> Result<()> {
        let input = json!({ "SecretId": secret, "SecretString": value.to_string() });
        self.secrets().call("PutSecretValue", &input).await?;
        Ok(())
    }

    /// Stores a pending value of the test's own making, as createSecret would have.
    ///
    /// # Errors
    /// If the service refuses.
    pub async fn put_pending(&self, secret: &str, token: &str, value: &Value) -> Result<()> {
        let input = json!({
            "SecretId": secret,
            "ClientRequestToken": token,
            "SecretString": value.to_string(),
            "VersionStages": ["AWSPENDING"],
        });
        self.secrets().call("PutSecretValue", &input).await?;
        Ok(())
    }
}

/// The error of an invocation that has to have failed.
///
/// # Errors
/// If it did not.
pub fn error_of(outcome: Outcome) -> Result<FunctionError> {
    match outcome {
        Outcome::Failed(error) => Ok(error),
        Outcome::Answered(answer) => bail!("it succeeded: {answer}"),
    }
}
