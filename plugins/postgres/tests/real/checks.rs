//! Checks of passwords on the server (`check_password_hook`): the contributed `passwordcheck`, and one
//! that takes nothing but text, as credcheck does.

use std::fs;
use std::path::Path;
use std::process::Command;

use windlass_harness::{PostgresBinaries, PostgresOptions, WorkDir};
use windlass_sdk::FailureKind;

use crate::world::{World, options};

const OLD: &str = "uR5-old_9tZe-long-enough";
const NEW: &str = "qB7-wLr2_XzK94mt-H3vY";
const SHORT: &str = "qB7-wLr2_Xz";

/// A check in C: it takes text of 20 characters and more, and repeats what it does not take of a
/// role called `echo`. What it needs of the server's headers is written out, so that they need not be
/// installed.
const CHECK: &str = r#"
#include <stddef.h>
#include <string.h>
typedef struct { int len, version, funcmaxargs, indexmaxkeys, namedatalen, float8byval; char extra[32]; } Magic;
static const Magic magic = { sizeof(Magic), VERSION, 100, 32, 64, 1, "PostgreSQL" };
const Magic *Pg_magic_func(void) { return &magic; }
extern void (*check_password_hook)(const char *, const char *, int, size_t, _Bool);
extern _Bool errstart(int, const char *);
extern int errcode(int);
extern int errmsg(const char *, ...);
extern void errfinish(const char *, int, const char *);
#define SIX(c) (((c) - '0') & 0x3F)
#define STATE (SIX('2') + (SIX('8') << 6) + (SIX('0') << 12) + (SIX('0') << 18) + (SIX('0') << 24))
static void refuse(const char *text, const char *value) {
    if (errstart(21, NULL)) { errcode(STATE); errmsg(text, value); errfinish(__FILE__, __LINE__, __func__); }
}
static void check(const char *user, const char *password, int type, size_t until, _Bool never) {
    if (type != 0) refuse("password type is not a plain text", "");
    if (strcmp(user, "echo") == 0) refuse("%s is too weak", password);
    if (strlen(password) < 20) refuse("password length should match the configured check.min_length", "");
}
void _PG_init(void) { check_password_hook = check; }
"#;

/// Compiles the check for the server that the harness starts.
fn compile(work: &WorkDir) -> String {
    let postgres = PostgresBinaries::find().unwrap().postgres();
    let version = Command::new(postgres).arg("--version").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let number = version.split([' ', '.']).find_map(|word| word.parse::<u32>().ok()).unwrap();
    let (source, library) = (work.path().join("check.c"), work.path().join("check.so"));
    fs::write(&source, CHECK).unwrap();
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .arg(format!("-DVERSION={}", number * 100))
        .status()
        .unwrap();
    assert!(compiled.success());
    shown(&library)
}

fn shown(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// A server with that check, which logs whatever a server can log.
fn talkative(work: &WorkDir) -> PostgresOptions {
    options(&[
        ("shared_preload_libraries", &compile(work)),
        ("log_statement", "all"),
        ("log_min_duration_statement", "0"),
        ("log_min_error_statement", "debug5"),
        ("log_error_verbosity", "verbose"),
        ("log_parameter_max_length_on_error", "-1"),
        ("debug_print_parse", "on"),
        ("debug_print_rewritten", "on"),
        ("debug_print_plan", "on"),
    ])
}

/// Roles whose passwords were set as text, and so are in the log; the administrator has another check.
fn roles(world: &World) {
    world.admin(&format!(
        "CREATE ROLE app LOGIN PASSWORD '{OLD}'; CREATE ROLE admin LOGIN CREATEROLE PASSWORD '{OLD}'"
    ));
}

#[test]
fn a_server_that_has_to_see_the_text_says_so_and_nothing_is_changed() {
    let world = World::with(|work| options(&[("shared_preload_libraries", &compile(work))]));
    roles(&world);
    for (actor, user, clone_of) in [
        (("app", OLD), "app", None),
        (("admin", OLD), "app", None),
        (("admin", OLD), "app_clone", Some("app")),
    ] {
        let failure = match clone_of {
            None => world.change(actor, user, NEW),
            Some(current) => world.turn_by(actor, current, user, NEW),
        }
        .unwrap_err();
        assert_eq!(
            (failure.kind, &*failure.code),
            (FailureKind::TextRequired, "28000"),
            "{failure}"
        );
        assert!(failure.message.ends_with("password type is not a plain text"), "{failure}");
        for part in ["WINDLASS_SEND_TEXT=true", "credcheck.encrypted_password_allowed = on"] {
            assert!(failure.remedy.contains(part), "{failure:?}");
        }
        assert!(world.signs_in("app", OLD));
    }
    assert_eq!(world.admin("SELECT count(*) FROM pg_roles WHERE rolname LIKE '%clone'"), "0");
}

#[test]
fn the_text_changes_the_password_and_is_in_no_log() {
    let world = World::with(talkative);
    roles(&world);
    world.change_in_text(("app", OLD), "app", NEW).unwrap();
    assert!(world.signs_in("app", NEW) && !world.signs_in("app", OLD));
    let second = "rC8-xMs3_YaL05nu-I4wZ";
    world.change_in_text(("admin", OLD), "app", second).unwrap();
    assert!(world.signs_in("app", second));
    let third = "sD9-yNt4_ZbM16ov-J5xA";
    world.turn_in_text(("admin", OLD), "app", "app_clone", third).unwrap();
    assert!(world.signs_in("app_clone", third));
    let log = world.log();
    for password in [NEW, second, third] {
        assert!(!log.contains(password), "in the server's log");
    }
    assert!(
        log.contains("fastpath function call: \"set_config\""),
        "the log says too little to prove anything"
    );
}

/// A password that the check does not take is given up; what it says of it does not hold it.
#[test]
fn a_password_that_the_check_does_not_take_is_rejected_and_is_in_no_log() {
    let world = World::with(talkative);
    roles(&world);
    world.admin(&format!(
        "CREATE ROLE \"Echo\" LOGIN PASSWORD '{OLD}'; ALTER ROLE \"Echo\" RENAME TO echo"
    ));
    let failure = world.change_in_text(("app", OLD), "app", SHORT).unwrap_err();
    assert_eq!(
        (failure.kind, &*failure.code),
        (FailureKind::PasswordRejected, "28000"),
        "{failure}"
    );
    assert!(failure.message.ends_with("should match the configured check.min_length"), "{failure}");
    assert!(failure.remedy.contains("PASSWORD_LENGTH"), "{failure:?}");
    assert!(world.signs_in("app", OLD) && !world.log().contains(SHORT));
    let failure = world.change_in_text(("admin", OLD), "echo", NEW).unwrap_err();
    assert_eq!(failure.kind, FailureKind::PasswordRejected, "{failure}");
    assert!(!format!("{failure:?}").contains(NEW), "{failure:?}");
    assert!(world.signs_in("echo", OLD));
}

/// It looks for the name of the account, in a hash, too.
#[test]
fn the_contributed_check_takes_what_is_stored() {
    let world = World::set_to(&[("shared_preload_libraries", "passwordcheck")]);
    roles(&world);
    world.change(("app", OLD), "app", NEW).unwrap();
    assert!(world.signs_in("app", NEW));
}

/// The text is stored as the server's settings say, where nothing else is asked for.
#[test]
fn a_text_is_not_stored_as_a_hash_where_scram_is_asked_for() {
    let world = World::with(|work| {
        options(&[("shared_preload_libraries", &compile(work)), ("password_encryption", "md5")])
    });
    world.admin(&format!(
        "SET password_encryption = 'scram-sha-256'; CREATE ROLE app LOGIN PASSWORD '{OLD}'; \
         CREATE ROLE other LOGIN PASSWORD '{OLD}'; CREATE ROLE admin LOGIN CREATEROLE PASSWORD '{OLD}'"
    ));
    world.change_in_text(("app", OLD), "app", NEW).unwrap();
    world.change_in_text(("admin", OLD), "other", NEW).unwrap();
    world.turn_in_text(("admin", OLD), "app", "app_clone", NEW).unwrap();
    for role in ["app", "other", "app_clone"] {
        assert!(world.signs_in(role, NEW), "{role}");
        assert!(world.stores(role, "SCRAM-SHA-256$"), "{role}");
    }
}

/// A server that logs how long a lock is waited for logs what runs inside the statement, too.
#[test]
fn a_text_is_in_no_log_where_a_lock_is_waited_for() {
    let world = World::with(|work| {
        options(&[
            ("shared_preload_libraries", &compile(work)),
            ("log_lock_waits", "on"),
            ("deadlock_timeout", "300ms"),
        ])
    });
    roles(&world);
    std::thread::scope(|threads| {
        let holder = threads.spawn(|| {
            world.admin("BEGIN; ALTER ROLE app CONNECTION LIMIT 5; SELECT pg_sleep(3); COMMIT")
        });
        while world.admin("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
            != "1"
        {}
        let waited = world.change_in_text(("app", OLD), "app", NEW);
        holder.join().unwrap();
        assert!(!world.log().contains(NEW), "in the server's log");
        let failure = waited.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unreachable, "{failure}");
    });
    world.change_in_text(("app", OLD), "app", NEW).unwrap();
    assert!(world.signs_in("app", NEW) && !world.log().contains(NEW));
}
