//! Finds too much when it looks at accounts: a hundred things, each of them long, with passwords
//! and the terminal's control characters in them. What it marks, it does not see afterwards.

use windlass_guest::{
    Assess, AssessRequest, Assessment, Description, Failure, Finding, Guest, PairState,
};

/// The guest.
#[derive(Debug)]
pub struct Appraises;

impl Guest for Appraises {
    fn describe(mut honest: Description) -> Description {
        honest.features.alternating_users = true;
        honest.username_rules.clone_suffix = "_clone".into();
        honest
    }
}

impl Assess for Appraises {
    fn assess(request: &AssessRequest) -> Result<Assessment, Failure> {
        let password = &request.actor.password;
        let backwards: String = password.chars().rev().collect();
        let finding = Finding::new(format!("\u{1b}[2J{password}\nsecret    forged {backwards}"));
        let finding = finding.with_remedy(format!("{}{password}", "x".repeat(4096)));
        Ok(Assessment {
            session: password.clone(),
            lacks: vec![finding.clone(); 50],
            pair: Some(PairState::Different),
            differences: vec![finding; 50],
        })
    }

    fn mark_pair(request: &AssessRequest) -> Result<(), Failure> {
        match request.actor.field("kind") {
            Some("fails") => {
                let failure = Failure::declined(request.actor.password.clone());
                Err(failure.with_remedy(request.actor.password.clone()))
            }
            _ => Ok(()),
        }
    }
}

windlass_guest::guest!(Appraises, assessment);
