//! A real server: who signs in, who does not, and what its log says of it.

use windlass_harness::{Ca, Postgres, PostgresOptions, Validity, WorkDir};

async fn start(options: PostgresOptions) -> (WorkDir, Postgres) {
    let work = WorkDir::new().unwrap();
    let ca = Ca::new(work.path(), "ca").unwrap();
    let postgres = Postgres::start(&ca, options).await.unwrap();
    (work, postgres)
}

#[tokio::test]
async fn psql_tells_a_right_password_from_a_wrong_one() {
    let (_work, postgres) = start(PostgresOptions::default()).await;
    postgres.admin("CREATE ROLE app LOGIN PASSWORD 'right'").await.unwrap();
    let before = postgres.log().unwrap();

    let user = postgres.psql("app", "right", "postgres", "SELECT current_user").await.unwrap();
    assert_eq!(user, "app");
    let encrypted = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let version = postgres.psql("app", "right", "postgres", encrypted).await.unwrap();
    assert_eq!(version, "TLSv1.3");
    let error = postgres.psql("app", "wrong", "postgres", "SELECT 1").await.unwrap_err();
    assert!(error.is_refused(), "{error}");
    let error = postgres.psql("app", "right", "postgres", "SELECT 1/0").await.unwrap_err();
    assert!(!error.is_refused(), "{error}");

    let log = postgres.log().unwrap().since(&before);
    assert_eq!(
        (log.connections(), log.sign_ins(), log.refused_sign_ins()),
        (4, 3, 1),
        "{}",
        log.text()
    );
    assert!(log.contains("SELECT 1/0") && !log.contains("CREATE ROLE"));
    let (rest, end) = postgres.log_from(before.text().len() as u64).unwrap();
    assert_eq!((rest.sign_ins(), rest.refused_sign_ins()), (3, 1));
    assert_eq!(postgres.log_from(end).unwrap().0.refused_sign_ins(), 0);
}

#[tokio::test]
async fn rules_change_while_it_runs_and_md5_works() {
    let (_work, postgres) = start(PostgresOptions {
        settings: vec![("password_encryption".to_owned(), "md5".to_owned())],
        ..PostgresOptions::default()
    })
    .await;
    postgres.admin("CREATE ROLE md5user LOGIN PASSWORD 'pw'").await.unwrap();
    postgres.psql("md5user", "pw", "postgres", "SELECT 1").await.unwrap();

    postgres.set_first_rules(&["hostssl all md5user all reject".to_owned()]).await.unwrap();
    let error = postgres.psql("md5user", "pw", "postgres", "SELECT 1").await.unwrap_err();
    assert!(error.to_string().contains("pg_hba.conf rejects"), "{error}");
    assert!(!error.is_refused());

    postgres.set_first_rules(&[]).await.unwrap();
    postgres.psql("md5user", "pw", "postgres", "SELECT 1").await.unwrap();
}

#[tokio::test]
async fn psql_refuses_bad_certificates() {
    let work = WorkDir::new().unwrap();
    let ca = Ca::new(work.path(), "ca").unwrap();
    let stranger = Ca::new(work.path(), "stranger").unwrap();
    for (issuer, validity, expected) in [
        (&ca, Validity::Expired, "certificate verify failed"),
        (&ca, Validity::WrongName, "does not match host name"),
        (&stranger, Validity::Valid, "certificate verify failed"),
    ] {
        let identity = issuer.issue("bad", validity).unwrap();
        let options = PostgresOptions { identity: Some(identity), ..PostgresOptions::default() };
        let postgres = Postgres::start(&ca, options).await.unwrap();
        let answer = postgres.admin("SELECT 1").await;
        let text = answer.unwrap_or_else(|error| error.to_string());
        assert!(text.contains(expected), "{validity:?}: {text}");
    }
}
