//! Turns of alternating users: what shows that two accounts are a pair, and what of the server's words
//! about them is taken.

use FailureKind::*;

use super::server::*;
use super::*;

const MARIA: &str = "10.11.6-MariaDB";

/// How the question to the policy of a MariaDB ends.
const NEVER: &str = " OR mysql_native_password USING 'none'";

#[test]
fn a_host_that_no_account_has_is_not_repeated() {
    for host in ["\u{1b}[2J", "a\nb", "\u{202e}%"] {
        let outcome = run(
            move |peer| {
                let mut server = Server::new(peer);
                server.let_in(MARIA);
                server.prepare(MARIA, "admin@%");
                server.locks();
                server.query();
                server.rows(2, &[&["%", "app"], &[host, "app_clone"]]);
                server.goodbye();
            },
            |server| {
                let request = request(server, "admin", "app_clone");
                Mysql::change(&ChangeRequest { clone_of: Some("app".into()), ..request })
            },
        );
        assert_failure(outcome, Protocol, "", "an impossible host");
    }
}

#[test]
fn two_turns_at_once_wait_for_each_other_where_the_server_has_locks() {
    for (answer, kind) in [(Some("1"), Protocol), (Some("0"), Unreachable), (None, Protocol)] {
        let outcome = run(
            move |peer| {
                let mut server = Server::new(peer);
                server.let_in(MARIA);
                server.prepare(MARIA, "admin@%");
                server.names_lock();
                server.query();
                match answer {
                    Some(answer) => server.rows(1, &[&[answer]]),
                    None => server.error(1235, "not supported in a cluster"),
                }
                if answer != Some("0") {
                    server.query();
                    server.rows(2, &[&["\u{1b}", "app"]]);
                }
                server.goodbye();
            },
            |server| {
                let request = request(server, "admin", "app_clone");
                Mysql::change(&ChangeRequest { clone_of: Some("app".into()), ..request })
            },
        );
        assert_eq!(outcome.unwrap_err().kind, kind, "{answer:?}");
    }
}

#[test]
fn rights_in_words_that_are_not_known_leave_everything_as_it_is() {
    for grant in [
        "GRANT SELECT ON NEW KIND OF THING `x` TO `app`@`%`",
        "REVOKE SELECT ON `mysql`.* FROM `app`@`%`",
        "DENY SELECT ON *.* TO `app`@`%`",
        "GRANT SELECT ON `x`.`y TO `app`@`%`",
        "",
    ] {
        let outcome = run(
            move |peer| {
                let mut server = Server::new(peer);
                server.let_in(MARIA);
                server.prepare(MARIA, "admin@%");
                server.locks();
                assert!(server.query().contains("User IN ('app', 'app_clone') AND"));
                server.rows(2, &[&["%", "app"]]);
                assert_eq!(server.query(), "SHOW CREATE USER `app`@`%`");
                server.rows(1, &[&["CREATE USER `app`@`%` IDENTIFIED BY PASSWORD '*2470'"]]);
                assert_eq!(server.query(), "SHOW GRANTS FOR `app`@`%`");
                server.rows(1, &[&[grant]]);
                server.goodbye();
            },
            |server| {
                let request = request(server, "admin", "app_clone");
                Mysql::change(&ChangeRequest { clone_of: Some("app".into()), ..request })
            },
        );
        assert_eq!(outcome.unwrap_err().kind, Unsupported, "{grant}");
    }
}

#[test]
fn rights_that_the_server_took_and_did_not_give_are_no_success() {
    let outcome = run(
        |peer| {
            let mut server = Server::new(peer);
            server.let_in(MARIA);
            server.prepare(MARIA, "admin@%");
            server.locks();
            let mut granted = 0;
            loop {
                let statement = server.query();
                let clone = statement.contains("app_clone");
                let name = if clone { "app_clone" } else { "app" };
                if statement.starts_with("SELECT Host") {
                    server.rows(2, &[&["%", "app"], &["%", "app_clone"]]);
                } else if statement.starts_with("SHOW CREATE USER") {
                    let by = "BY PASSWORD '*24'";
                    server.rows(1, &[&[&format!("CREATE USER `{name}`@`%` IDENTIFIED {by}")]]);
                } else if statement == "SHOW GRANTS FOR `windlass:app`" {
                    server.rows(1, &[&["GRANT USAGE ON *.* TO `windlass:app`"]]);
                } else if statement.starts_with("SHOW GRANTS") {
                    let right = if clone { "`windlass:app`" } else { "SELECT ON `d`.*" };
                    server.rows(1, &[&[&format!("GRANT {right} TO `{name}`@`%`")]]);
                } else if let Some(probe) = statement.strip_suffix(NEVER) {
                    // A server that accepts this has made an account that nobody is.
                    let nobody = probe.strip_prefix("CREATE USER ").expect("nobody's account");
                    let nobody = nobody.split(' ').next().expect("a name");
                    assert!(nobody.ends_with("@`windlass.invalid`"), "{nobody}");
                    server.send(OK);
                    assert_eq!(server.query(), format!("DROP USER {nobody}"));
                    server.send(OK);
                } else if statement.starts_with("CREATE ") {
                    server.send(OK);
                } else {
                    assert_eq!(statement, "GRANT SELECT ON `d`.* TO `app_clone`@`%`");
                    server.send(OK);
                    granted += 1;
                }
                if granted == 3 && statement.starts_with("SHOW GRANTS") {
                    return server.goodbye();
                }
            }
        },
        |server| {
            let request = request(server, "admin", "app_clone");
            Mysql::change(&ChangeRequest { clone_of: Some("app".into()), ..request })
        },
    );
    assert_failure(outcome, Declined, "", "still differ");
}

/// A turn of the clone of `app`, against a server of this version that has these accounts at `%`: each
/// with its rights, and the attributes that it has. Returns what was changed, up to the password.
fn turn(
    version: &'static str,
    halves: &'static [(&'static str, &'static str, [&'static str; 2])],
) -> (Result<(), Failure>, Vec<String>) {
    let (told, changes) = std::sync::mpsc::channel();
    let outcome = run(
        move |peer| {
            let mut server = Server::new(peer);
            server.let_in(version);
            server.prepare(version, "admin@%");
            let mut made = false;
            while let Some(statement) = server.query_or_end() {
                let named =
                    halves.iter().find(|half| statement.contains(&format!("`{}`@", half.0)));
                let (name, rights) =
                    named.map_or(("app_clone", "USAGE ON *.*"), |half| (half.0, half.1));
                if statement.starts_with("SELECT Host") {
                    let rows: Vec<[&str; 2]> = halves.iter().map(|half| ["%", half.0]).collect();
                    server.rows(2, &rows.iter().map(|row| &row[..]).collect::<Vec<_>>());
                } else if statement.starts_with("SELECT USER, HOST") {
                    let one = statement.matches("JSON_UNQUOTE").count() == 1;
                    let row = |half: &(&'static str, _, [&'static str; 2])| {
                        let both = vec![half.0, "%", half.2[0], half.2[1]];
                        if one { vec![half.0, "%", half.2[1]] } else { both }
                    };
                    let rows: Vec<Vec<&str>> = halves.iter().map(row).collect();
                    let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
                    server.rows(if one { 3 } else { 4 }, &rows);
                } else if statement.starts_with("SHOW CREATE USER") {
                    let text =
                        format!("CREATE USER `{name}`@`%` IDENTIFIED WITH 'caching_sha2_password'");
                    server.rows(1, &[&[&text]]);
                } else if statement.starts_with("SHOW GRANTS") {
                    // What the clone is given it has.
                    let rights = if made { halves[0].1 } else { rights };
                    let (rights, option) = rights.split_once(" WITH ").unwrap_or((rights, ""));
                    let with = if option.is_empty() { "" } else { " WITH " };
                    server.rows(1, &[&[&format!("GRANT {rights} TO `{name}`@`%`{with}{option}")]]);
                } else {
                    made |= statement.starts_with("CREATE USER");
                    told.send(statement).unwrap();
                    server.send(OK);
                }
            }
        },
        |server| {
            let request = request(server, "admin", "app_clone");
            Mysql::change(&ChangeRequest { clone_of: Some("app".into()), ..request })
        },
    );
    (outcome, changes.try_iter().collect())
}

const READS: &str = "SELECT ON `d`.*";

#[test]
fn the_base_is_marked_before_the_clone_is_made() {
    let (outcome, changes) = turn("8.0.36", &[("app", READS, ["", ""])]);
    outcome.unwrap();
    let mark = "ATTRIBUTE '{\"windlass_clone\": \"app_clone\"}'";
    // The policy first, so that nothing is changed where it refuses.
    assert!(changes[0].starts_with("CREATE USER IF NOT EXISTS `app`@`%` "), "{changes:?}");
    assert!(changes[0].ends_with(" ACCOUNT LOCK"), "{changes:?}");
    assert_eq!(changes[1], format!("ALTER USER `app`@`%` {mark}"));
    assert!(changes[2].starts_with("CREATE USER `app_clone`@`%` "), "{changes:?}");
    assert!(changes[2].ends_with("ATTRIBUTE '{\"windlass_clone_of\": \"app\"}'"), "{changes:?}");
}

#[test]
fn both_halves_bear_the_mark_or_are_equal() {
    const MORE: &str = "SELECT, INSERT ON `d`.*";
    let differ = |of_app, of_clone| -> &'static [_] {
        vec![("app", READS, of_app), ("app_clone", MORE, of_clone)].leak()
    };
    for (of_app, of_clone) in [
        (["", ""], ["", "app"]),
        (["app_clone", ""], ["", ""]),
        (["other", ""], ["", "app"]),
        (["app_clone", ""], ["", "other"]),
        // Each has the mark of the other's place.
        (["", "app"], ["app_clone", ""]),
    ] {
        let (outcome, changes) = turn("8.0.36", differ(of_app, of_clone));
        assert_failure(outcome, NotAPair, "", "has INSERT ON `d`.*, which `app`@`%` has not");
        assert_eq!(changes, [""; 0]);
    }
}

#[test]
fn where_there_are_no_marks_no_pair_is_made_that_could_not_be_told_later() {
    for (rights, part) in [
        ("USAGE ON *.*", "has no right"),
        ("SELECT ON `d`.* WITH GRANT OPTION", "may grant rights"),
    ] {
        let (outcome, changes) = turn("8.0.20", vec![("app", rights, ["", ""])].leak());
        assert_failure(outcome, Declined, "", part);
        assert_eq!(changes, [""; 0]);
        // A mark tells it.
        turn("8.0.36", vec![("app", rights, ["", ""])].leak()).0.unwrap();
    }
    let (outcome, _) = turn("8.0.20", &[("app", READS, ["", ""])]);
    outcome.unwrap();
    // The remedy is the equality itself.
    let halves = vec![("app", READS, ["", ""]), ("app_clone", "INSERT ON `d`.*", ["", ""])];
    let (outcome, changes) = turn("8.0.20", halves.leak());
    let remedy = "REVOKE INSERT ON `d`.* FROM `app_clone`@`%`; GRANT SELECT ON `d`.* TO";
    assert_failure(outcome, NotAPair, "", remedy);
    assert_eq!(changes, [""; 0]);
}
