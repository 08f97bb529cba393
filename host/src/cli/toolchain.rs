//! A compiler for `wasm32-unknown-unknown`, found or set up, in this order: the target of the
//! ordinary toolchain, if it is installed; Debian's own compiler, if it is installed, which brings
//! the target's standard library as source; the target installed by rustup.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::CommandError;

/// The target that plugins are compiled for.
pub(super) const TARGET: &str = "wasm32-unknown-unknown";

/// How long rustup may take: where its server can't be reached it would wait for ever.
const RUSTUP_TIMEOUT: Duration = Duration::from_secs(60);

/// Debian's compiler and its source of the standard library.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_LINKER: &str = "/usr/bin/wasm-ld-19";
const DEBIAN_PACKAGES: &str = "rustc-web rust-web-src lld-19";

/// Randomness in a plugin comes from the host; without this, getrandom refuses the target.
const GETRANDOM: [&str; 2] = ["--cfg", "getrandom_backend=\"custom\""];

/// How plugins are built where nobody asks for a profile of their own crate, as the workspace here does
/// it. Given to cargo as configuration: the crate does not have to know of it.
const PROFILE: &str = "plugin";
const PROFILE_SETTINGS: [&str; 5] = [
    "inherits = \"release\"",
    "opt-level = 3",
    "lto = \"fat\"",
    "codegen-units = 1",
    "panic = \"abort\"",
];

/// How a plugin is compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Toolchain {
    /// The toolchain that runs here has the target.
    Installed,
    /// rustup just installed it.
    ByRustup,
    /// Debian's compiler, which builds the standard library too.
    Debian,
}

impl Toolchain {
    /// Finds one, or sets one up.
    pub(super) async fn find() -> Result<Self, CommandError> {
        if has_target().await {
            return Ok(Self::Installed);
        }
        // Whoever installed it did so for this; where rustup's server can't be reached, asking it
        // again would cost a minute each time.
        if Path::new(DEBIAN_LINKER).exists() && debian_compiler().await {
            return Ok(Self::Debian);
        }
        let rustup = add_target().await;
        if rustup.is_ok() && has_target().await {
            return Ok(Self::ByRustup);
        }
        let why = rustup.err().unwrap_or_else(|| "the target is still missing".to_owned());
        Err(CommandError::operator(format!(
            "no compiler for {TARGET}: `rustup target add {TARGET}` did not help ({why}); on \
             Debian, install its own: apt-get install -y --no-install-recommends {DEBIAN_PACKAGES}"
        )))
    }

    /// What was found, for people.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::Installed => "installed target",
            Self::ByRustup => "target just installed by rustup",
            Self::Debian => "Debian's compiler, building the standard library",
        }
    }

    /// A cargo command that builds for the target, with a profile of the crate's own or the usual one.
    pub(super) fn cargo(&self, profile: Option<&str>) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--target", TARGET, "--profile", profile.unwrap_or(PROFILE)]);
        if profile.is_none() {
            for setting in PROFILE_SETTINGS {
                cargo.args(["--config", &format!("profile.{PROFILE}.{setting}")]);
            }
        }
        let mut flags = GETRANDOM.map(str::to_owned).to_vec();
        if *self == Self::Debian {
            flags.extend(["-C".to_owned(), format!("linker={DEBIAN_LINKER}")]);
            cargo.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
            cargo.arg("-Zbuild-std=std,panic_abort");
        }
        // Beside flags that the crate's own configuration has. Those of the caller's environment are
        // for the machine here, and would take the place of both.
        cargo.args(["--config", &format!("target.{TARGET}.rustflags = {flags:?}")]);
        cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        cargo
    }
}

async fn has_target() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .stderr(Stdio::null())
        .output()
        .await;
    let Ok(output) = output else { return false };
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    // rustc names the folder whether it is there or not.
    let Ok(files) = folder.read_dir() else { return false };
    output.status.success()
        && files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("libstd-"))
}

async fn add_target() -> Result<(), String> {
    let rustup = Command::new("rustup")
        .args(["target", "add", TARGET])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(RUSTUP_TIMEOUT, rustup).await {
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => Err(String::from_utf8_lossy(&output.stderr)
            .lines()
            .last()
            .unwrap_or("it failed")
            .to_owned()),
        Ok(Err(error)) => Err(format!("rustup could not be run: {error}")),
        Err(_) => Err(format!("rustup took longer than {} s", RUSTUP_TIMEOUT.as_secs())),
    }
}

async fn debian_compiler() -> bool {
    let output = Command::new(DEBIAN_RUSTC).arg("--version").output().await;
    output.is_ok_and(|output| output.status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_profile_is_the_one_of_this_workspace() {
        let manifest = include_str!("../../../Cargo.toml");
        let manifest: toml::Table = manifest.parse().unwrap();
        let ours: toml::Table = PROFILE_SETTINGS.join("\n").parse().unwrap();
        assert_eq!(manifest["profile"][PROFILE].as_table(), Some(&ours));
    }
}
