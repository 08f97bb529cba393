//! Files that commands read and write.

use std::fs;
use std::io::Write;
use std::path::Path;

use super::Failure;
use crate::plugin::{ArtifactProblem, PluginError, limits};

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path)
        .map_err(|error| Failure::operator(format!("failed to read `{}`: {error}", path.display())))
}

/// Reads a plugin, compiled or not, unless it is larger than any should be.
pub(super) fn plugin(path: &Path) -> Result<Vec<u8>, Failure> {
    // What can't be asked for its size can't be read either, and reading says why.
    let size = fs::metadata(path).map_or(0, |found| found.len());
    let limit = limits::ARTIFACT_BYTES;
    if size > limit {
        let problem = ArtifactProblem::TooLarge { size, limit };
        return Err(PluginError::Artifact { path: path.to_owned(), problem }.into());
    }
    read(path)
}

/// Writes a file whole or not at all.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::operator(format!("failed to write `{}`: {error}", path.display()))
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(failed)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = folder.join(format!(".{name}.{}", std::process::id()));
    let written = fs::File::create(&unfinished)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        // What is left of the attempt is of no use; that it failed is what counts.
        let _ = fs::remove_file(&unfinished);
    }
    written.map_err(failed)
}

/// A size for people.
pub(super) fn size(bytes: usize) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{} KB", bytes / 1000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}
