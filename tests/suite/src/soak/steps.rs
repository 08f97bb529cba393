//! One step, with what goes wrong in it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use windlass_harness::{CallEnd, Fault, Outcome, Proxy};

use super::faults::{KILLING_PACE, Trouble};
use super::lanes::{Ended, Lane, SILENT_LIMIT, STEP_LIMIT};
use super::stage::{Stage, Subject};
use super::tally::Tally;

/// How often a conversation is looked at for the moment to kill.
const WATCH: Duration = Duration::from_millis(1);

impl Stage {
    /// Sends one step. An error that its trouble does not explain breaks the soak.
    pub(super) async fn step(
        &self,
        lane: &mut Lane,
        subject: &mut Subject,
        (step, token): (&str, &str),
        trouble: Option<Trouble>,
    ) -> Result<Outcome> {
        let event = self.event(subject, step, token)?;
        match step {
            "setSecret" => subject.sets += 1,
            "testSecret" => subject.tests += 1,
            _ => {}
        }
        subject.proxy.reset();
        // What lags has to go on from step to step.
        if !matches!(trouble, Some(Trouble::Lag(_))) {
            lane.secrets.reset();
        }
        let (ended, happened) = self.send(lane, subject, &event, trouble).await?;
        subject.proxy.heal();
        if ended.killed {
            // What the dead function had sent may still arrive.
            subject.proxy.all_closed().await?;
        }
        let unexplained = ended
            .outcome
            .error()
            .filter(|error| !trouble.is_some_and(|trouble| happened && trouble.explains(error)));
        self.tally(|tally| {
            tally.steps += 1;
            // A lag is counted once for its rotation.
            let counted = trouble.filter(|trouble| happened && !matches!(trouble, Trouble::Lag(_)));
            if let Some(trouble) = counted {
                Tally::count(&mut tally.faults, trouble.name());
            }
            if let (Some(error), None) = (ended.outcome.error(), unexplained) {
                *tally.explained.entry(error.kind.clone()).or_default() += 1;
            }
        });
        if let Some(error) = unexplained {
            self.broken(format!(
                "{step} of {} to {token} failed with {}, which {trouble:?} does not explain: {}",
                subject.name, error.kind, error.message
            ));
        }
        Ok(ended.outcome)
    }

    /// The step's end, and whether its trouble really came.
    async fn send(
        &self,
        lane: &mut Lane,
        subject: &Subject,
        event: &Value,
        trouble: Option<Trouble>,
    ) -> Result<(Ended, bool)> {
        let never = std::future::pending();
        let silent = matches!(trouble, Some(Trouble::Silence));
        let limit = if silent { SILENT_LIMIT } else { STEP_LIMIT };
        let deployment = &self.deployment;
        match trouble {
            Some(Trouble::KillAtCall(number, moment)) => {
                lane.secrets.stop_at(number, moment);
                let secrets = Arc::clone(&lane.secrets);
                let stop = async move { drop(secrets.stopped().await) };
                let ended = lane.invoke(deployment, event, limit, stop).await?;
                let killed = ended.killed;
                Ok((ended, killed))
            }
            Some(Trouble::KillInConversation(turns)) => {
                subject.proxy.fail_next(Fault::Delay { each: KILLING_PACE });
                let ended = lane
                    .invoke(deployment, event, limit, turns_taken(&subject.proxy, turns))
                    .await?;
                let killed = ended.killed;
                Ok((ended, killed))
            }
            Some(Trouble::Cut(direction, turn)) => {
                subject.proxy.fail_next(Fault::CutAtTurn { direction, turn });
                let ended = lane.invoke(deployment, event, limit, never).await?;
                // A conversation that was shorter was not cut.
                let cut = ended.outcome.error().is_some();
                Ok((ended, cut))
            }
            Some(Trouble::Silence) => {
                subject.proxy.fail_next(Fault::Silence);
                let ended = lane.invoke(deployment, event, limit, never).await?;
                let connected = !subject.proxy.traffic().is_empty();
                Ok((ended, connected))
            }
            Some(Trouble::LostAnswer(number)) => {
                lane.secrets.lose_answer(number);
                let ended = lane.invoke(deployment, event, limit, never).await?;
                let lost = lane.secrets.calls().iter().any(|call| call.end == CallEnd::Lost);
                Ok((ended, lost))
            }
            Some(Trouble::Refusals(fault, count)) => {
                lane.secrets.fail_next(fault, count);
                Ok((lane.invoke(deployment, event, limit, never).await?, true))
            }
            Some(Trouble::Duplicate) => {
                let Some(mut other) = self.spares.try_take() else {
                    return Ok((lane.invoke(deployment, event, limit, never).await?, false));
                };
                let (one, two) = tokio::join!(
                    lane.invoke(deployment, event, limit, never),
                    other.invoke(deployment, event, limit, std::future::pending()),
                );
                self.spares.give(other);
                // What nothing explains counts first; else one success is enough.
                let rank = |ended: &Ended| match ended.outcome.error() {
                    Some(error) if !Trouble::Duplicate.explains(error) => 0,
                    None => 1,
                    Some(_) => 2,
                };
                let (one, two) = (one?, two?);
                Ok((if rank(&one) <= rank(&two) { one } else { two }, true))
            }
            Some(Trouble::Lag(_) | Trouble::Late) | None => {
                Ok((lane.invoke(deployment, event, limit, never).await?, true))
            }
        }
    }
}

/// Waits until so many turns went through an open connection.
async fn turns_taken(proxy: &Proxy, turns: u32) {
    let taken = |proxy: &Proxy| {
        proxy.traffic().iter().any(|traffic| {
            traffic.open_for.is_none() && traffic.client_turns + traffic.server_turns >= turns
        })
    };
    while !taken(proxy) {
        tokio::time::sleep(WATCH).await;
    }
}
