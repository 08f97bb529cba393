//! `windlass adopt`.

use clap::Args;
use serde_json::{Value, json};

use super::CommandError;
use super::output::Output;
use super::setup::{PluginArgs, Store, StoreArgs, TimeArgs, handler};
use crate::handler::Handler;
use crate::rotation::Pairing;
use crate::rotation::ports::SecretId;
use crate::rotation::ports::{Finding, PairState, SecretList};
use crate::text::quoted;

/// Show the pairs of alternating users, and declare those that another tool made.
///
/// An administrator changes the password of one account because a secret speaks of the other: so the
/// two have to be a pair by something that neither can have set alone. Windlass marks the pairs that it
/// makes. One that was made by AWS's rotation function or by hand has no mark: it is rotated while
/// both accounts are equal in every respect, and refused once they differ. This shows each pair,
/// what differs and what the administrator lacks, and changes nothing.
///
/// With --yes it marks them as the administrator, and changes nothing else. The next rotation then
/// makes the account with the suffix like the other one. Marked are the secrets whose versions sign
/// in as both accounts, and those that --secret-id names: look at those first.
#[derive(Debug, Args)]
pub(super) struct Adopt {
    /// The secret's name or ARN; may be repeated [default: all secrets of the account and region]
    #[arg(long = "secret-id", value_name = "ID")]
    secret_ids: Vec<SecretId>,
    /// Mark the pairs
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    plugins: PluginArgs,
    #[command(flatten)]
    time: TimeArgs,
}

/// What was done about a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    /// Nothing had to be.
    Nothing,
    /// It could be marked.
    Could,
    /// It could be marked, and has to be named for it.
    HasToBeNamed,
    /// It was marked.
    Marked,
}

impl Adopt {
    pub(super) async fn execute(self, output: Output) -> Result<(), CommandError> {
        let handler = handler(&self.store, &self.plugins).await?;
        let ids = match self.secret_ids.as_slice() {
            [] => {
                let during = || "listing the secrets".to_owned();
                self.time.bound(during, handler.store.names()).await?
            }
            named => named.to_vec(),
        };
        let (mut pairs, mut failed) = (Vec::new(), Vec::new());
        let mut refused = 0;
        let mut worst = None;
        for (index, id) in ids.iter().enumerate() {
            output.begin(format!("looking at `{id}`, {} of {}", index + 1, ids.len()));
            let outcome = self.one(&handler, id, output).await;
            output.clear();
            match outcome {
                Ok(None) if self.secret_ids.is_empty() => {}
                Ok(None) => output.line(format!(
                    "secret    {id}\nit is not rotated with alternating users, so there is no pair"
                )),
                Ok(Some((pairing, done))) => {
                    refused += usize::from(pairing.is_refused());
                    self.print(output, &pairing, done);
                    pairs.push(to_json(&pairing, done));
                }
                Err(failure) => {
                    output.line(format!("secret    {id}"));
                    output.line(format!("failed    {failure}"));
                    failed.push(json!({ "secret": id.as_str(), "error": failure.to_string() }));
                    worst.get_or_insert(failure);
                }
            }
        }
        output.line(format!(
            "{} pairs, {refused} that a rotation would refuse, {} secrets that could not be \
             examined",
            pairs.len(),
            failed.len()
        ));
        output.object(&json!({ "pairs": pairs, "failed": failed }));
        match worst {
            Some(failure) => Err(failure.already_printed()),
            None if refused > 0 => Err(CommandError::stuck()),
            None => Ok(()),
        }
    }

    /// Looks at the pair of a secret and marks it, if that is wanted.
    async fn one(
        &self,
        handler: &Handler<Store>,
        id: &SecretId,
        output: Output,
    ) -> Result<Option<(Pairing, Done)>, CommandError> {
        let time = self.time.of_step();
        let look = || handler.working(time, async |rotation| rotation.look_at_pair(id).await);
        let Some(pairing) = look().await? else { return Ok(None) };
        if !pairing.can_be_marked() {
            return Ok(Some((pairing, Done::Nothing)));
        }
        if !self.yes {
            return Ok(Some((pairing, Done::Could)));
        }
        if !pairing.both_sign_in() && self.secret_ids.is_empty() {
            return Ok(Some((pairing, Done::HasToBeNamed)));
        }
        output.clear();
        output.begin(format!("marking `{}` and `{}`", pairing.current, pairing.other));
        handler.working(time, async |rotation| rotation.adopt_pair(id, &pairing).await).await?;
        let Some(after) = look().await? else { return Ok(None) };
        if after.state() != Some(PairState::Marked) {
            return Err(CommandError::internal(format!(
                "`{}` and `{}` were marked, and the plugin does not see the mark",
                after.current, after.other
            )));
        }
        Ok(Some((after, Done::Marked)))
    }

    fn print(&self, output: Output, pairing: &Pairing, done: Done) {
        let Pairing { secret, current, other, place, other_signs_in, assessment } = pairing;
        output.line(format!("secret    {secret}"));
        output.line(format!("accounts  `{current}` (AWSCURRENT) and `{other}`, at {place}"));
        output.line(match other_signs_in {
            Some(true) => format!("sign-in   `{other}` signs in with AWSPREVIOUS"),
            Some(false) => format!("sign-in   `{other}` is refused with AWSPREVIOUS"),
            None => format!("sign-in   the secret has no version of `{other}`"),
        });
        let Some(assessment) = assessment else {
            output.line("pair      unknown: this plugin can't examine accounts");
            output.line("");
            return;
        };
        output.line(format!("admin     {}", assessment.session));
        output.line(format!("pair      {}", state(pairing)));
        for (what, findings) in [("differs", &assessment.differences), ("lacks", &assessment.lacks)]
        {
            for Finding { text, remedy } in findings {
                output.line(format!("{what:<9} {text}"));
                if !remedy.is_empty() {
                    output.line(format!("          {remedy}"));
                }
            }
        }
        match done {
            Done::Nothing => {}
            Done::Marked => output.line("done      marked as a pair"),
            Done::Could if pairing.is_refused() || pairing.both_sign_in() => {
                output.line(format!("to do     {}", self.command(pairing)));
            }
            Done::Could => {}
            Done::HasToBeNamed => output.line(format!(
                "to do     not marked, since the secret does not sign in as both; if these two \
                 are a \
                 pair: {}",
                self.command(pairing)
            )),
        }
        output.line("");
    }

    fn command(&self, pairing: &Pairing) -> String {
        let id = quoted(&pairing.secret);
        let (store, plugins) = (self.store.for_windlass(), self.plugins.for_windlass());
        format!("windlass adopt --secret-id {id} --yes{store}{plugins}")
    }
}

fn state(pairing: &Pairing) -> &'static str {
    match pairing.state() {
        None => "not known",
        Some(PairState::Marked) => "marked",
        Some(PairState::Equal) => "no mark, but equal in every respect, so rotations continue",
        Some(PairState::Different) => "no mark, and not equal: a rotation is refused",
        Some(PairState::Absent) => {
            "the account with the suffix does not exist; a rotation creates it"
        }
    }
}

fn to_json(pairing: &Pairing, done: Done) -> Value {
    let findings = |list: &[Finding]| {
        list.iter()
            .map(|finding| json!({ "text": finding.text, "remedy": finding.remedy }))
            .collect::<Vec<_>>()
    };
    let assessment = pairing.assessment.as_ref();
    json!({
        "secret": pairing.secret,
        "current": pairing.current,
        "other": pairing.other,
        "place": pairing.place.to_string(),
        "other_signs_in": pairing.other_signs_in,
        "session": assessment.map(|assessment| assessment.session.as_str()),
        "pair": pairing.state().map(|state| match state {
            PairState::Marked => "marked",
            PairState::Equal => "equal",
            PairState::Different => "different",
            PairState::Absent => "absent",
        }),
        "differences": assessment.map(|assessment| findings(&assessment.differences)),
        "lacks": assessment.map(|assessment| findings(&assessment.lacks)),
        "marked_now": done == Done::Marked,
    })
}
