//! What was claimed, and whether it held.

use windlass_harness::{PsqlError, Stack};

use crate::terminal::{Verdict, mark};

/// The claims so far.
#[derive(Debug, Default)]
pub(super) struct Proofs {
    count: usize,
    failed: Vec<String>,
}

impl Proofs {
    /// How many were made.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Those that did not hold, with why.
    pub(super) fn failed(&self) -> &[String] {
        &self.failed
    }

    /// Claims something and shows whether it held; `evidence` says what was seen.
    pub(super) fn claim(&mut self, claim: &str, verdict: impl Into<Verdict>, evidence: &str) {
        let verdict = verdict.into();
        self.count += 1;
        println!("  {} {claim}{}{evidence}", mark(verdict), separator(evidence));
        if verdict == Verdict::Failed {
            self.failed.push(format!("{claim}{}{evidence}", separator(evidence)));
        }
    }

    /// Claims that `login` signs in, as `psql` sees it.
    pub(super) async fn signs_in(&mut self, stack: &Stack, claim: &str, login: &Login) {
        match login.try_in(stack).await {
            Ok(user) => self.claim(claim, user == login.username, &format!("psql is `{user}`")),
            Err(error) => self.claim(claim, Verdict::Failed, &error.to_string()),
        }
    }

    /// Claims that the server refuses the password of `login`.
    pub(super) async fn is_refused(&mut self, stack: &Stack, claim: &str, login: &Login) {
        match login.try_in(stack).await {
            Ok(_) => self.claim(claim, Verdict::Failed, "psql signed in"),
            Err(error) => self.claim(claim, error.is_refused(), &last_sentence(&error)),
        }
    }
}

/// A user's name and password, as an application would hold them.
pub(super) struct Login {
    pub(super) username: String,
    pub(super) password: String,
}

impl Login {
    async fn try_in(&self, stack: &Stack) -> Result<String, PsqlError> {
        let Self { username, password } = self;
        stack.postgres().psql(username, password, "postgres", "SELECT session_user").await
    }
}

fn separator(evidence: &str) -> &'static str {
    if evidence.is_empty() { "" } else { ": " }
}

/// What the server said, without the address that `psql` puts before it.
fn last_sentence(error: &PsqlError) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.rsplit_once("FATAL: ").map_or(line, |(_, said)| said).trim().to_owned()
}
