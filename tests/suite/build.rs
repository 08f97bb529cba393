//! A guest without a test must not compile: writes a macro that names every folder of
//! `tests/guests`, for the suite's module `guests` to look for its test.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

/// Fails the build where the folders can't be read or the macro can't be written.
fn main() -> std::io::Result<()> {
    let variable = |name| env::var_os(name).map(PathBuf::from).ok_or(std::io::ErrorKind::NotFound);
    let folder = variable("CARGO_MANIFEST_DIR")?.join("../guests");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut guests = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            guests.push(entry.file_name().to_string_lossy().replace('-', "_"));
        }
    }
    guests.sort();
    let mut text = String::from("macro_rules! each_guest {\n    ($then:ident) => {\n");
    for guest in &guests {
        // Writing to a string can't fail.
        let _ = writeln!(text, "        $then!({guest});");
    }
    text.push_str("    };\n}\n");
    fs::write(variable("OUT_DIR")?.join("each_guest.rs"), text)
}
