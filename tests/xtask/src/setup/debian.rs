//! Installing packages on Debian and Ubuntu, as root.
//!
//! PostgreSQL's package would make a cluster and start it; tests make their own. So its common
//! part is installed first and told not to, for the length of this installation.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::Need;
use crate::{command, progress};

/// Lists of a mirror far away.
const UPDATE_LIMIT: Duration = Duration::from_secs(180);

/// Some 300 MB with Debian's Rust, from a slow mirror.
const INSTALL_LIMIT: Duration = Duration::from_secs(900);

/// Where PostgreSQL's package looks whether to make a cluster.
const CLUSTER_SETTINGS: &str = "/etc/postgresql-common/createcluster.conf";

/// Whether this is Debian or a descendant, and we are root.
pub(super) fn can_install() -> bool {
    command::find("apt-get").is_some()
        && Command::new("id")
            .arg("-u")
            .output()
            .is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Installs the packages of `needs`.
pub(super) fn install(needs: &[&Need]) -> Result<()> {
    for need in needs {
        eprintln!("missing: {}: installing {}", need.what, need.packages.join(" "));
    }
    let packages: Vec<_> = needs.iter().flat_map(|need| need.packages).copied().collect();
    // Lists may be old and yet suffice, or one of several sources be away: installing decides.
    if let Err(error) = progress::step("apt-get update", || {
        command::run_within(&mut apt(&["update"]), UPDATE_LIMIT)
    }) {
        eprintln!("warning: {error:#}");
    }
    if packages.contains(&"postgresql") {
        get(&["postgresql-common"])?;
        return without_cluster(|| get(&packages));
    }
    get(&packages)
}

fn get(packages: &[&str]) -> Result<()> {
    progress::step(&format!("apt-get install {}", packages.join(" ")), || {
        let mut install =
            apt(&["install", "-y", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0"]);
        install.args(["-o", "Dpkg::Options::=--force-confold"]).args(packages);
        command::run_within(&mut install, INSTALL_LIMIT)
    })
    .with_context(|| format!("failed to install {}", packages.join(", ")))
}

fn apt(arguments: &[&str]) -> Command {
    let mut apt = Command::new("apt-get");
    apt.arg("-qq").args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    apt
}

/// Does `work` while new PostgreSQL packages are told to make no cluster.
fn without_cluster(work: impl FnOnce() -> Result<()>) -> Result<()> {
    let path = Path::new(CLUSTER_SETTINGS);
    let before = fs::read(path).unwrap_or_default();
    let mut during = before.clone();
    during.extend_from_slice(b"\ncreate_main_cluster = false\n");
    fs::write(path, during).with_context(|| format!("writing `{CLUSTER_SETTINGS}`"))?;
    let result = work();
    fs::write(path, before).with_context(|| format!("restoring `{CLUSTER_SETTINGS}`"))?;
    result
}
