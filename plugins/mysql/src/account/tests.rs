//! Accounts as servers show them, and what differs between two.

use super::*;

fn read(statement: &str) -> Account {
    Account::read(statement, Backslash::Single).unwrap()
}

#[test]
fn accounts_as_the_servers_write_them() {
    let maria = read(
        "CREATE USER `a'p`@`10.%` IDENTIFIED VIA ed25519 USING 'key' OR mysql_native_password \
         USING 'invalid' OR unix_socket REQUIRE ISSUER '/x' SUBJECT '/CN=a''b' WITH \
         MAX_QUERIES_PER_HOUR 5 MAX_STATEMENT_TIME 2.500000 ACCOUNT LOCK PASSWORD EXPIRE \
         INTERVAL 30 DAY",
    );
    let plugins: Vec<_> = maria.identities.iter().map(|it| it.plugin.as_str()).collect();
    assert_eq!(plugins, ["ed25519", "mysql_native_password", "unix_socket"]);
    assert!(maria.locked);
    assert_eq!(
        maria.attributes.clauses_instead_of(&Attributes::default()),
        " REQUIRE ISSUER '/x' AND SUBJECT '/CN=a''b' WITH MAX_QUERIES_PER_HOUR 5 \
         MAX_STATEMENT_TIME 2.500000 PASSWORD EXPIRE INTERVAL 30 DAY"
    );
    assert_eq!(
        Attributes::default().clauses_instead_of(&maria.attributes),
        " REQUIRE NONE WITH MAX_QUERIES_PER_HOUR 0 MAX_STATEMENT_TIME 0 PASSWORD EXPIRE DEFAULT"
    );

    let mysql = read(
        "CREATE USER `app`@`%` IDENTIFIED WITH 'caching_sha2_password' AS 0x2441 DEFAULT ROLE \
         `r`@`%`,`s`@`%` REQUIRE SSL WITH MAX_USER_CONNECTIONS 3 PASSWORD EXPIRE DEFAULT ACCOUNT \
         UNLOCK PASSWORD HISTORY 5 PASSWORD REUSE INTERVAL 10 DAY PASSWORD REQUIRE CURRENT \
         FAILED_LOGIN_ATTEMPTS 3 PASSWORD_LOCK_TIME UNBOUNDED ATTRIBUTE '{\"a\": 1}'",
    );
    assert_eq!(mysql.identities[0].stored, Some(b"$A".to_vec()));
    assert_eq!(mysql.default_roles.len(), 2);
    assert_eq!(
        mysql.attributes.clauses_instead_of(&Attributes::default()),
        " REQUIRE SSL WITH MAX_USER_CONNECTIONS 3 PASSWORD HISTORY 5 PASSWORD REUSE INTERVAL 10 \
         DAY PASSWORD REQUIRE CURRENT FAILED_LOGIN_ATTEMPTS 3 PASSWORD_LOCK_TIME UNBOUNDED"
    );

    let plain = read(
        "CREATE USER `app`@`%` IDENTIFIED WITH 'mysql_native_password' AS '*24' REQUIRE NONE \
         PASSWORD EXPIRE DEFAULT ACCOUNT UNLOCK PASSWORD HISTORY DEFAULT PASSWORD REUSE \
         INTERVAL DEFAULT PASSWORD REQUIRE CURRENT DEFAULT",
    );
    let bare = read("CREATE USER `app`@`%` IDENTIFIED BY PASSWORD '*24'");
    assert_eq!(plain, bare);
    let hidden = "CREATE USER `app`@`%` IDENTIFIED WITH 'caching_sha2_password' AS <secret>";
    assert_eq!(read(hidden).identities[0].stored, None);
}

#[test]
fn an_expired_password_hides_when_it_expires() {
    let expired = read("CREATE USER `app`@`%` PASSWORD EXPIRE ACCOUNT UNLOCK").attributes;
    let never = read("CREATE USER `app`@`%` PASSWORD EXPIRE NEVER").attributes;
    assert_eq!(never.clauses_instead_of(&expired), " PASSWORD EXPIRE NEVER");
    assert_eq!(expired.clauses_instead_of(&never), "");
    assert!(never.agree_with(&expired) && expired.agree_with(&never));
    assert!(!never.agree_with(&Attributes::default()));
}

/// With `DEFAULT` it depends on the server, so that it may.
#[test]
fn a_life_that_may_be_longer_is_known() {
    for (clones, own, longer) in [
        ("INTERVAL 9 DAY", "NEVER", true),
        ("INTERVAL 9 DAY", "INTERVAL 10 DAY", true),
        ("INTERVAL 9 DAY", "DEFAULT", true),
        ("DEFAULT", "INTERVAL 9 DAY", true),
        ("INTERVAL 10 DAY", "INTERVAL 9 DAY", false),
        ("NEVER", "INTERVAL 9 DAY", false),
        ("NEVER", "DEFAULT", false),
    ] {
        let [clone, base] = [clones, own]
            .map(|when| read(&format!("CREATE USER `app`@`%` PASSWORD EXPIRE {when}")));
        let changes = base.attributes.changes_of(&clone.attributes);
        assert_eq!(changes[0].lengthens_a_life(), longer, "{changes:?}");
        assert_eq!(changes[0].before(), format!("PASSWORD EXPIRE {clones}"));
        assert_eq!(changes[0].clause(), format!("PASSWORD EXPIRE {own}"));
    }
}

#[test]
fn what_is_not_known_is_refused() {
    for statement in [
        "",
        "CREATE USER app",
        "CREATE USER `app`@`%` IDENTIFIED WITH 'x' AS 'y' AND IDENTIFIED WITH 'z'",
        "CREATE USER `app`@`%` PASSWORD SOMETHING NEW",
        "CREATE USER `app`@`%` REQUIRE TOKEN",
        "CREATE USER `app`@`%` WITH NEW_LIMIT 5",
    ] {
        assert!(Account::read(statement, Backslash::Single).is_err(), "{statement}");
    }
}
