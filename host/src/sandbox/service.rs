//! A plugin in its sandbox, for the time of one step: the rotation's port `Service`.

use std::net::IpAddr;
use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::Instance;

#[cfg(feature = "cli")]
use super::assessing;
use super::bindings::windlass::plugin::credentials as wit;
use super::border::{Wiped, hand_over, scrubbed, with_last_words};
use super::call::{CallState, Returned, run};
use super::egress::{Reach, ResolvedNames};
use super::load::Loaded;
use crate::grants::{Decision, GrantPattern, Grants, Request, SecretPlace};
use crate::host_port::HostPort;
use crate::network::{Deadline, Tls};
use crate::redact::Redactor;
#[cfg(feature = "cli")]
use crate::rotation::ports::{Assessment, Planned};
use crate::rotation::ports::{
    CallError, Change, Description, Failure, FailureKind, Login, PluginFault, Proof, Service,
    TlsMode,
};
use crate::secret::Secret;

/// A plugin in its sandbox, for one step.
pub struct PluginService {
    pub(super) plugin: Arc<Loaded>,
    pub(super) description: Arc<Description>,
    pub(super) grants: Arc<Grants>,
    pub(super) tls: Tls,
    pub(super) names: Arc<ResolvedNames>,
    pub(super) redactor: Arc<Redactor>,
    pub(super) deadline: Deadline,
}

impl PluginService {
    async fn call<T>(
        &self,
        operation: &'static str,
        login: &Login,
        secrets: &[&Secret],
        body: impl AsyncFnOnce(
            &mut Store<CallState>,
            &Instance,
        ) -> wasmtime::Result<Result<T, wit::Failure>>,
    ) -> Result<T, CallError> {
        // The step has learnt them when it read them; what a plugin is handed must be known.
        secrets.iter().for_each(|secret| self.redactor.learn(secret));
        let redactor = &self.redactor;
        let name = &self.plugin.description.name;
        let state = CallState::new(
            name,
            Reach {
                grants: Arc::clone(&self.grants),
                tls: self.tls.clone(),
                deadline: self.deadline,
                secret: secret_place(login),
                names: Arc::clone(&self.names),
            },
            Arc::clone(redactor),
        );
        let plugin = &self.plugin;
        let Returned { answer, denied, last_words, tls_begun, tls_up } =
            run(&plugin.runtime, &plugin.pre, state, name, operation, redactor, body)
                .await
                .map_err(PluginFault::from)?;
        if answer.is_ok() && !is_proof(login, tls_up) {
            return Err(CallError::Failed(without_tls()));
        }
        answer.map_err(|failure| {
            let failure = with_last_words(scrubbed(&failure, redactor), last_words, redactor);
            CallError::Failed(match denied {
                // Whoever reads this has to grant something or to mistrust the plugin; the host
                // says which place it was.
                Some(message) if failure.kind == FailureKind::Declined => Failure {
                    kind: FailureKind::NotGranted,
                    code: String::new(),
                    message,
                    remedy: String::new(),
                },
                // The compatible mode goes on without TLS where the server has none, and nowhere
                // else. That a handshake was begun is known here, whatever the plugin makes of it.
                _ if failure.kind == FailureKind::NoTls && tls_begun => {
                    Failure { kind: FailureKind::TlsFailed, ..failure }
                }
                _ => failure,
            })
        })
    }
}

impl Service for PluginService {
    fn description(&self) -> &Description {
        &self.description
    }

    fn foresee(&self, login: &Login) -> Result<(), CallError> {
        let HostPort { host, port } = &login.place;
        let secret = secret_place(login);
        let request = Request { host, port: *port, secret: &secret };
        // A name is not resolved here; an address is all that it could be.
        let address: Vec<IpAddr> = host.parse().into_iter().collect();
        let failed = |kind, message| {
            let (code, remedy) = (String::new(), String::new());
            Err(CallError::Failed(Failure { kind, code, message, remedy }))
        };
        // A plugin that asks for more may do without the secret's own place.
        let own = GrantPattern::for_secret();
        let no_other = self.grants.asked.iter().all(|asked| *asked == own);
        match self.grants.decide(&request, &address) {
            Decision::Deny(reason) if no_other => {
                let why = reason.explanation();
                let message = format!("connecting to {} is not allowed: {why}", login.place);
                return failed(FailureKind::NotGranted, message);
            }
            Decision::Allow(_) | Decision::Deny(_) => {}
        }
        match self.tls.foresee() {
            Err(message) if login.tls != TlsMode::Disabled => {
                failed(FailureKind::TlsFailed, message)
            }
            _ => Ok(()),
        }
    }

    async fn verify(&self, login: &Login) -> Result<(), CallError> {
        let secrets = [&login.password];
        self.call("verify", login, &secrets, async |store, instance| {
            let plugin = self.plugin.exports.load(&mut *store, instance)?;
            let login = Wiped(hand_over(store, login)?);
            plugin.windlass_plugin_password().call_verify(store, &login.0).await
        })
        .await
    }

    async fn change(&self, change: &Change<'_>) -> Result<(), CallError> {
        let mut secrets = vec![&change.actor.password, change.new_password];
        secrets.extend(change.old_password);
        self.call("change", change.actor, &secrets, async |store, instance| {
            let plugin = self.plugin.exports.load(&mut *store, instance)?;
            let request = Wiped(wit::ChangeRequest {
                actor: hand_over(store, change.actor)?,
                username: change.username.to_owned(),
                new_password: change.new_password.reveal().to_owned(),
                old_password: change.old_password.map(|old| old.reveal().to_owned()),
                clone_of: change.clone_of.map(str::to_owned),
                keep_old_valid: change.keep_old_valid,
                may_send_text: change.may_send_text,
            });
            plugin.windlass_plugin_password().call_change(store, &request.0).await
        })
        .await
    }

    #[cfg(feature = "cli")]
    async fn assess(&self, planned: &Planned<'_>) -> Result<Option<Assessment>, CallError> {
        let Some(exports) = &self.plugin.assessor else { return Ok(None) };
        let secrets = [&planned.actor.password];
        let found = self.call("assess", planned.actor, &secrets, async |store, instance| {
            let plugin = exports.load(&mut *store, instance)?;
            let request = assessing::request(store, planned)?;
            plugin.windlass_plugin_assessment().call_assess(store, &request.0).await
        });
        Ok(Some(assessing::scrubbed(found.await?, &self.redactor)))
    }

    #[cfg(feature = "cli")]
    async fn mark_pair(&self, planned: &Planned<'_>) -> Result<Option<()>, CallError> {
        let Some(exports) = &self.plugin.assessor else { return Ok(None) };
        let secrets = [&planned.actor.password];
        let marked = self.call("mark-pair", planned.actor, &secrets, async |store, instance| {
            let plugin = exports.load(&mut *store, instance)?;
            let request = assessing::request(store, planned)?;
            plugin.windlass_plugin_assessment().call_mark_pair(store, &request.0).await
        });
        marked.await.map(Some)
    }
}

/// What a grant may name of the secret that signs in.
fn secret_place(login: &Login) -> SecretPlace {
    SecretPlace {
        host: login.place.host.clone(),
        port: login.place.port,
        fields: login.named_places.clone(),
    }
}

/// Whether a sign-in that worked proves what it has to. Where a certificate is to be the proof, the host
/// knows whether it has seen one; what a method proves without TLS, the plugin alone knows.
fn is_proof(login: &Login, tls_up: bool) -> bool {
    login.proof == Proof::Accepted || login.tls == TlsMode::Disabled || tls_up
}

/// What a plugin did that forgot TLS, or never connected.
fn without_tls() -> Failure {
    let message = "the plugin reported a sign-in without TLS, which is required because an \
                   administrator's change depends on it";
    let message = message.to_owned();
    Failure { kind: FailureKind::Protocol, code: String::new(), message, remedy: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rotation::ports::SecretRef;

    #[test]
    fn a_proof_by_certificate_counts_where_the_host_has_seen_one() {
        for (proof, tls, tls_up, expected) in [
            (Proof::Mutual, TlsMode::Required, false, false),
            (Proof::Mutual, TlsMode::Unspecified, false, false),
            (Proof::Mutual, TlsMode::Required, true, true),
            (Proof::Mutual, TlsMode::Disabled, false, true),
            (Proof::Accepted, TlsMode::Required, false, true),
        ] {
            let login = Login {
                secret: SecretRef { id: "app".into(), rotated: false },
                place: HostPort { host: "db".into(), port: 1 },
                username: "app".into(),
                password: Secret::new("made up".into()),
                database: None,
                tls,
                proof,
                fields: Vec::new(),
                named_places: Vec::new(),
            };
            assert_eq!(is_proof(&login, tls_up), expected, "{proof:?} {tls:?} {tls_up}");
        }
    }
}
