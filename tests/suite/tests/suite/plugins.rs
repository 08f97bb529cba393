//! Which plugin is chosen, and files that are no plugin: each is said in answer to the event, with
//! the file's name and what to do.
//!
//! The texts are in `golden/bad_plugins.txt` and `golden/bad_components.txt`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use windlass_harness::{Artifact, WorkDir};
use windlass_suite::{
    Login, Options, Rotations, STEPS, World, golden, guests, plugins_with, windlass,
};

fn postgres() -> Result<PathBuf> {
    Ok(Artifact::compiled_plugin(&Artifact::Plugins.path()?, "postgres"))
}

/// What createSecret answers where these are the plugins: an error, as `kind: message`.
async fn said(plugins: &Path, options: Options) -> Result<String> {
    let options =
        Options { rotations: Rotations::ByHand, plugins: Some(plugins.to_owned()), ..options };
    let world = World::with(options).await?;
    world.create_secret("any", &Login::new("somebody", "hunter2-hunter2").secret(1)).await?;
    let token = world.begin("any").await?;
    let error = world.failure("createSecret", "any", &token).await?;
    // The same for every event, not only for the first.
    assert_eq!(error, world.failure("createSecret", "any", &token).await?);
    Ok(format!("{}: {}", error.kind, error.message))
}

/// The largest compiled plugin, and the largest component; the product says why.
const ARTIFACT_BYTES: u64 = 128 << 20;
const COMPONENT_BYTES: u64 = 64 << 20;

/// A folder with one file called `plugin.cwasm`, as large as this and with nothing in it.
fn folder_of_size(work: &Path, name: &str, size: u64) -> Result<PathBuf> {
    let folder = folder_of(work, name, b"")?;
    fs::File::options().write(true).open(folder.join("plugin.cwasm"))?.set_len(size)?;
    Ok(folder)
}

/// A folder with one file, of these bytes, called `plugin.cwasm`.
fn folder_of(work: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf> {
    let folder = work.join(name);
    fs::create_dir(&folder)?;
    fs::write(folder.join("plugin.cwasm"), bytes)?;
    Ok(folder)
}

#[tokio::test]
async fn every_folder_of_plugins_that_can_not_be_used_is_told_with_its_remedy() -> Result<()> {
    let work = WorkDir::new()?;
    let work = work.path();
    let real = postgres()?;
    let bytes = fs::read(&real)?;
    let component = fs::read(real.with_extension("wasm"))?;
    let arm = work.join("arm.cwasm");
    let arm_text = arm.to_string_lossy();
    let target = ["--target", "aarch64-unknown-linux-gnu"];
    let source = real.with_extension("wasm");
    let compile = ["compile", &source.to_string_lossy(), "-o", &arm_text, target[0], target[1]];
    let ran = windlass(&compile, &[]).await?;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let mut flipped = bytes.clone();
    *flipped.get_mut(bytes.len() / 2).context("a plugin has bytes")? ^= 1;
    let short = bytes.get(..bytes.len() / 2).context("a plugin has bytes")?;

    let impostor = Artifact::compiled_plugin(&guests()?, "impostor");
    fs::create_dir(work.join("empty"))?;
    let rows = [
        ("no plugin", work.join("empty"), Options::default()),
        ("no folder", work.join("nowhere"), Options::default()),
        (
            "two of one name",
            plugins_with(&work.join("same"), &[(&real, "a.cwasm"), (&real, "b.cwasm")])?,
            Options::default(),
        ),
        (
            "two for one engine",
            plugins_with(&work.join("two"), &[(&real, "a.cwasm"), (&impostor, "b.cwasm")])?,
            Options::default(),
        ),
        (
            "one that is not there",
            plugins_with(&work.join("one"), &[(&real, "a.cwasm")])?,
            Options::default().with("WINDLASS_PLUGIN", "mysql"),
        ),
        ("truncated", folder_of(work, "truncated", short)?, Options::default()),
        ("changed", folder_of(work, "changed", &flipped)?, Options::default()),
        ("empty file", folder_of(work, "zero", b"")?, Options::default()),
        ("random bytes", folder_of(work, "random", &noise(100_000))?, Options::default()),
        ("not compiled", folder_of(work, "component", &component)?, Options::default()),
        ("larger than any", folder_of_size(work, "large", ARTIFACT_BYTES + 1)?, Options::default()),
        ("another machine's", folder_of(work, "arm", &fs::read(&arm)?)?, Options::default()),
    ];
    let mut text = String::new();
    let directory = work.to_string_lossy();
    for (case, folder, options) in rows {
        let message = said(&folder, options).await.context(case)?;
        writeln!(text, "# {case}\n{}\n", message.replace(&*directory, "WORK"))?;
    }
    golden("bad_plugins.txt", &text)
}

/// Bytes without a pattern; the same every time, so that a failure can be repeated.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut next).flatten().take(length).collect()
}

#[tokio::test]
async fn two_plugins_for_one_engine_are_chosen_between_by_tag_and_by_variable() -> Result<()> {
    let work = WorkDir::new()?;
    let impostor = Artifact::compiled_plugin(&guests()?, "impostor");
    let both = [(&*postgres()?, "a.cwasm"), (&*impostor, "b.cwasm")];
    let plugins = plugins_with(&work.path().join("both"), &both)?;
    let world = World::with(Options {
        plugins: Some(plugins),
        ..Options::by_hand().with("WINDLASS_PLUGIN", "impostor")
    });
    let world = world.await?;
    let database = world.database();
    let login = database.account("plugin_chosen", "").await?;
    world.create_secret("chosen", &login.secret(database.postgres().port())).await?;
    let token = world.begin("chosen").await?;
    world.steps(&["createSecret"], "chosen", &token).await?;
    let error = world.failure("setSecret", "chosen", &token).await?;
    assert_eq!(error.kind, "Windlass.Service.Unsupported", "{}", error.message);
    assert!(error.message.contains("an impostor changes nothing"), "{}", error.message);

    // Who may tag the secret does not overrule the operator.
    world.tag("chosen", "windlass:plugin", "postgres").await?;
    let error = world.failure("setSecret", "chosen", &token).await?;
    assert_eq!(error.kind, "Windlass.Operator.Plugin", "{}", error.message);
    assert!(error.message.contains("configured to use `impostor`"), "{}", error.message);
    assert!(login.signs_in(database).await?);
    Ok(())
}

#[tokio::test]
async fn a_tag_chooses_among_the_plugins_of_the_engine_and_only_where_tags_count() -> Result<()> {
    let work = WorkDir::new()?;
    let impostor = Artifact::compiled_plugin(&guests()?, "impostor");
    let errs = Artifact::compiled_plugin(&guests()?, "errs");
    let files = [(&*postgres()?, "a.cwasm"), (&*impostor, "b.cwasm"), (&*errs, "c.cwasm")];
    let plugins = plugins_with(&work.path().join("three"), &files)?;
    let options = Options { plugins: Some(plugins), ..Options::by_hand() };
    let world = World::with(options.clone()).await?;
    let database = world.database();
    let login = database.account("plugin_tagged", "").await?;
    world.create_secret("tagged", &login.secret(database.postgres().port())).await?;
    let token = world.begin("tagged").await?;

    // Two serve the engine; a third one does not.
    world.tag("tagged", "windlass:plugin", "errs").await?;
    let error = world.failure("createSecret", "tagged", &token).await?;
    assert_eq!(error.kind, "Windlass.Operator.Plugin", "{}", error.message);
    assert!(error.message.contains("serves errs and not the secret's engine"), "{}", error.message);
    world.tag("tagged", "windlass:plugin", "postgres").await?;
    world.steps(&STEPS, "tagged", &token).await?;
    assert!(world.current("tagged").await?.signs_in(database).await?);

    // Where tags don't count, the engine decides, and two that serve it are a mistake.
    let world = World::with(options.with("WINDLASS_TAGS", "strategy")).await?;
    world.create_secret("tagged", &login.secret(database.postgres().port())).await?;
    world.tag("tagged", "windlass:plugin", "postgres").await?;
    let token = world.begin("tagged").await?;
    let error = world.failure("createSecret", "tagged", &token).await?;
    assert!(error.message.contains("both serve engine `postgres`"), "{}", error.message);
    Ok(())
}

#[tokio::test]
async fn our_plugins_import_nothing_but_this_products_interface() -> Result<()> {
    /// What every engine here can do.
    const COMMON: [&str; 3] = ["self-change", "admin-change", "alternating-users"];
    for (name, engines, dual) in [
        ("postgres", &["postgres", "aurora-postgresql"][..], &[][..]),
        ("mysql", &["mysql", "aurora-mysql", "mariadb"], &["mysql", "aurora-mysql"]),
        ("redshift", &["redshift"], &[]),
    ] {
        let component = Artifact::Plugins.path()?.join(format!("{name}.wasm"));
        let inspect = ["inspect", &component.to_string_lossy(), "--output", "json"];
        let ran = windlass(&inspect, &[]).await?;
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let inspected = ran.json()?;
        let imports = inspected["imports"].as_array().context("no imports are listed")?;
        assert!(!imports.is_empty());
        for import in imports {
            let import = import.as_str().unwrap_or_default();
            let ours = import.starts_with("windlass:plugin/") && import.ends_with("@0.1.0");
            assert!(ours, "{name}: {import}");
        }
        assert_eq!(inspected["name"], name);
        assert_eq!(inspected["asks_for"], serde_json::json!(["tcp://{host}:{port}"]));
        assert!(inspected["fields"].is_array(), "{name}: {inspected}");
        let listed = inspected["engines"].as_array().context("no engines are listed")?;
        assert_eq!(listed.len(), engines.len(), "{name}");
        for (of, engine) in listed.iter().zip(engines) {
            assert_eq!(of["engine"], **engine, "{name}");
            let own: &[&str] = if dual.contains(engine) { &["dual-password"] } else { &[] };
            assert_eq!(of["abilities"], serde_json::json!([&COMMON[..], own].concat()), "{engine}");
        }
        // The compiled form is the same plugin.
        let compiled = component.with_extension("cwasm");
        let inspect = ["inspect", &compiled.to_string_lossy(), "--output", "json"];
        let ran = windlass(&inspect, &[]).await?;
        assert_eq!(ran.json()?["component_sha256"], inspected["component_sha256"]);
    }
    Ok(())
}

/// Components that no toolchain of ours makes, and what is no component.
const COMPONENTS: [(&str, &str); 5] = [
    (
        "a WASI import",
        r#"(component (import "wasi:cli/environment@0.2.0"
            (instance (export "get-arguments" (func (result (list string)))))))"#,
    ),
    (
        "another version of the interface",
        r#"(component (import "windlass:plugin/system@0.2.0"
            (instance (export "now-seconds" (func (result s64))))))"#,
    ),
    (
        "an interface of ours that does not exist",
        r#"(component (import "windlass:plugin/filesystem@0.1.0"
            (instance (export "read" (func (result string))))))"#,
    ),
    ("no exports", "(component)"),
    ("a module", "(module)"),
];

#[tokio::test]
async fn a_component_with_another_shape_is_refused_by_inspect_and_by_the_function() -> Result<()> {
    let work = WorkDir::new()?;
    let directory = work.path().to_string_lossy();
    let mut text = String::new();
    for (number, (case, source)) in COMPONENTS.into_iter().enumerate() {
        let folder = work.path().join(number.to_string());
        fs::create_dir(&folder)?;
        let file = folder.join("plugin.wasm");
        fs::write(&file, wat::parse_str(source)?)?;
        let file = file.to_string_lossy();
        let inspected = windlass(&["inspect", &file], &[]).await?;
        assert_eq!(inspected.code, Some(3), "{case}: {}{}", inspected.stdout, inspected.stderr);
        writeln!(text, "# {case}: inspect\n{}", inspected.stderr)?;

        let compiled = windlass(&["compile", &file], &[]).await?;
        assert_eq!(compiled.code, Some(3), "{case}: {}{}", compiled.stdout, compiled.stderr);
        assert_eq!(compiled.stderr, inspected.stderr, "{case}");
        // Nobody has to compile with our tool.
        let unchecked = windlass(&["compile", &file, "--unchecked"], &[]).await?;
        if folder.join("plugin.cwasm").exists() {
            let message = said(&folder, Options::default()).await.context(case)?;
            writeln!(text, "# {case}: the function\n{message}\n")?;
        } else {
            assert_eq!(unchecked.code, Some(3), "{case}: {}", unchecked.stderr);
            writeln!(text, "# {case}: compile --unchecked\n{}", unchecked.stderr)?;
        }
    }
    golden("bad_components.txt", &text.replace(&*directory, "WORK"))
}

#[tokio::test]
async fn a_component_larger_than_any_is_refused_before_it_is_compiled() -> Result<()> {
    let work = WorkDir::new()?;
    let path = work.path().join("large.wasm");
    let file = path.to_string_lossy();
    // The header of a component, then nothing.
    fs::write(&path, b"\0asm\x0d\0\x01\0")?;
    for (size, expected) in [
        (COMPONENT_BYTES + 1, "it has 67108865 bytes and the limit is 67108864"),
        (ARTIFACT_BYTES + 1, "it has 134217729 bytes and the limit is 134217728"),
    ] {
        fs::File::options().write(true).open(&path)?.set_len(size)?;
        for command in ["inspect", "compile"] {
            let ran = windlass(&[command, &file], &[]).await?;
            assert_eq!(ran.code, Some(3), "{command}: {}", ran.stderr);
            assert!(ran.stderr.contains(expected), "{command}: {}", ran.stderr);
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_mistake_in_the_configuration_is_told_with_every_event() -> Result<()> {
    let work = WorkDir::new()?;
    let file = work.path().join("windlass.toml");
    fs::write(&file, "tls = \"maybe\"\n[plugins.postgres]\ngrant = []\n")?;
    let file = file.to_string_lossy();
    let options = Options::by_hand()
        .with("WINDLASS_PLUGNIS", "/opt/plugins")
        .with("PASSWORD_LENGTH", "many")
        .with("WINDLASS_STRATEGY", "both")
        .with("WINDLASS_CONFIG", &*file);
    let plugins = Artifact::Plugins.path()?;
    let message = said(&plugins, options).await?;
    golden("bad_configuration.txt", &format!("{}\n", message.replace(&*file, "windlass.toml")))
}
