//! The documents keep what they say: links lead somewhere, commands exist with the options that they
//! are given, and what can run here is run ([`run`]).

mod run;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use windlass_suite::windlass;

/// All of them.
const DOCUMENTS: [&str; 11] = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "host/README.md",
    "host/ERRORS.md",
    "plugins/README.md",
    "plugins/mysql/README.md",
    "plugins/postgres/README.md",
    "plugins/redshift/README.md",
    "sdk/README.md",
    "sdk/rust/README.md",
];

/// Programs that are not ours: what they are called with is their business.
const OTHERS: [&str; 16] = [
    "aws",
    "cargo",
    "cat",
    "componentize-py",
    "cp",
    "export",
    "git",
    "kill",
    "mkdir",
    "openssl",
    "pip",
    "rustup",
    "sleep",
    "until",
    "apt-get",
    "psql",
];

/// The longest that the first page may be.
const README_LINES: usize = 200;

fn root() -> Result<PathBuf> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").context("not run by cargo")?;
    Ok(Path::new(&package).join("../.."))
}

fn document(name: &str) -> Result<String> {
    fs::read_to_string(root()?.join(name)).with_context(|| format!("reading `{name}`"))
}

/// The text without code, in which brackets are not links.
fn prose(text: &str) -> String {
    let mut inside = false;
    let lines = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    });
    lines.map(|line| format!("{line}\n")).collect()
}

/// The code of the blocks whose first line begins like this: `sh`, or `sh run`.
fn blocks(text: &str, kind: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines() {
        match (&mut block, line.trim_start().strip_prefix("```")) {
            (Some(_), Some(_)) => found.extend(block.take().filter(|it| !it.is_empty())),
            (Some(code), None) => *code += &format!("{line}\n"),
            (None, Some(named)) if format!("{named} ").starts_with(&format!("{kind} ")) => {
                block = Some(String::new());
            }
            (None, Some(_)) => block = None,
            (None, None) => {}
        }
    }
    found
}

/// As GitHub makes an anchor of a heading.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|it| it.is_alphanumeric() || " -_".contains(*it));
    kept.map(|it| if it == ' ' { '-' } else { it }).collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    prose(text).lines().filter(|line| line.starts_with('#')).map(anchor).collect()
}

/// What stands behind `](`, of every link.
fn links(text: &str) -> Vec<String> {
    let text = prose(text);
    let parts = text.split("](").skip(1);
    parts.filter_map(|part| part.split_once(')')).map(|(link, _)| link.to_owned()).collect()
}

#[test]
fn every_link_leads_somewhere() -> Result<()> {
    let root = root()?;
    let mut checked = 0;
    for name in DOCUMENTS {
        let text = document(name)?;
        for link in links(&text) {
            if link.starts_with("https://") {
                continue;
            }
            let (path, heading) = link.split_once('#').unwrap_or((&link, ""));
            let folder = Path::new(name).parent().context("a document is in a folder")?;
            let target = if path.is_empty() { PathBuf::from(name) } else { folder.join(path) };
            let target = root.join(target);
            ensure!(target.exists(), "{name}: no file for the link `{link}`");
            if !heading.is_empty() {
                let there = anchors(&fs::read_to_string(&target)?);
                ensure!(there.contains(heading), "{name}: no heading for the link `{link}`");
            }
            checked += 1;
        }
    }
    ensure!(checked > 60, "only {checked} links were found");
    Ok(())
}

#[test]
fn the_first_page_is_short() -> Result<()> {
    let lines = document("README.md")?.lines().count();
    ensure!(lines <= README_LINES, "README.md has {lines} lines, more than {README_LINES}");
    Ok(())
}

/// One command of a shell, its lines joined and its comment cut.
fn commands(code: &str) -> Vec<String> {
    let joined = code.replace("\\\n", " ");
    let mut commands = Vec::new();
    // What a here-document holds is no command.
    let mut until: Option<String> = None;
    // A text in quotes may have several lines.
    let mut open = String::new();
    for line in joined.lines() {
        open.push_str(line);
        let quotes = open.replace("\\\"", "");
        let is_open = ['\'', '"'].iter().any(|quote| quotes.matches(*quote).count() % 2 == 1);
        if is_open && until.is_none() {
            open.push(' ');
            continue;
        }
        let line = std::mem::take(&mut open);
        let line = line.as_str();
        if let Some(end) = &until {
            if line.trim() == end {
                until = None;
            }
            continue;
        }
        until = line.split_once("<<").map(|(_, end)| end.trim().trim_matches('\'').to_owned());
        let line = line.split_once(" #").map_or(line, |(command, _)| command).trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let parts = line.split(" && ").map(|part| part.trim_end_matches('&').trim().to_owned());
        commands.extend(parts);
    }
    commands
}

/// The options that a command has, by its own help.
async fn options(subcommand: &str) -> Result<BTreeSet<String>> {
    let arguments = [subcommand, "--help"];
    let arguments = if subcommand.is_empty() { &arguments[1..] } else { &arguments };
    let ran = windlass(arguments, &[]).await?;
    ensure!(ran.code == Some(0), "`windlass {subcommand} --help`: {}", ran.stderr);
    let words = ran.stdout.split(|it: char| it.is_whitespace() || ",[]=()`;.".contains(it));
    Ok(words.filter(|word| word.starts_with('-')).map(str::to_owned).collect())
}

#[tokio::test]
async fn every_command_exists_and_has_the_options_that_it_is_given() -> Result<()> {
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut checked = 0;
    for name in DOCUMENTS {
        let text = document(name)?;
        // In prose, too: between backticks.
        let mut said: Vec<_> = blocks(&text, "sh").iter().flat_map(|it| commands(it)).collect();
        let in_line = prose(&text).replace('\n', " ");
        said.extend(
            in_line
                .split('`')
                .skip(1)
                .step_by(2)
                .filter(|it| it.starts_with("windlass "))
                .map(str::to_owned),
        );
        for command in said {
            let words: Vec<&str> = command.split_whitespace().collect();
            let program = words.first().copied().unwrap_or_default();
            if program != "windlass" {
                let assigns = program.contains('=') || program.starts_with('\'');
                ensure!(assigns || OTHERS.contains(&program), "{name}: what is `{program}`?");
                continue;
            }
            let subcommand = words.get(1).filter(|word| !word.starts_with('-'));
            let subcommand = subcommand.copied().unwrap_or_default().to_owned();
            if !known.contains_key(&subcommand) {
                let options = options(&subcommand).await.with_context(|| name)?;
                known.insert(subcommand.clone(), options);
            }
            for option in words.iter().filter(|word| word.starts_with('-')) {
                let option = option.split('=').next().unwrap_or_default();
                let there = known.get(&subcommand).is_some_and(|it| it.contains(option));
                ensure!(there, "{name}: `windlass {subcommand}` has no `{option}`: {command}");
                checked += 1;
            }
        }
    }
    ensure!(checked > 30, "only {checked} options were found");
    Ok(())
}
