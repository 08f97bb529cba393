//! Changes: which statements are sent as whom, and what of an answer goes on.

use FailureKind::*;

use super::server::*;
use super::*;
use crate::scramble;

const MARIA: &str = "10.11.6-MariaDB";

#[test]
fn ones_own_password() {
    let hash = scramble::native_hash(NEW_PASSWORD);
    let alter = format!("ALTER USER USER() IDENTIFIED BY '{NEW_PASSWORD}'");
    let named = format!("{alter} REPLACE '{PASSWORD}'");
    let table = [
        ("8.0.12", alter),
        ("8.0.36", named.clone()),
        ("8.0.mysql_aurora.3.05.2", named),
        (MARIA, format!("SET PASSWORD = '{hash}'")),
    ];
    for (version, expected) in table {
        let hash = hash.clone();
        change("app", "app", move |peer| {
            let mut server = Server::new(peer);
            server.let_in(version);
            server.prepare(version, "app@10.%");
            if version == MARIA {
                server.describe_own("BY PASSWORD '*2470'");
            }
            assert_eq!(server.query(), expected);
            server.send(OK);
            match version {
                MARIA => server.describe_own(&format!("BY PASSWORD '{hash}'")),
                "8.0.12" => {}
                _ => server.denies_to_discard(),
            }
            server.goodbye();
        })
        .unwrap();
    }
}

/// A version that has one password for an account is not asked to end a second one.
#[test]
fn what_a_server_does_not_know_is_not_asked() {
    change("app", "app", |peer| {
        let mut server = Server::new(peer);
        server.let_in("5.7.44-log");
        server.prepare("5.7.44-log", "app@%");
        assert!(server.query().starts_with("ALTER USER USER() "));
        server.send(OK);
        server.goodbye();
    })
    .unwrap();
    let outcome = keep("8.0.13", |server| server);
    assert_failure(outcome, Unsupported, "", "MySQL 8.0.13, where an account has one password");
}

/// A change that keeps the password that signed in; `script` goes on once the session is prepared.
fn keep(
    version: &'static str,
    script: impl FnOnce(Server) -> Server + Send + 'static,
) -> Result<(), Failure> {
    run(
        move |peer| {
            let mut server = Server::new(peer);
            server.let_in(version);
            server.prepare(version, "app@%");
            script(server).goodbye();
        },
        |server| {
            let request = request(server, "app", "app");
            Mysql::change(&ChangeRequest { keep_old_valid: true, ..request })
        },
    )
}

#[test]
fn the_password_that_is_kept_is_named_so_that_no_other_can_be() {
    let change = format!(
        "ALTER USER USER() IDENTIFIED BY '{NEW_PASSWORD}' REPLACE '{PASSWORD}' \
         RETAIN CURRENT PASSWORD"
    );
    keep("8.0.14", move |mut server| {
        assert_eq!(server.query(), change);
        server.send(OK);
        server
    })
    .unwrap();
    let outcome = keep("9.7.0", |mut server| {
        server.query();
        server.error(1227, "Access denied; old-p4ssword");
        server
    });
    let remedy = "GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO `app`@'HOST'";
    assert_failure(outcome, Declined, "1227", remedy);
}

#[test]
fn the_hash_is_that_of_the_method_with_which_the_account_signs_in() {
    change("app", "app", |peer| {
        let mut server = Server::new(peer);
        server.greet(MARIA, "mysql_native_password");
        server.send(&switch("client_ed25519", &[7; 32]));
        server.receive();
        server.send(OK);
        server.prepare(MARIA, "app@%");
        server.describe_own("VIA ed25519 USING 'x' OR mysql_native_password USING 'invalid'");
        let hash = scramble::ed25519_hash(NEW_PASSWORD);
        assert_eq!(server.query(), format!("SET PASSWORD = '{hash}'"));
        server.send(OK);
        let stored = format!("VIA ed25519 USING '{hash}' OR mysql_native_password USING 'invalid'");
        server.describe_own(&stored);
        server.goodbye();
    })
    .unwrap();
}

const STRICT: &str = "running with the --strict-password-validation option";

/// An own change on MariaDB whose policy wants to see the password, up to that answer.
fn insists(peer: Peer, tls: TlsMode) -> Server {
    let mut server = Server::new(peer);
    match tls {
        TlsMode::Required => {
            server.greet_with_tls(MARIA, "mysql_native_password");
            server.send(OK);
        }
        TlsMode::Disabled => server.let_in(MARIA),
    }
    server.prepare(MARIA, "app@%");
    server.describe_own("BY PASSWORD '*2470'");
    assert!(server.query().starts_with("SET PASSWORD = '*"));
    server.error(1290, STRICT);
    server.warns(&[("1290", STRICT)]);
    server
}

fn change_with(
    tls: TlsMode,
    may_send_text: bool,
    script: impl FnOnce(Server) + Send + 'static,
) -> Result<(), Failure> {
    run(
        move |peer| script(insists(peer, tls)),
        |server| {
            let request = request(server, "app", "app");
            let actor = Login { tls, ..request.actor };
            Mysql::change(&ChangeRequest { actor, may_send_text, ..request })
        },
    )
}

#[test]
fn a_policy_of_mariadbs_sees_the_password_inside_tls_and_where_the_operator_allows_it() {
    change_with(TlsMode::Required, true, |mut server| {
        assert_eq!(server.query(), format!("SET PASSWORD = PASSWORD('{NEW_PASSWORD}')"));
        server.send(OK);
        server.describe_own(&format!("BY PASSWORD '{}'", scramble::native_hash(NEW_PASSWORD)));
        server.goodbye();
    })
    .unwrap();
    let outcome = change_with(TlsMode::Required, false, Server::goodbye);
    assert_failure(outcome, TextRequired, "", "strict_password_validation");
    for may_send_text in [true, false] {
        let outcome = change_with(TlsMode::Disabled, may_send_text, Server::goodbye);
        assert_failure(outcome, Unsupported, "", "remove \"ssl\": false");
    }
}

#[test]
fn a_policy_that_refuses_says_why_and_which_setting_stands_against_it() {
    let outcome = change_with(TlsMode::Required, true, |mut server| {
        server.query();
        server.error(1819, "Your password does not satisfy the current policy requirements");
        server.warns(&[
            ("1819", "simple_password_check: Too short password (< 40)"),
            ("1819", "simple_password_check: it is new-p4ssword"),
            ("1819", "another_policy: says anything"),
            ("1064", "near 'new-p4ssword'"),
        ]);
        assert_eq!(server.query(), "SHOW GLOBAL VARIABLES LIKE 'simple_password_check%'");
        server.rows(2, &[&["simple_password_check_minimal_length", "40"]]);
        server.goodbye();
    });
    let failure = outcome.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (PasswordRejected, "1819"));
    let reasons = "(simple_password_check: Too short password (< 40); simple_password_check requires \
                   at least 40 characters)";
    assert!(failure.message.ends_with(reasons), "{failure}");
    assert_eq!(failure.remedy, "set PASSWORD_LENGTH to 40 or more for Windlass, and rotate again");

    let outcome = change("app", "app", |peer| {
        let mut server = Server::new(peer);
        server.let_in("8.0.36");
        server.prepare("8.0.36", "app@%");
        server.query();
        server.error(3638, "Cannot use these credentials because they contradict the history");
        server.goodbye();
    });
    assert_failure(outcome, PasswordRejected, "3638", "rotate again");
}

/// MariaDB gives one number for an account that it can't change and for a password.
#[test]
fn a_statement_that_fails_for_another_reason_is_no_refusal_of_the_password() {
    for (number, warnings) in [
        (1396, vec![("1133", "no such user"), ("1396", "Operation ALTER USER failed")]),
        (1290, vec![("1290", "running with the --read-only option")]),
    ] {
        let outcome = change("app", "app", move |peer| {
            let mut server = Server::new(peer);
            server.let_in(MARIA);
            server.prepare(MARIA, "app@%");
            server.describe_own("BY PASSWORD '*2470'");
            server.query();
            server.error(number, "--read-only");
            server.warns(&warnings);
            server.goodbye();
        });
        assert_failure(outcome, Declined, &number.to_string(), "changing the password");
    }
}

#[test]
fn mysql_is_told_which_password_is_changed() {
    // The one that signed in is the second one. Who may end it does.
    let second = |grant: &'static str, script: fn(&mut Server)| {
        change("app", "app", move |peer| {
            let mut server = Server::new(peer);
            server.let_in("8.4.0");
            server.prepare("8.4.0", "app@%");
            assert!(server.query().ends_with(&format!("REPLACE '{PASSWORD}'")));
            server.error(3891, "Incorrect current password");
            assert_eq!(server.query(), "SELECT CURRENT_ROLE()");
            server.rows(1, &[&["NONE"]]);
            assert_eq!(server.query(), "SHOW GRANTS");
            server.rows(1, &[&[grant]]);
            script(&mut server);
            server.goodbye();
        })
    };
    second("GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO `app`@`%`", |server| {
        let statement = format!("ALTER USER USER() IDENTIFIED BY '{NEW_PASSWORD}'");
        assert_eq!(server.query(), statement);
        server.send(OK);
        assert_eq!(server.query(), "ALTER USER USER() DISCARD OLD PASSWORD");
        server.send(OK);
    })
    .unwrap();
    // Who may not asks whether the new one is in force: another attempt may have set it.
    fn asks(server: &mut Server) {
        let own = format!("'{NEW_PASSWORD}' REPLACE '{NEW_PASSWORD}'");
        assert_eq!(server.query(), format!("ALTER USER USER() IDENTIFIED BY {own}"));
    }
    let grant = "GRANT USAGE ON *.* TO `app`@`%`";
    let outcome = second(grant, |server| {
        asks(server);
        server.error(3891, "Incorrect current password");
    });
    assert_failure(outcome, Declined, "3891", "GRANT APPLICATION_PASSWORD_ADMIN");
    second(grant, |server| {
        asks(server);
        server.send(OK);
        assert_eq!(server.query(), "ALTER USER USER() DISCARD OLD PASSWORD");
        server.error(1227, "Access denied");
    })
    .unwrap();
    let outcome = second(grant, |server| {
        asks(server);
        server.error(3638, "Cannot use these credentials");
    });
    assert_failure(outcome, Unreachable, "3638", "another attempt may have set");
}

#[test]
fn an_old_password_that_would_go_on_to_sign_in_is_not_half_changed() {
    for methods in [
        "VIA ed25519 USING 'x' OR mysql_native_password USING '*2470'",
        "VIA unix_socket OR mysql_native_password USING '*2470'",
        "VIA mysql_native_password USING 'invalid' OR ed25519 USING 'x'",
    ] {
        let outcome = change("app", "app", move |peer| {
            let mut server = Server::new(peer);
            server.let_in(MARIA);
            server.prepare(MARIA, "app@%");
            server.describe_own(methods);
            server.goodbye();
        });
        assert_failure(outcome, Declined, "", "let an administrator");
    }
}

/// Whatever the server says, the change counts by what it stores.
#[test]
fn a_change_after_which_another_password_is_stored_is_no_success() {
    for stored in [
        "BY PASSWORD '*2470'".to_owned(),
        format!(
            "VIA mysql_native_password USING '{}' OR ed25519 USING 'x'",
            scramble::native_hash(NEW_PASSWORD)
        ),
    ] {
        let outcome = change("app", "app", move |peer| {
            let mut server = Server::new(peer);
            server.let_in(MARIA);
            server.prepare(MARIA, "app@%");
            server.describe_own("BY PASSWORD '*2470'");
            server.query();
            server.send(OK);
            server.describe_own(&stored);
            server.goodbye();
        });
        assert_failure(outcome, Declined, "", "stores another password");
    }
}

#[test]
fn what_the_server_says_about_such_a_statement_is_not_repeated() {
    for (number, kind) in [
        (1064, Declined),
        (1045, Declined),
        (1227, Declined),
        (1396, Declined),
        (1819, PasswordRejected),
        (9999, Declined),
        (1205, Unreachable),
        (1053, Unreachable),
    ] {
        let outcome = change("app", "app", move |peer| {
            let mut server = Server::new(peer);
            server.let_in("8.0.36");
            server.prepare("8.0.36", "app@%");
            server.query();
            server.error(number, "error near 'new-p4ssword' at line 1");
            if number == 1819 {
                assert_eq!(server.query(), "SHOW GLOBAL VARIABLES LIKE 'validate_password%'");
                server.error(1820, "");
            }
            server.goodbye();
        });
        assert_failure(outcome, kind, &number.to_string(), "changing the password: ");
    }
}

#[test]
fn another_account_than_the_one_that_is_meant_is_not_changed() {
    for account in ["@%", "proxied@%", "App@%", "app@x@%"] {
        // By the account itself, or by an administrator whose session is somebody else's.
        for username in ["app", "victim"] {
            let outcome = change("app", username, move |peer| {
                let mut server = Server::new(peer);
                server.let_in("8.0.36");
                assert!(server.query().ends_with("CURRENT_USER()"));
                server.rows(3, &[&["8.0.36", "a server", account]]);
                server.goodbye();
            });
            assert_failure(outcome, Declined, "", "the session belongs to");
        }
    }
}

#[test]
fn a_new_password_that_another_account_takes_is_not_in_force() {
    let connections: Vec<windlass_sdk::testing::Script> = vec![
        Box::new(|peer| {
            let mut server = Server::new(peer);
            server.let_in("8.0.14");
            server.prepare("8.0.14", "app@%");
            server.query();
            server.error(3891, "Incorrect current password");
            server.goodbye();
        }),
        Box::new(|peer| {
            let mut server = Server::new(peer);
            server.let_in("8.0.14");
            server.belongs_to("@%");
            server.goodbye();
        }),
    ];
    let (endpoint, server) = windlass_sdk::testing::scripted_each(connections);
    let request = request(endpoint, "app", "app");
    let outcome = Mysql::change(&ChangeRequest { keep_old_valid: true, ..request });
    server.finish();
    assert_failure(outcome, Declined, "", "the session belongs to");
}

#[test]
fn an_expired_password_is_changed_without_a_question_that_would_be_refused() {
    let sandbox = |peer| {
        let mut server = Server::new(peer);
        server.let_in("9.0.0");
        for _ in 0..2 {
            server.query();
            server.error(1820, "You must reset your password");
        }
        server
    };
    change("app", "app", move |peer| {
        let mut server = sandbox(peer);
        assert!(server.query().starts_with("ALTER USER USER() "));
        server.send(OK);
        server.denies_to_discard();
        server.goodbye();
    })
    .unwrap();
    // What a backslash would mean is not known there.
    for password in ["back\\slash", "ünicode"] {
        let outcome = run(
            move |peer| sandbox(peer).goodbye(),
            |server| {
                let request = request(server, "app", "app");
                Mysql::change(&ChangeRequest { new_password: password.into(), ..request })
            },
        );
        assert_failure(outcome, Unsupported, "", "EXCLUDE_CHARACTERS");
    }
}

#[test]
fn a_connection_that_breaks_is_unreachable_at_every_point() {
    for answered in 0..4 {
        let outcome = change("app", "app", move |peer| {
            let mut server = Server::new(peer);
            if answered > 0 {
                server.let_in("8.0.36");
            }
            if answered > 1 {
                server.query();
                server.rows(3, &[&["8.0.36", "", "app@%"]]);
            }
            if answered > 2 {
                server.query();
                server.send(OK);
                server.query();
            }
        });
        assert_eq!(outcome.unwrap_err().kind, Unreachable, "after {answered}");
    }
}

#[test]
fn a_server_that_is_too_old_is_told_so() {
    for version in ["5.6.51", "10.3.39-MariaDB", "nonsense"] {
        let outcome = change("app", "app", move |peer| {
            let mut server = Server::new(peer);
            server.let_in(version);
            server.query();
            server.rows(3, &[&[version, "", "app@%"]]);
            server.goodbye();
        });
        assert_failure(outcome, Unsupported, "", "MySQL 5.7 and MariaDB 10.4");
    }
}

#[test]
fn what_can_not_be_done_is_said_before_connecting() {
    type Spoil = fn(&mut ChangeRequest);
    let table: &[(Spoil, FailureKind)] = &[
        (|request| request.new_password.clear(), InvalidSecret),
        (|request| request.new_password.push('\0'), InvalidSecret),
        (|request| request.new_password = "x".repeat(257), InvalidSecret),
        (|request| request.username = "x".repeat(129), InvalidSecret),
        (|request| request.username.push(' '), InvalidSecret),
        (|request| request.clone_of = Some("other".into()), InvalidSecret),
        (
            |request| {
                request.clone_of = Some("app_clone".into());
                request.keep_old_valid = true;
            },
            Unsupported,
        ),
    ];
    for (spoil, kind) in table {
        let outcome = run(
            |mut peer| peer.expect_close(),
            |server| {
                let mut request = request(server, "app", "app");
                spoil(&mut request);
                Mysql::change(&request)
            },
        );
        assert_eq!(outcome.unwrap_err().kind, *kind);
    }
}
