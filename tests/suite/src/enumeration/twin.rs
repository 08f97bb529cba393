//! Invocations that nobody needs: again, late, and by a second function at the same time.

use anyhow::Result;
use serde_json::{Value, json};
use windlass_harness::{Function, FunctionError, Outcome, RuntimeApi};

use super::{Case, Scene, run};
use crate::rotation::STEP_LIMIT;

/// A second function, in an execution environment of its own.
pub struct Twin {
    lambda: RuntimeApi,
    _function: Function,
}

impl Scene {
    /// Starts a second function beside the first, with the same Secrets Manager and database.
    ///
    /// # Errors
    /// If it can't be started.
    pub async fn twin(&self) -> Result<Twin> {
        let lambda = RuntimeApi::start().await?;
        let options = self.world.function_options(self.secrets.endpoint())?;
        let function = Function::start(&lambda, &options, self.world.directory(), "twin")?;
        function.cold_start(&lambda).await?;
        Ok(Twin { lambda, _function: function })
    }

    /// One step for this token.
    ///
    /// # Errors
    /// If no function takes it.
    pub async fn step(
        &self,
        case: &Case,
        step: &str,
        token: &str,
    ) -> Result<Option<FunctionError>> {
        one(self.world.lambda(), case, step, token).await
    }

    /// One step, by both functions at once.
    ///
    /// # Errors
    /// If no function takes it.
    pub async fn race_step(
        &self,
        twin: &Twin,
        case: &Case,
        step: &str,
    ) -> Result<[Option<FunctionError>; 2]> {
        let (first, second) = tokio::join!(
            one(self.world.lambda(), case, step, case.token()),
            one(&twin.lambda, case, step, case.token()),
        );
        Ok([first?, second?])
    }

    /// The whole rotation, by both functions at once.
    ///
    /// # Errors
    /// If no function takes it.
    pub async fn race(&self, twin: &Twin, case: &Case) -> Result<[Option<FunctionError>; 2]> {
        let (first, second) = tokio::join!(
            run(self.world.lambda(), case.secret(), case.token()),
            run(&twin.lambda, case.secret(), case.token()),
        );
        Ok([first?, second?])
    }

    /// What a step may change in the secret: labels and the pending value.
    ///
    /// # Errors
    /// If it can't be read.
    pub async fn state(&self, case: &Case) -> Result<(Value, Option<Value>)> {
        let secrets = self.world.secrets();
        let described =
            secrets.call("DescribeSecret", &json!({ "SecretId": case.secret() })).await?;
        let labels = described.get("VersionIdsToStages").cloned().unwrap_or_default();
        Ok((labels, secrets.secret(case.secret(), "AWSPENDING").await.ok()))
    }

    /// How many connections to the database there were since the latest attempt began.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.database.traffic().len()
    }
}

async fn one(
    lambda: &RuntimeApi,
    case: &Case,
    step: &str,
    token: &str,
) -> Result<Option<FunctionError>> {
    let event = json!({ "Step": step, "SecretId": case.secret(), "ClientRequestToken": token });
    match lambda.invoke(event, STEP_LIMIT).await?.outcome {
        Outcome::Answered(_) => Ok(None),
        Outcome::Failed(error) => Ok(Some(error)),
    }
}
