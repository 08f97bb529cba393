//! Others' judges of policies, from npm: an evaluator of IAM's rules, and a reader of Terraform's language.
//!
//! Exactly the versions of `tests/suite/judge/package-lock.json`, held to their digests; none of their
//! scripts is run while they are installed. They are for tests alone, by their licences as well.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::workspace::Workspace;
use crate::{command, progress};

const FILES: [(&str, &str); 4] = [
    ("package.json", include_str!("../../../suite/judge/package.json")),
    ("package-lock.json", include_str!("../../../suite/judge/package-lock.json")),
    ("iam.mjs", include_str!("../../../suite/judge/iam.mjs")),
    ("hcl.mjs", include_str!("../../../suite/judge/hcl.mjs")),
];

/// 5 MB to be fetched.
const LIMIT: Duration = Duration::from_secs(120);

/// Their folder, where this machine can have them.
pub(super) fn prepare() -> Option<PathBuf> {
    if command::find("npm").is_none() || command::find("node").is_none() {
        return None;
    }
    match installed() {
        Ok(folder) => Some(folder),
        Err(error) => {
            eprintln!("warning: no judges of policies, their tests will be skipped: {error:#}");
            None
        }
    }
}

fn installed() -> Result<PathBuf> {
    let folder = Workspace::cache()?.join("judge");
    let same = |(name, text): &(&str, &str)| {
        fs::read_to_string(folder.join(name)).is_ok_and(|there| there == *text)
    };
    if folder.join("node_modules").is_dir() && FILES.iter().all(same) {
        return Ok(folder);
    }
    progress::step("install judges of policies", || {
        super::new_folder(&folder)?;
        // The scripts last: they say that the rest is whole.
        let (packages, scripts) = FILES.split_at(2);
        let write = |(name, text): &(&str, &str)| {
            let file = folder.join(name);
            fs::write(&file, text).with_context(|| format!("writing `{}`", file.display()))
        };
        packages.iter().try_for_each(write)?;
        let mut install = Command::new("npm");
        install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]);
        command::run_quietly_within(install.current_dir(&folder), LIMIT)?;
        scripts.iter().try_for_each(write)
    })?;
    Ok(folder)
}
