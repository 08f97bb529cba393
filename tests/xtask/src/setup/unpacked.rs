//! Servers that Debian's stable release does not have: MySQL, and a newer MariaDB.
//!
//! Other releases do. Their packages are unpacked beside the system, in the cache, and run through
//! their own loader and C library: nothing of this system changes. Such a release moves, so this may
//! fail; then every test that wanted the server says that it is skipped.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use windlass_harness::{Mariadb, MysqlKind};

use super::debian;
use crate::{command, progress};

/// One of them.
struct Server {
    title: &'static str,
    kind: MysqlKind,
    version: Option<&'static str>,
    /// The release of Debian that has it.
    release: &'static str,
    packages: &'static str,
    /// Whether every test run has it, or only one of everything.
    always: bool,
}

const SERVERS: [Server; 2] = [
    Server {
        title: "MySQL",
        kind: MysqlKind::Mysql,
        version: None,
        release: "sid",
        // The server without its daemon's scripts, and its client.
        packages: "mysql-server-core,mysql-client-core",
        always: true,
    },
    Server {
        title: "MariaDB 11.8",
        kind: MysqlKind::Mariadb,
        version: Some("11.8"),
        release: "trixie",
        // What makes the system's tables, and the methods to sign in, are in the first of them alone.
        packages: "mariadb-server,mariadb-client-core",
        always: false,
    },
];

/// Some 100 MB to be fetched, and 400 MB unpacked.
const LIMIT: Duration = Duration::from_secs(300);

impl Server {
    fn is_there(&self) -> bool {
        let missing = match self.version {
            None => Mariadb::missing(self.kind),
            Some(version) => Mariadb::missing_version(version),
        };
        missing.is_none()
    }

    fn unpack(&self) -> Result<()> {
        let Some(mirror) = mirror() else {
            bail!("this is not Debian, or its mirror is not known")
        };
        let place = Mariadb::place(self.kind, self.version);
        // Whole or not at all: it is looked for by its server alone.
        let mut partial = place.clone().into_os_string();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        super::new_folder(&partial)?;
        let mut unpack = Command::new("mmdebstrap");
        unpack.args(["--variant=extract", &format!("--include={}", self.packages)]);
        // A cached mirror's lists may be older than their word.
        unpack.args(["--aptopt=Acquire::Check-Valid-Until \"false\""]);
        unpack.args(["--aptopt=APT::Install-Recommends \"false\""]);
        unpack.arg(self.release).arg(&partial).arg(mirror);
        command::run_quietly_within(&mut unpack, LIMIT)?;
        fs::rename(&partial, &place).with_context(|| format!("making `{}`", place.display()))
    }
}

/// Whether those that every test run has are there, or what they can be unpacked with.
pub(super) fn available() -> bool {
    let mut always = SERVERS.iter().filter(|server| server.always);
    always.all(Server::is_there) || command::find("mmdebstrap").is_some()
}

/// Makes sure that the servers are there which this machine can have.
pub(super) fn prepare(every: bool) {
    for server in SERVERS.iter().filter(|server| every || server.always) {
        if server.is_there() || !debian::can_install() {
            continue;
        }
        let what = format!("unpack {} from Debian's release {}", server.title, server.release);
        // A mirror that is being updated has lists that do not fit its packages, for some minutes.
        let unpacked = progress::step(&what, || server.unpack()).or_else(|error| {
            eprintln!("warning: one more attempt, because {error:#}");
            progress::step(&what, || server.unpack())
        });
        if let Err(error) = unpacked {
            let title = server.title;
            eprintln!("warning: no {title}, its tests will be skipped: {error:#}");
        }
    }
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
