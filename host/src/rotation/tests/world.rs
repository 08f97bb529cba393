//! A secret, a store, a database, and steps run against them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::super::{
    Invoker, Outcome, PasswordRequests, Progress, Rotation, RotationEvent, SignIns, Step,
};
use super::fake_inventory::FakeInventory;
use crate::inventory::Databases;
use crate::rotation::Settings;
use crate::rotation::error::Error;
use crate::rotation::ports::{
    Assessment, CallError, Catalog, Change, CharacterClasses, Description, Failure, FailureKind,
    Features, Login, NameLength, PairState, PasswordRules, Planned, PluginFault, Proof, SecretId,
    SecretStore, Service, Stage, StageMove, TlsMode, UsernameRules, VersionId, VersionSelector,
};
use windlass_secrets_manager::{
    CreateSecret, EmbeddedStore, PutSecretValue, RotateSecret, StoredValue, Tag,
};

/// The secret under rotation and its administrator's.
pub(super) const SECRET: &str = "app-db";
pub(super) const ADMIN: &str = "admin-db";

/// A database: who has which password, and what was asked of it.
#[derive(Default)]
pub(super) struct Database {
    pub(super) passwords: BTreeMap<String, String>,
    /// The second passwords of those that have one.
    pub(super) kept: BTreeMap<String, String>,
    /// Every sign-in: as whom, and whether it worked.
    pub(super) sign_ins: Vec<(String, bool)>,
    /// The same sign-ins, with how and where.
    pub(super) logins: Vec<SignIn>,
    /// Places that don't know changes yet, and how many refusals it takes until they do.
    pub(super) lagging: BTreeMap<String, u32>,
    /// Set to let every operation fail in this way.
    pub(super) broken: Option<FailureKind>,
    /// Set where the server has no TLS.
    pub(super) without_tls: bool,
    /// Sign-ins that passed without TLS.
    pub(super) in_clear: usize,
    /// Set where somebody on the way answers in the server's place what is asked without TLS, by a
    /// method that proves nothing.
    pub(super) imposter: bool,
    /// Set where the handshake fails, as with a bad certificate.
    pub(super) bad_certificate: bool,
    /// After so many sign-ins, somebody else gives `app` this password.
    pub(super) meanwhile: Option<(usize, String)>,
    /// What the plugin advises when it fails.
    pub(super) remedy: String,
    /// What the service says of passwords that it refuses, and what the plugin advises; else
    /// `as told`.
    pub(super) answers: BTreeMap<String, (String, String)>,
    /// Set where it is known without a connection that there can be none.
    pub(super) foreseen: Option<FailureKind>,
    /// Set where changes end so, after the sign-in, and change nothing.
    pub(super) unwilling: Option<FailureKind>,
    /// What changes were allowed to send the password as text.
    pub(super) texts_allowed: Vec<bool>,
    /// Set where an account is locked at its first refusal.
    pub(super) locks: bool,
    pub(super) locked: bool,
    /// Set to apply the next change and lose its answer.
    pub(super) lose_answer: bool,
    /// What the plugin finds of two accounts. `None`: it can't look.
    pub(super) pair: Option<PairState>,
    /// Who was marked as the pair of whom.
    pub(super) marked: Vec<(String, Option<String>)>,
}

impl Database {
    /// Whether this password signs in.
    pub(super) fn accepts(&self, username: &str, password: &str) -> bool {
        [&self.passwords, &self.kept]
            .into_iter()
            .any(|known| known.get(username).is_some_and(|own| own == password))
    }
}

/// A sign-in, as a plugin was asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SignIn {
    pub(super) username: String,
    pub(super) place: String,
    pub(super) database: Option<String>,
    pub(super) tls: TlsMode,
    pub(super) proof: Proof,
}

#[derive(Clone)]
pub(super) struct FakePlugin {
    pub(super) database: Arc<Mutex<Database>>,
    description: Arc<Description>,
    /// What else is installed.
    pub(super) others: Vec<Description>,
}

impl FakePlugin {
    fn failure(kind: FailureKind) -> CallError {
        CallError::Failed(Failure {
            kind,
            code: String::new(),
            message: "as told".into(),
            remedy: String::new(),
        })
    }

    fn advising(kind: FailureKind, remedy: String) -> CallError {
        let message = "as told".to_owned();
        CallError::Failed(Failure { kind, code: String::new(), message, remedy })
    }

    fn sign_in(&self, login: &Login) -> Result<(), CallError> {
        let mut database = self.database.lock().unwrap();
        if let Some(kind) = database.broken {
            return Err(Self::failure(kind));
        }
        if login.tls != TlsMode::Disabled && database.without_tls {
            return Err(Self::failure(FailureKind::NoTls));
        }
        if login.tls != TlsMode::Disabled && database.bad_certificate {
            return Err(Self::failure(FailureKind::TlsFailed));
        }
        if database.locked {
            return Err(Self::failure(FailureKind::Declined));
        }
        let answered_on_the_way = login.tls == TlsMode::Disabled && database.imposter;
        if answered_on_the_way && login.proof == Proof::Mutual {
            return Err(Self::failure(FailureKind::Unproven));
        }
        database.in_clear += usize::from(login.tls == TlsMode::Disabled);
        let mut accepted =
            answered_on_the_way || database.accepts(&login.username, login.password.reveal());
        let place = login.place.to_string();
        // A lagging replica knows what was there at the start.
        if let Some(left) = database.lagging.get_mut(&place)
            && login.password.reveal() != "first"
            && *left > 0
        {
            *left -= 1;
            accepted = false;
        }
        database.logins.push(SignIn {
            username: login.username.clone(),
            place,
            database: login.database.clone(),
            tls: login.tls,
            proof: login.proof,
        });
        database.sign_ins.push((login.username.clone(), accepted));
        database.locked = database.locks && !accepted;
        let count = database.sign_ins.len();
        if let Some((_, password)) = database.meanwhile.take_if(|(after, _)| *after == count) {
            database.passwords.insert("app".into(), password);
        }
        if accepted {
            return Ok(());
        }
        match database.answers.get(login.password.reveal()).cloned() {
            None => Err(Self::failure(FailureKind::Refused)),
            Some((message, remedy)) => Err(CallError::Failed(Failure {
                kind: FailureKind::Refused,
                code: "28000".to_owned(),
                message,
                remedy,
            })),
        }
    }
}

impl Service for FakePlugin {
    fn description(&self) -> &Description {
        &self.description
    }

    fn foresee(&self, _: &Login) -> Result<(), CallError> {
        let foreseen = self.database.lock().unwrap().foreseen;
        foreseen.map_or(Ok(()), |kind| Err(Self::failure(kind)))
    }

    async fn verify(&self, login: &Login) -> Result<(), CallError> {
        self.sign_in(login)
    }

    async fn change(&self, change: &Change<'_>) -> Result<(), CallError> {
        self.sign_in(change.actor)?;
        let mut database = self.database.lock().unwrap();
        database.texts_allowed.push(change.may_send_text);
        if let Some(kind) = database.unwilling {
            return Err(Self::advising(kind, database.remedy.clone()));
        }
        let new = change.new_password.reveal().to_owned();
        let username = change.username.to_owned();
        match change.old_password {
            Some(old) if change.keep_old_valid => {
                database.kept.insert(username.clone(), old.reveal().to_owned());
            }
            None if change.keep_old_valid => panic!("which password is to be kept?"),
            _ => drop(database.kept.remove(&username)),
        }
        database.passwords.insert(username, new);
        if std::mem::take(&mut database.lose_answer) {
            return Err(Self::failure(FailureKind::Unreachable));
        }
        Ok(())
    }

    async fn assess(&self, planned: &Planned<'_>) -> Result<Option<Assessment>, CallError> {
        let Some(pair) = self.database.lock().unwrap().pair else { return Ok(None) };
        self.sign_in(planned.actor)?;
        Ok(Some(Assessment {
            session: planned.actor.username.clone(),
            lacks: Vec::new(),
            pair: Some(pair),
            differences: Vec::new(),
        }))
    }

    async fn mark_pair(&self, planned: &Planned<'_>) -> Result<Option<()>, CallError> {
        if self.database.lock().unwrap().pair.is_none() {
            return Ok(None);
        }
        self.sign_in(planned.actor)?;
        let mut database = self.database.lock().unwrap();
        database.pair = Some(PairState::Marked);
        let pair = (planned.username.to_owned(), planned.clone_of.map(str::to_owned));
        database.marked.push(pair);
        Ok(Some(()))
    }
}

impl Catalog for FakePlugin {
    type Service = Self;

    fn plugins(&self) -> Vec<&Description> {
        self.descriptions().collect()
    }

    async fn open(&self, plugin: &str, _engine: &str) -> Result<Self, PluginFault> {
        let chosen = self.descriptions().find(|own| own.name == plugin).expect("it is installed");
        Ok(Self { description: Arc::new(chosen.clone()), ..self.clone() })
    }

    fn location(&self) -> String {
        "`plugins`".to_owned()
    }

    fn descriptions(&self) -> impl Iterator<Item = &Description> {
        std::iter::once(&*self.description).chain(&self.others)
    }
}

/// A secret's name as its id.
pub(super) fn id(name: &str) -> SecretId {
    SecretId::new(name)
}

/// A world of its own for each test.
pub(super) struct World {
    pub(super) store: EmbeddedStore,
    pub(super) plugin: FakePlugin,
    pub(super) inventory: Databases<FakeInventory>,
    pub(super) settings: Settings,
    pub(super) sign_ins: SignIns,
    pub(super) requests: PasswordRequests,
}

impl World {
    /// The secret has these fields on top of the usual ones; the database knows its password.
    pub(super) fn new(fields: &Value) -> Self {
        Self::with_plugin(fields, |_| {})
    }

    pub(super) fn with_plugin(fields: &Value, adjust: impl FnOnce(&mut Description)) -> Self {
        let mut description = Description {
            name: "fake".into(),
            version: "1.0.0".into(),
            engines: vec!["fake".into()],
            default_port: 7,
            network: Vec::new(),
            fields: Vec::new(),
            password_rules: PasswordRules {
                max_length: Some(64),
                default_length: 24,
                excluded_characters: "'".into(),
                default_excluded_characters: "/@".into(),
                required_classes: CharacterClasses::default(),
            },
            username_rules: UsernameRules {
                max_length: NameLength::Bytes(16),
                clone_suffix: "_clone".into(),
                excluded_characters: String::new(),
            },
            features: Features {
                self_change: true,
                admin_change: true,
                alternating_users: true,
                dual_password: true,
            },
        };
        adjust(&mut description);
        let plugin = FakePlugin {
            database: Arc::default(),
            description: Arc::new(description),
            others: Vec::new(),
        };
        let world = Self {
            store: EmbeddedStore::in_memory(),
            plugin,
            inventory: Databases(FakeInventory::default()),
            settings: Settings::default(),
            sign_ins: SignIns::default(),
            requests: PasswordRequests::default(),
        };
        let mut secret = json!({
            "engine": "fake", "host": "db.example", "username": "app", "password": "first",
        });
        if let (Value::Object(all), Value::Object(more)) = (&mut secret, fields) {
            all.extend(more.clone());
        }
        world.create(SECRET, &secret.to_string());
        world.set_password("app", "first");
        world
    }

    /// As [`new`](Self::new), with an administrator.
    pub(super) fn with_admin(fields: &Value) -> Self {
        let mut fields = fields.clone();
        fields["masterarn"] = json!(ADMIN);
        let world = Self::new(&fields);
        let admin = json!({
            "engine": "fake", "host": "DB.example", "username": "admin", "password": "adminpw",
        });
        world.create(ADMIN, &admin.to_string());
        world.set_password("admin", "adminpw");
        world
    }

    /// What the plugin says about itself.
    pub(super) fn description(&self) -> Description {
        Description::clone(&self.plugin.description)
    }

    pub(super) fn create(&self, name: &str, text: &str) {
        let request = CreateSecret::with_text(name, text);
        self.store.create_secret(request).expect("the secret is created");
    }

    /// Tags that only AWS's own services put on secrets.
    pub(super) fn tag_as_aws(&self, name: &str, tags: &[(&str, &str)]) {
        let own = |(key, value): &(&str, &str)| Tag {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
        };
        let tags = tags.iter().map(own).collect();
        self.store.tag_as_aws(name, tags).expect("the secret is tagged");
    }

    /// A new current version, as an operator stores it.
    pub(super) fn replace_current(&self, text: &str) {
        self.replace_current_of(SECRET, text);
    }

    /// The same for this secret.
    pub(super) fn replace_current_of(&self, secret: &str, text: &str) {
        let put = PutSecretValue {
            secret_id: secret.to_owned(),
            token: Some(uuid::Uuid::new_v4().to_string()),
            value: StoredValue::text(text),
            stages: None,
            rotation_token: None,
        };
        self.store.put_secret_value(put).expect("the value is stored");
    }

    /// Takes `AWSPENDING` off, as the next rotation needs it once the secret was written by hand.
    pub(super) async fn drop_pending_of(&self, secret: &str) {
        let described = self.store.describe(&id(secret)).await.expect("described");
        let Some(pending) = described.version_with(&Stage::Pending).cloned() else { return };
        let stage = Stage::Pending;
        let change = StageMove { stage, remove_from: Some(pending), move_to: None };
        self.store.move_stage(&id(secret), &change).await.expect("the label is taken off");
    }

    pub(super) fn tag(&self, key: &str, value: &str) {
        let tag = Tag { key: key.into(), value: value.into() };
        self.store.tag(SECRET, vec![tag]).expect("the secret is tagged");
    }

    pub(super) fn set_password(&self, username: &str, password: &str) {
        let mut database = self.plugin.database.lock().unwrap();
        database.passwords.insert(username.into(), password.into());
    }

    pub(super) fn password_of(&self, username: &str) -> Option<String> {
        self.plugin.database.lock().unwrap().passwords.get(username).cloned()
    }

    /// Starts a rotation as RotateSecret does: the token is AWSPENDING, without a value.
    pub(super) fn begin(&self) -> VersionId {
        self.begin_of(SECRET)
    }

    /// The same for this secret.
    pub(super) fn begin_of(&self, secret: &str) -> VersionId {
        let token = uuid::Uuid::new_v4().to_string();
        self.store.begin_rotation(&RotateSecret::at_once(secret, &token)).expect("it starts");
        VersionId::new(token)
    }

    /// Gives a rotation up, as an operator does: takes `AWSPENDING` off its version.
    pub(super) async fn take_label(&self, version: &VersionId) {
        let change =
            StageMove { stage: Stage::Pending, remove_from: Some(version.clone()), move_to: None };
        self.store.move_stage(&id(SECRET), &change).await.expect("the label is taken");
    }

    pub(super) async fn step(&self, step: Step, version: &VersionId) -> Result<Outcome, Error> {
        self.step_of(SECRET, step, version).await
    }

    /// createSecret and setSecret, where either may be the one that fails.
    pub(super) async fn up_to_set(&self, version: &VersionId) -> Result<Outcome, Error> {
        self.step(Step::Create, version).await?;
        self.step(Step::Set, version).await
    }

    /// A step of this secret's rotation.
    pub(super) async fn step_of(
        &self,
        secret: &str,
        step: Step,
        version: &VersionId,
    ) -> Result<Outcome, Error> {
        let event = RotationEvent {
            step,
            secret_id: id(secret),
            version: version.clone(),
            rotation_token: None,
        };
        self.with(async |rotation| rotation.run(&event, Invoker::SecretsManager).await).await
    }

    /// Does something with the rotation of this world.
    pub(super) async fn with<T>(
        &self,
        work: impl AsyncFnOnce(&Rotation<'_, EmbeddedStore, FakePlugin, Databases<FakeInventory>>) -> T,
    ) -> T {
        let progress = Progress::default();
        let rotation = Rotation {
            store: &self.store,
            catalog: &self.plugin,
            inventory: &self.inventory,
            settings: &self.settings,
            progress: &progress,
            sign_ins: &self.sign_ins,
            requests: &self.requests,
        };
        work(&rotation).await
    }

    /// The step's error, as text.
    pub(super) async fn error(&self, step: Step, version: &VersionId) -> String {
        let error = self.step(step, version).await.expect_err("the step fails");
        error.report()
    }

    /// A whole rotation, which must work.
    pub(super) async fn rotate(&self) -> VersionId {
        let version = self.begin();
        self.finish_from(Step::Create, &version).await;
        version
    }

    /// The steps from this one on, which must work.
    pub(super) async fn finish_from(&self, first: Step, version: &VersionId) {
        for step in Step::ALL.into_iter().skip_while(|step| *step != first) {
            let outcome = self.step(step, version).await;
            outcome.unwrap_or_else(|error| panic!("{step}: {}", error.report()));
        }
    }

    /// A field of the version with this label.
    pub(super) async fn field(&self, stage: Stage, field: &str) -> String {
        let value =
            self.store.value(&id(SECRET), &VersionSelector::Stage(stage)).await.expect("there");
        let text = value.text.expect("a text");
        let document: Value = serde_json::from_str(text.reveal()).expect("JSON");
        document[field].as_str().unwrap_or_default().to_owned()
    }

    /// What must hold after every rotation that ended well.
    pub(super) async fn check(&self, version: &VersionId) {
        let secret = self.store.describe(&id(SECRET)).await.expect("described");
        assert_eq!(secret.version_with(&Stage::Current), Some(version), "AWSCURRENT moved here");
        let username = self.field(Stage::Current, "username").await;
        let password = self.field(Stage::Current, "password").await;
        {
            let database = self.plugin.database.lock().unwrap();
            assert_eq!(database.passwords.get(&username), Some(&password), "AWSCURRENT signs in");
        }
        // Nothing blocks the next rotation.
        self.begin();
    }

    /// Failed sign-ins so far.
    pub(super) fn failed_sign_ins(&self) -> usize {
        let database = self.plugin.database.lock().unwrap();
        database.sign_ins.iter().filter(|(_, accepted)| !accepted).count()
    }

    pub(super) fn sign_ins(&self) -> usize {
        self.plugin.database.lock().unwrap().sign_ins.len()
    }
}
