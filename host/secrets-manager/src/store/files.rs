//! Which file a store is, who may read it, and what is no store.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use rusqlite::Connection;
use tempfile::TempDir;

use super::database_error::beside;
use super::*;

/// A folder with the place of a store in it.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().canonicalize().unwrap().join("store.db");
    (folder, file)
}

fn create(store: &EmbeddedStore, name: &str) -> Result<(), ServiceError> {
    store.create_secret(CreateSecret::with_text(name, "first")).map(|_| ())
}

/// Opens a store and asks it for a secret: some damage shows only where it is.
fn look(file: &Path) -> Result<(), String> {
    let store = EmbeddedStore::open(file).map_err(|error| error.to_string())?;
    store.describe_secret("s").map_err(|error| error.to_string())?;
    Ok(())
}

#[test]
fn everything_survives_being_closed_and_opened() {
    let (_folder, file) = place();
    let store = EmbeddedStore::open(&file).unwrap();
    let mut request = CreateSecret::with_text("s", "{\"a\":\"\u{e9}\\n\"}");
    request.description = Some("words".to_owned());
    request.tags = Some(vec![Tag { key: "k".to_owned(), value: "v".to_owned() }]);
    request.replicas = vec![ReplicaRegion { region: "eu-west-1".to_owned(), kms_key_id: None }];
    store.create_secret(request).unwrap();
    let binary = PutSecretValue {
        secret_id: "s".to_owned(),
        token: Some("b".repeat(32)),
        value: StoredValue::Binary(zeroize::Zeroizing::new(vec![0, 255, 7])),
        stages: Some(vec!["BLUE".to_owned()]),
        rotation_token: None,
    };
    store.put_secret_value(binary).unwrap();
    let policy = r#"{"Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}}"#;
    store.put_resource_policy("s", policy, PublicPolicies::Blocked).unwrap();
    let mut rotate = RotateSecret::at_once("s", "c".repeat(32));
    rotate.rules = Some(RotationRules {
        automatically_after_days: Some(7),
        duration: None,
        schedule_expression: None,
    });
    store.begin_rotation(&rotate).unwrap();
    store.delete_secret("s", Deletion::AfterDays(None)).unwrap();
    let before = store.export(ExportedValues::Shown).unwrap();
    drop(store);
    let again = EmbeddedStore::open(&file).unwrap();
    let after = again.export(ExportedValues::Shown).unwrap();
    assert_eq!(after, before);

    let secret = &after["secrets"]["s"];
    assert_eq!(secret["versions"][1]["value"]["base64"], "AP8H");
    assert_eq!(secret["versions"][2]["value"], serde_json::Value::Null, "a placeholder");
    assert_eq!(secret["versions"][0]["labels"], serde_json::json!(["AWSCURRENT"]));
    for field in ["arn", "description", "tags", "created", "deletion", "rotation", "policy"] {
        assert!(!secret[field].is_null(), "{field}");
    }
    let hidden = again.export(ExportedValues::Hidden).unwrap().to_string();
    assert!(!hidden.contains("AP8H") && !hidden.contains("\u{e9}"), "{hidden}");
}

#[test]
fn the_file_and_its_log_are_private_from_the_start() {
    let (_folder, file) = place();
    let store = EmbeddedStore::open(&file).unwrap();
    assert!(!file.exists(), "reading makes no file");
    assert_eq!(store.list_secrets(&ListSecrets::default()).unwrap().secrets.len(), 0);
    create(&store, "s").unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for suffix in ["", "-wal", "-shm"] {
        assert_eq!(mode(&beside(&file, suffix)), 0o600, "{suffix}");
    }
    drop(store);
    std::fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    create(&EmbeddedStore::open(&file).unwrap(), "t").unwrap();
    assert_eq!(mode(&file), 0o600, "a file that was opened up is closed again");
}

#[test]
fn a_log_that_was_opened_up_is_closed_with_its_file() {
    let (_folder, file) = place();
    let store = EmbeddedStore::open(&file).unwrap();
    create(&store, "s").unwrap();
    for suffix in ["", "-wal", "-shm"] {
        std::fs::set_permissions(beside(&file, suffix), Permissions::from_mode(0o644)).unwrap();
    }
    create(&EmbeddedStore::open(&file).unwrap(), "t").unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let found = std::fs::metadata(beside(&file, suffix)).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o600, "{suffix}");
    }
}

#[test]
fn a_store_in_the_place_of_another_is_not_mixed_with_that_ones_log() {
    let (_folder, file) = place();
    let (store, reader) =
        (EmbeddedStore::open(&file).unwrap(), EmbeddedStore::open(&file).unwrap());
    create(&store, "old").unwrap();
    reader.describe_secret("old").unwrap();
    let backup = beside(&file, ".backup");
    create(&EmbeddedStore::open(&backup).unwrap(), "backup").unwrap();
    std::fs::rename(&backup, &file).unwrap();
    // As often as it is asked, with the old one still open elsewhere.
    for _ in 0..2 {
        let error = reader.describe_secret("backup").unwrap_err().to_string();
        assert!(error.contains("a log of another database"), "{error}");
    }
    drop(store);
    let _ = std::fs::remove_file(beside(&file, "-wal"));
    reader.describe_secret("backup").unwrap();
    assert!(reader.describe_secret("old").unwrap_err().to_string().contains("can't find"));
}

#[test]
fn writers_who_all_make_the_file_lose_nothing() {
    for _ in 0..25 {
        let (_folder, file) = place();
        std::thread::scope(|scope| {
            for name in ["a", "b", "c", "d"] {
                let file = &file;
                scope.spawn(move || create(&EmbeddedStore::open(file).unwrap(), name).unwrap());
            }
        });
        let store = EmbeddedStore::open(&file).unwrap();
        assert_eq!(store.list_secrets(&ListSecrets::default()).unwrap().secrets.len(), 4);
    }
}

#[test]
fn another_programs_database_is_not_even_opened() {
    let (_folder, file) = place();
    // As a crash leaves it: with a log that nobody has played back.
    let (_other, running) = place();
    let connection = Connection::open(&running).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    let tables = "CREATE TABLE a (a); CREATE TABLE b (b); PRAGMA wal_checkpoint; \
                  INSERT INTO a VALUES ('in the log')";
    connection.execute_batch(tables).unwrap();
    for suffix in ["", "-wal"] {
        std::fs::copy(beside(&running, suffix), beside(&file, suffix)).unwrap();
        std::fs::set_permissions(beside(&file, suffix), Permissions::from_mode(0o644)).unwrap();
    }
    let bytes = || ["", "-wal"].map(|suffix| std::fs::read(beside(&file, suffix)).unwrap());
    let before = bytes();
    assert!(!before[1].is_empty());
    let error = look(&file).unwrap_err();
    assert!(error.contains("not a store of windlass"), "{error}");
    assert_eq!(bytes(), before);
    let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o644, "its mode is not ours to change");
}

#[test]
fn what_is_no_store_is_named_and_left_alone() {
    let (_folder, file) = place();
    let good = {
        let (_folder, file) = place();
        create(&EmbeddedStore::open(&file).unwrap(), "s").unwrap();
        std::fs::read(&file).unwrap()
    };
    let edited = |sql: &str| {
        let (_folder, file) = place();
        std::fs::write(&file, &good).unwrap();
        let connection = Connection::open(&file).unwrap();
        connection.execute_batch(sql).unwrap();
        drop(connection);
        std::fs::read(&file).unwrap()
    };
    let other = {
        let (_folder, file) = place();
        Connection::open(&file).unwrap().execute_batch("CREATE TABLE hunter2 (a)").unwrap();
        std::fs::read(&file).unwrap()
    };
    let foreign = "not a store of windlass";
    let rows = [
        ("a text", b"hunter2".to_vec(), foreign),
        ("another database", other, foreign),
        ("another application's", edited("PRAGMA application_id = 7"), foreign),
        ("a newer format", edited("PRAGMA user_version = 2"), "has format 2"),
        ("cut off", good[..good.len() / 2].to_vec(), "damaged"),
        ("without a table", edited("DROP TABLE version"), "damaged"),
        ("labels that are not JSON", edited("UPDATE secret SET labels = 'hunter2'"), "damaged"),
        (
            "a label on nothing",
            edited(r#"UPDATE secret SET labels = '{"AWSCURRENT":"x"}'"#),
            "label AWSCURRENT of secret `s` is on version x",
        ),
        ("a time before 1970", edited("UPDATE secret SET created = -1"), "damaged"),
    ];
    for (row, content, says) in rows {
        std::fs::write(&file, &content).unwrap();
        let message = look(&file).expect_err(row);
        assert!(message.contains(says), "{row}: {message}");
        assert!(message.contains(&*file.to_string_lossy()), "{row}: {message}");
        assert!(!message.contains("hunter2"), "{row}: {message}");
        assert_eq!(std::fs::read(&file).unwrap(), content, "{row}");
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(beside(&file, suffix));
        }
    }
    std::fs::write(&file, &good).unwrap();
    look(&file).unwrap();
    std::fs::write(&file, b"").unwrap();
    create(&EmbeddedStore::open(&file).unwrap(), "s").unwrap();
    look(&file).unwrap();
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let (folder, file) = place();
    std::fs::create_dir(&file).unwrap();
    assert!(look(&file).unwrap_err().contains("not a file: `"));
    let missing = folder.path().join("nowhere").join("store.db");
    assert!(look(&missing).unwrap_err().contains("nowhere"));
}

#[test]
fn a_store_that_was_moved_away_is_not_written_to() {
    let (_folder, file) = place();
    let store = EmbeddedStore::open(&file).unwrap();
    create(&store, "s").unwrap();
    let elsewhere = beside(&file, ".old");
    std::fs::rename(&file, &elsewhere).unwrap();
    assert!(store.describe_secret("s").is_err(), "it reads what is in the place now");
    // The log of the one that was moved would be played into a new one.
    let error = create(&store, "t").unwrap_err().to_string();
    assert!(error.contains("-wal"), "{error}");
    assert!(!file.exists());
    // As the message says.
    std::fs::rename(beside(&file, "-wal"), beside(&elsewhere, "-wal")).unwrap();
    create(&store, "t").unwrap();
    look(&elsewhere).unwrap();
    assert!(EmbeddedStore::open(&elsewhere).unwrap().describe_secret("t").is_err());
}

#[test]
fn a_link_to_the_file_stays_a_link() {
    let (_folder, file) = place();
    create(&EmbeddedStore::open(&file).unwrap(), "s").unwrap();
    let link = beside(&file, ".link");
    symlink(&file, &link).unwrap();
    create(&EmbeddedStore::open(&link).unwrap(), "t").unwrap();
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(EmbeddedStore::open(&file).unwrap().describe_secret("t").is_ok());
}

#[test]
fn links_that_wait_beside_the_file_lead_nowhere() {
    for suffix in ["-wal", "-shm", "-journal"] {
        let (folder, file) = place();
        let (victim, absent) = (folder.path().join("victim"), folder.path().join("absent"));
        std::fs::write(&victim, "precious").unwrap();
        for target in [&absent, &victim] {
            symlink(target, beside(&file, suffix)).unwrap();
            let made = EmbeddedStore::open(&file)
                .map_err(ServiceError::from)
                .and_then(|store| create(&store, "s"));
            if let Err(error) = made {
                let link = beside(&file, suffix).display().to_string();
                assert!(error.message.contains(&link), "{suffix}: {error}");
            }
            assert!(!absent.exists(), "{suffix}: nothing is made where the link leads");
            assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious", "{suffix}");
            let _ = std::fs::remove_file(beside(&file, suffix));
        }
    }
}
