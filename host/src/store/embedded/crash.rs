//! What the state file promises, against processes that are killed and files that are damaged.

use crate::rotation::ports::{Stage, VersionId};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::*;

/// Tells this test program that it is to be a writer. Holds the file's path and the writer's name.
const WRITER: &str = "WINDLASS_TEST_WRITER";

const ROUNDS: usize = 40;

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("windlass-{name}-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn store(&self) -> PathBuf {
        self.0.join("store.json")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn put(store: &EmbeddedStore, secret: &str, token: &str, text: &str) -> Result<(), ServiceError> {
    let request = PutSecretValue {
        secret_id: secret.to_owned(),
        token: Some(token.to_owned()),
        value: StoredValue::Text(Secret::new(text.to_owned())),
        stages: Some(vec![Stage::Pending.as_str().to_owned()]),
        rotation_token: None,
    };
    store.put_secret_value(request).map(|_| ())
}

fn text(store: &EmbeddedStore, secret: &str, token: &str) -> String {
    let selector = VersionSelector::Version(VersionId::new(token));
    match &*store.secret_value(secret, &selector).unwrap().value {
        StoredValue::Text(text) => text.reveal().to_owned(),
        StoredValue::Binary(_) => panic!("a text became binary"),
    }
}

fn create(store: &EmbeddedStore, name: &str) {
    store.create_secret(CreateSecret::with_text(name, Secret::new("first".to_owned()))).unwrap();
}

/// Writes until it is killed, and says so after each write that was acknowledged.
fn write_forever(path: &Path, name: &str) -> ! {
    let store = EmbeddedStore::open(path).unwrap();
    for count in 0_u64.. {
        let token = format!("{name}-{count:0>24}");
        put(&store, "s", &token, &token).unwrap();
        println!("written {token}");
    }
    unreachable!()
}

fn spawn_writer(path: &Path, name: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "store::embedded::crash::a_killed_writer_loses_nothing"])
        .env(WRITER, format!("{name}:{}", path.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Reads what the writer acknowledges for this long, kills it, and reads the rest.
fn run_and_kill(mut writer: Child, patience: Duration) -> Vec<String> {
    let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines().map_while(Result::ok);
    let written = |line: String| line.strip_prefix("written ").map(str::to_owned);
    let first = lines.by_ref().find_map(written).expect("a writer stopped by itself");
    std::thread::sleep(patience);
    writer.kill().unwrap();
    writer.wait().unwrap();
    std::iter::once(first).chain(lines.filter_map(written)).collect()
}

#[test]
fn a_killed_writer_loses_nothing() {
    if let Ok(job) = std::env::var(WRITER) {
        let (name, path) = job.split_once(':').unwrap();
        write_forever(Path::new(path), name);
    }
    let folder = Folder::new("kill");
    let (mut total, mut state) = (0, 88_172_645_463_325_252_u64);
    for round in 0..ROUNDS {
        // A fresh file now and then, so that writing it stays quick.
        if round % 10 == 0 {
            let _ = std::fs::remove_file(folder.store());
            create(&EmbeddedStore::open(&folder.store()).unwrap(), "s");
        }
        // Xorshift: different moments each round, the same in each run.
        let mut moment = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            Duration::from_micros(state % 40_000)
        };
        // Two at once: neither may lose the other's writes, nor the lock when it dies.
        let patience = [moment(), moment()];
        let writers =
            ["a", "b"].map(|name| spawn_writer(&folder.store(), &format!("{name}{round:0>6}")));
        let [one, two] = writers;
        let other = std::thread::spawn(move || run_and_kill(two, patience[1]));
        let mut acknowledged = run_and_kill(one, patience[0]);
        acknowledged.extend(other.join().unwrap());

        let store = EmbeddedStore::open(&folder.store()).unwrap();
        for token in &acknowledged {
            assert_eq!(&text(&store, "s", token), token, "round {round}");
        }
        total += acknowledged.len();
    }
    assert!(total >= 2 * ROUNDS, "only {total} writes were acknowledged");
}

#[test]
fn two_stores_on_one_file_see_each_other() {
    let folder = Folder::new("two");
    let one = EmbeddedStore::open(&folder.store()).unwrap();
    let two = EmbeddedStore::open(&folder.store()).unwrap();
    create(&one, "s");
    let threads = [one.clone(), two.clone()].map(|store| {
        std::thread::spawn(move || {
            for count in 0..50 {
                let token = uuid::Uuid::new_v4().to_string();
                put(&store, "s", &token, &count.to_string()).unwrap();
                assert_eq!(text(&store, "s", &token), count.to_string());
            }
        })
    });
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    for store in [one, two] {
        assert_eq!(store.shared.live().state.secrets.len(), 1);
        let request = ListVersionIds {
            secret_id: "s".to_owned(),
            deprecated: DeprecatedVersions::List,
            page: Page { max_results: Some(100), next_token: None },
        };
        let page = store.list_version_ids(&request).unwrap();
        assert!(page.versions.len() == 100 && page.next_token.is_some(), "101 versions in all");
    }
}

#[test]
fn everything_survives_being_closed_and_opened() {
    let folder = Folder::new("reopen");
    let store = EmbeddedStore::open(&folder.store()).unwrap();
    let mut request = CreateSecret::with_text("s", Secret::new("{\"a\":\"\u{e9}\\n\"}".to_owned()));
    request.description = Some("words".to_owned());
    request.tags = Some(vec![Tag { key: "k".to_owned(), value: "v".to_owned() }]);
    store.create_secret(request).unwrap();
    let binary = PutSecretValue {
        secret_id: "s".to_owned(),
        token: Some("b".repeat(32)),
        value: StoredValue::Binary(zeroize::Zeroizing::new(vec![0, 255, 7])),
        stages: Some(vec!["BLUE".to_owned()]),
        rotation_token: None,
    };
    store.put_secret_value(binary).unwrap();
    let mut rotate = RotateSecret::at_once("s", "c".repeat(32));
    rotate.rules = Some(RotationRules {
        automatically_after_days: Some(7),
        duration: None,
        schedule_expression: None,
    });
    store.begin_rotation(&rotate).unwrap();
    store.delete_secret("s", Deletion::AfterDays(None)).unwrap();
    let before = serde_json::to_string(&store.shared.live().state).unwrap();
    drop(store);
    let again = EmbeddedStore::open(&folder.store()).unwrap();
    assert_eq!(serde_json::to_string(&again.shared.live().state).unwrap(), before);
}

#[test]
fn the_file_is_private_from_the_start() {
    let folder = Folder::new("mode");
    let store = EmbeddedStore::open(&folder.store()).unwrap();
    create(&store, "s");
    let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder.store()), 0o600);
    assert_eq!(mode(folder.0.join("store.json.lock")), 0o600);
    std::fs::set_permissions(folder.store(), std::fs::Permissions::from_mode(0o644)).unwrap();
    create(&store, "t");
    assert_eq!(mode(folder.store()), 0o600, "a file that was opened up is closed again");
}

#[test]
fn what_is_not_understood_is_named_and_left_alone() {
    let folder = Folder::new("damage");
    let store = EmbeddedStore::open(&folder.store()).unwrap();
    create(&store, "s");
    let good = std::fs::read_to_string(folder.store()).unwrap();
    let place = folder.store().canonicalize().unwrap().display().to_string();
    let rows = [
        ("empty", String::new(), "damaged at line 1"),
        ("cut off", good[..good.len() / 2].to_owned(), "damaged at line"),
        ("not JSON", "hunter2".to_owned(), "damaged at line 1, column 1"),
        ("a value of another type", good.replace("\"first\"", "[\"hunter2\"]"), "damaged at line"),
        (
            "an unknown field",
            good.replacen("\"created\"", "\"new\":\"hunter2\",\"created\"", 1),
            "damaged",
        ),
        (
            "another program's",
            "{\"secrets\":\"hunter2\"}".to_owned(),
            "not a state file of windlass",
        ),
        ("newer", good.replace("\"version\": 1", "\"version\": 2"), "has format 2"),
        (
            "a label on nothing",
            good.replacen("\"AWSCURRENT\": \"", "\"AWSCURRENT\": \"x", 1),
            "contradicts itself",
        ),
    ];
    for (row, content, says) in rows {
        std::fs::write(folder.store(), &content).unwrap();
        let opened = EmbeddedStore::open(&folder.store()).err().map(|error| error.to_string());
        // The store that is open already finds it too, for reading and for writing.
        let read = store.describe_secret("s").unwrap_err();
        let written = put(&store, "s", &"d".repeat(32), "x").unwrap_err();
        assert_eq!(read.exception, Exception::InternalService, "{row}");
        for message in [opened.expect(row), read.message, written.message] {
            assert!(message.contains(says), "{row}: {message}");
            assert!(message.contains(&place), "{row}: {message}");
            assert!(!message.contains("hunter2"), "{row}: {message}");
        }
        assert_eq!(std::fs::read_to_string(folder.store()).unwrap(), content, "{row}");
    }
    std::fs::write(folder.store(), &good).unwrap();
    assert_eq!(store.describe_secret("s").unwrap().name, "s", "repaired, it is read again");
}

#[test]
fn a_store_that_cannot_be_written_says_which_file() {
    let folder = Folder::new("gone");
    let store = EmbeddedStore::open(&folder.store()).unwrap();
    create(&store, "s");
    // Root may write anywhere; a folder in the way of the draft stops it too.
    std::fs::create_dir(folder.0.join(".store.json.new")).unwrap();
    let error = put(&store, "s", &"d".repeat(32), "x").unwrap_err();
    assert_eq!(error.exception, Exception::InternalService);
    assert!(error.message.contains(".store.json.new"), "{}", error.message);
    let missing = folder.0.join("nowhere").join("store.json");
    let error = EmbeddedStore::open(&missing).err().unwrap().to_string();
    assert!(error.contains("nowhere"), "{error}");
    std::fs::remove_dir(folder.0.join(".store.json.new")).unwrap();
    put(&store, "s", &"d".repeat(32), "x").unwrap();
}

#[test]
fn a_link_to_the_file_stays_a_link() {
    let folder = Folder::new("link");
    create(&EmbeddedStore::open(&folder.store()).unwrap(), "s");
    let link = folder.0.join("link.json");
    std::os::unix::fs::symlink(folder.store(), &link).unwrap();
    create(&EmbeddedStore::open(&link).unwrap(), "t");
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(EmbeddedStore::open(&folder.store()).unwrap().describe_secret("t").is_ok());
}

#[test]
fn links_that_wait_beside_the_file_lead_nowhere() {
    let folder = Folder::new("traps");
    let store = EmbeddedStore::open(&folder.store()).unwrap();
    let (victim, absent) = (folder.0.join("victim"), folder.0.join("absent"));
    std::fs::write(&victim, "precious").unwrap();
    let (lock, draft) = (folder.0.join("store.json.lock"), folder.0.join(".store.json.new"));
    for target in [&absent, &victim] {
        std::os::unix::fs::symlink(target, &lock).unwrap();
        let refused = store.create_secret(CreateSecret::with_text("s", Secret::new("x".into())));
        let message = refused.unwrap_err().message;
        assert!(message.contains("store.json.lock"), "{message}");
        assert!(!absent.exists(), "nothing is made where the link leads");
        std::fs::remove_file(&lock).unwrap();
    }
    std::os::unix::fs::symlink(&victim, &draft).unwrap();
    create(&store, "s");
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
    assert!(std::fs::symlink_metadata(folder.store()).unwrap().is_file());
}
