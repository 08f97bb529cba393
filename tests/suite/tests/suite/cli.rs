//! The command line: what it does, what it prints, and its exit codes.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use windlass_harness::{Artifact, Proxy, WorkDir};
use windlass_suite::{Ran, STEPS, World, golden, guests, plugins_with, windlass};

use crate::desk::Desk;

#[tokio::test]
async fn rotate_runs_all_four_steps_and_tells_them() -> Result<()> {
    let desk = Desk::set_up("cli_rotate").await?;
    let ran = desk.run_with_plugins(&["rotate"], &[]).await?;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    for step in STEPS {
        assert!(ran.stdout.contains(step), "{}", ran.stdout);
    }
    assert_eq!(ran.stderr, "", "nothing but the result");
    let database = desk.world.database();
    let new = desk.world.current(&desk.secret).await?;
    assert!(new.signs_in(database).await? && !desk.login.signs_in(database).await?);
    assert!(!ran.stdout.contains(&new.password));

    let ran = desk.run_with_plugins(&["rotate"], &["--output", "json"]).await?;
    let told = ran.json()?;
    let version = desk.world.secrets().version_at(&desk.secret, "AWSCURRENT").await?;
    assert_eq!(told["version"].as_str(), version.as_deref());
    assert_eq!(told["resumed"], false);
    let steps = told["steps"].as_array().context("no steps")?;
    let steps: Vec<_> = steps.iter().filter_map(|step| step["step"].as_str()).collect();
    assert_eq!(steps, STEPS);
    Ok(())
}

#[tokio::test]
async fn rotate_works_through_secrets_managers_protocol_too() -> Result<()> {
    let desk = Desk::set_up("cli_endpoint").await?;
    let plugins = Artifact::Plugins.path()?;
    let (plugins, bundle) =
        (plugins.to_string_lossy(), desk.world.database().ca().certificate().to_string_lossy());
    let endpoint = desk.world.secrets().endpoint();
    let arguments = [
        "rotate",
        "--secret-id",
        &desk.secret,
        "--endpoint-url",
        endpoint,
        "--plugins",
        &plugins,
        "--ca-bundle",
        &bundle,
        "--grant",
        "tcp://127.0.0.1:*",
        "--grant",
        "tcp://localhost:*",
    ];
    let credentials = [
        ("AWS_ACCESS_KEY_ID", "none"),
        ("AWS_SECRET_ACCESS_KEY", "none"),
        ("AWS_REGION", "eu-west-1"),
    ];
    let ran = windlass(&arguments, &credentials).await?;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(desk.world.current(&desk.secret).await?.signs_in(desk.world.database()).await?);
    Ok(())
}

#[tokio::test]
async fn status_finds_what_is_stuck_and_rotate_takes_it_up() -> Result<()> {
    let desk = Desk::set_up("cli_status").await?;
    let ran = desk.run(&["status"], &[]).await?;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.ends_with("nothing is stuck\n"), "{}", ran.stdout);

    // Registered, but no step was run.
    let token = desk.world.begin(&desk.secret).await?;
    desk.age(&desk.secret, &token)?;
    let ran = desk.run(&["status"], &[]).await?;
    assert_eq!(ran.code, Some(7), "{}", ran.stderr);
    for part in [&token, "has no value", "windlass rotate --secret-id 'cli/cli_status'"] {
        assert!(ran.stdout.contains(part), "no `{part}`: {}", ran.stdout);
    }

    // Half-way: the database has the new password, the secret has the old one.
    desk.world.steps(&["createSecret", "setSecret"], &desk.secret, &token).await?;
    let ran = desk.run(&["status", "--output", "json"], &[]).await?;
    assert_eq!(ran.code, Some(7), "{}", ran.stderr);
    let told = ran.json()?;
    let what = told["stuck"][0]["what"].as_str().unwrap_or_default();
    assert!(what.contains("has a password that is not current"), "{told}");
    assert_eq!(told["versions"].as_array().map(Vec::len), Some(2), "{told}");
    let pending = desk.world.pending(&desk.secret).await?;
    assert!(!ran.stdout.contains(&pending.password));

    let ran = desk.run_with_plugins(&["rotate", "--output", "json"], &[]).await?;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let told = ran.json()?;
    assert_eq!((&told["resumed"], &told["version"]), (&Value::from(true), &Value::from(token)));
    let current = desk.world.current(&desk.secret).await?;
    assert!(current == pending && current.signs_in(desk.world.database()).await?);
    assert_eq!(desk.run(&["status"], &[]).await?.code, Some(0));
    Ok(())
}

#[tokio::test]
async fn step_runs_one_step_as_secrets_manager_would_send_it() -> Result<()> {
    let desk = Desk::set_up("cli_step").await?;
    let token = desk.world.begin(&desk.secret).await?;
    for step in STEPS {
        let ran = desk.run_with_plugins(&["step", step, "--token", &token], &[]).await?;
        assert_eq!(ran.code, Some(0), "{step}: {}", ran.stderr);
        assert!(ran.stdout.starts_with(&format!("{step}: ")), "{}", ran.stdout);
    }
    assert!(desk.world.current(&desk.secret).await?.signs_in(desk.world.database()).await?);
    let json = ["--output", "json"];
    let ran = desk.run_with_plugins(&["step", "setSecret", "--token", &token], &json).await?;
    let outcome = ran.json()?["outcome"].as_str().map(str::to_owned);
    assert_eq!(outcome.as_deref(), Some("the version is already AWSCURRENT"));
    Ok(())
}

/// What a failed command says, both ways; returns the type and the message.
fn failed(text: &Ran, json: &Ran, code: i32) -> Result<(String, String)> {
    assert_eq!((text.code, json.code), (Some(code), Some(code)), "{}{}", text.stderr, json.stdout);
    let error = &json.json()?["error"];
    let part = |key: &str| error[key].as_str().map(str::to_owned);
    let kind = part("type").context("the error has no type")?;
    let message = part("message").context("the error has no message")?;
    assert!(text.stderr.ends_with(&format!("windlass: {message}\n")), "{}", text.stderr);
    assert!(text.stdout.lines().all(|line| !line.contains(&message)), "{}", text.stdout);
    Ok((kind, message))
}

#[tokio::test]
async fn every_kind_of_failure_has_its_exit_code() -> Result<()> {
    let desk = Desk::set_up("cli_codes").await?;
    let json = ["--output", "json"];
    let word = |ran: Result<(String, String)>| -> Result<String> { Ok(ran?.0) };

    let ran = windlass(&["rotate"], &[]).await?;
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("--secret-id"), "{}", ran.stderr);

    // 3: a wrong step, and no plugin.
    let token = World::token()?;
    let step = ["step", "dropSecret", "--token", &token];
    let (text, object) =
        (desk.run_with_plugins(&step, &[]).await?, desk.run_with_plugins(&step, &json).await?);
    assert_eq!(word(failed(&text, &object, 3))?, "Windlass.Operator.Event");
    let nowhere = ["--plugins", "/nowhere"];
    let text = desk.run(&["rotate"], &nowhere).await?;
    let object = desk.run(&["rotate", "--output", "json"], &nowhere).await?;
    assert_eq!(word(failed(&text, &object, 3))?, "Windlass.Operator.Plugin");

    // 5: Secrets Manager has no such secret; or nobody is there.
    let status = ["status", "--secret-id", "cli/nothing", "--store"];
    let store = desk.world.store();
    let store = store.to_string_lossy();
    let text = windlass(&[&status[..], &[&store]].concat(), &[]).await?;
    let object = windlass(&[&status[..], &[&store, "--output", "json"]].concat(), &[]).await?;
    assert_eq!(word(failed(&text, &object, 5))?, "Windlass.Operator.NotFound");
    let nobody = Proxy::start(desk.world.database().postgres().address()).await?.port();
    let endpoint = format!("http://127.0.0.1:{nobody}");
    let status =
        ["status", "--secret-id", "any", "--region", "eu-west-1", "--endpoint-url", &endpoint];
    let credentials = [("AWS_ACCESS_KEY_ID", "none"), ("AWS_SECRET_ACCESS_KEY", "none")];
    let text = windlass(&status, &credentials).await?;
    let object = windlass(&[&status[..], &json].concat(), &credentials).await?;
    assert_eq!(word(failed(&text, &object, 5))?, "Windlass.Aws.Unavailable");

    // 3: loopback without a grant is out of reach.
    let plugins = Artifact::Plugins.path()?;
    let plugins = ["--plugins", &plugins.to_string_lossy()];
    let text = desk.run(&["rotate"], &plugins).await?;
    let object = desk.run(&["rotate", "--output", "json"], &plugins).await?;
    let (kind, message) = failed(&text, &object, 3)?;
    assert_eq!(kind, "Windlass.Operator.NotGranted");
    assert!(message.contains("loopback needs a grant that names it"), "{message}");

    // 4: the service refuses every password that is known.
    let lost = "ALTER USER cli_codes PASSWORD 'a password that no version has'";
    desk.world.database().admin(lost).await?;
    let text = desk.run_with_plugins(&["rotate"], &[]).await?;
    let object = desk.run_with_plugins(&["rotate", "--output", "json"], &[]).await?;
    assert_eq!(word(failed(&text, &object, 4))?, "Windlass.Service.NoPasswordSignsIn");
    Ok(())
}

#[tokio::test]
async fn a_plugin_that_misbehaves_has_its_exit_code_too() -> Result<()> {
    let desk = Desk::set_up("cli_panics").await?;
    let work = WorkDir::new()?;
    let guest = Artifact::compiled_plugin(&guests()?, "panics");
    let plugins = plugins_with(&work.path().join("plugins"), &[(&guest, "panics.cwasm")])?;
    let mut value = desk.login.secret(1);
    value["engine"] = Value::from("panics");
    desk.world.create_secret("cli/panics", &value).await?;
    let desk = Desk { secret: "cli/panics".to_owned(), ..desk };
    let plugins = ["--plugins", &plugins.to_string_lossy()];
    let text = desk.run(&["rotate"], &plugins).await?;
    let object = desk.run(&["rotate", "--output", "json"], &plugins).await?;
    assert_eq!(failed(&text, &object, 6)?.0, "Windlass.Plugin.Crashed");
    Ok(())
}

/// A server that begins an answer as PostgreSQL does and never ends it: a byte, and soon another one.
/// Returns its port.
async fn dripping() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                // An authentication request of 4 KiB.
                let mut sent = stream.write_all(b"R\0\0\x10\0").await;
                while sent.is_ok() {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    sent = stream.write_all(b"\0").await;
                }
            });
        }
    });
    Ok(port)
}

#[tokio::test]
async fn a_server_that_never_ends_its_answer_holds_no_command() -> Result<()> {
    let desk = Desk::set_up("cli_dripping").await?;
    let mut value = desk.login.secret(dripping().await?);
    value["host"] = Value::from("127.0.0.1");
    value["ssl"] = Value::from(false);
    desk.world.create_secret("cli/dripping", &value).await?;
    let desk = Desk { secret: "cli/dripping".to_owned(), ..desk };
    let short = ["--timeout", "2", "--grant", "tcp://127.0.0.1:*", "--output", "json"];
    // What a plugin is waiting for ends a little before the step does; either may tell it.
    let ends = ["Windlass.Service.Unreachable", "Windlass.Operator.OutOfTime"];
    let token = desk.world.begin("cli/dripping").await?;
    let step = ["step", "setSecret", "--token", &token];
    let commands = [&["rotate"][..], &step, &["repair", "--interrupt"]];
    for command in commands {
        let ran = desk.run_with_plugins(command, &short).await?;
        let error = &ran.json()?["error"];
        let kind = error["type"].as_str().unwrap_or_default();
        assert!(ends.contains(&kind), "{command:?}: {error}");
        let message = error["message"].as_str().unwrap_or_default();
        assert!(message.contains("signing in as `cli_dripping`"), "{command:?}: {message}");
        assert!(message.contains("--timeout"), "{command:?}: {message}");
    }
    let ran = desk.run(&["status", "--timeout", "0"], &[]).await?;
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    Ok(())
}

#[tokio::test]
async fn plain_http_leaves_this_machine_from_no_setting() -> Result<()> {
    let work = WorkDir::new()?;
    let config = work.path().join("config");
    let url = "http://me:hunter2@secrets.invalid:4566/path";
    // Credentials are looked up over the network, too: with those of `default`, for a role.
    let account = "region = eu-west-1\naws_access_key_id = none\naws_secret_access_key = none\n";
    let role = "region = eu-west-1\nrole_arn = arn:aws:iam::123456789012:role/any\n\
                source_profile = default\n";
    let profiles = format!(
        "[default]\n{account}[profile role]\n{role}[profile url]\n{role}endpoint_url = {url}\n"
    );
    std::fs::write(&config, profiles)?;
    let config = config.to_string_lossy();
    for (arguments, variables) in [
        (["--endpoint-url", url], &[][..]),
        (["--profile", "default"], &[("SECRETS_MANAGER_ENDPOINT", url)]),
        (["--profile", "role"], &[("AWS_ENDPOINT_URL", url)]),
        (["--profile", "role"], &[("AWS_ENDPOINT_URL_STS", url)]),
        (["--profile", "url"], &[]),
    ] {
        let environment = [&[("AWS_CONFIG_FILE", &*config)], variables].concat();
        let status = [&["status", "--secret-id", "any"], &arguments[..]].concat();
        let ran = windlass(&status, &environment).await?;
        assert_eq!(ran.code, Some(5), "{arguments:?}, {variables:?}: {}", ran.stderr);
        let refused = "any`: the endpoint http://secrets.invalid:4566 is plain HTTP";
        assert!(ran.stderr.contains(refused), "{arguments:?}, {variables:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains("hunter2"), "{arguments:?}, {variables:?}: {}", ran.stderr);
    }
    Ok(())
}

#[tokio::test]
async fn what_is_missing_is_told_in_one_line_and_libraries_are_silent() -> Result<()> {
    for command in
        [&["status"][..], &["rotate", "--secret-id", "any"], &["repair", "--secret-id", "any"]]
    {
        let plugins = Artifact::Plugins.path()?;
        let plugins = plugins.to_string_lossy();
        let more = if command[0] == "status" { &[][..] } else { &["--plugins", &*plugins][..] };
        // What is not a level counts as if nobody asked for one. The instance's metadata would be asked
        // for the region, and is not there.
        let environment = [("WINDLASS_LOG", ""), ("AWS_CONFIG_FILE", "/nowhere")];
        let ran = windlass(&[command, more].concat(), &environment).await?;
        assert_eq!(ran.code, Some(3), "{command:?}: {}", ran.stderr);
        let expected = "windlass: no AWS region is configured; set --region or AWS_REGION\n";
        assert_eq!(ran.stderr, expected, "{command:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_misspelt_variable_of_ours_is_noticed() -> Result<()> {
    let arguments = ["rotate", "--secret-id", "any", "--store", "/nowhere/secrets.db"];
    let ran = windlass(&arguments, &[("WINDLASS_STRATEGIE", "single-user")]).await?;
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("unknown variable `WINDLASS_STRATEGIE`"), "{}", ran.stderr);
    Ok(())
}

#[tokio::test]
async fn every_command_explains_itself() -> Result<()> {
    let mut text = windlass(&["--help"], &[]).await?.stdout;
    let commands = [
        "rotate", "step", "status", "repair", "local", "inspect", "build", "compile", "sign",
        "verify", "package",
    ];
    for command in commands {
        let ran = windlass(&[command, "--help"], &[]).await?;
        assert_eq!(ran.code, Some(0), "{command}: {}", ran.stderr);
        text += &format!("\n$ windlass {command} --help\n{}", ran.stdout);
    }
    golden("help.txt", &text)
}
