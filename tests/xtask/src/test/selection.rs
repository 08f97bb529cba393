//! Which of all tests are run: those of one engine, or one part of several.

use std::collections::BTreeSet;
use std::fmt;
use std::process::Stdio;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use windlass_suite::Engine;

use crate::workspace::Workspace;

/// The K-th of N parts: each test is in one of them, and in the same one every time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shard {
    number: u64,
    of: u64,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/');
        let numbers = parts.and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
        match numbers {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err("a part is K/N, with K from 1 to N: 1/3".to_owned()),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl Shard {
    /// Two programs may have tests of one name, and a name selects both.
    pub(super) fn has(self, name: &str) -> bool {
        // FNV-1a.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        // Its low bits alone are not spread well enough.
        (hash >> 32) % self.of == self.number - 1
    }
}

/// The arguments that name a package.
pub(super) fn package(name: &str) -> [String; 2] {
    ["--package".to_owned(), name.to_owned()]
}

/// The names of an engine's tests: those of its plugin, and the suite's that name it in their path.
pub(super) fn of_engine(workspace: &Workspace, engine: Engine) -> Result<Vec<String>> {
    let mut names = names(workspace, &package(SUITE))?;
    names.retain(|name| name.split("::").any(|module| module == engine.key));
    names.extend(self::names(workspace, &package(&plugin(engine)))?);
    Ok(names)
}

/// The package of the tests that are run for every engine.
pub(super) const SUITE: &str = "windlass-suite";

/// The package of an engine's plugin.
pub(super) fn plugin(engine: Engine) -> String {
    format!("windlass-plugin-{}", engine.plugin)
}

/// The names of the tests that `cargo test` runs with these arguments.
pub(super) fn names(workspace: &Workspace, arguments: &[String]) -> Result<Vec<String>> {
    let mut list = workspace.cargo();
    list.args(["test", "--quiet"]).args(arguments).args(["--", "--list", "--format", "terse"]);
    let listed = list
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("failed to run `cargo test -- --list`")?;
    if !listed.status.success() {
        bail!("`cargo test -- --list` failed ({})", listed.status);
    }
    let listed = String::from_utf8_lossy(&listed.stdout);
    let names: BTreeSet<_> =
        listed.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect();
    Ok(names.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_test_is_in_one_part_and_the_parts_are_of_a_size() {
        let shards: Vec<Shard> =
            ["1/3", "2/3", "3/3"].iter().map(|text| text.parse().unwrap()).collect();
        let mut sizes = [0; 3];
        for number in 0..900 {
            let name = format!("conformance::mysql::rule_{number}");
            let of: Vec<_> = (0..3).filter(|&index| shards[index].has(&name)).collect();
            assert_eq!(of.len(), 1, "{name}");
            sizes[of[0]] += 1;
        }
        assert!(sizes.iter().all(|size| (250..350).contains(size)), "{sizes:?}");
    }

    #[test]
    fn what_is_no_part_is_refused() {
        for text in ["", "1", "0/3", "4/3", "1/0", "a/b", "1/2/3"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
        assert!("1/1".parse::<Shard>().unwrap().has("anything"));
    }
}
