//! Every sign-in of a rotation passes here, whether it verifies or changes a password.
//!
//! In this order: the account was not refused too often already; the sign-in, with TLS unless the
//! secret says `"ssl": false` and the operator did not forbid that; where the server says that it
//! has no TLS, the secret says nothing about it and the operator chose the compatible mode, once more
//! without; the answer is noted. Every sign-in without TLS is logged and counted. A refused password
//! never leads to a second sign-in, nor does a handshake that failed: a bad certificate is no lack
//! of TLS.

use super::answer::is_refusal;
use super::credential::Credential;
use super::error::Error;
use super::failed_sign_ins::SignIns;
#[cfg(feature = "cli")]
use super::ports::{Assessment, Planned};
use super::ports::{CallError, Change, FailureKind, Login, Service, TlsMode};
use super::progress::Progress;
use super::send_text::with_remedy;
use super::service_error::ServiceError;
use super::settings::TlsPolicy;
use super::traces::Traces;
use crate::host_port::HostPort;
use crate::metrics::{self, Metric};

/// The way to a service, within what its accounts can bear and the operator permits.
#[derive(Clone, Copy)]
pub(super) struct SignIn<'a> {
    sign_ins: &'a SignIns,
    tls_policy: TlsPolicy,
    progress: &'a Progress,
}

impl<'a> SignIn<'a> {
    /// Counts refusals in `sign_ins`.
    pub(super) fn new(
        sign_ins: &'a SignIns,
        tls_policy: TlsPolicy,
        progress: &'a Progress,
    ) -> Self {
        Self { sign_ins, tls_policy, progress }
    }

    /// Which passwords this process saw refused and accepted.
    pub(super) fn traces(&self) -> &'a Traces {
        &self.sign_ins.traces
    }

    /// Signs in; a failure says as whom and where.
    pub(super) async fn verify(
        &self,
        service: &impl Service,
        login: &Login,
        with: &Credential,
    ) -> Result<(), Error> {
        let mut attempt = format!("signing in as `{}` with {with}", login.username);
        attempt.push_str(self.overruled(login));
        let login = &self.in_force(login);
        self.begin(login, &attempt)?;
        let mut answer = service.verify(login).await;
        if let Some(login) = self.without_tls(login, &answer) {
            answer = service.verify(&login).await;
        }
        self.end(login, attempt, answer)
    }

    /// Makes a change; a failure says whose, as whom and where.
    pub(super) async fn change(
        &self,
        service: &impl Service,
        change: &Change<'_>,
        with: &Credential,
    ) -> Result<(), Error> {
        let mut attempt = format!(
            "changing the password of `{}`, signing in as `{}` with {with}",
            change.username, change.actor.username
        );
        attempt.push_str(self.overruled(change.actor));
        let allowed = change.may_send_text;
        let actor = &self.in_force(change.actor);
        self.begin(actor, &attempt)?;
        let mut answer = service.change(&over_tls_alone(change, actor)).await;
        let mut tls = actor.tls;
        if let Some(in_clear) = self.without_tls(actor, &answer) {
            answer = service.change(&over_tls_alone(change, &in_clear)).await;
            tls = in_clear.tls;
        }
        self.end(actor, attempt, answer.map_err(|error| of_text(error, tls, allowed)))
    }

    /// Looks at what a change would meet; a failure says as whom and where. `None`: the plugin can't.
    #[cfg(feature = "cli")]
    pub(super) async fn assess(
        &self,
        service: &impl Service,
        planned: &Planned<'_>,
    ) -> Result<Option<Assessment>, Error> {
        let attempt = format!("looking at `{}`", planned.username);
        self.by_admin(planned, attempt, async |planned| service.assess(planned).await).await
    }

    /// Marks two accounts as a pair; a failure says as whom and where. `None`: the plugin can't.
    #[cfg(feature = "cli")]
    pub(super) async fn mark_pair(
        &self,
        service: &impl Service,
        planned: &Planned<'_>,
    ) -> Result<Option<()>, Error> {
        let attempt = format!("marking `{}` as one of a pair", planned.username);
        self.by_admin(planned, attempt, async |planned| service.mark_pair(planned).await).await
    }

    /// What an administrator attempts that is no change. A closure: nobody needs its future to be `Send`,
    /// which the compiler can't show of one; so a rotation's own calls say the same order each.
    #[cfg(feature = "cli")]
    async fn by_admin<T>(
        &self,
        planned: &Planned<'_>,
        attempt: String,
        call: impl AsyncFn(&Planned<'_>) -> Result<T, CallError>,
    ) -> Result<T, Error> {
        let attempt = format!(
            "{attempt}, signing in as `{}` with {}{}",
            planned.actor.username,
            Credential::Admin,
            self.overruled(planned.actor)
        );
        let actor = &self.in_force(planned.actor);
        self.begin(actor, &attempt)?;
        let mut answer = call(&Planned { actor, ..*planned }).await;
        if let Some(actor) = self.without_tls(actor, &answer) {
            answer = call(&Planned { actor: &actor, ..*planned }).await;
        }
        self.end(actor, attempt, answer)
    }

    fn begin(&self, login: &Login, attempt: &str) -> Result<(), Error> {
        if let Some(exhausted) = self.sign_ins.exhausted(login) {
            let (username, place) = (login.username.clone(), login.place.clone());
            let last = self.sign_ins.last_answer(login).map(Box::new);
            return Err(ServiceError::TooManyRefusals { exhausted, username, place, last }.into());
        }
        if login.tls == TlsMode::Disabled {
            tracing::warn!(
                place = %login.place,
                username = login.username,
                secret = %login.secret.id,
                "signing in without TLS, as the secret says with \"ssl\": false; tls = \"always\" in \
                 windlass.toml forbids it to all secrets"
            );
            metrics::count(Metric::SignInsWithoutTls);
        }
        self.progress.note(format!("{attempt} at {}", login.place));
        Ok(())
    }

    /// The mode in which a sign-in is really made: what its secret says, within what the operator
    /// permits.
    pub(super) fn tls_in_force(&self, tls: TlsMode) -> TlsMode {
        match (self.tls_policy, tls) {
            (TlsPolicy::Always, _) | (TlsPolicy::Required, TlsMode::Unspecified) => {
                TlsMode::Required
            }
            (TlsPolicy::Required | TlsPolicy::Compatible, own) => own,
        }
    }

    /// What to say of a sign-in whose secret says that there is no TLS, where the operator's word is
    /// another.
    fn overruled(&self, login: &Login) -> &'static str {
        if login.tls == TlsMode::Disabled && self.tls_in_force(login.tls) != login.tls {
            " over TLS, which tls = \"always\" (WINDLASS_TLS) asks for although the secret says \
             \"ssl\": false,"
        } else {
            ""
        }
    }

    fn in_force(&self, login: &Login) -> Login {
        Login { tls: self.tls_in_force(login.tls), ..login.duplicate() }
    }

    /// The sign-in to try where the server has no TLS, if there is one.
    fn without_tls<T>(&self, login: &Login, answer: &Result<T, CallError>) -> Option<Login> {
        let Err(CallError::Failed(failure)) = answer else { return None };
        if failure.kind != FailureKind::NoTls || login.tls != TlsMode::Unspecified {
            return None;
        }
        tracing::warn!(
            place = %login.place,
            username = login.username,
            "signing in without TLS, as WINDLASS_TLS=compatible allows: {failure}; set \"ssl\": \
             true in the secret to forbid it, or false if the service is meant to have no TLS"
        );
        metrics::count(Metric::TlsDowngrades);
        metrics::count(Metric::SignInsWithoutTls);
        Some(login.in_clear())
    }

    fn end<T>(
        &self,
        login: &Login,
        attempt: String,
        answer: Result<T, CallError>,
    ) -> Result<T, Error> {
        self.sign_ins.note(login, &answer);
        answer.map_err(|error| {
            let error = call_failed(error, attempt, &login.place);
            if is_refusal(&error) {
                metrics::count(Metric::RefusedSignIns);
            }
            error
        })
    }
}

/// The change by this actor: the password goes as text inside TLS, or not at all.
fn over_tls_alone<'a>(change: &Change<'a>, actor: &'a Login) -> Change<'a> {
    let may_send_text = change.may_send_text && actor.tls != TlsMode::Disabled;
    Change { actor, may_send_text, ..*change }
}

/// Says how a password may be sent as text, where that is what a change lacked.
fn of_text(error: CallError, tls: TlsMode, allowed: bool) -> CallError {
    match error {
        CallError::Failed(failure) => CallError::Failed(with_remedy(failure, tls, allowed)),
        other => other,
    }
}

/// Puts a failed call into its context.
pub(super) fn call_failed(error: CallError, attempt: String, place: &HostPort) -> Error {
    match error {
        CallError::Failed(failure) => {
            let failure = Box::new(failure);
            ServiceError::Failed { attempt, place: place.clone(), failure }.into()
        }
        CallError::Plugin(error) => error.into(),
    }
}
