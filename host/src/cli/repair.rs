//! `windlass repair`.

use std::io::{BufRead, IsTerminal};

use clap::Args;
use serde_json::json;

use super::CommandError;
use super::output::Output;
use super::setup::{PluginArgs, StoreArgs, TimeArgs, handler};
use crate::rotation::ports::SecretId;
use crate::rotation::{Beside, Diagnosis, Wish};

/// Repair a secret whose rotation went wrong: AWSCURRENT signs in again, and the next rotation can
/// begin.
///
/// Looks which of the known passwords the service has, shows what it would do, and asks. Never makes
/// a new password. It repairs: an AWSPENDING label that blocks rotations, as a failed or cancelled
/// rotation leaves it; a service that has the password of AWSPENDING, of AWSPREVIOUS (restored
/// from a backup) or of an abandoned rotation. In the end it signs in with AWSCURRENT, as a proof.
/// A rotation that began less than 15 minutes ago may be running: nothing is repaired beside it, unless
/// rotation was turned off or --interrupt says that nothing is running.
#[derive(Debug, Args)]
pub(super) struct Repair {
    /// The secret's name or ARN
    #[arg(long, value_name = "ID")]
    secret_id: SecretId,
    /// Do what the plan says without asking
    #[arg(long)]
    yes: bool,
    /// Try the password of this version and no other: AWSCURRENT, AWSPENDING, AWSPREVIOUS, a version
    /// id, or how one begins. For accounts that are locked at the first refusal
    #[arg(long, value_name = "VERSION")]
    password_of: Option<String>,
    /// Repair also beside a rotation that began less than 15 minutes ago: you know that it has stopped
    #[arg(long)]
    interrupt: bool,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    plugins: PluginArgs,
    #[command(flatten)]
    time: TimeArgs,
}

impl Repair {
    pub(super) async fn execute(self, output: Output) -> Result<(), CommandError> {
        let handler = handler(&self.store, &self.plugins).await?;
        output.begin("signing in with the known passwords");
        let time = self.time.of_step();
        let wish = Wish {
            secret_id: &self.secret_id,
            password_of: self.password_of.as_deref(),
            beside: if self.interrupt { Beside::NothingThatRuns } else { Beside::Young },
        };
        let looked = handler.working(time, async |rotation| rotation.diagnose(&wish).await).await;
        output.clear();
        let diagnosis = looked?;
        output.line(format!("found     {}", diagnosis.found));
        if diagnosis.actions.is_empty() {
            output.line("there is nothing to repair");
            output.object(&result(&diagnosis, false, None));
            return Ok(());
        }
        for (number, action) in diagnosis.actions.iter().enumerate() {
            output.line(format!("{:<9} {}. {action}", "plan", number + 1));
        }
        let may_do = self.yes || (output == Output::Text && confirmed());
        if !may_do {
            output.line("nothing was changed; --yes does it without asking");
            output.object(&result(&diagnosis, false, None));
            return Err(CommandError::stuck());
        }
        for action in &diagnosis.actions {
            output.begin(action);
            let repaired = handler
                .working(time, async |rotation| rotation.repair(&diagnosis, action).await)
                .await;
            output.clear();
            repaired?;
            output.line(format!("{:<9} {action}", "done"));
        }
        let proof =
            handler.working(time, async |rotation| rotation.prove(&self.secret_id).await).await;
        let (username, place) = proof?;
        let proof = format!("`{username}` signs in at {place} with the AWSCURRENT password");
        output.line(format!("{:<9} {proof}", "proof"));
        output.object(&result(&diagnosis, true, Some(&proof)));
        Ok(())
    }
}

fn result(diagnosis: &Diagnosis, done: bool, proof: Option<&str>) -> serde_json::Value {
    json!({
        "found": diagnosis.found,
        "plan": diagnosis.actions.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "done": done,
        "proof": proof,
    })
}

/// Asks, where there is somebody to ask.
fn confirmed() -> bool {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return false;
    }
    Output::Text.ask("do this? [y/N]");
    let mut answer = String::new();
    let read = stdin.lock().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}
