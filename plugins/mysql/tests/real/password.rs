//! Passwords: who signs in, and what a change leaves behind.

use windlass_harness::MysqlKind;
use windlass_sdk::{FailureKind, Plugin};

use crate::world::World;

/// Passwords that quoting, or a character set that is not set, would make another of.
const WEIRD: &[&str] = &[
    "plain-P4ssword",
    "it's \"quoted\" `so` \\ and \\' so",
    "%s {} $1 -- # /* */;",
    "Ünïcödé pässwörd 密码 😀",
    " leading and trailing ",
    "\\",
    "'",
];

fn every_password_can_be_set(kind: MysqlKind, methods: &[&str]) {
    let Some(world) = World::start(kind, &[]) else { return };
    let mut methods = methods.to_vec();
    if kind == MysqlKind::Mariadb {
        // Since 11.6 and 12.1.
        for (library, method) in
            [("auth_parsec", "parsec"), ("auth_mysql_sha2", "caching_sha2_password")]
        {
            match world.try_admin(&format!("INSTALL SONAME '{library}'")) {
                Ok(_) => methods.push(method),
                Err(_) => eprintln!("SKIPPED: {method}, which this MariaDB does not have"),
            }
        }
    }
    for method in methods {
        let user = "ap'p `\\@x é";
        let identified = match kind {
            MysqlKind::Mariadb => format!("IDENTIFIED VIA {method} USING PASSWORD('first')"),
            MysqlKind::Mysql => format!("IDENTIFIED WITH {method} BY 'first'"),
        };
        world.admin("DROP USER IF EXISTS `ap'p ``\\@x é`@'%'");
        world.admin(&format!("CREATE USER `ap'p ``\\@x é`@'%' {identified}"));
        let mut current = "first";
        for next in WEIRD {
            let failure = world.verify(user, next).unwrap_err();
            assert_eq!(failure.kind, FailureKind::Refused, "{method}: {failure}");
            world
                .change(user, current, next)
                .unwrap_or_else(|failure| panic!("{method} {current:?} to {next:?}: {failure}"));
            assert!(world.signs_in(user, next), "{method} {next}");
            assert!(!world.signs_in(user, current), "{method} {current}");
            world.verify(user, next).unwrap();
            assert_eq!(world.verify(user, current).unwrap_err().kind, FailureKind::Refused);
            current = next;
        }
    }
    let log = world.log();
    for password in WEIRD.iter().filter(|password| password.len() > 2) {
        assert!(!log.contains(password), "the server's log has {password:?}");
    }
}

#[test]
fn mariadb_takes_every_password_and_never_sees_it() {
    every_password_can_be_set(MysqlKind::Mariadb, &["mysql_native_password", "ed25519"]);
}

#[test]
fn mysql_takes_every_password_and_keeps_it_out_of_its_log() {
    every_password_can_be_set(MysqlKind::Mysql, &["caching_sha2_password"]);
}

#[test]
fn an_expired_password_can_be_changed_by_its_owner() {
    for kind in [MysqlKind::Mariadb, MysqlKind::Mysql] {
        // MariaDB turns such sign-ins away unless configured otherwise.
        let Some(world) = World::start(kind, &["--disconnect-on-expired-password=0"]) else {
            continue;
        };
        world.admin("CREATE USER app@'%' IDENTIFIED BY 'first-P4ss' PASSWORD EXPIRE");
        let failure = world.verify("app", "first-P4ss").unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Declined, "1820"));
        world.change("app", "first-P4ss", "second-P4ss").unwrap();
        world.verify("app", "second-P4ss").unwrap();
        assert!(world.signs_in("app", "second-P4ss"));
    }
}

#[test]
fn what_is_not_the_passwords_fault_is_never_a_refusal() {
    for kind in [MysqlKind::Mariadb, MysqlKind::Mysql] {
        let Some(world) = World::start(kind, &[]) else { continue };
        world.admin(
            "CREATE USER locked@'%' IDENTIFIED BY 'x-P4ss' ACCOUNT LOCK; \
             CREATE USER limited@'%' IDENTIFIED BY 'x-P4ss' WITH MAX_CONNECTIONS_PER_HOUR 1; \
             CREATE USER app@'%' IDENTIFIED BY 'x-P4ss'",
        );
        assert_eq!(world.verify("locked", "x-P4ss").unwrap_err().kind, FailureKind::Declined);
        world.verify("limited", "x-P4ss").unwrap();
        assert_eq!(world.verify("limited", "x-P4ss").unwrap_err().kind, FailureKind::Unreachable);
        assert_eq!(world.verify("nobody", "x-P4ss").unwrap_err().kind, FailureKind::Refused);
        let login = world.login("app", "x-P4ss", windlass_sdk::TlsMode::Required);
        let login = windlass_sdk::Login { database: Some("nosuch".into()), ..login };
        let failure = windlass_plugin_mysql::Mysql::verify(&login).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Declined);
        assert!(failure.remedy.contains("\"dbname\""), "{failure}");
    }
}

#[test]
fn without_tls_the_password_itself_is_never_sent() {
    for kind in [MysqlKind::Mariadb, MysqlKind::Mysql] {
        let Some(world) = World::start(kind, &[]) else { continue };
        world.admin("CREATE USER app@'%' IDENTIFIED BY 'first-P4ss'");
        let verify = |password| {
            let login = world.login("app", password, windlass_sdk::TlsMode::Disabled);
            windlass_plugin_mysql::Mysql::verify(&login)
        };
        if kind == MysqlKind::Mysql {
            // The server has the account's hash at hand only once somebody has signed in with TLS.
            let failure = verify("first-P4ss").unwrap_err();
            assert_eq!(failure.kind, FailureKind::Unsupported);
            assert!(failure.message.contains("no TLS"), "{failure}");
            // With the server's key, given by the operator, both answers are possible.
            let pem = world.admin("SHOW STATUS LIKE 'Caching_sha2_password_rsa_public_key'");
            let (_, pem) = pem.split_once('\t').unwrap();
            for (password, expected) in
                [("wrong-P4ss", Err(FailureKind::Refused)), ("first-P4ss", Ok(()))]
            {
                let login = world.login("app", password, windlass_sdk::TlsMode::Disabled);
                let fields = vec![("serverRsaPem".into(), pem.replace("\\n", "\n"))];
                let login = windlass_sdk::Login { fields, ..login };
                let outcome = windlass_plugin_mysql::Mysql::verify(&login);
                assert_eq!(outcome.map_err(|failure| failure.kind), expected, "{password}");
            }
            world.admin("ALTER USER app@'%' IDENTIFIED BY 'first-P4ss'");
            world.verify("app", "first-P4ss").unwrap();
        }
        verify("first-P4ss").unwrap();
        assert_ne!(verify("wrong-P4ss").unwrap_err().kind, FailureKind::Protocol);
        world.admin("ALTER USER app@'%' REQUIRE SSL");
        assert_ne!(verify("first-P4ss").map_err(|failure| failure.kind), Ok(()));
    }
}
