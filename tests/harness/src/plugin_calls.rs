//! A plugin's calls to a real server, natively, over TLS as the host would make them: what the tests of
//! every plugin with a real server share.

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Mutex;

use windlass_sdk::{
    Assess, AssessRequest, Assessment, ChangeRequest, Failure, Login, Plugin, Proof, TlsMode,
};

use crate::sync::lock;
use crate::{Cut, dial};

/// The calls of plugin `P` to the server at a port of 127.0.0.1.
pub struct PluginCalls<P> {
    port: u16,
    authority: PathBuf,
    cut: Mutex<Option<Cut>>,
    plugin: PhantomData<fn() -> P>,
}

impl<P> fmt::Debug for PluginCalls<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginCalls").field("port", &self.port).finish_non_exhaustive()
    }
}

impl<P: Plugin> PluginCalls<P> {
    /// Calls to this port, of which `authority` signed the certificate.
    #[must_use]
    pub fn new(port: u16, authority: PathBuf) -> Self {
        Self { port, authority, cut: Mutex::default(), plugin: PhantomData }
    }

    /// A sign-in with TLS.
    pub fn login(&self, user: &str, password: &str) -> Login {
        Login {
            server: dial(self.port, &self.authority, *lock(&self.cut)),
            username: user.into(),
            password: password.into(),
            database: None,
            tls: TlsMode::Required,
            proof: Proof::Accepted,
            fields: Vec::new(),
        }
    }

    /// The plugin's `verify`.
    ///
    /// # Errors
    /// The plugin's.
    pub fn verify(&self, user: &str, password: &str) -> Result<(), Failure> {
        P::verify(&self.login(user, password))
    }

    /// The plugin's `change`, with what `adjust` makes of the request.
    ///
    /// # Errors
    /// The plugin's.
    pub fn change(
        &self,
        actor: Login,
        user: &str,
        new_password: &str,
        adjust: impl FnOnce(&mut ChangeRequest),
    ) -> Result<(), Failure> {
        let mut request = ChangeRequest {
            actor,
            username: user.into(),
            new_password: new_password.into(),
            old_password: None,
            clone_of: None,
            keep_old_valid: false,
            may_send_text: false,
        };
        adjust(&mut request);
        P::change(&request)
    }

    /// Runs `call` with its connections cut.
    pub fn cutting<T>(&self, cut: Cut, call: impl FnOnce() -> T) -> T {
        *lock(&self.cut) = Some(cut);
        let outcome = call();
        *lock(&self.cut) = None;
        outcome
    }
}

impl<P: Assess> PluginCalls<P> {
    /// The plugin's `assess`.
    ///
    /// # Errors
    /// The plugin's.
    pub fn assess(
        &self,
        actor: Login,
        user: &str,
        clone_of: Option<&str>,
    ) -> Result<Assessment, Failure> {
        P::assess(&about(actor, user, clone_of))
    }

    /// The plugin's `mark_pair`.
    ///
    /// # Errors
    /// The plugin's.
    pub fn mark_pair(&self, actor: Login, user: &str, clone_of: &str) -> Result<(), Failure> {
        P::mark_pair(&about(actor, user, Some(clone_of)))
    }
}

fn about(actor: Login, user: &str, clone_of: Option<&str>) -> AssessRequest {
    AssessRequest { actor, username: user.into(), clone_of: clone_of.map(str::to_owned) }
}
