//! The installed plugins, loaded once, and each in its sandbox for the time of one step.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::{Instance, Resource};
use zeroize::Zeroize;

#[cfg(feature = "cli")]
use super::assessing;
use super::bindings::windlass::plugin::credentials as wire;
use super::call::{CallState, LastWords, ResolvedNames, Returned, run};
use super::choice::{choose, installed};
use super::vetting::Vetting;
use super::{Engine, Loaded, PluginError, limits};
use crate::grants::{Decision, GrantPattern, Granted, Grants, Request, SecretPlace};
use crate::imports::network::Endpoint;
use crate::network::{Patience, Tls};
use crate::redact::{Redactor, WITHHELD};
#[cfg(feature = "cli")]
use crate::rotation::{Assessment, Planned};
use crate::rotation::{
    CallError, Catalog, Change, Choice, Description, Failure, FailureKind, Login, Place, Proof,
    Service, TlsMode,
};
use crate::secret::Secret;

/// What every call's sandbox is made from.
#[derive(Debug, Clone)]
pub struct Sandbox {
    /// What the operator granted to plugins that have no grants of their own.
    pub granted: Granted,
    /// What the operator asks of plugins, and their own grants.
    pub vetting: Vetting,
    /// TLS, with its roots.
    pub tls: Tls,
    /// Where the Lambda runtime API listens.
    pub runtime_api: Vec<std::net::SocketAddr>,
    /// Whether this is Lambda.
    pub on_lambda: bool,
}

impl Sandbox {
    fn granted_to(&self, plugin: &str) -> Granted {
        let own = self.vetting.plugins.get(plugin).and_then(|policy| policy.grants.clone());
        own.map_or_else(|| self.granted.clone(), Granted::Only)
    }
}

/// The installed plugins for the time of one step.
#[derive(Clone)]
pub struct InstalledPlugins {
    plugins: Arc<[Arc<Loaded>]>,
    folders: Arc<[PathBuf]>,
    sandbox: Arc<Sandbox>,
    names: Arc<ResolvedNames>,
    redactor: Arc<Redactor>,
    patience: Patience,
}

impl InstalledPlugins {
    /// Loads every `*.cwasm` file of the folders. Folders that do not exist are passed over.
    ///
    /// # Errors
    /// The first plugin that can't be loaded: a rotation must not quietly go to another one.
    pub async fn load(
        engine: &Engine,
        folders: &[PathBuf],
        sandbox: Sandbox,
    ) -> Result<Self, PluginError> {
        sandbox.vetting.warn_of_claims();
        let mut plugins = Vec::new();
        for folder in folders {
            for file in compiled_files(folder)? {
                plugins.push(Loaded::from_file(engine, &file, &sandbox.vetting).await?);
            }
        }
        Self::of(plugins, folders.to_vec(), sandbox)
    }

    /// These plugins.
    ///
    /// # Errors
    /// If two have the same name, or the operator speaks of one that is not among them.
    pub fn of(
        plugins: Vec<Arc<Loaded>>,
        folders: Vec<PathBuf>,
        sandbox: Sandbox,
    ) -> Result<Self, PluginError> {
        for (index, plugin) in plugins.iter().enumerate() {
            let name = &plugin.description.name;
            if let Some(other) = plugins.iter().take(index).find(|p| p.description.name == *name) {
                return Err(PluginError::SameName {
                    name: name.clone(),
                    first: other.path.clone(),
                    second: plugin.path.clone(),
                });
            }
        }
        let names: Vec<_> = plugins.iter().map(|plugin| plugin.description.name.as_str()).collect();
        let missing = sandbox.vetting.missing(&names).map(str::to_owned);
        let installed = Self {
            plugins: plugins.into(),
            folders: folders.into(),
            sandbox: Arc::new(sandbox),
            names: Arc::default(),
            redactor: Arc::default(),
            patience: Patience::default(),
        };
        match missing {
            None => Ok(installed),
            Some(name) => Err(PluginError::PolicyOfNone { name, installed: installed.installed() }),
        }
    }

    /// The same plugins for another step, which resolves names anew, has its own time and its own
    /// secrets.
    #[must_use]
    pub(crate) fn for_step(&self, patience: Patience, redactor: Arc<Redactor>) -> Self {
        Self { names: Arc::default(), patience, redactor, ..self.clone() }
    }

    fn service(&self, plugin: &Arc<Loaded>, engine: &str) -> PluginService {
        PluginService {
            plugin: Arc::clone(plugin),
            description: Arc::clone(plugin.description_for(engine)),
            grants: Arc::new(Grants {
                asked: plugin.asks_for.clone(),
                granted: self.sandbox.granted_to(&plugin.description.name),
                runtime_api: self.sandbox.runtime_api.clone(),
                on_lambda: self.sandbox.on_lambda,
            }),
            tls: self.sandbox.tls.clone(),
            names: Arc::clone(&self.names),
            redactor: Arc::clone(&self.redactor),
            patience: self.patience,
        }
    }

    fn installed(&self) -> String {
        installed(&self.each())
    }

    fn each(&self) -> Vec<&Description> {
        self.plugins.iter().map(|plugin| plugin.description.as_ref()).collect()
    }
}

impl Catalog for InstalledPlugins {
    type Service = PluginService;

    fn find(&self, engine: &str, choice: Choice<'_>) -> Result<PluginService, PluginError> {
        if self.plugins.is_empty() {
            return Err(PluginError::NoneInstalled { folders: self.folders.to_vec() });
        }
        let chosen = choose(&self.each(), engine, choice)?;
        let plugin = self.plugins.get(chosen);
        let plugin = plugin.ok_or_else(|| PluginError::Engine("no such plugin".to_owned()))?;
        Ok(self.service(plugin, engine))
    }

    fn descriptions(&self) -> impl Iterator<Item = &Description> {
        self.plugins.iter().flat_map(|plugin| plugin.descriptions.iter().map(AsRef::as_ref))
    }
}

fn compiled_files(folder: &Path) -> Result<Vec<PathBuf>, PluginError> {
    let failed = |source| PluginError::Folder { path: folder.to_owned(), source };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "cwasm") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// A plugin in its sandbox, for one step.
pub struct PluginService {
    plugin: Arc<Loaded>,
    description: Arc<Description>,
    grants: Arc<Grants>,
    tls: Tls,
    names: Arc<ResolvedNames>,
    redactor: Arc<Redactor>,
    patience: Patience,
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
        ) -> wasmtime::Result<Result<T, wire::Failure>>,
    ) -> Result<T, CallError> {
        // The step has learnt them when it read them; what a plugin is handed must be known.
        secrets.iter().for_each(|secret| self.redactor.learn(secret));
        let redactor = &self.redactor;
        let name = &self.plugin.description.name;
        let state = CallState::new(
            name,
            Arc::clone(&self.grants),
            (self.tls.clone(), self.patience),
            secret_place(login),
            Arc::clone(&self.names),
            Arc::clone(redactor),
        );
        let plugin = &self.plugin;
        let Returned { answer, denied, last_words, tls_begun, tls_up } =
            run(&plugin.engine, &plugin.pre, state, name, operation, redactor, body).await?;
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
        let Place { host, port } = &login.place;
        let secret = secret_place(login);
        let request = Request { host, port: *port, secret: &secret };
        // A name is not resolved here; an address is all that it could be.
        let address: Vec<IpAddr> = host.parse().into_iter().collect();
        let failed = |kind, message| {
            let (code, remedy) = (String::new(), String::new());
            Err(CallError::Failed(Failure { kind, code, message, remedy }))
        };
        // A plugin that asks for more may do without the secret's own place.
        let own = GrantPattern::of_secret();
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
            let request = Wiped(wire::ChangeRequest {
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
    let message = "the plugin says that the sign-in worked, but it had no TLS, which it was asked for \
                   because an administrator acts on this sign-in";
    let message = message.to_owned();
    Failure { kind: FailureKind::Protocol, code: String::new(), message, remedy: String::new() }
}

/// What is handed to a plugin, wiped however the call ends, a call that is given up included.
pub(super) struct Wiped<T: Wipe>(pub(super) T);

impl<T: Wipe> Drop for Wiped<T> {
    fn drop(&mut self) {
        self.0.wipe();
    }
}

pub(super) trait Wipe {
    /// Overwrites every password.
    fn wipe(&mut self);
}

impl Wipe for wire::Login {
    fn wipe(&mut self) {
        self.password.zeroize();
    }
}

impl Wipe for wire::ChangeRequest {
    fn wipe(&mut self) {
        self.actor.wipe();
        self.new_password.zeroize();
        self.old_password.zeroize();
    }
}

/// A login as the plugin gets it, with a handle for its place.
pub(super) fn hand_over(
    store: &mut Store<CallState>,
    login: &Login,
) -> wasmtime::Result<wire::Login> {
    let server: Resource<Endpoint> =
        store.data_mut().table.push(Endpoint { place: login.place.clone() })?;
    Ok(wire::Login {
        server,
        username: login.username.clone(),
        password: login.password.reveal().to_owned(),
        database: login.database.clone(),
        tls: match login.tls {
            // A plugin never decides: what the secret does not say is required of it.
            TlsMode::Required | TlsMode::Unsaid => wire::TlsMode::Required,
            TlsMode::Disabled => wire::TlsMode::Disabled,
        },
        proof: match login.proof {
            Proof::Accepted => wire::Proof::Accepted,
            Proof::Mutual => wire::Proof::Mutual,
        },
        fields: login
            .fields
            .iter()
            .map(|(name, value)| wire::Field { name: name.clone(), value: value.clone() })
            .collect(),
    })
}

fn scrubbed(failure: &wire::Failure, redactor: &Redactor) -> Failure {
    Failure {
        kind: match failure.kind {
            wire::FailureKind::Refused => FailureKind::Refused,
            wire::FailureKind::Unreachable => FailureKind::Unreachable,
            wire::FailureKind::NoTls => FailureKind::NoTls,
            wire::FailureKind::TlsFailed => FailureKind::TlsFailed,
            wire::FailureKind::Unproven => FailureKind::Unproven,
            wire::FailureKind::Declined => FailureKind::Declined,
            wire::FailureKind::Protocol => FailureKind::Protocol,
            wire::FailureKind::Unsupported => FailureKind::Unsupported,
            wire::FailureKind::InvalidSecret => FailureKind::InvalidSecret,
            wire::FailureKind::PasswordRejected => FailureKind::PasswordRejected,
            wire::FailureKind::TextRequired => FailureKind::TextRequired,
            wire::FailureKind::NotAPair => FailureKind::NotAPair,
        },
        code: or_nothing(&failure.code, limits::CODE_BYTES, redactor),
        message: redactor.scrub(&failure.message, limits::MESSAGE_BYTES),
        remedy: or_nothing(&failure.remedy, limits::REMEDY_BYTES, redactor),
    }
}

/// A text that says nothing where it is withheld: the message says that already.
fn or_nothing(text: &str, limit: usize, redactor: &Redactor) -> String {
    let told = redactor.scrub(text, limit);
    if told.starts_with("[withheld") { String::new() } else { told }
}

/// A failure with what the host itself says of the network: where the plugin could not know of it, and
/// where a password is too short for the plugin's words to be told.
fn with_last_words(failure: Failure, words: Option<LastWords>, redactor: &Redactor) -> Failure {
    let withheld = failure.message == WITHHELD;
    let of_network = matches!(failure.kind, FailureKind::Unreachable | FailureKind::TlsFailed);
    let Some(words) = words.filter(|words| of_network && (withheld || !words.plugin_knows)) else {
        return failure;
    };
    let text = if withheld {
        words.text
    } else {
        // Masked as the rest is: a word that is missing there and stands here would be a password.
        redactor.scrub(&words.text, limits::MESSAGE_BYTES)
    };
    Failure { message: format!("{}; {text}", failure.message), ..failure }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rotation::SecretRef;

    fn last_words(
        kind: FailureKind,
        message: &str,
        plugin_knows: bool,
        redactor: &Redactor,
    ) -> String {
        let failure = Failure {
            kind,
            code: String::new(),
            remedy: String::new(),
            message: redactor.scrub(message, limits::MESSAGE_BYTES),
        };
        let words = LastWords { text: "nothing listens there".to_owned(), plugin_knows };
        with_last_words(failure, Some(words), redactor).message
    }

    #[test]
    fn the_hosts_own_words_are_told_where_the_plugins_can_not_be_or_lack_them() {
        use FailureKind::{Protocol, Unreachable};
        let plain = Redactor::default();
        let short = Redactor::default();
        short.learn(&Secret::new("ing".into()));
        let of_host = format!("{WITHHELD}; nothing listens there");
        for (redactor, kind, message, knows, expected) in [
            (&plain, Unreachable, "signing in: refused", true, "signing in: refused"),
            (&plain, Unreachable, "closed", false, "closed; nothing listens there"),
            (&plain, Protocol, "closed", false, "closed"),
            (&short, Unreachable, "signing in: refused", true, of_host.as_str()),
            (&short, Protocol, "signing in: refused", true, WITHHELD),
            (&short, Unreachable, "refused", true, "refused"),
        ] {
            assert_eq!(last_words(kind, message, knows, redactor), expected, "{message}");
        }
        let masking = Redactor::default();
        masking.learn(&Secret::new("listens".into()));
        let told = last_words(Unreachable, "it listens", false, &masking);
        assert_eq!(told, "it [redacted]; nothing [redacted] there");
    }

    #[test]
    fn a_proof_by_certificate_counts_where_the_host_has_seen_one() {
        for (proof, tls, tls_up, expected) in [
            (Proof::Mutual, TlsMode::Required, false, false),
            (Proof::Mutual, TlsMode::Unsaid, false, false),
            (Proof::Mutual, TlsMode::Required, true, true),
            (Proof::Mutual, TlsMode::Disabled, false, true),
            (Proof::Accepted, TlsMode::Required, false, true),
        ] {
            let login = Login {
                secret: SecretRef { id: "app".into(), rotated: false },
                place: Place { host: "db".into(), port: 1 },
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
