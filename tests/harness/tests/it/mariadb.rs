//! Real servers of both kinds: who signs in, who does not, and what the log has of it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use windlass_harness::{Ca, Mariadb, MariadbOptions, MysqlKind, Validity, WorkDir, skip};

/// How long anything is waited for: a busy machine ends a process within a second.
const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn the_client_tells_a_right_password_from_a_wrong_one() {
    for kind in [MysqlKind::Mariadb, MysqlKind::Mysql] {
        if let Some(why) = Mariadb::missing(kind) {
            skip(&why);
            continue;
        }
        let work = WorkDir::new().unwrap();
        let ca = Ca::new(work.path(), "ca").unwrap();
        let options = MariadbOptions { kind, ..MariadbOptions::default() };
        let server = Mariadb::start(&ca, options).await.unwrap();
        server.admin("CREATE USER app@'%' IDENTIFIED BY 'right'").await.unwrap();

        let who = server.sql("app", "right", "SELECT CURRENT_USER()").await.unwrap();
        assert_eq!(who, "app@%");
        let cipher = server.sql("app", "right", "SHOW STATUS LIKE 'Ssl_version'").await.unwrap();
        assert_eq!(cipher, "Ssl_version\tTLSv1.3");
        let error = server.sql("app", "wrong", "SELECT 1").await.unwrap_err();
        assert!(error.is_refused(), "{error}");
        let error = server.sql("app", "right", "SELECT nothing").await.unwrap_err();
        assert!(!error.is_refused(), "{error}");

        let log = server.log().unwrap();
        assert!(log.contains("SELECT nothing"), "{log}");
    }
}

#[tokio::test]
async fn the_client_refuses_bad_certificates() {
    if let Some(why) = Mariadb::missing(MysqlKind::Mariadb) {
        skip(&why);
        return;
    }
    let work = WorkDir::new().unwrap();
    let ca = Ca::new(work.path(), "ca").unwrap();
    let stranger = Ca::new(work.path(), "stranger").unwrap();
    for (issuer, validity) in [(&ca, Validity::WrongName), (&stranger, Validity::Valid)] {
        let identity = issuer.issue("bad", validity).unwrap();
        let options = MariadbOptions { identity: Some(identity), ..MariadbOptions::default() };
        let error = Mariadb::start(&ca, options).await.unwrap_err();
        assert!(error.to_string().contains("TLS/SSL error"), "{validity:?}: {error}");
    }
}

#[tokio::test]
async fn a_server_may_have_no_tls_at_all() {
    for kind in [MysqlKind::Mariadb, MysqlKind::Mysql] {
        if let Some(why) = Mariadb::missing(kind) {
            skip(&why);
            continue;
        }
        let work = WorkDir::new().unwrap();
        let ca = Ca::new(work.path(), "ca").unwrap();
        let options = MariadbOptions { kind, tls: false, ..MariadbOptions::default() };
        let server = Mariadb::start(&ca, options).await.unwrap();
        let cipher = server.admin("SHOW STATUS LIKE 'Ssl_cipher'").await.unwrap();
        assert_eq!(cipher.trim(), "Ssl_cipher", "{kind:?}");
        let begun = server.log_length().unwrap();
        server.admin("SELECT 'something of ours'").await.unwrap();
        let (log, end) = server.log_from(begun).unwrap();
        assert!(log.contains("something of ours") && log.contains("TCP/IP"), "{log}");
        assert_eq!(server.log_from(end).unwrap(), (String::new(), end));
        assert!(server.own_statements().iter().any(|sql| sql == "SELECT 'something of ours'"));
    }
}

/// Names the kind of server that [`somebody_who_is_killed`] starts.
const KIND: &str = "WINDLASS_HARNESS_TEST_KIND";

/// Not a test by itself: a process that starts a server and never ends it.
#[tokio::test]
async fn somebody_who_is_killed() {
    let Ok(kind) = std::env::var(KIND) else { return };
    let kind = if kind == "Mysql" { MysqlKind::Mysql } else { MysqlKind::Mariadb };
    let work = WorkDir::new().unwrap();
    let ca = Ca::new(work.path(), "ca").unwrap();
    let options = MariadbOptions { kind, ..MariadbOptions::default() };
    let server = Mariadb::start(&ca, options).await.unwrap();
    let file = server.admin("SELECT @@pid_file").await.unwrap();
    let id = std::fs::read_to_string(&file).unwrap();
    // As when whoever cleans up is faster than the server.
    let folder = Path::new(&file).parent().unwrap();
    let end = Instant::now() + LIMIT;
    while let Err(error) = std::fs::remove_dir_all(folder) {
        // The server makes files meanwhile.
        let goes_on = error.kind() == std::io::ErrorKind::DirectoryNotEmpty;
        assert!(goes_on && Instant::now() < end, "{error}");
    }
    println!("\nserver {}", id.trim());
    tokio::time::sleep(LIMIT).await;
}

/// Whatever a server is doing then, and whatever has become of its files.
#[test]
fn a_server_ends_with_the_process_that_started_it_though_its_files_are_gone() {
    for kind in [MysqlKind::Mariadb, MysqlKind::Mysql] {
        if let Some(why) = Mariadb::missing(kind) {
            skip(&why);
            continue;
        }
        let mut other = Command::new(std::env::current_exe().unwrap())
            .args(["mariadb::somebody_who_is_killed", "--exact", "--nocapture"])
            .env(KIND, format!("{kind:?}"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(other.stdout.take().unwrap()).lines();
        let server = lines.find_map(|line| line.unwrap().strip_prefix("server ")?.parse().ok());
        let server: u32 = server.unwrap();
        let there = Path::new("/proc").join(server.to_string());
        assert!(there.exists());
        other.kill().unwrap();
        other.wait().unwrap();
        let end = Instant::now() + LIMIT;
        while there.exists() {
            assert!(Instant::now() < end, "{kind:?} goes on without anybody");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
