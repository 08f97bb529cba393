//! From an event to the step that it names, with the parts that the step may use.

use super::admin::AdminSecrets;
use super::change::PasswordChanges;
use super::error::Error;
use super::event::{RotationEvent, Step};
use super::failed_sign_ins::SignIns;
use super::labels::Labels;
use super::outcome::Outcome;
use super::password::PasswordRequests;
use super::plan::Invoker;
use super::ports::{Catalog, Inventory, SecretStore};
use super::progress::Progress;
use super::reading::Reader;
use super::selection::Selection;
use super::settings::Settings;
use super::sign_in::SignIn;
use super::steps::{CreateStep, FinishStep, NewVersions, SetStep, TestStep};

/// What rotations are run with.
pub struct Rotation<'a, S, C, I> {
    /// Where the secrets are.
    pub store: &'a S,
    /// The installed plugins.
    pub catalog: &'a C,
    /// What AWS reports about its databases.
    pub inventory: &'a I,
    /// What the operator configured.
    pub settings: &'a Settings,
    /// What is being done right now, for the error that reports a lack of time.
    pub progress: &'a Progress,
    /// The failed sign-ins of this process.
    pub sign_ins: &'a SignIns,
    /// What passwords this process asked for, by secret.
    pub requests: &'a PasswordRequests,
}

impl<'a, S: SecretStore, C: Catalog, I: Inventory> Rotation<'a, S, C, I> {
    /// Runs one step.
    ///
    /// # Errors
    /// What stopped it. Running the step again, with the same event, is always safe.
    pub async fn run(&self, event: &RotationEvent, invoker: Invoker) -> Result<Outcome, Error> {
        match event.step {
            Step::Create => self.create_step().run(event, invoker).await,
            Step::Set => self.set_step().run(event, invoker).await,
            Step::Test => self.test_step().run(event, invoker).await,
            Step::Finish => self.finish_step().run(event, invoker).await,
        }
    }

    fn create_step(&self) -> CreateStep<'a, S, C, I> {
        CreateStep {
            reader: self.reader(),
            catalog: self.catalog,
            settings: self.settings,
            selection: self.selection(),
            admins: self.admins(),
            sign_in: self.sign_in(),
            versions: NewVersions { store: self.store, progress: self.progress },
            requests: self.requests,
        }
    }

    fn set_step(&self) -> SetStep<'a, S, C, I> {
        SetStep {
            reader: self.reader(),
            selection: self.selection(),
            sign_in: self.sign_in(),
            changes: self.changes(),
            labels: self.labels(),
        }
    }

    fn test_step(&self) -> TestStep<'a, S, C, I> {
        TestStep {
            reader: self.reader(),
            selection: self.selection(),
            admins: self.admins(),
            sign_in: self.sign_in(),
            progress: self.progress,
        }
    }

    fn finish_step(&self) -> FinishStep<'a, S, C> {
        FinishStep {
            reader: self.reader(),
            selection: self.selection(),
            sign_in: self.sign_in(),
            labels: self.labels(),
        }
    }

    pub(super) fn reader(&self) -> Reader<'a, S> {
        Reader::new(self.store, self.progress)
    }

    pub(super) fn selection(&self) -> Selection<'a, C> {
        Selection::new(self.catalog, self.settings)
    }

    pub(super) fn admins(&self) -> AdminSecrets<'a, S, I> {
        AdminSecrets { reader: self.reader(), inventory: self.inventory, progress: self.progress }
    }

    pub(super) fn sign_in(&self) -> SignIn<'a> {
        SignIn::new(self.sign_ins, self.settings.tls_policy, self.progress)
    }

    pub(super) fn changes(&self) -> PasswordChanges<'a, S, I> {
        PasswordChanges { sign_in: self.sign_in(), admins: self.admins() }
    }

    pub(super) fn labels(&self) -> Labels<'a, S> {
        Labels::new(self.store, self.progress)
    }
}
