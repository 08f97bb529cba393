//! Files that commands read and write.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use uuid::Uuid;

use super::CommandError;
use crate::sandbox::{ArtifactProblem, PluginError, limits};

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    fs::read(path).map_err(|error| {
        CommandError::operator(format!("failed to read `{}`: {error}", path.display()))
    })
}

/// Reads a plugin, compiled or not, unless it is larger than any should be.
pub(super) fn plugin(path: &Path) -> Result<Vec<u8>, CommandError> {
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
///
/// It is filled beside its place, under a name that nobody can foresee, and only if nothing is there
/// under that name: in a folder that others may write to, a link that waits there would lead the
/// bytes elsewhere. A link in its own place is replaced, not followed.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), CommandError> {
    let failed = |error: std::io::Error| {
        CommandError::operator(format!("failed to write `{}`: {error}", path.display()))
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(failed)?;
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}", Uuid::new_v4().simple()));
    let unfinished = folder.join(name);
    // Before this nothing there is ours to remove.
    let mut file =
        OpenOptions::new().write(true).create_new(true).open(&unfinished).map_err(failed)?;
    let written = file.write_all(bytes).and_then(|()| fs::rename(&unfinished, path));
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_link_that_waits_in_the_folder_leads_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("victim"), "precious").unwrap();
        // In the file's own place, and under a name that tells the process.
        symlink(at("victim"), at("out.zip")).unwrap();
        symlink(at("victim"), at(&format!(".out.zip.{}", std::process::id()))).unwrap();
        write(&at("out.zip"), b"new").unwrap();
        assert_eq!(fs::read_to_string(at("victim")).unwrap(), "precious");
        assert_eq!(fs::read_to_string(at("out.zip")).unwrap(), "new");
        assert!(fs::symlink_metadata(at("out.zip")).unwrap().is_file(), "no link any more");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "and nothing is left over");
    }

    #[test]
    fn a_file_has_the_rights_of_any_new_one_and_a_failure_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("any"), "").unwrap();
        write(&at("new"), b"new").unwrap();
        let mode = |name: &str| fs::metadata(at(name)).unwrap().permissions().mode();
        assert_eq!(mode("new"), mode("any"));
        fs::create_dir(at("folder")).unwrap();
        assert!(write(&at("folder"), b"new").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}
