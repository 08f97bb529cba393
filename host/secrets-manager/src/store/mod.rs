//! The store: Secrets Manager's contract on an SQLite database or in memory.
//!
//! For development, for tests, and for one machine that rotates without AWS. **The file holds secret
//! values in clear**, readable by its owner alone (mode 0600): there is no KMS here. A value that was
//! replaced or deleted is overwritten, but may stand in the log beside the file until SQLite writes
//! over it.
//!
//! What it guarantees:
//! 1. A call that fails changes nothing: each call is one transaction.
//! 2. A change that was acknowledged survives the death of the process; one that was not is there
//!    whole or not at all. Several processes may use one file: [`database`] has the rules.
//! 3. A call costs what its own secret costs, however many secrets there are.
//!
//! What is deliberately different from AWS:
//! - No identities: no IAM; a resource policy is kept and refuses nobody. `RotationToken` is checked
//!   for its form.
//! - No KMS: nothing is encrypted. Keys that can't be used are acted out by their names: [`keys`].
//! - No replication: each region that is asked for is reported as failed.
//! - Consistent at once. AWS's labels may lag; a test of that has to delay answers itself.
//! - Nothing happens on a schedule: `RotationRules` are kept and reported, a rotation begins when
//!   RotateSecret is called. There is no `NextRotationDate` and no `LastAccessedDate`.
//! - `AWSCURRENT` can't be moved to a version without a value. What AWS does is not documented, and
//!   applications would read nothing.
//! - What AWS deletes some time after the recovery window is gone at its end.

mod answers;
mod batch;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod crash;
mod cursor;
mod database;
mod database_error;
mod error;
mod export;
#[cfg(test)]
mod files;
mod keys;
mod labels;
mod limits;
mod listing;
#[cfg(test)]
mod lists;
mod memory;
mod moment;
mod password;
mod policies;
mod recognize;
mod record;
mod records;
mod replication;
mod requests;
mod rotation;
mod secrets;
mod sqlite;
mod stored_value;
mod values;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::TransactionBehavior;
use secrecy::SecretString;

pub use answers::{
    BatchAnswer, BatchRefusal, Deleted, Description, PolicyAnswer, PutAnswer, RotationStart,
    RotationWork, SecretPage, Touched, ValueAnswer, VersionEntry, VersionPage,
};
pub use database_error::DatabaseError;
pub use error::{Exception, ServiceError};
pub use export::ExportedValues;
pub use moment::Moment;
pub use policies::PublicPolicies;
pub use replication::NOT_REPLICATED;
pub use requests::{
    BatchGet, BatchSelection, CreateSecret, Deletion, DeprecatedVersions, Filter, FilterKey,
    ListSecrets, ListVersionIds, Page, PlannedDeletion, PutSecretValue, RandomPassword,
    ReplicaRegion, RotateMode, RotateSecret, RotationRules, RotationTarget, SortBy, SortOrder,
    Spaces, Tag, TemporaryValue, UpdateSecret, UpdateVersionStage, VersionSelector,
};
pub use rotation::ROTATION_INCOMPLETE;
pub use stored_value::StoredValue;

use database::{Database, Opened};
use database_error::failed_sqlite;
use memory::Memory;
use moment::Clock;
use record::SecretRecord;
use records::Records;
use sqlite::Transacted;

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
    clock: Clock,
    in_memory: bool,
    place: Mutex<Place>,
}

/// Where the secrets are.
enum Place {
    Memory(Memory),
    File(Database),
}

/// Whether a change has to be committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Changed,
    Unchanged,
}

impl EmbeddedStore {
    /// A store without a file, gone with its last clone.
    pub fn in_memory() -> Self {
        Self::new(Place::Memory(Memory::new(Identity::default())), Clock::System)
    }

    /// A store in a file, which is made by the first change if it is not there.
    ///
    /// # Errors
    /// If the file can't be opened, or is no store.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        Self::open_as(path, Identity::default())
    }

    /// As [`EmbeddedStore::open`]; a new store takes this identity, an old one keeps its own.
    ///
    /// # Errors
    /// As [`EmbeddedStore::open`].
    pub fn open_as(path: &Path, identity: Identity) -> Result<Self, DatabaseError> {
        let mut database = Database::at(path, identity)?;
        database.existing()?;
        Ok(Self::new(Place::File(database), Clock::System))
    }

    fn new(place: Place, clock: Clock) -> Self {
        let in_memory = matches!(place, Place::Memory(_));
        Self { shared: Arc::new(Shared { clock, in_memory, place: Mutex::new(place) }) }
    }

    /// Whether no call waits for a disk.
    pub fn is_in_memory(&self) -> bool {
        self.shared.in_memory
    }

    fn read<T>(
        &self,
        look: impl FnOnce(&Records<'_>) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        let mut place = self.shared.place();
        let now = self.shared.clock.now();
        let database = match &mut *place {
            Place::Memory(memory) => return look(&Records::new(memory, now)),
            Place::File(database) => database,
        };
        let Some(Opened { connection, path }) = database.existing()? else {
            let nothing_yet = Memory::new(database.identity().clone());
            return look(&Records::new(&nothing_yet, now));
        };
        let transaction =
            connection.transaction().map_err(|error| failed_sqlite("read", path, error))?;
        look(&Records::new(&Transacted::new(&transaction, path), now))
    }

    fn write<T>(
        &self,
        change: impl FnOnce(&Records<'_>, Moment) -> Result<(T, Effect), ServiceError>,
    ) -> Result<T, ServiceError> {
        let mut place = self.shared.place();
        let now = self.shared.clock.now();
        let run = |records: Records<'_>| {
            records.purge()?;
            change(&records, now)
        };
        let database = match &mut *place {
            Place::Memory(memory) => {
                let draft = memory.clone();
                let (answer, effect) = run(Records::new(&draft, now))?;
                if effect == Effect::Changed {
                    *memory = draft;
                }
                return Ok(answer);
            }
            Place::File(database) => database,
        };
        let Opened { connection, path } = database.made()?;
        let failed = |error| failed_sqlite("write", path, error);
        // Dropped without a commit, it changes nothing.
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let (answer, effect) = run(Records::new(&Transacted::new(&transaction, path), now))?;
        if effect == Effect::Changed {
            transaction.commit().map_err(failed)?;
        }
        Ok(answer)
    }

    /// A change of one secret that is not scheduled for deletion.
    fn edit<T>(
        &self,
        id: &str,
        edit: impl FnOnce(&Records<'_>, &mut SecretRecord, Moment) -> Result<(T, Effect), ServiceError>,
    ) -> Result<T, ServiceError> {
        self.write(|records, now| {
            let mut secret = records.live(id)?;
            let (answer, effect) = edit(records, &mut secret, now)?;
            if effect == Effect::Changed {
                records.save(&secret)?;
            }
            Ok((answer, effect))
        })
    }
}

impl Shared {
    fn place(&self) -> MutexGuard<'_, Place> {
        // A panic cannot have left half a change: its transaction was rolled back.
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The actions, by the names that Secrets Manager gives them. All may block on the disk.
///
/// Their errors are Secrets Manager's: see [`Exception`].
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl EmbeddedStore {
    /// Which region and account stand in the ARNs.
    pub fn identity(&self) -> Result<Identity, ServiceError> {
        self.read(|records| records.identity())
    }

    /// `CreateSecret`.
    pub fn create_secret(&self, request: CreateSecret) -> Result<Touched, ServiceError> {
        self.write(|records, now| secrets::create(records, request, now))
    }

    /// `UpdateSecret`.
    pub fn update_secret(&self, request: UpdateSecret) -> Result<Touched, ServiceError> {
        limits::details(request.description.as_deref(), request.kms_key_id.as_deref())?;
        let id = request.secret_id.clone();
        self.edit(&id, |records, secret, now| secrets::update(records, secret, request, now))
    }

    /// `DescribeSecret`, of a secret that is scheduled for deletion too.
    pub fn describe_secret(&self, id: &str) -> Result<Description, ServiceError> {
        self.read(|records| records.find(id).map(|secret| secret.describe()))
    }

    /// `ListSecrets`.
    pub fn list_secrets(&self, request: &ListSecrets) -> Result<SecretPage, ServiceError> {
        self.read(|records| listing::secrets(records, request))
    }

    /// `DeleteSecret`.
    pub fn delete_secret(&self, id: &str, deletion: Deletion) -> Result<Deleted, ServiceError> {
        self.write(|records, now| secrets::delete(records, id, deletion, now))
    }

    /// `RestoreSecret`.
    pub fn restore_secret(&self, id: &str) -> Result<Touched, ServiceError> {
        self.write(|records, _| {
            let mut secret = records.find(id)?;
            if secret.deletion.take().is_none() {
                return Ok((secret.touched(), Effect::Unchanged));
            }
            records.save(&secret)?;
            Ok((secret.touched(), Effect::Changed))
        })
    }

    /// `TagResource`.
    pub fn tag(&self, id: &str, tags: Vec<Tag>) -> Result<(), ServiceError> {
        self.edit(id, |_, secret, now| Ok((secrets::tag(secret, tags, now)?, Effect::Changed)))
    }

    /// Tags as AWS's own services put them on secrets that they manage, which begin with `aws:`.
    /// No action can.
    pub fn tag_as_aws(&self, id: &str, tags: Vec<Tag>) -> Result<(), ServiceError> {
        self.edit(id, |_, secret, _| {
            secrets::add_tags(secret, tags);
            Ok(((), Effect::Changed))
        })
    }

    /// `UntagResource`.
    pub fn untag(&self, id: &str, keys: &[String]) -> Result<(), ServiceError> {
        self.edit(id, |_, secret, now| Ok((secrets::untag(secret, keys, now)?, Effect::Changed)))
    }

    /// `GetSecretValue`.
    pub fn secret_value(
        &self,
        id: &str,
        selector: &VersionSelector,
    ) -> Result<ValueAnswer, ServiceError> {
        self.read(|records| values::read(records, &records.live(id)?, selector))
    }

    /// `BatchGetSecretValue`.
    pub fn batch_get(&self, request: &BatchGet) -> Result<BatchAnswer, ServiceError> {
        self.read(|records| batch::get(records, request))
    }

    /// `PutSecretValue`.
    pub fn put_secret_value(&self, request: PutSecretValue) -> Result<PutAnswer, ServiceError> {
        let PutSecretValue { secret_id, token, value, stages, rotation_token } = request;
        let token = values::required_token(token.as_deref())?;
        rotation_token.as_ref().map_or(Ok(()), limits::rotation_token)?;
        self.edit(&secret_id, |records, secret, now| {
            values::put(records, secret, token, value, stages.as_deref(), now)
        })
    }

    /// `ListSecretVersionIds`, of a secret that is scheduled for deletion too.
    pub fn list_version_ids(&self, request: &ListVersionIds) -> Result<VersionPage, ServiceError> {
        self.read(|records| listing::versions(&records.find(&request.secret_id)?, request))
    }

    /// `UpdateSecretVersionStage`.
    pub fn update_version_stage(
        &self,
        request: &UpdateVersionStage,
    ) -> Result<Touched, ServiceError> {
        self.edit(&request.secret_id, |_, secret, now| {
            let effect = labels::update(secret, request, now)?;
            Ok((secret.touched(), effect))
        })
    }

    /// `GetRandomPassword`.
    pub fn generate_password(
        &self,
        request: &RandomPassword,
    ) -> Result<SecretString, ServiceError> {
        password::generate(request)
    }

    /// `RotateSecret`: registers the version that the steps are to fill. Running them is up to the
    /// caller.
    pub fn begin_rotation(&self, request: &RotateSecret) -> Result<RotationStart, ServiceError> {
        let token = rotation::checked_token(request)?;
        self.edit(&request.secret_id, |records, secret, now| {
            Ok((rotation::begin(records, secret, request, token, now)?, Effect::Changed))
        })
    }

    /// The rotation that was begun and is not over, if there is one.
    pub fn unfinished_rotation(&self, id: &str) -> Result<Option<RotationStart>, ServiceError> {
        self.read(|records| Ok(rotation::unfinished(&records.live(id)?)))
    }

    /// Removes the temporary version of a [`RotateMode::TestOnly`].
    pub fn end_test(&self, id: &str, token: &str) -> Result<(), ServiceError> {
        self.edit(id, |_, secret, now| Ok(((), rotation::end_test(secret, token, now))))
    }

    /// `CancelRotateSecret`.
    pub fn cancel_rotation(&self, id: &str) -> Result<Touched, ServiceError> {
        self.edit(id, |_, secret, now| rotation::cancel(secret, now))
    }

    /// `GetResourcePolicy`.
    pub fn resource_policy(&self, id: &str) -> Result<PolicyAnswer, ServiceError> {
        self.read(|records| {
            let secret = records.live(id)?;
            Ok(PolicyAnswer { touched: secret.touched(), policy: secret.policy })
        })
    }

    /// `PutResourcePolicy`.
    pub fn put_resource_policy(
        &self,
        id: &str,
        policy: &str,
        public: PublicPolicies,
    ) -> Result<Touched, ServiceError> {
        policies::check(policy, public)?;
        self.edit(id, |_, secret, _| {
            secret.policy = Some(policy.to_owned());
            Ok((secret.touched(), Effect::Changed))
        })
    }

    /// `ValidateResourcePolicy`, of a policy for any secret: what [`EmbeddedStore::put_resource_policy`]
    /// would refuse, where public policies are blocked.
    pub fn validate_resource_policy(&self, policy: &str) -> Result<(), ServiceError> {
        policies::check(policy, PublicPolicies::Blocked)
    }

    /// `DeleteResourcePolicy`.
    pub fn delete_resource_policy(&self, id: &str) -> Result<Touched, ServiceError> {
        self.edit(id, |_, secret, _| {
            let effect = secret.policy.take().map_or(Effect::Unchanged, |_| Effect::Changed);
            Ok((secret.touched(), effect))
        })
    }

    /// `ReplicateSecretToRegions`: the regions are kept, and reported as failed.
    pub fn replicate(
        &self,
        id: &str,
        regions: Vec<ReplicaRegion>,
    ) -> Result<Description, ServiceError> {
        self.edit(id, |_, secret, _| {
            replication::add(secret, regions)?;
            Ok((secret.describe(), Effect::Changed))
        })
    }

    /// `RemoveRegionsFromReplication`.
    pub fn remove_replicas(
        &self,
        id: &str,
        regions: &[String],
    ) -> Result<Description, ServiceError> {
        self.edit(id, |_, secret, _| {
            replication::remove(secret, regions)?;
            Ok((secret.describe(), Effect::Changed))
        })
    }

    /// Every value of every version, to be kept out of texts that leave the process.
    pub fn all_values(&self) -> Result<Vec<Arc<StoredValue>>, ServiceError> {
        self.read(|records| records.all_values())
    }

    /// The whole store as JSON, for people to read: secrets by name, moments in RFC 3339.
    pub fn export(&self, values: ExportedValues) -> Result<serde_json::Value, ServiceError> {
        self.read(|records| export::export(records, values))
    }
}
