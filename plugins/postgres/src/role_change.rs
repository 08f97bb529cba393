//! One change of a role's password: what is sent, and in which statement.

use windlass_postgres_wire::Session;
use windlass_sdk::{ChangeRequest, Failure};

use crate::names::identifier;
use crate::new_password::{NewPassword, Statement};
use crate::sign_in::Asks;
use crate::verifier::Encryption;

/// How the password is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sending {
    /// As what is stored.
    Stored,
    /// As text.
    Text,
}

/// A change that is to be made, and by which session.
pub(crate) struct Change<'a> {
    pub(crate) session: &'a mut Session,
    pub(crate) request: &'a ChangeRequest,
    pub(crate) sending: Sending,
}

impl<'a> Change<'a> {
    /// What is sent of the new password. `asks` is only called where the form depends on it.
    pub(crate) fn password(
        &self,
        encryption: Encryption,
        asks: impl FnOnce() -> Result<Asks, Failure>,
    ) -> Result<NewPassword<'a>, Failure> {
        let ChangeRequest { username, new_password, .. } = self.request;
        let asks = if encryption.depends_on_the_account() { asks()? } else { Asks::Other };
        let form = encryption.form(asks)?;
        Ok(match self.sending {
            Sending::Stored => NewPassword::Stored(form.make(username, new_password)),
            Sending::Text => {
                NewPassword::Text { text: new_password, encryption: encryption.setting(form) }
            }
        })
    }
}

/// Refuses an account that no password lets in.
pub(crate) fn check_signs_in(name: &str, can_login: bool, expired: bool) -> Result<(), Failure> {
    let role = identifier(name)?;
    if !can_login {
        return Err(Failure::declined(format!("the role {name:?} may not log in"))
            .with_remedy(format!("ALTER ROLE {role} LOGIN")));
    }
    if expired {
        return Err(Failure::declined(format!(
            "the role {name:?} has expired (VALID UNTIL), so no password signs in as it"
        ))
        .with_remedy(format!("ALTER ROLE {role} VALID UNTIL 'infinity', or until later")));
    }
    Ok(())
}

pub(crate) fn alter(username: &str) -> Result<Statement, Failure> {
    let before = format!("ALTER ROLE {} PASSWORD", identifier(username)?);
    Ok(Statement { before, after: String::new() })
}
