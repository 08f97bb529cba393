//! Every target on every input that is kept, without libFuzzer: the seeds, which the targets make
//! themselves (`BLESS=1` writes them), and whatever once found something.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use windlass_fuzz::{TARGETS, Target};

/// A folder of a target's inputs.
fn folder(kind: &str, target: &Target) -> Result<PathBuf> {
    // At run time, not `env!`: two clones may share a build directory.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").context("not run by cargo")?;
    Ok(PathBuf::from(package).join(kind).join(target.name))
}

#[test]
fn the_corpora_are_what_the_targets_make() -> Result<()> {
    for target in TARGETS {
        let folder = folder("corpus", &target)?;
        for seed in (target.seeds)() {
            let path = folder.join(seed.name);
            if std::env::var_os("BLESS").is_some() {
                fs::create_dir_all(&folder)?;
                fs::write(&path, &seed.input)?;
            }
            let kept = fs::read(&path).with_context(|| format!("`{}`", path.display()))?;
            ensure!(kept == seed.input, "`{}` is another one; BLESS=1 renews it", path.display());
        }
        let names: Vec<_> = (target.seeds)().into_iter().map(|seed| seed.name).collect();
        for entry in fs::read_dir(&folder)? {
            let name = entry?.file_name();
            let is_seed = names.iter().any(|seed| name == *seed);
            ensure!(is_seed, "`{}` is no seed any more; remove it", folder.join(&name).display());
        }
    }
    Ok(())
}

#[test]
fn every_seed_is_a_conversation_to_its_end() -> Result<()> {
    let of = |target: Target| {
        (target.wrong_ends)().into_iter().map(move |wrong| format!("{}/{wrong}", target.name))
    };
    let wrong: Vec<_> = TARGETS.into_iter().flat_map(of).collect();
    ensure!(wrong.is_empty(), "{} seeds end otherwise:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

#[test]
fn what_is_kept_finds_nothing() -> Result<()> {
    let mut count = 0;
    for target in TARGETS {
        for kind in ["corpus", "regressions"] {
            let folder = folder(kind, &target)?;
            if kind == "regressions" && !folder.exists() {
                continue;
            }
            for entry in fs::read_dir(&folder).with_context(|| format!("{}", folder.display()))? {
                let path = entry?.path();
                let input = fs::read(&path)?;
                let outcome = std::panic::catch_unwind(|| (target.run)(&input));
                ensure!(outcome.is_ok(), "`{}` finds something", path.display());
                count += 1;
            }
        }
    }
    let targets = TARGETS.len();
    println!("{count} inputs of {targets} targets");
    Ok(())
}

#[test]
fn every_target_is_a_program_too() -> Result<()> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").context("not run by cargo")?;
    let manifest = fs::read_to_string(PathBuf::from(package).join("Cargo.toml"))?;
    for Target { name, .. } in TARGETS {
        ensure!(manifest.contains(&format!("[[bin]]\nname = \"{name}\"\n")), "no program `{name}`");
    }
    ensure!(manifest.matches("[[bin]]").count() == TARGETS.len(), "a program without a target");
    Ok(())
}
