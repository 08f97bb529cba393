//! The directions of modules: no file of the host, the SDK or a plugin imports a file that leads back to
//! it, and a room of the host imports the rooms below it alone.
//!
//! Read from the paths in the sources (`use` lines, and paths that begin with `crate` or `super`), with
//! re-exports followed to the file that defines the item. Test modules are left out: they may look at
//! everything. Paths inside of macro calls are not read.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod sources;

use std::collections::{BTreeMap, BTreeSet};

use sources::Sources;

/// Which rooms a room may import, beside itself. What is not listed in [`GROUND`] and not here is a
/// new room: say here what it may know.
const ROOMS: &[(&str, &[&str])] = &[
    ("rotation::ports", &["ground"]),
    ("rotation", &["rotation::ports", "ground"]),
    ("aws", &["ground"]),
    ("sandbox", &["rotation::ports", "ground"]),
    ("store", &["rotation::ports", "aws", "ground"]),
    ("inventory", &["rotation::ports", "aws", "ground"]),
    ("config", &["rotation", "rotation::ports", "sandbox", "ground"]),
    ("policy", &["ground"]),
    ("error", &["rotation", "config", "sandbox", "ground"]),
    (
        "handler",
        &["error", "rotation", "rotation::ports", "sandbox", "store", "inventory", "ground"],
    ),
    (
        "cli",
        &[
            "handler",
            "error",
            "config",
            "sandbox",
            "store",
            "inventory",
            "policy",
            "rotation",
            "rotation::ports",
            "aws",
            "ground",
        ],
    ),
    (
        "bin",
        &["cli", "handler", "error", "config", "sandbox", "store", "inventory", "aws", "ground"],
    ),
];

/// The crates whose files are looked at, relative to the host's folder.
const CRATES: &[&str] = &[
    ".",
    "secrets-manager",
    "../plugins/mysql",
    "../plugins/postgres",
    "../plugins/postgres-wire",
    "../plugins/redshift",
    "../sdk/rust",
];

/// What everybody may import: helpers that know no room.
const GROUND: &[&str] = &[
    "digest",
    "error_type",
    "grants",
    "host_port",
    "iam",
    "logging",
    "metrics",
    "network",
    "panics",
    "redact",
    "report",
    "secret",
    "signature",
    "text",
];

#[test]
fn no_file_imports_one_that_leads_back_to_it() {
    let mut found = Vec::new();
    for folder in CRATES {
        let circles = circles(&Sources::read(folder).arrows());
        found.extend(circles.into_iter().map(|circle| format!("{folder}: {circle}")));
    }
    assert!(found.is_empty(), "these files import each other:\n{}", found.join("\n"));
}

#[test]
fn a_room_imports_the_rooms_below_it_alone() {
    let allowed: BTreeMap<_, _> = ROOMS.iter().copied().collect();
    let mut wrong = BTreeSet::new();
    for (from, to) in Sources::read(".").arrows() {
        let (room, other) = (room(&from), room(&to));
        if room == "lib" || room == other {
            continue;
        }
        let Some(below) = allowed.get(room.as_str()) else {
            assert_eq!(room, "ground", "`{from}` is in a room that this test does not know");
            wrong.insert(format!("{from} (ground) imports {to} ({other})"));
            continue;
        };
        if !below.contains(&other.as_str()) {
            wrong.insert(format!("{from} ({room}) imports {to} ({other})"));
        }
    }
    let wrong: Vec<_> = wrong.into_iter().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The room of a module, such as `rotation::ports::store`.
fn room(module: &str) -> String {
    let first = module.split("::").next().unwrap_or_default();
    if GROUND.contains(&first) {
        "ground".to_owned()
    } else if module.starts_with("rotation::ports") {
        "rotation::ports".to_owned()
    } else if module.is_empty() {
        "lib".to_owned()
    } else {
        first.to_owned()
    }
}

/// Every circle, each once, as the names of its files.
fn circles(arrows: &BTreeSet<(String, String)>) -> Vec<String> {
    let mut reached: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to) in arrows {
        reached.entry(from).or_default().insert(to);
    }
    // Transitively, until nothing is added: a few hundred files.
    loop {
        let before: usize = reached.values().map(BTreeSet::len).sum();
        for from in reached.keys().copied().collect::<Vec<_>>() {
            let further: Vec<&str> = reached[from]
                .iter()
                .filter_map(|via| reached.get(via))
                .flatten()
                .copied()
                .collect();
            reached.entry(from).or_default().extend(further);
        }
        if before == reached.values().map(BTreeSet::len).sum::<usize>() {
            break;
        }
    }
    let mut circles = BTreeSet::new();
    for (from, to) in &reached {
        if to.contains(from) {
            let back = |other: &&&str| reached.get(**other).is_some_and(|to| to.contains(from));
            circles.insert(to.iter().filter(back).copied().collect::<Vec<_>>().join(", "));
        }
    }
    circles.into_iter().collect()
}

#[test]
fn a_circle_is_found_however_long() {
    let arrow = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    let arrows = [arrow("a", "b"), arrow("b", "c"), arrow("c", "a"), arrow("c", "d")];
    assert_eq!(circles(&arrows.into()), ["a, b, c"]);
    assert!(circles(&[arrow("a", "b"), arrow("a", "c"), arrow("b", "c")].into()).is_empty());
}
