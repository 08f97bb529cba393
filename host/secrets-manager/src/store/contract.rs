//! The contract as tables: what was done, and what came of the last step.
//!
//! After every refused step the whole state is compared with the state before it: a failed call
//! changes nothing, whichever call it is.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tempfile::TempDir;

use super::*;

const NAME: &str = "app/db";

/// One call. Versions are single characters here, and 32 of them on the wire.
#[derive(Clone, Copy)]
pub(super) enum Call {
    Create(char, &'static str),
    CreateEmpty,
    Put(char, &'static str),
    PutAs(char, &'static str, &'static [&'static str]),
    Update(char, &'static str),
    Key(&'static str),
    Move(&'static str, Option<char>, Option<char>),
    Rotate(char),
    Test(char),
    EndTest(char),
    Cancel,
    Read,
    ReadVersion(char),
    ReadStage(&'static str),
    ReadBoth(char, &'static str),
    Delete(i64),
    DeleteNow,
    Restore,
    Days(u64),
}

use Call::*;

pub(super) fn id(version: char) -> String {
    version.to_string().repeat(32)
}

pub(super) struct World {
    pub(super) store: EmbeddedStore,
    clock: Clock,
    _folder: Option<TempDir>,
}

impl World {
    /// In memory, and in a file: what the contract says holds in both.
    pub(super) fn both() -> [Self; 2] {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::at(&folder.path().join("store.db"), Identity::default()).unwrap();
        let memory = Place::Memory(Memory::new(Identity::default()));
        [Self::new(memory, None), Self::new(Place::File(database), Some(folder))]
    }

    fn new(place: Place, folder: Option<TempDir>) -> Self {
        let clock = Clock::Manual(Arc::new(AtomicU64::new(1_700_000_000_000)));
        Self { store: EmbeddedStore::new(place, clock.clone()), clock, _folder: folder }
    }

    pub(super) fn run(&self, step: Call) -> Result<String, ServiceError> {
        let store = &self.store;
        let text = |text: &str| StoredValue::text(text);
        let put = |version, content, stages: Option<&[&str]>| {
            let answer = store.put_secret_value(PutSecretValue {
                secret_id: NAME.to_owned(),
                token: Some(id(version)),
                value: text(content),
                stages: stages.map(|stages| stages.iter().map(|s| (*s).to_owned()).collect()),
                rotation_token: None,
            })?;
            Ok(answer.stages.join(","))
        };
        let read = |selector: VersionSelector| {
            let answer = store.secret_value(NAME, &selector)?;
            Ok(answer.value.as_text().unwrap_or("binary").to_owned())
        };
        let rotate = |version, mode| {
            let mut request = RotateSecret::at_once(NAME, id(version));
            request.mode = mode;
            store.begin_rotation(&request).map(|start| format!("{:?}", start.work))
        };
        let done = |()| String::new();
        match step {
            Create(version, content) => {
                let mut request = CreateSecret::with_text(NAME, content);
                request.token = Some(id(version));
                store.create_secret(request).map(|_| ()).map(done)
            }
            CreateEmpty => {
                let mut request = CreateSecret::with_text(NAME, String::new());
                request.value = None;
                store.create_secret(request).map(|touched| format!("{:?}", touched.version))
            }
            Put(version, content) => put(version, content, None),
            PutAs(version, content, stages) => put(version, content, Some(stages)),
            Update(version, content) => store
                .update_secret(UpdateSecret {
                    secret_id: NAME.to_owned(),
                    token: Some(id(version)),
                    description: None,
                    kms_key_id: None,
                    value: Some(text(content)),
                })
                .map(|_| String::new()),
            Key(key) => store
                .update_secret(UpdateSecret {
                    secret_id: NAME.to_owned(),
                    token: None,
                    description: None,
                    kms_key_id: Some(key.to_owned()),
                    value: None,
                })
                .map(|_| String::new()),
            Move(stage, from, to) => store
                .update_version_stage(&UpdateVersionStage {
                    secret_id: NAME.to_owned(),
                    stage: stage.to_owned(),
                    remove_from: from.map(id),
                    move_to: to.map(id),
                })
                .map(|_| String::new()),
            Rotate(version) => rotate(version, RotateMode::AtOnce),
            Test(version) => rotate(version, RotateMode::TestOnly(TemporaryValue::CopyOfCurrent)),
            EndTest(version) => store.end_test(NAME, &id(version)).map(done),
            Cancel => store.cancel_rotation(NAME).map(|_| String::new()),
            Read => read(VersionSelector::Stage("AWSCURRENT".to_owned())),
            ReadVersion(version) => read(VersionSelector::Version(id(version))),
            ReadStage(stage) => read(VersionSelector::Stage(stage.to_owned())),
            ReadBoth(version, stage) => read(VersionSelector::Both(id(version), stage.to_owned())),
            Delete(days) => {
                store.delete_secret(NAME, Deletion::AfterDays(Some(days))).map(|_| String::new())
            }
            DeleteNow => store.delete_secret(NAME, Deletion::AtOnce).map(|_| String::new()),
            Restore => store.restore_secret(NAME).map(|_| String::new()),
            Days(days) => {
                self.clock.advance(Duration::from_hours(24 * days));
                Ok(String::new())
            }
        }
    }

    /// Lets seconds pass.
    pub(super) fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    fn snapshot(&self) -> String {
        self.store.export(ExportedValues::Shown).unwrap().to_string()
    }

    /// Labels by version, such as `1:AWSPREVIOUS 2:AWSCURRENT+AWSPENDING`.
    pub(super) fn labels(&self) -> String {
        let Ok(found) = self.store.describe_secret(NAME) else { return "gone".to_owned() };
        let versions = found.stages.iter().map(|(version, labels)| {
            format!("{}:{}", version.chars().next().unwrap(), labels.join("+"))
        });
        versions.collect::<Vec<_>>().join(" ")
    }
}

/// Runs the steps; all but the last must succeed. `expected` is the last one's answer or
/// exception, then the labels.
fn check(row: &str, steps: &[Call], expected: (&str, &str)) {
    World::both().iter().for_each(|world| check_in(world, row, steps, expected));
}

fn check_in(world: &World, row: &str, steps: &[Call], expected: (&str, &str)) {
    let (last, before) = steps.split_last().unwrap();
    for (index, step) in before.iter().enumerate() {
        if let Err(error) = world.run(*step) {
            panic!("{row}: step {} failed: {error}", index + 1);
        }
    }
    let kept = world.snapshot();
    let outcome = match world.run(*last) {
        Ok(answer) => answer,
        Err(error) => {
            assert_eq!(kept, world.snapshot(), "{row}: a failed call changed something");
            error.exception.as_str().to_owned()
        }
    };
    assert_eq!((outcome.as_str(), world.labels().as_str()), expected, "{row}");
}

const PENDING: &[&str] = &["AWSPENDING"];
const NOT_FOUND: &str = "ResourceNotFoundException";
const EXISTS: &str = "ResourceExistsException";
const PARAMETER: &str = "InvalidParameterException";
const REQUEST: &str = "InvalidRequestException";
const DENIED: &str = "AccessDeniedException";

#[test]
fn values_and_labels() {
    let start = "1:AWSCURRENT";
    let moved = "1:AWSPREVIOUS 2:AWSCURRENT";
    let pending = "1:AWSCURRENT 2:AWSPENDING";
    #[rustfmt::skip]
    let rows: &[(&str, &[Call], (&str, &str))] = &[
        ("a created secret has one current version", &[Create('1', "a")], ("", start)),
        ("creating without a value makes no version", &[CreateEmpty], ("None", "")),
        ("the first version becomes current whatever its labels", &[CreateEmpty, PutAs('1', "a", PENDING)], ("AWSCURRENT,AWSPENDING", "1:AWSCURRENT+AWSPENDING")),
        ("creating again with the same token and value does nothing", &[Create('1', "a"), Create('1', "a")], ("", start)),
        ("creating again with another value is refused", &[Create('1', "a"), Create('1', "b")], (EXISTS, start)),
        ("creating again with another token is refused", &[Create('1', "a"), Create('2', "a")], (EXISTS, start)),
        ("putting without labels moves AWSCURRENT and AWSPREVIOUS", &[Create('1', "a"), Put('2', "b")], ("AWSCURRENT", moved)),
        ("AWSPREVIOUS follows at each move", &[Create('1', "a"), Put('2', "b"), Put('3', "c")], ("AWSCURRENT", "2:AWSPREVIOUS 3:AWSCURRENT")),
        ("putting as pending leaves AWSCURRENT", &[Create('1', "a"), PutAs('2', "b", PENDING)], ("AWSPENDING", pending)),
        ("the same token and content succeed and do nothing", &[Create('1', "a"), Put('2', "b"), Put('2', "b")], ("AWSCURRENT", moved)),
        ("the same token and content attach no further label", &[Create('1', "a"), PutAs('2', "b", PENDING), Put('2', "b")], ("AWSPENDING", pending)),
        ("the same token with other content is refused", &[Create('1', "a"), Put('2', "b"), Put('2', "c")], (EXISTS, moved)),
        ("also while it is pending", &[Create('1', "a"), PutAs('2', "b", PENDING), PutAs('2', "c", PENDING)], (EXISTS, pending)),
        ("a label given to a new version leaves the old one", &[Create('1', "a"), PutAs('2', "b", PENDING), PutAs('3', "c", PENDING)], ("AWSPENDING", "1:AWSCURRENT 3:AWSPENDING")),
        ("update with a value moves AWSCURRENT", &[Create('1', "a"), Update('2', "b")], ("", moved)),
        ("the current value is read after a move", &[Create('1', "a"), Put('2', "b"), Read], ("b", moved)),
        ("the previous value is read by its label", &[Create('1', "a"), Put('2', "b"), ReadStage("AWSPREVIOUS")], ("a", moved)),
        ("a version without labels is read by its id", &[Create('1', "a"), Put('2', "b"), Put('3', "c"), ReadVersion('1')], ("a", "2:AWSPREVIOUS 3:AWSCURRENT")),
        ("a label that no version has", &[Create('1', "a"), ReadStage("AWSPENDING")], (NOT_FOUND, start)),
        ("an unknown version", &[Create('1', "a"), ReadVersion('9')], (NOT_FOUND, start)),
        ("an unknown version with a label", &[Create('1', "a"), ReadBoth('9', "AWSCURRENT")], (NOT_FOUND, start)),
        ("version and label that belong together", &[Create('1', "a"), ReadBoth('1', "AWSCURRENT")], ("a", start)),
        ("version and label that do not", &[Create('1', "a"), ReadBoth('1', "AWSPENDING")], (REQUEST, start)),
        ("a secret without versions has no value", &[CreateEmpty, Read], (NOT_FOUND, "")),
        ("a secret that is not there", &[Read], (NOT_FOUND, "gone")),
    ];
    for (row, steps, expected) in rows {
        check(row, steps, *expected);
    }
}

#[test]
fn moving_labels() {
    let pending = "1:AWSCURRENT 2:AWSPENDING";
    let before = [Create('1', "a"), PutAs('2', "b", PENDING)];
    #[rustfmt::skip]
    let rows: &[(&str, Call, (&str, &str))] = &[
        ("AWSCURRENT moves, AWSPREVIOUS follows, AWSPENDING stays", Move("AWSCURRENT", Some('1'), Some('2')), ("", "1:AWSPREVIOUS 2:AWSCURRENT+AWSPENDING")),
        ("RemoveFromVersionId is mandatory", Move("AWSCURRENT", None, Some('2')), (PARAMETER, pending)),
        ("a wrong RemoveFromVersionId is refused", Move("AWSCURRENT", Some('2'), Some('2')), (PARAMETER, pending)),
        ("an unknown RemoveFromVersionId is refused", Move("AWSCURRENT", Some('9'), Some('2')), (PARAMETER, pending)),
        ("RemoveFromVersionId of a label on no version is refused", Move("BLUE", Some('1'), Some('2')), (PARAMETER, pending)),
        ("an unknown MoveToVersionId is refused", Move("AWSCURRENT", Some('1'), Some('9')), (NOT_FOUND, pending)),
        ("AWSCURRENT can't be taken off", Move("AWSCURRENT", Some('1'), None), (PARAMETER, pending)),
        ("AWSPENDING can", Move("AWSPENDING", Some('2'), None), ("", "1:AWSCURRENT")),
        ("a free label needs no RemoveFromVersionId", Move("BLUE", None, Some('2')), ("", "1:AWSCURRENT 2:AWSPENDING+BLUE")),
        ("a label moved to where it is changes nothing", Move("AWSCURRENT", None, Some('1')), ("", pending)),
        ("moved from and to where it is changes nothing", Move("AWSCURRENT", Some('1'), Some('1')), ("", pending)),
        ("neither from nor to is refused", Move("AWSPENDING", None, None), (PARAMETER, pending)),
    ];
    for (row, step, expected) in rows {
        check(row, &[before[0], before[1], *step], *expected);
    }
    check(
        "going back swaps AWSCURRENT and AWSPREVIOUS",
        &[Create('1', "a"), Put('2', "b"), Move("AWSCURRENT", Some('2'), Some('1'))],
        ("", "1:AWSCURRENT 2:AWSPREVIOUS"),
    );
}

#[test]
fn rotation() {
    let begun = "1:AWSCURRENT 2:AWSPENDING";
    let over = "1:AWSPREVIOUS 2:AWSCURRENT+AWSPENDING";
    let new = Create('1', "a");
    let finish = Move("AWSCURRENT", Some('1'), Some('2'));
    let all = "AllSteps";
    #[rustfmt::skip]
    let rows: &[(&str, &[Call], (&str, &str))] = &[
        ("RotateSecret registers the token as pending", &[new, Rotate('2')], (all, begun)),
        ("without a value, by version", &[new, Rotate('2'), ReadVersion('2')], (NOT_FOUND, begun)),
        ("without a value, by version and label", &[new, Rotate('2'), ReadBoth('2', "AWSPENDING")], (NOT_FOUND, begun)),
        ("without a value, by label", &[new, Rotate('2'), ReadStage("AWSPENDING")], (NOT_FOUND, begun)),
        ("the placeholder takes a value", &[new, Rotate('2'), PutAs('2', "b", PENDING), ReadVersion('2')], ("b", begun)),
        ("once", &[new, Rotate('2'), PutAs('2', "b", PENDING), PutAs('2', "c", PENDING)], (EXISTS, begun)),
        ("AWSCURRENT can't move to the empty placeholder", &[new, Rotate('2'), finish], (REQUEST, begun)),
        ("another rotation meanwhile is refused", &[new, Rotate('2'), Rotate('3')], (REQUEST, begun)),
        ("also with the value in place", &[new, Rotate('2'), PutAs('2', "b", PENDING), Rotate('3')], (REQUEST, begun)),
        ("the same request again goes on", &[new, Rotate('2'), Rotate('2')], (all, begun)),
        ("after the last step both labels are on one version", &[new, Rotate('2'), PutAs('2', "b", PENDING), finish], ("", over)),
        ("and the next rotation may begin", &[new, Rotate('2'), PutAs('2', "b", PENDING), finish, Rotate('3')], (all, "1:AWSPREVIOUS 2:AWSCURRENT 3:AWSPENDING")),
        ("also where AWSPENDING was taken off", &[new, Rotate('2'), PutAs('2', "b", PENDING), finish, Move("AWSPENDING", Some('2'), None), Rotate('3')], (all, "1:AWSPREVIOUS 2:AWSCURRENT 3:AWSPENDING")),
        ("a finished rotation asked for again is done", &[new, Rotate('2'), PutAs('2', "b", PENDING), finish, Rotate('2')], ("Nothing", over)),
        ("a token of an older version is refused", &[new, Put('2', "b"), Rotate('1')], (PARAMETER, "1:AWSPREVIOUS 2:AWSCURRENT")),
        ("a pending version made by hand blocks as well", &[new, PutAs('2', "b", PENDING), Rotate('3')], (REQUEST, begun)),
        ("cancelling leaves the labels", &[new, Rotate('2'), Cancel], ("", begun)),
        ("and the pending version still blocks", &[new, Rotate('2'), Cancel, Rotate('3')], (REQUEST, begun)),
        ("until its label is taken off", &[new, Rotate('2'), Cancel, Move("AWSPENDING", Some('2'), None), Rotate('3')], (all, "1:AWSCURRENT 3:AWSPENDING")),
        ("cancelling what was never on is refused", &[new, Cancel], (REQUEST, "1:AWSCURRENT")),
        ("a test has a temporary pending version", &[new, Test('2')], ("TestOnly", begun)),
        ("with the current value", &[new, Test('2'), ReadBoth('2', "AWSPENDING")], ("a", begun)),
        ("which is removed", &[new, Test('2'), EndTest('2')], ("", "1:AWSCURRENT")),
        ("altogether", &[new, Test('2'), EndTest('2'), ReadVersion('2')], (NOT_FOUND, "1:AWSCURRENT")),
        ("ending a test twice is no error", &[new, Test('2'), EndTest('2'), EndTest('2')], ("", "1:AWSCURRENT")),
        ("a rotation in the place of a test removes what the test put there", &[new, Test('2'), Move("AWSPENDING", Some('2'), None), Rotate('3'), EndTest('2'), ReadVersion('2')], (NOT_FOUND, "1:AWSCURRENT 3:AWSPENDING")),
        ("a test asked for again stays a test", &[new, Test('2'), Rotate('2')], ("TestOnly", begun)),
        ("cancelling ends a test", &[new, Test('2'), Cancel], ("", "1:AWSCURRENT")),
        ("ending a test never ends a rotation", &[new, Rotate('2'), EndTest('2')], ("", begun)),
    ];
    for (row, steps, expected) in rows {
        check(row, steps, *expected);
    }
}

#[test]
fn keys_that_can_not_be_used() {
    let begun = "1:AWSCURRENT 2:AWSPENDING";
    let new = Create('1', "a");
    let (denied, disabled) = (Key("alias/windlass-denied"), Key("alias/windlass-disabled"));
    let (reads, deleted) =
        (Key("alias/windlass-decrypt-only"), Key("alias/windlass-pending-deletion"));
    let put = PutAs('2', "b", PENDING);
    #[rustfmt::skip]
    let rows: &[(&str, &[Call], (&str, &str))] = &[
        ("any other key is as good as none", &[new, Key("alias/own"), Read], ("a", "1:AWSCURRENT")),
        ("denied: no reading", &[new, denied, Read], (DENIED, "1:AWSCURRENT")),
        ("denied: no storing", &[new, denied, put], (DENIED, "1:AWSCURRENT")),
        ("denied: no new value with UpdateSecret", &[new, denied, Update('2', "b")], (DENIED, "1:AWSCURRENT")),
        ("denied GenerateDataKey alone: reading goes on", &[new, reads, Read], ("a", "1:AWSCURRENT")),
        ("denied GenerateDataKey alone: no storing", &[new, reads, put], (DENIED, "1:AWSCURRENT")),
        ("disabled: no reading", &[new, disabled, Read], ("DecryptionFailure", "1:AWSCURRENT")),
        ("disabled: no storing", &[new, disabled, put], ("EncryptionFailure", "1:AWSCURRENT")),
        ("to be deleted: no reading", &[new, deleted, Read], (REQUEST, "1:AWSCURRENT")),
        ("to be deleted: no storing", &[new, deleted, put], (REQUEST, "1:AWSCURRENT")),
        ("a rotation can begin", &[new, disabled, Rotate('2')], ("AllSteps", begun)),
        ("where there is no value, no key is needed to say so", &[new, disabled, Rotate('2'), ReadVersion('2')], (NOT_FOUND, begun)),
        ("labels need no key", &[new, put, disabled, Move("AWSCURRENT", Some('1'), Some('2'))], ("", "1:AWSPREVIOUS 2:AWSCURRENT+AWSPENDING")),
        ("with another key all is as before", &[new, disabled, Key(""), Read], ("a", "1:AWSCURRENT")),
    ];
    for (row, steps, expected) in rows {
        check(row, steps, *expected);
    }
}

#[test]
fn deletion() {
    let current = "1:AWSCURRENT";
    let new = Create('1', "a");
    #[rustfmt::skip]
    let rows: &[(&str, &[Call], (&str, &str))] = &[
        ("scheduled for deletion, still described", &[new, Delete(7)], ("", current)),
        ("not readable", &[new, Delete(7), Read], (REQUEST, current)),
        ("not writable", &[new, Delete(7), Put('2', "b")], (REQUEST, current)),
        ("not rotatable", &[new, Delete(7), Rotate('2')], (REQUEST, current)),
        ("its labels do not move", &[new, Delete(7), Move("BLUE", None, Some('1'))], (REQUEST, current)),
        ("not deletable twice", &[new, Delete(7), Delete(7)], (REQUEST, current)),
        ("its name is taken", &[new, Delete(7), Create('2', "b")], (REQUEST, current)),
        ("restored, it is readable", &[new, Delete(7), Restore, Read], ("a", current)),
        ("restoring what is not deleted is no error", &[new, Restore], ("", current)),
        ("six days are too few", &[new, Delete(6)], (PARAMETER, current)),
        ("31 days are too many", &[new, Delete(31)], (PARAMETER, current)),
        ("there on the sixth day", &[new, Delete(7), Days(6), Restore], ("", current)),
        ("gone on the seventh", &[new, Delete(7), Days(7), Restore], (NOT_FOUND, "gone")),
        ("gone at once when forced", &[new, DeleteNow, Read], (NOT_FOUND, "gone")),
        ("also when it was scheduled", &[new, Delete(7), DeleteNow], ("", "gone")),
        ("forcing what is not there is no error", &[DeleteNow], ("", "gone")),
        ("the name is free again", &[new, DeleteNow, Create('2', "b"), Read], ("b", "2:AWSCURRENT")),
    ];
    for (row, steps, expected) in rows {
        check(row, steps, *expected);
    }
}

#[test]
fn a_missing_token_is_refused_with_each_actions_own_exception() {
    for world in World::both() {
        world.run(Create('1', "a")).unwrap();
        let mut rotate = RotateSecret::at_once(NAME, "");
        rotate.token = None;
        let put = PutSecretValue {
            secret_id: NAME.to_owned(),
            token: None,
            value: StoredValue::text("b"),
            stages: None,
            rotation_token: None,
        };
        let wording =
            "You must provide a ClientRequestToken value. We recommend a UUID-type value.";
        let refusals = [
            (world.store.begin_rotation(&rotate).unwrap_err(), Exception::InvalidParameter),
            (world.store.put_secret_value(put).unwrap_err(), Exception::InvalidRequest),
        ];
        for (error, exception) in refusals {
            assert_eq!((error.exception, error.message.as_str()), (exception, wording));
        }
    }
}

#[test]
fn the_oldest_versions_without_labels_go_when_many_and_old() {
    for world in World::both() {
        world.run(Create('a', "0")).unwrap();
        let put = |n: u32| {
            let request = PutSecretValue {
                secret_id: NAME.to_owned(),
                token: Some(format!("{n:0>32}")),
                value: StoredValue::text(n.to_string()),
                stages: None,
                rotation_token: None,
            };
            world.store.put_secret_value(request).unwrap();
        };
        let count = || {
            let exported = world.store.export(ExportedValues::Hidden).unwrap();
            exported["secrets"][NAME]["versions"].as_array().unwrap().len()
        };
        (0..150).for_each(put);
        assert_eq!(count(), 151, "nothing younger than a day is dropped");
        world.run(Days(2)).unwrap();
        put(150);
        assert_eq!(count(), 102, "100 without a label, one current, one previous");
        assert_eq!(world.run(ReadVersion('a')).unwrap_err().exception, Exception::ResourceNotFound);
    }
}

#[test]
fn rotation_times_and_flags_are_described() {
    for world in World::both() {
        world.run(Create('1', "a")).unwrap();
        let described = || world.store.describe_secret(NAME).unwrap();
        assert_eq!((described().rotation_enabled, described().last_rotated), (None, None));
        world.run(Rotate('2')).unwrap();
        assert_eq!((described().rotation_enabled, described().last_rotated), (Some(true), None));
        assert_eq!(world.store.unfinished_rotation(NAME).unwrap().unwrap().version, id('2'));
        world.run(PutAs('2', "b", PENDING)).unwrap();
        world.run(Days(1)).unwrap();
        world.run(Move("AWSCURRENT", Some('1'), Some('2'))).unwrap();
        assert_eq!(described().last_rotated, Some(described().last_changed));
        assert_eq!(world.store.unfinished_rotation(NAME).unwrap(), None);
        world.run(Cancel).unwrap();
        assert_eq!(described().rotation_enabled, Some(false));
    }
}

#[test]
fn a_secret_is_found_by_name_arn_and_partial_arn() {
    for world in World::both() {
        world.run(Create('1', "a")).unwrap();
        let arn = world.store.describe_secret(NAME).unwrap().arn;
        let partial = &arn[..arn.len() - 7];
        assert_eq!(partial, "arn:aws:secretsmanager:us-east-1:123456789012:secret:app/db");
        for (id, found) in [
            (NAME, true),
            (arn.as_str(), true),
            (partial, true),
            (&arn[..arn.len() - 1], false),
            ("app/d", false),
            ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/db", false),
        ] {
            assert_eq!(world.store.describe_secret(id).is_ok(), found, "{id}");
        }
    }
}
