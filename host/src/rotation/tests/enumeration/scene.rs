//! A secret in one of the set-ups, attempts at rotating it, and what must hold whatever became of
//! them.

use std::future::Future;
use std::sync::Arc;

use serde_json::{Value, json};

use super::super::super::{
    Invoker, PasswordRequests, Progress, Rotation, RotationEvent, SignIns, Step,
};
use super::super::fake_inventory::FakeInventory;
use super::super::world::{SECRET, World, id};
use super::faulty::{Counts, FaultyPlugin, FaultyStore, Line, Point};
use crate::inventory::Databases;
use crate::rotation::Settings;
use crate::rotation::error::Error;
use crate::rotation::ports::{SecretStore, Stage, StageMove, VersionId, VersionSelector};

/// What is rotated, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setup {
    SingleUser,
    /// With an AWSPREVIOUS.
    SingleUserAgain,
    SingleUserByAdmin,
    /// The clone does not exist yet.
    AlternatingFirst,
    /// Back to the base.
    AlternatingSecond,
    /// To a clone that exists.
    AlternatingThird,
    /// The replaced password stays valid, and the one replaced before it no longer.
    DualPassword,
    DualPasswordByAdmin,
}

impl Setup {
    pub(super) const ALL: [Self; 8] = [
        Self::SingleUser,
        Self::SingleUserAgain,
        Self::SingleUserByAdmin,
        Self::AlternatingFirst,
        Self::AlternatingSecond,
        Self::AlternatingThird,
        Self::DualPassword,
        Self::DualPasswordByAdmin,
    ];

    pub(super) fn alternates(self) -> bool {
        matches!(self, Self::AlternatingFirst | Self::AlternatingSecond | Self::AlternatingThird)
    }

    fn keeps_old(self) -> bool {
        matches!(self, Self::DualPassword | Self::DualPasswordByAdmin)
    }

    fn has_admin(self) -> bool {
        self.alternates() || matches!(self, Self::SingleUserByAdmin | Self::DualPasswordByAdmin)
    }
}

/// How Secrets Manager goes on after an attempt that did not end well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    /// It attempts the same rotation again.
    SameToken,
    /// The rotation was given up and another one begins.
    NewToken,
}

impl Retry {
    pub(super) const ALL: [Self; 2] = [Self::SameToken, Self::NewToken];
}

/// How an attempt came to its end.
#[derive(Debug)]
pub(super) enum End {
    Crashed,
    Over(Result<(), Error>),
}

pub(super) struct Scene {
    pub(super) world: World,
    pub(super) setup: Setup,
    pub(super) version: VersionId,
    /// Who was in force before the rotation, with which password.
    before: (String, String),
}

impl Scene {
    /// A rotation has just begun.
    pub(super) async fn begin(setup: Setup) -> Self {
        let fields = json!({});
        let world =
            if setup.has_admin() { World::with_admin(&fields) } else { World::new(&fields) };
        if setup == Setup::SingleUserByAdmin {
            world.tag("windlass:strategy", "single-user");
        } else if setup.keeps_old() {
            world.tag("windlass:strategy", "dual-password");
        }
        let turns = match setup {
            Setup::SingleUser
            | Setup::SingleUserByAdmin
            | Setup::AlternatingFirst
            | Setup::DualPasswordByAdmin => 0,
            Setup::SingleUserAgain | Setup::AlternatingSecond | Setup::DualPassword => 1,
            Setup::AlternatingThird => 2,
        };
        for _ in 0..turns {
            world.rotate().await;
        }
        let before = credential(&world, Stage::Current).await;
        let version = world.begin();
        Self { world, setup, version, before }
    }

    /// One step, on this line.
    pub(super) async fn step(
        &self,
        line: &Arc<Line>,
        step: Step,
        version: &VersionId,
    ) -> Result<(), Error> {
        self.on_its_own(line, step, version).await
    }

    /// One step that goes on whatever becomes of the scene.
    pub(super) fn on_its_own(
        &self,
        line: &Arc<Line>,
        step: Step,
        version: &VersionId,
    ) -> impl Future<Output = Result<(), Error>> + use<> {
        let store = FaultyStore { store: self.world.store.clone(), line: Arc::clone(line) };
        let catalog = FaultyPlugin { plugin: self.world.plugin.clone(), line: Arc::clone(line) };
        let (version, secret_id) = (version.clone(), id(SECRET));
        let event = RotationEvent { step, secret_id, version, rotation_token: None };
        async move {
            // As in a process of its own, which has counted nothing yet.
            let rotation = Rotation {
                requests: &PasswordRequests::default(),
                store: &store,
                catalog: &catalog,
                inventory: &Databases(FakeInventory::default()),
                settings: &Settings::default(),
                progress: &Progress::default(),
                sign_ins: &SignIns::default(),
            };
            rotation.run(&event, Invoker::SecretsManager).await.map(drop)
        }
    }

    /// All steps, up to the first that fails.
    pub(super) async fn steps(&self, line: &Arc<Line>) -> Result<(), Error> {
        for step in Step::ALL {
            self.step(line, step, &self.version).await?;
        }
        Ok(())
    }

    /// All steps, as far as they get with this point in their way. Checks what has to hold at
    /// every moment, and the number of failed sign-ins.
    pub(super) async fn attempt(&self, point: Option<Point>) -> (End, Arc<Line>) {
        let allowed = self.refusals_allowed().await;
        let failed = self.world.failed_sign_ins();
        let line = Line::new(point);
        let end = tokio::select! {
            biased;
            () = line.crashed() => End::Crashed,
            end = self.steps(&line) => End::Over(end),
        };
        let failed = self.world.failed_sign_ins() - failed;
        assert!(failed <= allowed, "{failed} failed sign-ins, and {allowed} were allowed");
        self.still_valid().await;
        (end, line)
    }

    /// Goes on as Secrets Manager does.
    pub(super) async fn retry(&mut self, retry: Retry) {
        if retry == Retry::SameToken {
            return;
        }
        let store = &self.world.store;
        store.cancel_rotation(SECRET).expect("the rotation is cancelled");
        let secret = store.describe(&id(SECRET)).await.expect("described");
        if let Some(unfinished) = secret.unfinished() {
            let remove_from = Some(unfinished.clone());
            let change = StageMove { stage: Stage::Pending, remove_from, move_to: None };
            store.move_stage(&id(SECRET), &change).await.expect("the label is taken off");
        }
        // If the last attempt got to its end, this is the next rotation.
        self.begin_next().await;
    }

    /// The next rotation begins.
    pub(super) async fn begin_next(&mut self) {
        self.before = credential(&self.world, Stage::Current).await;
        self.version = self.world.begin();
    }

    /// All that a step may change: passwords, labels, the pending value.
    pub(super) async fn state(&self) -> (Vec<(String, String)>, String, Option<(String, String)>) {
        let passwords = self.world.plugin.database.lock().unwrap().passwords.clone();
        let secret = self.world.store.describe(&id(SECRET)).await.expect("described");
        let pending = VersionSelector::Stage(Stage::Pending);
        let pending = self.world.store.value(&id(SECRET), &pending).await;
        let pending = pending.ok().map(|value| parse(value.text.expect("a text").reveal()));
        (passwords.into_iter().collect(), format!("{:?}", secret.stages), pending)
    }

    /// What must hold at every moment, also between a crash and the next attempt.
    async fn still_valid(&self) {
        if self.setup.alternates() {
            assert!(self.accepted(&credential(&self.world, Stage::Current).await), "AWSCURRENT");
            assert!(self.accepted(&self.before), "the user that was in force");
        } else if self.setup.keeps_old() {
            assert!(self.accepted(&credential(&self.world, Stage::Current).await), "AWSCURRENT");
            assert!(self.accepted(&self.before), "the password that was in force");
        } else {
            self.candidates().await;
        }
        if self.setup.has_admin() {
            let admin = ("admin".to_owned(), "adminpw".to_owned());
            assert!(self.accepted(&admin), "the administrator");
        }
    }

    /// What must hold once a rotation has ended well.
    pub(super) async fn invariants(&mut self) {
        let secret = self.world.store.describe(&id(SECRET)).await.expect("described");
        let current = secret.stages.iter().filter(|(_, labels)| labels.contains(&Stage::Current));
        let current: Vec<_> = current.map(|(version, _)| version).collect();
        assert_eq!(current, [&self.version], "one AWSCURRENT, on the rotation's version");
        let credential = credential(&self.world, Stage::Current).await;
        assert!(self.accepted(&credential), "AWSCURRENT signs in");
        let same_user = credential.0 == self.before.0;
        assert_eq!(same_user, !self.setup.alternates(), "{} after {}", credential.0, self.before.0);
        self.still_valid().await;
        if self.setup.keeps_old() {
            let second = self.world.plugin.database.lock().unwrap().kept.get("app").cloned();
            assert_eq!(
                second.as_ref(),
                Some(&self.before.1),
                "it is the replaced one that is kept"
            );
        }

        // Nothing is left that blocks the next rotation, and nothing that it would stumble over.
        self.begin_next().await;
        let failed = self.world.failed_sign_ins();
        let (end, _) = self.attempt(None).await;
        assert!(matches!(end, End::Over(Ok(()))), "the next rotation: {end:?}");
        assert_eq!(self.world.failed_sign_ins(), failed, "the next rotation");
    }

    /// How many failed sign-ins the coming attempt may have: one for each password that is tried
    /// before the one in force, none where that is the current one.
    async fn refusals_allowed(&self) -> usize {
        let never = self.setup.alternates() || self.setup.keeps_old();
        if never { 0 } else { self.candidates().await }
    }

    /// Where in the order of candidates the password in force is: the current version's, the
    /// pending one's, the previous one's, those without a label from the newest. It has to be one
    /// of them: else nobody knows it.
    async fn candidates(&self) -> usize {
        let store = &self.world.store;
        let mut versions = store.versions(&id(SECRET)).await.expect("listed");
        let rank = |labels: &std::collections::BTreeSet<Stage>| {
            let order = [Stage::Current, Stage::Pending, Stage::Previous];
            order.iter().position(|stage| labels.contains(stage)).unwrap_or(order.len())
        };
        // Stable: those without a label stay in their order.
        versions.sort_by_key(|listing| rank(&listing.stages));
        let mut tried = Vec::new();
        for listing in versions {
            let selector = VersionSelector::Version(listing.version);
            let password = match store.value(&id(SECRET), &selector).await {
                Ok(value) => parse(value.text.expect("a text").reveal()).1,
                // It will have one that nobody has seen, or never has one.
                Err(_) if listing.stages.contains(&Stage::Pending) => String::new(),
                Err(_) => continue,
            };
            if self.accepted(&("app".to_owned(), password.clone())) {
                return tried.len();
            }
            if !tried.contains(&password) {
                tried.push(password);
            }
        }
        panic!("the password in force is in no version");
    }

    fn accepted(&self, (user, password): &(String, String)) -> bool {
        self.world.plugin.database.lock().unwrap().accepts(user, password)
    }
}

/// The operations of a rotation that nothing disturbs.
pub(super) async fn undisturbed(setup: Setup) -> Counts {
    let mut scene = Scene::begin(setup).await;
    let (end, line) = scene.attempt(None).await;
    assert!(matches!(end, End::Over(Ok(()))), "{end:?}");
    scene.invariants().await;
    line.counts()
}

async fn credential(world: &World, stage: Stage) -> (String, String) {
    let value =
        world.store.value(&id(SECRET), &VersionSelector::Stage(stage)).await.expect("there");
    parse(value.text.expect("a text").reveal())
}

fn parse(text: &str) -> (String, String) {
    let document: Value = serde_json::from_str(text).expect("JSON");
    let field = |key: &str| document[key].as_str().unwrap_or_default().to_owned();
    (field("username"), field("password"))
}
