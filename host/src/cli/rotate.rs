//! `windlass rotate`.

use std::time::Instant;

use clap::Args;
use serde_json::json;

use super::CommandError;
use super::output::Output;
use super::setup::{PluginArgs, StoreArgs, TimeArgs, handler};
use crate::rotation::ports::SecretId;
use crate::rotation::ports::{SecretStore, VersionId};
use crate::rotation::{Invoker, RotationEvent, Step};

/// Rotate a secret now: all four steps, run here.
///
/// Nothing has to be deployed and rotation need not be configured; your own AWS credentials are
/// used. A rotation that was left half-way is taken up where it stopped. To rotate through the
/// deployed function instead: aws secretsmanager rotate-secret.
#[derive(Debug, Args)]
pub(super) struct Rotate {
    /// The secret's name or ARN
    #[arg(long, value_name = "ID")]
    secret_id: SecretId,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    plugins: PluginArgs,
    #[command(flatten)]
    time: TimeArgs,
}

impl Rotate {
    pub(super) async fn execute(self, output: Output) -> Result<(), CommandError> {
        let handler = handler(&self.store, &self.plugins).await?;
        let during = || format!("reading the labels of secret `{}`", self.secret_id);
        let secret = self.time.bound(during, handler.store.describe(&self.secret_id)).await?;
        let unfinished = secret.unfinished();
        let version = match unfinished {
            Some(version) => {
                output.line(format!("continuing the rotation to version {version}"));
                version.clone()
            }
            None => VersionId::new(uuid::Uuid::new_v4().to_string()),
        };
        let mut steps = Vec::new();
        for step in Step::ALL {
            output.begin(step);
            let event = RotationEvent {
                step,
                secret_id: secret.arn.clone(),
                version: version.clone(),
                rotation_token: None,
            };
            let started = Instant::now();
            let answer = handler.run(&event, Invoker::Operator, Some(self.time.of_step())).await;
            output.clear();
            let outcome = answer.map_err(|error| {
                output.line(format!("{step:<13} failed"));
                CommandError::from(error)
            })?;
            let milliseconds = started.elapsed().as_millis();
            output.line(format!("{step:<13} {milliseconds:>5} ms  {outcome}"));
            steps.push(json!({
                "step": step.as_str(),
                "milliseconds": u64::try_from(milliseconds).unwrap_or(u64::MAX),
                "outcome": outcome.to_string(),
            }));
        }
        output.line(format!("rotated `{}` to version {version}", secret.name));
        output.object(&json!({
            "secret": secret.name,
            "arn": secret.arn.as_str(),
            "version": version.as_str(),
            "resumed": unfinished.is_some(),
            "steps": steps,
        }));
        Ok(())
    }
}
