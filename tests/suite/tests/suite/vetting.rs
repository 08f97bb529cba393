//! Pins and signatures: what `windlass.toml` asks of plugins, asked by the function, and the commands
//! that make and check it.
//!
//! Python's `cryptography` is the independent witness: it checks our signatures, and makes keys as
//! OpenSSL does. The texts are in `golden/vetting.txt`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;
use windlass_harness::{Artifact, Function, WorkDir};
use windlass_suite::{
    Login, Options, Ran, Rotations, STEPS, World, golden, guests, plugins_with, python, windlass,
};

/// Runs a command that has to work.
async fn done(arguments: &[&str]) -> Result<Ran> {
    let ran = windlass(arguments, &[]).await?;
    assert_eq!(ran.code, Some(0), "{arguments:?}: {}{}", ran.stdout, ran.stderr);
    Ok(ran)
}

/// Runs a command that has to fail because of the plugin or its signature.
async fn refused(arguments: &[&str]) -> Result<String> {
    let ran = windlass(arguments, &[]).await?;
    assert_eq!(ran.code, Some(3), "{arguments:?}: {}{}", ran.stdout, ran.stderr);
    Ok(ran.stderr)
}

/// A path as text.
fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A key of ours: its file and its public key.
async fn new_key(work: &Path, name: &str) -> Result<(String, String)> {
    let file = text(&work.join(name));
    let made = done(&["sign", "--new-key", &file, "--output", "json"]).await?.json()?;
    let public = made["public_key"].as_str().context("no public key")?;
    Ok((file, public.to_owned()))
}

/// The PostgreSQL plugin's component, in a folder of the test's own.
fn component(work: &Path) -> Result<PathBuf> {
    let own = work.join("postgres.wasm");
    fs::copy(Artifact::Plugins.path()?.join("postgres.wasm"), &own)?;
    Ok(own)
}

/// The digest of a component, as `inspect` tells it.
async fn digest(component: &str) -> Result<String> {
    let inspected = done(&["inspect", component, "--output", "json"]).await?.json()?;
    Ok(inspected["component_sha256"].as_str().context("no digest")?.to_owned())
}

#[tokio::test]
async fn a_signature_is_made_carried_along_and_checked() -> Result<()> {
    let work = WorkDir::new()?;
    let work = work.path();
    let plugin = text(&component(work)?);
    let (key, public) = new_key(work, "author.pem").await?;
    let (_, other) = new_key(work, "other.pem").await?;
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&key)?.permissions());
    assert_eq!(mode & 0o777, 0o600, "a private key is its owner's alone");
    assert!(refused(&["sign", "--new-key", &key]).await?.contains("failed to write"), "kept");

    let unsigned = refused(&["verify", &plugin, "--key", &public]).await?;
    assert!(unsigned.contains("its component is not signed"), "{unsigned}");
    done(&["sign", &plugin, "--key", &key]).await?;
    let witness = python("signatures.py", &["verify", &plugin]).await?;
    assert_eq!((witness.code, witness.stdout.trim()), (Some(0), &*public), "{}", witness.stderr);
    done(&["verify", &plugin, "--key", &other, "--key", &public]).await?;
    let by_another = refused(&["verify", &plugin, "--key", &other]).await?;
    assert!(by_another.contains("not one of the keys asked for"), "{by_another}");

    // The compiled plugin carries it, and is signed by who compiled it.
    let compiled = text(&work.join("postgres.cwasm"));
    done(&["compile", &plugin]).await?;
    let own = text(&work.join("python.pem"));
    let made = python("signatures.py", &["key", &own]).await?;
    let compiler = made.stdout.trim().to_owned();
    done(&["sign", &compiled, "--key", &own]).await?;
    let verified = done(&["verify", &compiled, "--key", &compiler, "--output", "json"]).await?;
    let verified = &verified.json()?["verified"][0];
    assert_eq!(verified["component_signed_by"], Value::from(public.as_str()));
    assert_eq!(verified["code_signed_by"], Value::from(compiler));
    assert_eq!(verified["component_sha256"], Value::from(digest(&plugin).await?));

    // Another component with the signature of this one.
    let mut changed = fs::read(&plugin)?;
    changed.push(0);
    fs::write(&plugin, changed)?;
    for arguments in [&["verify", &plugin, "--key", &public][..], &["compile", &plugin]] {
        let stale = refused(arguments).await?;
        assert!(stale.contains("does not hold a signature of"), "{stale}");
    }
    Ok(())
}

/// What createSecret says with these plugins and this file.
async fn said(work: &Path, plugins: &Path, file: &str) -> Result<String> {
    let path = work.join("windlass.toml");
    fs::write(&path, file)?;
    let options = Options {
        rotations: Rotations::ByHand,
        plugins: Some(plugins.to_owned()),
        ..Options::default()
    };
    let world = World::with(options.with("WINDLASS_CONFIG", text(&path))).await?;
    world.create_secret("any", &Login::new("somebody", "hunter2-hunter2").secret(1)).await?;
    let token = world.begin("any").await?;
    let answers = world.step("createSecret", "any", &token).await?;
    Ok(match answers.error() {
        None => "loaded".to_owned(),
        Some(error) => format!("{}: {}", error.kind, error.message),
    })
}

#[tokio::test]
async fn the_function_loads_what_is_pinned_and_signed_and_nothing_else() -> Result<()> {
    let work = WorkDir::new()?;
    let work = work.path();
    let (author_key, author) = new_key(work, "author.pem").await?;
    let (compiler_key, compiler) = new_key(work, "compiler.pem").await?;
    let plain = component(work)?;
    let sha256 = digest(&text(&plain)).await?;
    let compiled = plain.with_extension("cwasm");
    let folder =
        |name: &str, file: &Path| plugins_with(&work.join(name), &[(file, "postgres.cwasm")]);
    done(&["compile", &text(&plain)]).await?;
    let unsigned = folder("unsigned", &compiled)?;
    done(&["sign", &text(&plain), "--key", &author_key]).await?;
    done(&["compile", &text(&plain)]).await?;
    let by_author = folder("author", &compiled)?;
    done(&["sign", &text(&compiled), "--key", &compiler_key]).await?;
    let by_both = folder("both", &compiled)?;
    // The machine code of one plugin under the note of another, whose digest of it is corrected: who
    // can write to the package can do this much.
    let forged = work.join("forged.cwasm");
    let impostor = fs::read(Artifact::compiled_plugin(&guests()?, "impostor"))?;
    fs::write(&forged, graft(&fs::read(&compiled)?, &impostor)?)?;
    let forged = folder("forged", &forged)?;
    let renamed = plugins_with(&work.join("renamed"), &[(&compiled, "other.cwasm")])?;

    let pin = |digest: &str| format!("[plugins.postgres]\nsha256 = \"{digest}\"\n");
    let wrong = "0".repeat(64);
    let components = |key: &str| format!("[trust]\ncomponents = [\"{key}\"]\n");
    let code = |key: &str| format!("[trust]\ncompiled = [\"{key}\"]\n");
    let rows = [
        ("the pinned one", &unsigned, pin(&sha256)),
        ("another than the pinned one", &unsigned, pin(&wrong)),
        ("the same under another file name", &renamed, pin(&wrong)),
        ("a pin for a plugin that is not there", &unsigned, pin(&wrong).replace("gres", "gers")),
        ("a component that nobody signed", &unsigned, components(&author)),
        ("a component that another signed", &by_author, components(&compiler)),
        ("a component that its author signed", &by_author, components(&author)),
        ("code that nobody signed", &by_author, code(&compiler)),
        ("code that its compiler signed", &by_both, code(&compiler)),
        ("other code under that signature", &forged, code(&compiler)),
    ];
    let mut told = String::new();
    for (case, plugins, file) in rows {
        let message = said(work, plugins, &file).await.context(case)?;
        let message = message
            .replace(&text(work), "WORK")
            .replace(&sha256, "SHA256")
            .replace(&author, "AUTHOR")
            .replace(&compiler, "COMPILER");
        writeln!(told, "# {case}\n{message}\n")?;
    }
    golden("vetting.txt", &told)
}

/// The code of `other` with the note of `signed`, whose digest of the code is made to fit.
fn graft(signed: &[u8], other: &[u8]) -> Result<Vec<u8>> {
    let (_, note) = parts(signed)?;
    let (code, of_other) = parts(other)?;
    let mut note: Value = serde_json::from_slice(note)?;
    let of_other: Value = serde_json::from_slice(of_other)?;
    note["artifact_sha256"] = of_other["artifact_sha256"].clone();
    let note = note.to_string();
    let length = u32::try_from(note.len())?.to_le_bytes();
    Ok([code, note.as_bytes(), &length, b"WINDLASS"].concat())
}

/// A compiled plugin's machine code and note.
fn parts(sealed: &[u8]) -> Result<(&[u8], &[u8])> {
    let at = sealed.len().checked_sub(12).context("too short")?;
    let length: [u8; 4] = sealed[at..at + 4].try_into()?;
    let note = at.checked_sub(u32::from_le_bytes(length) as usize).context("no note")?;
    Ok((&sealed[..note], &sealed[note..at]))
}

/// A compiled plugin whose note is changed, and the digest of its code left as it is.
fn renoted(sealed: &[u8], change: impl FnOnce(&mut Value)) -> Result<Vec<u8>> {
    let (code, note) = parts(sealed)?;
    let mut note: Value = serde_json::from_slice(note)?;
    change(&mut note);
    let note = note.to_string();
    let length = u32::try_from(note.len())?.to_le_bytes();
    Ok([code, note.as_bytes(), &length, b"WINDLASS"].concat())
}

/// What clears a screen, forges a line, and turns around what follows.
const HOSTILE: &str = "x86\u{1b}[2J\r\nwindlass: all is well\u{202e}\u{2028}\u{9b}31m";

#[tokio::test]
async fn what_a_file_says_of_itself_steers_no_terminal() -> Result<()> {
    let work = WorkDir::new()?;
    let work = work.path();
    let real = fs::read(Artifact::compiled_plugin(&Artifact::Plugins.path()?, "postgres"))?;
    // Its note, and its name.
    let plugin = work.join("evil\u{1b}[2J\nwindlass: done\u{202e}.cwasm");
    let hostile = |note: &mut Value| note["target"] = Value::from(HOSTILE);
    fs::write(&plugin, renoted(&real, hostile)?)?;
    let plugin = text(&plugin);
    let bootstrap = text(&Artifact::Bootstrap.path()?);
    let package = ["package", "--bootstrap", &bootstrap, "--plugin", &plugin];
    let trust = ["inspect", &plugin, "--trust", "--log", "trace"];
    let steers = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{202e}' | '\u{2028}');
    for (arguments, code) in [(&["inspect", &plugin][..], 0), (&package, 3), (&trust, 3)] {
        for format in ["text", "json"] {
            let arguments = [arguments, &["--output", format]].concat();
            let ran = windlass(&arguments, &[]).await?;
            assert_eq!(ran.code, Some(code), "{arguments:?}: {}{}", ran.stdout, ran.stderr);
            for said in [&ran.stdout, &ran.stderr] {
                assert!(!said.contains(steers), "{arguments:?}: {said:?}");
                let forged = |line: &str| line.starts_with("windlass: all is well");
                assert!(!said.lines().any(forged), "{arguments:?}: {said}");
            }
        }
    }
    let inspected = done(&["inspect", &plugin, "--output", "json"]).await?.json()?;
    assert_eq!(inspected["target"], HOSTILE, "and to programs it says the same");
    Ok(())
}

#[tokio::test]
async fn a_package_signs_what_it_compiled_and_a_claim_is_called_one() -> Result<()> {
    let work = WorkDir::new()?;
    let work = work.path();
    let plugin = text(&component(work)?);
    let (key, public) = new_key(work, "key.pem").await?;
    let (other_key, other) = new_key(work, "other.pem").await?;
    let sha256 = digest(&plugin).await?;
    done(&["compile", &plugin]).await?;
    // The machine code of another plugin under this one's digest.
    let compiled = work.join("postgres.cwasm");
    let impostor = fs::read(Artifact::compiled_plugin(&guests()?, "impostor"))?;
    let forged = renoted(&impostor, |note| note["component_sha256"] = Value::from(&*sha256))?;
    fs::write(&compiled, forged)?;
    let compiled = text(&compiled);
    let (zip, file) = (text(&work.join("windlass.zip")), text(&work.join("windlass.toml")));
    fs::write(&file, format!("[plugins.postgres]\nsha256 = \"{sha256}\"\n"))?;
    let bootstrap = text(&Artifact::Bootstrap.path()?);
    let package = |plugin: &str| {
        let fixed = ["package", "--bootstrap", &bootstrap, "--config", &file, "--out", &zip];
        [&fixed[..], &["--plugin", plugin]].concat().into_iter().map(str::to_owned).collect()
    };
    let package: [Vec<String>; 2] = [package(&compiled), package(&plugin)];
    let [of_forged, of_component] =
        package.each_ref().map(|all| all.iter().map(String::as_str).collect::<Vec<_>>());

    let signing = ["--sign-with", &key];
    let unsigned = refused(&[&of_forged[..], &signing].concat()).await?;
    assert!(unsigned.contains("signs only what it compiles"), "{unsigned}");
    assert!(!Path::new(&zip).exists(), "nothing is written");
    // Without a key it goes in, as a claim, and the pin is called one.
    let packed = done(&of_forged).await?;
    assert!(packed.stdout.contains("postgres: claims to be made from"), "{}", packed.stdout);
    assert!(packed.stderr.contains("without `trust.compiled`"), "{}", packed.stderr);
    for command in [&["inspect", &*compiled][..], &["verify", &compiled, "--config", &file]] {
        let said = done(command).await?.stdout;
        assert!(said.contains("claims to be made from"), "{command:?}: {said}");
    }
    // Another's signature stays what it is.
    done(&["sign", &compiled, "--key", &other_key]).await?;
    let kept = done(&[&of_forged[..], &signing, &["--output", "json"]].concat()).await?.json()?;
    assert_eq!(kept["plugins"][0]["code_signed_by"], Value::from(&*other));
    assert_eq!(kept["plugins"][0]["component_is_claimed"], true);
    let taken = refused(&["sign", &compiled, "--key", &key]).await?;
    assert!(taken.contains("is not replaced by one of another key"), "{taken}");

    let made =
        done(&[&of_component[..], &signing, &["--output", "json"]].concat()).await?.json()?;
    assert_eq!(made["plugins"][0]["code_signed_by"], Value::from(public));
    assert_eq!(made["plugins"][0]["component_is_claimed"], false);
    Ok(())
}

#[tokio::test]
async fn a_plugin_with_grants_of_its_own_has_those_and_no_others() -> Result<()> {
    let work = WorkDir::new()?;
    let path = work.path().join("windlass.toml");
    fs::write(&path, "[plugins.postgres]\ngrants = []\n")?;
    let options = Options::by_hand().with("WINDLASS_CONFIG", text(&path));
    let world = World::with(options).await?;
    let database = world.database();
    let login = database.account("vetting_nowhere", "").await?;
    let port = database.postgres().port();
    world.create_secret("nowhere", &login.secret(port)).await?;
    let token = world.begin("nowhere").await?;
    // It is known without a connection, so no password is stored.
    let error = world.failure("createSecret", "nowhere", &token).await?;
    assert_eq!(error.kind, "Windlass.Operator.NotGranted");
    let expected = format!(
        "connecting to localhost:{port} is not allowed: the operator did not grant this host and \
         port; if the plugin is to connect there, grant it in WINDLASS_GRANTS or windlass.toml"
    );
    assert!(error.message.ends_with(&expected), "{}", error.message);
    assert!(login.signs_in(database).await?, "nothing was changed");
    Ok(())
}

/// Takes a zip apart as Lambda does, with Python's own module.
const UNZIP: &str = "import sys, zipfile, os
with zipfile.ZipFile(sys.argv[1]) as z:
    assert z.testzip() is None
    for entry in z.infolist():
        path = z.extract(entry, sys.argv[2])
        os.chmod(path, entry.external_attr >> 16)
        print(entry.filename, oct(entry.external_attr >> 16 & 0o777))
";

#[tokio::test]
async fn a_package_has_everything_and_rotates() -> Result<()> {
    let work = WorkDir::new()?;
    let folder = work.path();
    let plugin = text(&component(folder)?);
    let (key, public) = new_key(folder, "key.pem").await?;
    let sha256 = digest(&plugin).await?;
    let file = folder.join("windlass.toml");
    let zip = text(&folder.join("windlass.zip"));
    let bootstrap = text(&Artifact::Bootstrap.path()?);
    let config = text(&file);
    let package = [
        "package",
        "--bootstrap",
        &bootstrap,
        "--plugin",
        &plugin,
        "--config",
        &config,
        "--out",
        &zip,
    ];

    // What the function would refuse at its start is refused here.
    fs::write(&file, "[trust]\ncompiled = [\"".to_owned() + &public + "\"]\n")?;
    assert!(refused(&package).await?.contains("its compiled code is not signed"));
    fs::write(&file, "[plugins.mysql]\n")?;
    assert!(refused(&package).await?.contains("no such plugin is installed"));

    fs::write(
        &file,
        format!("[plugins.postgres]\nsha256 = \"{sha256}\"\n[trust]\ncompiled = [\"{public}\"]\n"),
    )?;
    let signing = [&package[..], &["--sign-with", &key, "--output", "json"]].concat();
    let packed = done(&signing).await?.json()?;
    assert_eq!(packed["plugins"][0]["component_sha256"], Value::from(sha256));
    let first = fs::read(&zip)?;
    done(&signing).await?;
    assert_eq!(fs::read(&zip)?, first, "the same files make the same zip");

    let program = folder.join("unzip.py");
    fs::write(&program, UNZIP)?;
    let root = folder.join("task");
    let unzip = python(&text(&program), &[&zip, &text(&root)]).await?;
    let expected = "bootstrap 0o755\nwindlass.toml 0o644\nplugins/postgres.cwasm 0o644\n";
    assert_eq!(unzip.stdout, expected, "{}", unzip.stderr);

    // The function finds its plugins and its configuration beside itself.
    let mut world = World::with(Options::by_hand()).await?;
    world.kill_idle_function().await?;
    let mut options = world.function_options(world.secrets().endpoint().to_owned())?;
    options.bootstrap = root.join("bootstrap");
    options.environment.push(("WINDLASS_PLUGINS".to_owned(), String::new()));
    world.lambda().expect_new_function();
    let _function = Function::start(world.lambda(), &options, folder, "packaged")?;
    let database = world.database();
    let login = database.account("vetting_packaged", "").await?;
    world.create_secret("packaged", &login.secret(database.postgres().port())).await?;
    let token = world.begin("packaged").await?;
    world.steps(&STEPS, "packaged", &token).await?;
    assert!(world.current("packaged").await?.signs_in(database).await?);
    Ok(())
}
