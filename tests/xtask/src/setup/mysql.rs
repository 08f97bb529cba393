//! A real MySQL, which Debian's stable release does not have.
//!
//! The next release does. Its packages are unpacked beside the system, in the cache, and run through
//! their own loader and C library: nothing of this system changes. That release moves, so this may
//! fail; then MySQL is tested against scripted servers only, and every test that wanted a real one
//! says so.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use windlass_harness::{Mariadb, MysqlKind};

use super::debian;
use crate::{command, progress};

/// The server without its daemon's scripts, and its client.
const PACKAGES: &str = "mysql-server-core,mysql-client-core";

/// Some 80 MB to be fetched, and 400 MB unpacked.
const LIMIT: Duration = Duration::from_secs(300);

/// Whether there is a MySQL, or what it can be unpacked with.
pub(super) fn available() -> bool {
    Mariadb::missing(MysqlKind::Mysql).is_none() || command::find("mmdebstrap").is_some()
}

/// Makes sure that there is a MySQL if this machine can have one.
pub(super) fn prepare() {
    if Mariadb::missing(MysqlKind::Mysql).is_none() || !debian::can_install() {
        return;
    }
    let what = "unpack MySQL from Debian's next release";
    // A mirror that is being updated has lists that do not fit its packages, for some minutes.
    let unpacked = progress::step(what, unpack).or_else(|error| {
        eprintln!("warning: one more attempt, because {error:#}");
        progress::step(what, unpack)
    });
    if let Err(error) = unpacked {
        eprintln!("warning: no MySQL here, tests that want one will be skipped: {error:#}");
    }
}

fn unpack() -> Result<()> {
    let Some(mirror) = mirror() else { bail!("this is not Debian, or its mirror is not known") };
    let place = Mariadb::mysql_place();
    // Whole or not at all: it is looked for by its server alone.
    let partial = place.with_extension("partial");
    if partial.exists() {
        fs::remove_dir_all(&partial)
            .with_context(|| format!("removing `{}`", partial.display()))?;
    }
    let mut unpack = Command::new("mmdebstrap");
    unpack.args(["--variant=extract", &format!("--include={PACKAGES}")]);
    // A cached mirror's lists may be older than their word.
    unpack.args(["--aptopt=Acquire::Check-Valid-Until \"false\""]);
    unpack.arg("sid").arg(&partial).arg(mirror);
    command::run_quietly_within(&mut unpack, LIMIT)?;
    fs::rename(&partial, &place).with_context(|| format!("making `{}`", place.display()))
}

/// Where this Debian gets its packages.
fn mirror() -> Option<String> {
    let sources = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"];
    let sources = sources.map(PathBuf::from).map(fs::read_to_string);
    sources.into_iter().flatten().find_map(|text| mirror_in(&text))
}

fn mirror_in(sources: &str) -> Option<String> {
    sources.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let mirror = match words.next()? {
            "URIs:" => words.next()?,
            "deb" => words.find(|word| !word.starts_with('[') && !word.ends_with(']'))?,
            _ => return None,
        };
        mirror.trim_end_matches('/').ends_with("/debian").then(|| mirror.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_of_both_forms_of_sources() {
        for (sources, mirror) in [
            (
                "Types: deb\nURIs: http://m.example/debian\nSuites: x",
                Some("http://m.example/debian"),
            ),
            ("URIs: http://m.example/debian-security", None),
            (
                "# deb http://no/debian\ndeb http://m.example/debian/ x main",
                Some("http://m.example/debian/"),
            ),
            ("deb [arch=amd64] http://m.example/debian x main", Some("http://m.example/debian")),
            ("deb http://m.example/ubuntu x main", None),
            ("", None),
        ] {
            assert_eq!(mirror_in(sources).as_deref(), mirror, "{sources}");
        }
    }
}
