//! `cargo xtask fuzz`: the targets of `tests/fuzz` under libFuzzer, on the stable toolchain.
//!
//! 1. Only the workspace's own crates are instrumented (`tests/fuzz/rustc` says how); what they
//!    depend on is shared with the tests' build.
//! 2. Without `--minutes` it is a smoke run: from the seeds alone, the same on every machine.
//!    With it, what was learnt is kept in the build directory, and the next run goes on from there.
//! 3. What is found is a file; it is reported with the command that replays it.

mod stats;

use std::fs;
use std::io::{BufRead, BufReader, IsTerminal, Write, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use self::stats::{Run, table};
use crate::setup::{self, Purpose};
use crate::workspace::Workspace;
use crate::{command, progress};

/// The longest that one input may take, in seconds: the most that a server can make the plugin
/// compute (600000 rounds of SCRAM) takes one, on a slow machine a few.
const INPUT_LIMIT: u32 = 20;

/// The most memory, in MiB. The largest answer that the plugin reads is 1 MiB.
const MEMORY_LIMIT: u32 = 1024;

/// The longest input, in bytes: a conversation with every kind of message has under a thousand, and
/// long ones are slow and say little more.
const INPUT_BYTES: u32 = 4096;

/// How long, which targets, and what chance follows from.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How long in all, shared among the targets; goes on from what earlier such runs learnt
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_080))]
    minutes: Option<u32>,
    /// How long each target of a smoke run
    #[arg(long, default_value_t = 5, conflicts_with = "minutes", value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// Only this target; may be repeated
    #[arg(long = "target", value_name = "NAME")]
    targets: Vec<String>,
    /// What chance follows from
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    seed: u32,
    /// Run one target on this input alone, and show what it says
    #[arg(long, value_name = "FILE", conflicts_with_all = ["minutes", "seconds"])]
    replay: Option<PathBuf>,
}

/// Sets up, builds, fuzzes, tells.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<ExitCode> {
    let fuzz = workspace.root().join("tests/fuzz");
    let targets = chosen(all(&fuzz)?, &arguments.targets)?;
    setup::run(workspace, Purpose::Fuzz)?;
    progress::step("build the fuzz targets", || build(workspace, &fuzz, &targets))?;
    if let Some(input) = &arguments.replay {
        let [target] = targets.as_slice() else { bail!("--replay needs one --target") };
        let input = std::path::absolute(input).context("the input's path")?;
        command::run(Command::new(program(workspace, target)).arg(input))?;
        println!("nothing was found");
        return Ok(ExitCode::SUCCESS);
    }
    let count = u32::try_from(targets.len()).unwrap_or(u32::MAX);
    let seconds = match arguments.minutes {
        Some(minutes) => (minutes * 60).div_ceil(count.max(1)),
        None => arguments.seconds,
    };
    let mut runs = Vec::new();
    for target in &targets {
        runs.push(fuzz_one(workspace, &fuzz, target, seconds, arguments)?);
    }
    println!("{}", table(&runs));
    let clean = runs.iter().all(|run| run.succeeded);
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Fuzzes one target for some seconds, and shows what is found.
fn fuzz_one(
    workspace: &Workspace,
    folder: &Path,
    target: &str,
    seconds: u32,
    arguments: &Arguments,
) -> Result<Run> {
    let work = workspace.output().join("fuzz");
    let learnt = work.join(if arguments.minutes.is_some() { "corpus" } else { "smoke" });
    let learnt = learnt.join(target);
    if arguments.minutes.is_none() && learnt.exists() {
        fs::remove_dir_all(&learnt).with_context(|| format!("removing `{}`", learnt.display()))?;
    }
    let findings = work.join("findings").join(target);
    for directory in [&learnt, &findings] {
        fs::create_dir_all(directory)
            .with_context(|| format!("making `{}`", directory.display()))?;
    }
    eprintln!("==> fuzz `{target}` for {seconds} s, seed {}", arguments.seed);
    let mut fuzzer = fuzzer(workspace, folder, target, seconds, arguments.seed, &learnt);
    fuzzer.arg(format!("-artifact_prefix={}/", findings.display()));
    let run = watch(target, &mut fuzzer)?;
    if let Some(finding) = &run.finding {
        eprintln!("`{target}` finds something in {finding}:");
        // It fails: that is what it is run for.
        let _ = command::run(Command::new(program(workspace, target)).arg(finding));
        eprintln!("hint: replay it with `cargo xtask fuzz --target {target} --replay {finding}`");
        eprintln!(
            "      once it is repaired, keep it: as a seed in `tests/fuzz/src/{target}/`, where the target has \
             seeds that say how they end, else in `tests/fuzz/regressions/{target}/`"
        );
    }
    Ok(run)
}

/// The target's program with its limits, its dictionary and the inputs that are kept.
fn fuzzer(
    workspace: &Workspace,
    folder: &Path,
    target: &str,
    seconds: u32,
    seed: u32,
    learnt: &Path,
) -> Command {
    let mut fuzzer = Command::new(program(workspace, target));
    fuzzer
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-seed={seed}"))
        .arg(format!("-timeout={INPUT_LIMIT}"))
        .arg(format!("-rss_limit_mb={MEMORY_LIMIT}"))
        .arg(format!("-max_len={INPUT_BYTES}"))
        // What the target itself prints, the plugin's log. libFuzzer keeps its own.
        .args(["-close_fd_mask=3", "-print_final_stats=1"])
        .arg(learnt);
    let dictionary = folder.join("dictionaries").join(format!("{target}.dict"));
    if dictionary.is_file() {
        fuzzer.arg(format!("-dict={}", dictionary.display()));
    }
    let kept = ["corpus", "regressions"].map(|kind| folder.join(kind).join(target));
    fuzzer.args(kept.iter().filter(|folder| folder.is_dir()));
    fuzzer
}

/// The targets that there are.
fn all(fuzz: &Path) -> Result<Vec<String>> {
    let folder = fuzz.join("fuzz_targets");
    let entries =
        fs::read_dir(&folder).with_context(|| format!("reading `{}`", folder.display()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".rs").map(str::to_owned))
        .collect();
    names.sort();
    Ok(names)
}

fn chosen(all: Vec<String>, wanted: &[String]) -> Result<Vec<String>> {
    if let Some(unknown) = wanted.iter().find(|name| !all.contains(name)) {
        bail!("there is no target `{unknown}`; there are {}", all.join(", "));
    }
    Ok(if wanted.is_empty() { all } else { wanted.to_vec() })
}

fn build(workspace: &Workspace, fuzz: &Path, targets: &[String]) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.env("RUSTC_WORKSPACE_WRAPPER", fuzz.join("rustc"));
    // What is compiled again each time anyway would fill the build directory.
    cargo.env("CARGO_INCREMENTAL", "0");
    // With the whole workspace's features, as the tests are built: dependencies compile once.
    cargo.args(["build", "--workspace", "--features", "windlass-fuzz/libfuzzer"]);
    for target in targets {
        cargo.args(["--bin", target]);
    }
    command::run(&mut cargo)
}

fn program(workspace: &Workspace, target: &str) -> PathBuf {
    workspace.target().join("debug").join(target)
}

/// Runs libFuzzer to its end, and reads what it says.
fn watch(target: &str, fuzzer: &mut Command) -> Result<Run> {
    let mut child = fuzzer
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("failed to run the target `{target}`"))?;
    let output = child.stderr.take().context("no output of libFuzzer")?;
    let mut run = Run::new(target);
    let mut last = Vec::new();
    let mut terminal = stderr();
    for line in BufReader::new(output).split(b'\n') {
        let line = line.context("reading the output of libFuzzer")?;
        // It prints inputs, too.
        let line = String::from_utf8_lossy(&line).into_owned();
        if run.read(&line) && terminal.is_terminal() {
            // Nothing depends on its being seen.
            let _ = write!(terminal, "\r    {run}  ");
            let _ = terminal.flush();
        }
        last.push(line);
        // As many as libFuzzer writes about an end that is not one of a target's.
        if last.len() > 30 {
            last.remove(0);
        }
    }
    let status = child.wait().with_context(|| format!("waiting for `{target}`"))?;
    run.succeeded = status.success();
    eprintln!("{}    {run}", if terminal.is_terminal() { "\r" } else { "" });
    if !run.succeeded && run.finding.is_none() {
        bail!("the target `{target}` failed ({status}):\n{}", last.join("\n"));
    }
    Ok(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that says this, as libFuzzer would, and ends so.
    fn ended(says: &str, code: u8) -> Result<Run> {
        let script = format!("echo \"{says}\" >&2; exit {code}");
        watch("event", Command::new("sh").args(["-c", &script]))
    }

    #[test]
    fn what_was_found_is_told_apart_from_a_target_that_does_not_run() {
        let clean = ended("#5 DONE cov: 1 ft: 2 exec/s: 3", 0).unwrap();
        assert!(clean.succeeded && clean.finding.is_none());
        let found = ended("artifact_prefix='x/'; Test unit written to x/crash-1", 77).unwrap();
        assert!(!found.succeeded);
        assert_eq!(found.finding.as_deref(), Some("x/crash-1"));
        let error = ended("no such folder", 1).unwrap_err().to_string();
        assert!(error.contains("no such folder") && error.contains("exit status: 1"), "{error}");
    }

    #[test]
    fn a_target_that_does_not_exist_is_named() {
        let all = || vec!["event".to_owned(), "grant".to_owned()];
        assert_eq!(chosen(all(), &[]).unwrap(), all());
        assert_eq!(chosen(all(), &["grant".to_owned()]).unwrap(), ["grant"]);
        let error = chosen(all(), &["grants".to_owned()]).unwrap_err().to_string();
        assert_eq!(error, "there is no target `grants`; there are event, grant");
    }
}
