//! Guests that say what they should not: passwords, what is no text, what is not true.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use windlass_suite::{Ran, windlass};

use super::den::{Den, PASSWORD, ROLE_KEY, backwards};
use super::visited::{Manner, Visited};

/// A password is kept out of every text that leaves the plugin, as it is and in its usual disguises.
#[tokio::test]
pub(super) async fn leaks() -> Result<()> {
    let den = Den::start("leaks").await?;
    den.confess(&[("tells its passwords", json!({}))]).await?;
    let said = den.said()?;
    assert_eq!(said.first().map(String::as_str), Some("from [redacted] to [redacted]"));
    let disguised: Vec<_> = said.iter().filter_map(|line| line.split_once(": ")).collect();
    assert_eq!(disguised.len(), 18, "nine disguises of two passwords: {said:?}");
    for (how, disguised) in disguised {
        match how {
            // Its ends are of the text around it, too.
            "in Base64 of more" => assert!(disguised.contains("[redacted]"), "{how}: {disguised}"),
            // Redacted first, then cut: else the password's beginning would be left.
            "across the place where it is cut" => {
                let rest = disguised.trim_start_matches('x');
                assert_eq!(rest, "[redac…", "{how}");
            }
            _ => assert_eq!(disguised, "[redacted]", "{how}"),
        }
    }
    Ok(())
}

/// A line of the log stays one line of text, whatever stands in it.
#[tokio::test]
pub(super) async fn scrawls() -> Result<()> {
    let den = Den::start("scrawls").await?;
    let errors = den.confess(&[("writes over the log", json!({}))]).await?;
    let all_lines = den.world.function()?.log_lines()?;
    assert!(!all_lines.iter().any(|line| line["message"] == "forged"), "a line was forged");
    let said = den.said()?;
    let expected = [
        "a line of its own\\n{\"level\":\"INFO\",\"message\":\"forged\"}",
        "a carriage return\\rover what stood there",
        "\\u{1b}[2J\\u{1b}[31mred on an empty screen",
        "a bell\\u{7} and a backspace\\u{8}",
        "an end\\u{0}here",
        "a line separator\\u{2028}and a paragraph's\\u{2029}here",
        "an operating system command\\u{9d}0;title\\u{9c}",
    ];
    assert_eq!(said, expected);
    for error in errors {
        ensure!(!error.message.contains(char::is_control), "{:?}", error.message);
    }
    // Every line of the log is one of JSON.
    let log = den.world.function()?.log()?;
    assert_eq!(log.lines().count(), all_lines.len(), "{log}");
    Ok(())
}

/// What is no text is not taken for one: neither printed nor cut in the middle.
#[tokio::test]
pub(super) async fn mangles() -> Result<()> {
    let den = Den::start("mangles").await?;
    let cases = ["log", "name", "failure"].map(|place| (place, json!({ "in": place })));
    den.confess(&cases).await?;
    assert!(den.said()?.is_empty(), "something was taken");
    Ok(())
}

/// All that a plugin has is what it was handed: no key of the secret that it does not declare, no
/// other secret, no administrator, nothing of the function's role, nothing that an earlier call left
/// in the memory.
#[tokio::test]
pub(super) async fn dumps() -> Result<()> {
    let peer = Visited::start(Manner::Listens).await?;
    let den = Den::start("dumps").await?;
    // Other passwords go through the process first.
    den.is_none_the_worse().await?;
    let administrator = den.world.database().superuser().password;
    let rotated = den.world.current("neighbour").await?.password;
    let port = den.world.database().postgres().port();
    den.world.create_admin_secret("administrator", port).await?;
    den.sin("first", &json!({ "port": peer.port() })).await?;
    let first = den.world.pending("first").await?.password;
    let peer = Visited::start(Manner::Listens).await?;
    let keys = json!({
        "port": peer.port(), "password": "another one's", "colour": "red",
        "apikey": "of another service", "note": "it was: another one's",
        "smtp": { "password": "of the mail server" }, "pin": "271828",
        "slackWebhook": "https://hooks.example/services/T0/B0/of-a-channel",
    });
    den.confess(&[("second", keys)]).await?;
    let visits = peer.all_left().await?;
    let dumped = &visits.first().context("nothing was sent")?.bytes;
    let has = |text: &str| dumped.windows(text.len()).any(|part| part == text.as_bytes());
    let own = den.world.pending("sin/second").await?.password;
    assert!(dumped.len() > 1 << 20, "it has a stack of 1 MiB: {}", dumped.len());
    for (what, text) in [("name", "somebody"), ("old", "another one's"), ("new", &own)] {
        assert!(has(text), "its own {what} is not there: this test finds nothing");
    }
    assert!(has("colour") && has("red"), "the key of its secret that it declares");
    let neighbour = &den.neighbour().password;
    for (whose, text) in [
        ("the neighbour's", neighbour.as_str()),
        ("the neighbour's new one", &rotated),
        ("the administrator's", &administrator),
        ("the one of the guest's other secret", PASSWORD),
        ("the new one of the guest's other secret", &first),
        ("the function's role", ROLE_KEY),
        ("a credential of another service in its own secret", "of another service"),
        ("a text of its own secret with the password in it", "it was: "),
        ("a nested credential of its own secret", "of the mail server"),
        ("a short credential of its own secret", "271828"),
        ("a credential in a URL of its own secret", "of-a-channel"),
    ] {
        assert!(!has(text), "{whose} was within reach");
    }
    Ok(())
}

/// Whatever reason a plugin makes up, nothing moves; the same is said of the next attempt.
#[tokio::test]
pub(super) async fn errs() -> Result<()> {
    let den = Den::start("errs").await?;
    let kinds = [
        "refused",
        "unreachable",
        "no-tls",
        "tls-failed",
        "unproven",
        "declined",
        "protocol",
        "unsupported",
        "invalid-secret",
        "text-required",
        "not-a-pair",
        "remedy",
    ];
    let cases = kinds.map(|kind| -> (&str, Value) { (kind, json!({ "kind": kind })) });
    den.confess(&cases).await?;
    let token = den.tempt("for-ever", &json!({ "kind": "unreachable" })).await?;
    let first = den.sin_again("for-ever", &token).await?;
    for _ in 0..12 {
        assert_eq!(den.sin_again("for-ever", &token).await?, first);
    }
    Ok(())
}

/// What a plugin finds is bounded, has no password in it and no line of its own; and a mark that
/// it does not see is no mark.
#[tokio::test]
pub(super) async fn appraises() -> Result<()> {
    let den = Den::start("appraises").await?;
    let administrator = json!({ "username": "root", "ssl": false, "kind": "fails" });
    let administrator = den.secret(&administrator);
    for (name, kind) in [("fails", "fails"), ("works", "works")] {
        let mut administrator = administrator.clone();
        administrator["kind"] = Value::from(kind);
        let arn = den.world.create_secret(&format!("admin-{name}"), &administrator).await?;
        let own = den.secret(&json!({ "ssl": false, "masterarn": arn }));
        den.world.create_secret(name, &own).await?;
    }
    let shown = adopt(&den, "works", &[]).await?;
    assert_eq!(shown.code, Some(7), "{}{}", shown.stdout, shown.stderr);
    let lines: Vec<_> = shown.stdout.lines().collect();
    let of = |label: &str| lines.iter().filter(|line| line.starts_with(label)).count();
    assert_eq!((of("differs "), of("lacks "), of("secret ")), (32, 32, 1), "{}", shown.stdout);
    assert!(lines.iter().all(|line| line.len() < 1200), "a line is too long");
    assert!(shown.stdout.contains("differs   \\u{1b}[2J[redacted]\\nsecret    forged [redacted]"));

    let unseen = adopt(&den, "works", &["--yes"]).await?;
    assert_eq!(unseen.code, Some(1), "{}", unseen.stderr);
    assert!(unseen.stdout.contains("the plugin does not see the mark"), "{}", unseen.stdout);
    let failed = adopt(&den, "fails", &["--yes", "--output", "json"]).await?;
    assert_eq!(failed.code, Some(4), "{}", failed.stderr);
    assert!(failed.stdout.contains("[redacted]; [redacted]"), "{}", failed.stdout);
    den.is_none_the_worse().await
}

/// Runs `windlass adopt` on a secret of the den, with nothing of its passwords in what it prints.
async fn adopt(den: &Den, secret: &str, more: &[&str]) -> Result<Ran> {
    let store = den.world.store();
    let plugins = den.plugins();
    let (store, plugins) = (store.to_string_lossy(), plugins.to_string_lossy());
    let mut arguments =
        vec!["adopt", "--secret-id", secret, "--store", &store, "--plugins", &plugins];
    arguments.extend(more);
    let ran = windlass(&arguments, &[]).await?;
    for form in [PASSWORD.to_owned(), backwards(PASSWORD)] {
        ensure!(!ran.stdout.contains(&form) && !ran.stderr.contains(&form), "a secret got out");
    }
    Ok(ran)
}
