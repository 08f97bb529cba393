//! Secrets Manager in this process: the same contract, kept in one file or in memory.
//!
//! For development, for tests, and for one machine that rotates without AWS. **The state file holds
//! secret values in clear**, readable by its owner alone (mode 0600): there is no KMS here.
//!
//! What it guarantees:
//! 1. A call that fails changes nothing: changes are made to a working copy, which replaces the
//!    state when it is complete and on disk.
//! 2. A change that was acknowledged survives the death of the process; one that was not is there
//!    whole or not at all; `file.rs` has the rules.
//! 3. Several processes may use one file: each change is made under the file's lock to what the
//!    file holds at that moment, each read sees the last complete change.
//!
//! What is deliberately different from AWS:
//! - No identities: no IAM, no resource policies. `RotationToken` is checked for its form.
//! - No KMS: nothing is encrypted. Keys that can't be used are acted out by their names: `keys.rs`.
//! - No replication: what asks for it is refused.
//! - Consistent at once. AWS's labels may lag; a test of that has to delay answers itself.
//! - Nothing happens on a schedule: `RotationRules` are kept and reported, a rotation begins when
//!   RotateSecret is called. There is no `NextRotationDate` and no `LastAccessedDate`.
//! - `AWSCURRENT` can't be moved to a version without a value. What AWS does is not documented, and
//!   applications would read nothing.
//! - What AWS deletes some time after the recovery window is gone at its end.

mod adapter;
mod answers;
mod clear_text;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod crash;
mod error;
mod file;
mod keys;
mod labels;
mod limits;
mod listing;
mod moment;
mod password;
mod requests;
mod rotation;
mod secrets;
mod state;
mod stored_value;
mod values;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

pub use answers::{
    Deleted, Description, PutAnswer, RotationStart, RotationWork, SecretPage, Touched, ValueAnswer,
    VersionEntry, VersionPage,
};
pub use error::{Exception, ServiceError};
pub use file::StateFileError;
pub use moment::Moment;
pub use requests::{
    CreateSecret, Deletion, DeprecatedVersions, Filter, FilterKey, ListSecrets, ListVersionIds,
    Page, PlannedDeletion, PutSecretValue, RandomPassword, RotateMode, RotateSecret, RotationRules,
    RotationTarget, SortBy, SortOrder, Spaces, Tag, TemporaryValue, UpdateSecret,
    UpdateVersionStage,
};
pub use rotation::ROTATION_INCOMPLETE;
pub use stored_value::StoredValue;

use crate::rotation::ports::VersionSelector;
use crate::secret::Secret;
use file::{Origin, Reading, StateFile};
use moment::Clock;
use state::State;

/// Where the secrets of a new store are said to be: it shows in their ARNs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Such as `us-east-1`.
    pub region: String,
    /// Twelve digits.
    pub account: String,
}

impl Default for Identity {
    /// The account of AWS's own examples.
    fn default() -> Self {
        Self { region: "us-east-1".to_owned(), account: "123456789012".to_owned() }
    }
}

/// The embedded store. Clones share it.
#[derive(Clone)]
pub struct EmbeddedStore {
    shared: Arc<Shared>,
}

struct Shared {
    identity: Identity,
    file: Option<StateFile>,
    clock: Clock,
    live: Mutex<Live>,
}

/// The state as it was last seen, and the file that it was read from.
struct Live {
    state: State,
    origin: Option<Origin>,
}

/// Whether a change has to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Changed,
    Unchanged,
}

impl EmbeddedStore {
    /// A store without a file, gone with its last clone.
    pub fn in_memory() -> Self {
        Self::new(None, Identity::default(), Clock::System)
    }

    /// A store in a file, which is made by the first change if it is not there.
    ///
    /// # Errors
    /// If the file or its lock can't be opened, or the file is not understood.
    pub fn open(path: &Path) -> Result<Self, StateFileError> {
        Self::open_as(path, Identity::default())
    }

    /// As [`EmbeddedStore::open`]; a new store takes this identity, an old one keeps its own.
    ///
    /// # Errors
    /// As [`EmbeddedStore::open`].
    pub fn open_as(path: &Path, identity: Identity) -> Result<Self, StateFileError> {
        let file = StateFile::at(path)?;
        file.warn_if_exposed();
        let store = Self::new(Some(file), identity, Clock::System);
        store.shared.refresh(&mut store.shared.live())?;
        Ok(store)
    }

    fn new(file: Option<StateFile>, identity: Identity, clock: Clock) -> Self {
        let live = Mutex::new(Live { state: State::new(identity.clone()), origin: None });
        Self { shared: Arc::new(Shared { identity, file, clock, live }) }
    }

    fn is_in_memory(&self) -> bool {
        self.shared.file.is_none()
    }

    fn read<T>(
        &self,
        look: impl FnOnce(&State) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        let mut live = self.shared.live();
        self.shared.refresh(&mut live)?;
        live.state.purge(self.shared.clock.now());
        look(&live.state)
    }

    fn write<T>(
        &self,
        change: impl FnOnce(&mut State, Moment) -> Result<(T, Effect), ServiceError>,
    ) -> Result<T, ServiceError> {
        let mut live = self.shared.live();
        let lock = self.shared.file.as_ref().map(StateFile::lock).transpose()?;
        self.shared.refresh(&mut live)?;
        let now = self.shared.clock.now();
        let mut draft = live.state.clone();
        draft.purge(now);
        let (answer, effect) = change(&mut draft, now)?;
        if effect == Effect::Unchanged {
            return Ok(answer);
        }
        if let (Some(file), Some(lock)) = (&self.shared.file, &lock) {
            live.origin = Some(file.replace(lock, &draft)?);
        }
        live.state = draft;
        Ok(answer)
    }
}

impl Shared {
    fn live(&self) -> std::sync::MutexGuard<'_, Live> {
        // A panic cannot have left half a change: the state is replaced whole.
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what another process wrote.
    fn refresh(&self, live: &mut Live) -> Result<(), StateFileError> {
        let Some(file) = &self.file else { return Ok(()) };
        match file.read(live.origin.as_ref())? {
            Reading::Unchanged => {}
            Reading::Absent => {
                live.state = State::new(self.identity.clone());
                live.origin = None;
            }
            Reading::Fresh(state, origin) => {
                live.state = state;
                live.origin = Some(origin);
            }
        }
        Ok(())
    }
}

/// The actions, by the names that Secrets Manager gives them. All may block on the disk.
///
/// Their errors are Secrets Manager's: see [`Exception`].
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl EmbeddedStore {
    /// `CreateSecret`.
    pub fn create_secret(&self, request: CreateSecret) -> Result<Touched, ServiceError> {
        self.write(|state, now| secrets::create(state, request, now))
    }

    /// `UpdateSecret`.
    pub fn update_secret(&self, request: UpdateSecret) -> Result<Touched, ServiceError> {
        self.write(|state, now| secrets::update(state, request, now))
    }

    /// `DescribeSecret`, of a secret that is scheduled for deletion too.
    pub fn describe_secret(&self, id: &str) -> Result<Description, ServiceError> {
        self.read(|state| state.find(id).map(|(name, secret)| listing::describe(&name, secret)))
    }

    /// `ListSecrets`.
    pub fn list_secrets(&self, request: &ListSecrets) -> Result<SecretPage, ServiceError> {
        self.read(|state| listing::secrets(state, request))
    }

    /// `DeleteSecret`.
    pub fn delete_secret(&self, id: &str, deletion: Deletion) -> Result<Deleted, ServiceError> {
        self.write(|state, now| secrets::delete(state, id, deletion, now))
    }

    /// `RestoreSecret`.
    pub fn restore_secret(&self, id: &str) -> Result<Touched, ServiceError> {
        self.write(|state, _| secrets::restore(state, id))
    }

    /// `TagResource`.
    pub fn tag(&self, id: &str, tags: Vec<Tag>) -> Result<(), ServiceError> {
        self.write(|state, now| Ok(((), secrets::tag(state.live_mut(id)?.1, tags, now)?)))
    }

    /// Tags as AWS's own services put them on secrets that they manage. Nobody else can; a state
    /// file may have them.
    #[cfg(test)]
    pub(crate) fn tag_as_aws(&self, id: &str, tags: &[(&str, &str)]) {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let tagged = self.write(|state, _| {
            let kept = state.live_mut(id)?.1.tags.get_or_insert_default();
            kept.extend(tags.iter().map(own));
            Ok(((), Effect::Changed))
        });
        assert!(tagged.is_ok(), "the secret is there");
    }

    /// `UntagResource`.
    pub fn untag(&self, id: &str, keys: &[String]) -> Result<(), ServiceError> {
        self.write(|state, now| Ok(((), secrets::untag(state.live_mut(id)?.1, keys, now)?)))
    }

    /// `GetSecretValue`.
    pub fn secret_value(
        &self,
        id: &str,
        selector: &VersionSelector,
    ) -> Result<ValueAnswer, ServiceError> {
        self.read(|state| {
            let (name, secret) = state.live(id)?;
            values::read(&name, secret, selector)
        })
    }

    /// `PutSecretValue`.
    pub fn put_secret_value(&self, request: PutSecretValue) -> Result<PutAnswer, ServiceError> {
        let PutSecretValue { secret_id, token, value, stages, rotation_token } = request;
        let token = values::required_token(token.as_deref())?;
        rotation_token.as_ref().map_or(Ok(()), limits::rotation_token)?;
        self.write(|state, now| {
            let (name, secret) = state.live_mut(&secret_id)?;
            values::put(&name, secret, token, value, stages.as_deref(), now)
        })
    }

    /// `ListSecretVersionIds`, of a secret that is scheduled for deletion too.
    pub fn list_version_ids(&self, request: &ListVersionIds) -> Result<VersionPage, ServiceError> {
        self.read(|state| {
            let (name, secret) = state.find(&request.secret_id)?;
            listing::versions(&name, secret, request)
        })
    }

    /// `UpdateSecretVersionStage`.
    pub fn update_version_stage(
        &self,
        request: &UpdateVersionStage,
    ) -> Result<Touched, ServiceError> {
        self.write(|state, now| {
            let (name, secret) = state.live_mut(&request.secret_id)?;
            let effect = labels::update(secret, request, now)?;
            Ok((Touched { arn: secret.arn.clone(), name, version: None }, effect))
        })
    }

    /// `GetRandomPassword`.
    pub fn generate_password(&self, request: &RandomPassword) -> Result<Secret, ServiceError> {
        password::generate(request)
    }

    /// `RotateSecret`: registers the version that the steps are to fill. Running them is up to the
    /// caller.
    pub fn begin_rotation(&self, request: &RotateSecret) -> Result<RotationStart, ServiceError> {
        self.write(|state, now| rotation::begin(state, request, now))
    }

    /// The rotation that was begun and is not over, if there is one.
    pub fn unfinished_rotation(&self, id: &str) -> Result<Option<RotationStart>, ServiceError> {
        self.read(|state| {
            let (name, secret) = state.live(id)?;
            Ok(rotation::unfinished(name, secret))
        })
    }

    /// Every value of every version, to be kept out of texts that leave the process.
    pub(crate) fn all_values(&self) -> Result<Vec<Arc<StoredValue>>, ServiceError> {
        self.read(|state| {
            let versions = state.secrets.values().flat_map(|secret| &secret.versions);
            Ok(versions.filter_map(|version| version.value.clone()).collect())
        })
    }

    /// Removes the temporary version of a [`RotateMode::TestOnly`].
    pub fn end_test(&self, id: &str, token: &str) -> Result<(), ServiceError> {
        self.write(|state, now| Ok(((), rotation::end_test(state.live_mut(id)?.1, token, now))))
    }

    /// `CancelRotateSecret`.
    pub fn cancel_rotation(&self, id: &str) -> Result<Touched, ServiceError> {
        self.write(|state, now| {
            let (name, secret) = state.live_mut(id)?;
            rotation::cancel(name, secret, now)
        })
    }
}
