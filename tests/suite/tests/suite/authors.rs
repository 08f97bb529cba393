//! Crates and components that are not of this workspace: what their authors get, and which errors they see.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use windlass_harness::process::Launch;
use windlass_harness::{Artifact, WorkDir};
use windlass_suite::{Options, Ran, World, made_up_password, skip, windlass};

/// Cargo compiles the SDK, or Python's toolchain links a runtime, on a busy machine.
const LIMIT: Duration = Duration::from_secs(600);

/// The repository.
fn repository() -> Result<PathBuf> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").context("not run by cargo")?;
    Ok(Path::new(&package).join("../..").canonicalize()?)
}

/// A fresh crate somewhere else, with what the SDK's README says that it needs, and the plugin of the
/// first page of its documentation.
struct Crate {
    work: WorkDir,
}

impl Crate {
    fn new() -> Result<Self> {
        let work = WorkDir::new()?;
        let repository = repository()?;
        let sdk = repository.join("sdk/rust");
        fs::create_dir(work.path().join("src"))?;
        fs::write(
            work.path().join("Cargo.toml"),
            format!(
                "[package]\nname = \"my-plugin\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
                 [lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n\
                 [dependencies]\nwindlass-sdk = {{ path = {sdk:?} }}\n"
            ),
        )?;
        // The versions that are here already: nothing is fetched.
        fs::copy(repository.join("Cargo.lock"), work.path().join("Cargo.lock"))?;
        let page = fs::read_to_string(sdk.join("src/lib.rs"))?;
        let (_, code) = page.split_once("//! ```\n").context("no code")?;
        let (code, _) = code.split_once("//! // And its test").context("no end of the plugin")?;
        let code = code.lines().map(|line| line.trim_start_matches("//!").to_owned() + "\n");
        let own = Self { work };
        own.write(&code.collect::<String>())?;
        Ok(own)
    }

    fn write(&self, code: &str) -> Result<()> {
        Ok(fs::write(self.work.path().join("src/lib.rs"), code)?)
    }

    fn code(&self) -> Result<String> {
        Ok(fs::read_to_string(self.work.path().join("src/lib.rs"))?)
    }

    /// Runs a program in the crate's folder, with nothing in its environment but what finds cargo.
    async fn run(&self, program: impl Into<PathBuf>, arguments: &[&str]) -> Result<Ran> {
        let mut launch = Launch::new("sh")
            .args(["-c", "cd \"$1\" && shift && exec \"$@\"", "sh"])
            .args([self.work.path().as_os_str(), program.into().as_os_str()])
            .args(arguments)
            .env("CARGO_NET_OFFLINE", "true")
            .env("CARGO_TARGET_DIR", target(&self.work)?);
        for name in ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
            launch = launch.inherit(name);
        }
        let output = launch.finish(LIMIT).await?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        Ok(Ran { code: output.status.code(), stdout, stderr })
    }

    async fn build(&self) -> Result<Ran> {
        self.run(Artifact::Windlass.path()?, &["build", ".", "--out", "my.wasm"]).await
    }
}

/// Where the SDK was compiled for this workspace's plugins, if it was: with the same settings, or they
/// are compiled again.
fn target(work: &WorkDir) -> Result<OsString> {
    let shared = Artifact::Plugins.path()?.join("../..").canonicalize()?;
    let built = shared.join("wasm32-unknown-unknown").exists();
    Ok(if built { shared.into() } else { work.path().join("target").into() })
}

#[tokio::test]
async fn a_crate_elsewhere_needs_no_settings_and_hears_of_its_mistakes_at_once() -> Result<()> {
    let own = Crate::new()?;
    let built = own.build().await?;
    ensure!(built.code == Some(0), "{}", built.stderr);
    let component = own.work.path().join("my.wasm");
    let inspected = windlass(&["inspect", &component.to_string_lossy()], &[]).await?;
    ensure!(inspected.code == Some(0), "{}", inspected.stderr);
    assert!(inspected.stdout.starts_with("plugin     lines 1.0.0\n"), "{}", inspected.stdout);
    fs::remove_file(&component)?;

    // Plain cargo, for editors and checks.
    let check = ["check", "--lib", "--target", "wasm32-unknown-unknown"];
    let checked = own.run("cargo", &check).await?;
    ensure!(checked.code == Some(0), "{}", checked.stderr);

    // A name that no plugin can have: nothing is written, and the words are those of `inspect`.
    let code = own.code()?;
    own.write(&code.replace("name: \"lines\".into()", "name: \"My Lines\".into()"))?;
    let refused = own.build().await?;
    assert_eq!(refused.code, Some(6), "{}", refused.stderr);
    let words = "has an invalid description: its name is not made of lower-case letters";
    assert!(refused.stderr.contains(words), "{}", refused.stderr);
    assert!(!component.exists(), "it was written all the same");

    // What the compiler says is shown.
    own.write(&format!("{code}\nfn broken() -> u32 {{ \"text\" }}\n"))?;
    let broken = own.build().await?;
    assert_eq!(broken.code, Some(3), "{}", broken.stderr);
    for part in ["error[E0308]: mismatched types", "see cargo's errors above"] {
        assert!(broken.stderr.contains(part), "no `{part}`: {}", broken.stderr);
    }
    Ok(())
}

#[tokio::test]
async fn a_crate_with_random_numbers_needs_two_lines_for_plain_cargo_alone() -> Result<()> {
    let own = Crate::new()?;
    let manifest = own.work.path().join("Cargo.toml");
    fs::write(&manifest, fs::read_to_string(&manifest)? + "getrandom = \"0.4\"\n")?;
    let code = own.code()?.replace(
        "fn describe() -> Description {",
        "fn describe() -> Description { getrandom::fill(&mut [0; 8]).expect(\"the host's\");",
    );
    own.write(&code)?;
    let built = own.build().await?;
    ensure!(built.code == Some(0), "{}", built.stderr);
    let check = ["check", "--lib", "--target", "wasm32-unknown-unknown"];
    let refused = own.run("cargo", &check).await?;
    ensure!(refused.code != Some(0), "getrandom needs no setting any more: see the SDK's README");

    // The lines, as the README has them.
    let readme = fs::read_to_string(repository()?.join("sdk/rust/README.md"))?;
    let (_, lines) = readme.split_once("`.cargo/config.toml`:\n\n```toml\n").context("no lines")?;
    let (lines, _) = lines.split_once("```").context("no end")?;
    fs::create_dir(own.work.path().join(".cargo"))?;
    fs::write(own.work.path().join(".cargo/config.toml"), lines)?;
    let checked = own.run("cargo", &check).await?;
    ensure!(checked.code == Some(0), "{}", checked.stderr);
    Ok(())
}

/// A server of the lines that the Python plugin speaks, with one account. Returns its port.
async fn lines(password: &str) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let mut password = password.to_owned();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {
                let words: Vec<&str> = line.split_whitespace().collect();
                let answer = match words.as_slice() {
                    ["AUTH", "app", given] if **given == password => "OK\n",
                    ["PASSWD", "app", new] => {
                        password = (*new).to_owned();
                        "OK\n"
                    }
                    _ => "NO\n",
                };
                line.clear();
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    break;
                }
            }
        }
    });
    Ok(port)
}

/// Python's toolchain, beside the interpreter of the tests.
fn componentize_py() -> Result<Option<PathBuf>> {
    let found = Artifact::Python.path()?.with_file_name("componentize-py");
    if found.exists() {
        return Ok(Some(found));
    }
    skip("plugins in Python: the PyPI package componentize-py is missing");
    Ok(None)
}

/// Builds the Python plugin, with or without WASI.
async fn python_plugin(toolchain: &Path, out: &Path, options: &[&str]) -> Result<()> {
    let repository = repository()?;
    let built = Launch::new(toolchain)
        .args(["-d".into(), repository.join("wit")])
        .args(["-w", "password-plugin", "componentize"])
        .args(options)
        .args(["-p".into(), repository.join("tests/suite/python/plugin")])
        .args(["app", "-o"])
        .args([out])
        .inherit("PATH")
        .inherit("HOME")
        .finish(LIMIT)
        .await?;
    ensure!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Ok(())
}

#[tokio::test]
async fn a_plugin_in_python_rotates_and_one_with_wasi_is_refused_with_the_option_that_leaves_it_out()
-> Result<()> {
    let Some(toolchain) = componentize_py()? else { return Ok(()) };
    let work = WorkDir::new()?;
    let component = work.path().join("pylines.wasm");
    python_plugin(&toolchain, &component, &[]).await?;
    let run = async |arguments: &[&str]| {
        let launch = Launch::new(Artifact::Windlass.path()?).args(arguments);
        let output = launch.finish(LIMIT).await?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        anyhow::Ok(Ran { code: output.status.code(), stdout, stderr })
    };
    let file = component.to_string_lossy();
    let refused = run(&["inspect", &file]).await?;
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(refused.stderr.contains("componentize --stub-wasi"), "{}", refused.stderr);

    // The remedy.
    python_plugin(&toolchain, &component, &["--stub-wasi"]).await?;
    let plugins = work.path().join("plugins");
    fs::create_dir(&plugins)?;
    let compiled = plugins.join("pylines.cwasm");
    let compiled = run(&["compile", &file, "--out", &compiled.to_string_lossy()]).await?;
    ensure!(compiled.code == Some(0), "{}", compiled.stderr);

    let password = made_up_password("authors_python");
    let port = lines(&password).await?;
    let world = World::with(Options::by_hand()).await?;
    let value = json!({
        "engine": "pylines", "host": "127.0.0.1", "port": port, "ssl": false,
        "username": "app", "password": password,
    });
    world.create_secret("authors/python", &value).await?;
    let store = world.store();
    let rotated = run(&[
        "rotate",
        "--secret-id",
        "authors/python",
        "--store",
        &store.to_string_lossy(),
        "--plugins",
        &plugins.to_string_lossy(),
        "--grant",
        &format!("tcp://127.0.0.1:{port}"),
        "--output",
        "json",
    ])
    .await?;
    ensure!(rotated.code == Some(0), "{}{}", rotated.stdout, rotated.stderr);
    assert_eq!(rotated.json()?["steps"].as_array().map(Vec::len), Some(4));
    let new = world.current("authors/python").await?;
    assert!(new.password != password, "it has the old password");
    Ok(())
}
