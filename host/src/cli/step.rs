//! `windlass step`.

use clap::Args;
use serde_json::json;

use super::CommandError;
use super::output::Output;
use super::setup::{PluginArgs, StoreArgs, TimeArgs, handler};

/// Run one rotation step, as Secrets Manager would send it.
///
/// For looking closely at a rotation that fails. The token is the version that is AWSPENDING; see
/// `windlass status`. All checks that protect a rotation apply.
#[derive(Debug, Args)]
pub(super) struct Step {
    /// createSecret, setSecret, testSecret or finishSecret
    step: String,
    /// The secret's name or ARN
    #[arg(long, value_name = "ID")]
    secret_id: String,
    /// The event's ClientRequestToken: the version that is AWSPENDING
    #[arg(long, value_name = "VERSION")]
    token: String,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    plugins: PluginArgs,
    #[command(flatten)]
    time: TimeArgs,
}

impl Step {
    pub(super) async fn execute(self, output: Output) -> Result<(), CommandError> {
        let handler = handler(&self.store, &self.plugins).await?;
        let event = json!({
            "Step": self.step,
            "SecretId": self.secret_id,
            "ClientRequestToken": self.token,
        });
        let outcome = handler.handle(&event, Some(self.time.of_step())).await?;
        output.line(format!("{}: {outcome}", self.step));
        output.object(&json!({ "step": self.step, "outcome": outcome.to_string() }));
        Ok(())
    }
}
