//! What the database promises, against processes that are killed and processes that write together.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::database_error::beside;
use super::*;

/// Tells this test program that it is to be a writer. Holds the file's path and the writer's name.
const WRITER: &str = "WINDLASS_TEST_WRITER";

const ROUNDS: usize = 40;

fn put(store: &EmbeddedStore, secret: &str, token: &str, text: &str) -> Result<(), ServiceError> {
    let request = PutSecretValue {
        secret_id: secret.to_owned(),
        token: Some(token.to_owned()),
        value: StoredValue::text(text),
        stages: Some(vec!["AWSPENDING".to_owned()]),
        rotation_token: None,
    };
    store.put_secret_value(request).map(|_| ())
}

fn text(store: &EmbeddedStore, secret: &str, token: &str) -> String {
    let selector = VersionSelector::Version(token.to_owned());
    let found = store.secret_value(secret, &selector).unwrap();
    found.value.as_text().expect("a text became binary").to_owned()
}

fn create(store: &EmbeddedStore, name: &str) {
    store.create_secret(CreateSecret::with_text(name, "first")).unwrap();
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
        .args(["--exact", "--nocapture", "store::crash::a_killed_writer_loses_nothing"])
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
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let (mut total, mut state) = (0, 88_172_645_463_325_252_u64);
    for round in 0..ROUNDS {
        // A fresh file now and then, because a new one is made ready in several steps.
        if round % 10 == 0 {
            for suffix in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(beside(&file, suffix));
            }
            create(&EmbeddedStore::open(&file).unwrap(), "s");
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
        let writers = ["a", "b"].map(|name| spawn_writer(&file, &format!("{name}{round:0>6}")));
        let [one, two] = writers;
        let other = std::thread::spawn(move || run_and_kill(two, patience[1]));
        let mut acknowledged = run_and_kill(one, patience[0]);
        acknowledged.extend(other.join().unwrap());

        let store = EmbeddedStore::open(&file).unwrap();
        for token in &acknowledged {
            assert_eq!(&text(&store, "s", token), token, "round {round}");
        }
        total += acknowledged.len();
    }
    assert!(total >= 2 * ROUNDS, "only {total} writes were acknowledged");
}

#[test]
fn two_stores_on_one_file_see_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let one = EmbeddedStore::open(&file).unwrap();
    let two = EmbeddedStore::open(&file).unwrap();
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
        assert_eq!(store.list_secrets(&ListSecrets::default()).unwrap().secrets.len(), 1);
        let request = ListVersionIds {
            secret_id: "s".to_owned(),
            deprecated: DeprecatedVersions::List,
            page: Page { max_results: Some(100), next_token: None },
        };
        let page = store.list_version_ids(&request).unwrap();
        assert!(page.versions.len() == 100 && page.next_token.is_some(), "101 versions in all");
    }
}
