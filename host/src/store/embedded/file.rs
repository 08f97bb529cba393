//! The state file: read whole, replaced whole.
//!
//! 1. A reader sees one complete state, never a half-written one: a writer fills a new file in the
//!    same folder (mode 0600 from its creation), syncs it, renames it over the old one and syncs the
//!    folder. A process that is killed at any point leaves the old state or the new one.
//! 2. Writers exclude each other by a lock on `FILE.lock`, held from reading the state that a
//!    change builds on until that change is in place. The system drops it when a process dies.
//! 3. A file that is not understood (damaged, of a newer version, of another program) is never
//!    overwritten.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use zeroize::Zeroizing;

use super::state::{FORMAT, FORMAT_VERSION, State};

/// Readable and writable by its owner alone: the file holds secrets in clear.
const PRIVATE: u32 = 0o600;

/// Any permission of somebody else's.
const OTHERS: u32 = 0o077;

/// Why the state file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StateFileError {
    /// The system refused an operation.
    #[error("failed to {action} `{path}`")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Damaged, or edited by hand into something else. The parser's own words are left out: they
    /// may quote a secret.
    #[error(
        "the state file is damaged at line {line}, column {column}: `{path}`; it was left as it is: \
         restore a copy, or move it away to begin with an empty store"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where it stops making sense.
        line: usize,
        /// Where in that line.
        column: usize,
    },
    /// Readable, but breaking a rule of the store.
    #[error(
        "the state file contradicts itself ({what}): `{path}`; it was left as it is: restore a \
         copy, or move it away to begin with an empty store"
    )]
    Contradictory {
        /// The file.
        path: PathBuf,
        /// Which rule.
        what: String,
    },
    /// JSON, but not a state file.
    #[error("not a state file of windlass, and left as it is: `{path}`; name another file")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Written by a later release.
    #[error(
        "the state file has format {found}, this windlass knows up to {known}: `{path}`; it was \
         left as it is: use a newer windlass, or name another file"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest known here.
        known: u32,
    },
}

/// The place of a state file.
pub(super) struct StateFile {
    path: PathBuf,
    folder: PathBuf,
}

/// Which file a state was read from. The open handle keeps its inode number from being used
/// again, so that comparing numbers tells reliably whether another file has taken its place.
pub(super) struct Origin {
    _held: File,
    mark: Mark,
}

/// Inode, and what changes when somebody edits in place.
#[derive(PartialEq, Eq)]
struct Mark {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

/// What is in the file, compared to what was read before.
pub(super) enum Reading {
    Unchanged,
    Absent,
    Fresh(State, Origin),
}

/// Writers' exclusion, until dropped: closing the lock file releases it.
pub(super) struct WriteLock {
    _held: File,
}

impl StateFile {
    /// Prepares to use a file, which need not be there yet. Its folder must be.
    pub(super) fn at(path: &Path) -> Result<Self, StateFileError> {
        // A link is followed once, here: renaming onto it would replace the link.
        let path = match path.canonicalize() {
            Ok(real) => real,
            Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
            Err(source) => return Err(failed("resolve", path, source)),
        };
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let folder = folder
            .canonicalize()
            .map_err(|source| failed("find the folder of the state file", folder, source))?;
        let path = folder.join(path.file_name().unwrap_or_default());
        Ok(Self { path, folder })
    }

    /// Waits for the other writers.
    pub(super) fn lock(&self) -> Result<WriteLock, StateFileError> {
        // Opened for each change: who only reads leaves no lock file behind.
        let path = beside(&self.path, "", ".lock");
        let lock =
            open_lock(&path).map_err(|source| failed("open the lock file", &path, source))?;
        lock.lock().map_err(|source| failed("lock", &path, source))?;
        Ok(WriteLock { _held: lock })
    }

    /// Reads the file, unless it is the one that was read before.
    pub(super) fn read(&self, before: Option<&Origin>) -> Result<Reading, StateFileError> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Reading::Absent),
            Err(source) => return Err(failed("open", &self.path, source)),
        };
        let mark = self.mark(&file)?;
        if before.is_some_and(|origin| origin.mark == mark) {
            return Ok(Reading::Unchanged);
        }
        let size = usize::try_from(mark.size).unwrap_or(0);
        let mut text = Zeroizing::new(Vec::with_capacity(size.saturating_add(1)));
        file.read_to_end(&mut text).map_err(|source| failed("read", &self.path, source))?;
        let state = self.parse(&text)?;
        Ok(Reading::Fresh(state, Origin { _held: file, mark }))
    }

    /// Puts a state in place of the one in the file.
    pub(super) fn replace(
        &self,
        _lock: &WriteLock,
        state: &State,
    ) -> Result<Origin, StateFileError> {
        let mut text = Zeroizing::new(Vec::new());
        serde_json::to_writer_pretty(&mut *text, state)
            .map_err(|error| failed("serialize the state for", &self.path, error.into()))?;
        text.push(b'\n');
        // One name, not a random one: what a killed process left behind is swept up by the next.
        let draft = beside(&self.path, ".", ".new");
        match std::fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("remove", &draft, error));
            }
            _ => {}
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(PRIVATE)
            .open(&draft)
            .map_err(|source| failed("create", &draft, source))?;
        file.write_all(&text).map_err(|source| failed("write", &draft, source))?;
        file.sync_all().map_err(|source| failed("sync", &draft, source))?;
        let mark = self.mark(&file)?;
        std::fs::rename(&draft, &self.path)
            .map_err(|source| failed("replace", &self.path, source))?;
        File::open(&self.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|source| failed("sync the folder", &self.folder, source))?;
        Ok(Origin { _held: file, mark })
    }

    /// Says so where others may read the file. Its next version is private again.
    pub(super) fn warn_if_exposed(&self) {
        if let Ok(found) = std::fs::metadata(&self.path)
            && found.mode() & OTHERS != 0
        {
            tracing::warn!(
                path = %self.path.display(),
                "the state file holds secrets in clear and others may read it: chmod 600"
            );
        }
    }

    fn mark(&self, file: &File) -> Result<Mark, StateFileError> {
        let found = file.metadata().map_err(|source| failed("examine", &self.path, source))?;
        Ok(Mark {
            device: found.dev(),
            inode: found.ino(),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
        })
    }

    fn parse(&self, text: &[u8]) -> Result<State, StateFileError> {
        /// Read first, leniently, so that a newer file is recognised as such.
        #[derive(Deserialize)]
        struct Header {
            format: Option<String>,
            version: Option<u32>,
        }

        let damaged = |error: serde_json::Error| StateFileError::Damaged {
            path: self.path.clone(),
            line: error.line(),
            column: error.column(),
        };
        let header: Header = serde_json::from_slice(text).map_err(damaged)?;
        if header.format.as_deref() != Some(FORMAT) {
            return Err(StateFileError::Foreign { path: self.path.clone() });
        }
        let found = header.version.unwrap_or(0);
        if found > FORMAT_VERSION {
            let path = self.path.clone();
            return Err(StateFileError::Newer { path, found, known: FORMAT_VERSION });
        }
        let state: State = serde_json::from_slice(text).map_err(damaged)?;
        match state.inconsistency() {
            Some(what) => Err(StateFileError::Contradictory { path: self.path.clone(), what }),
            None => Ok(state),
        }
    }
}

/// Opens the lock file, or makes it, but never what a link in its place leads to: it would be made,
/// or held, for whoever set the link.
fn open_lock(path: &Path) -> io::Result<File> {
    let options = || {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(PRIVATE);
        options
    };
    // New, or nothing: this follows no link, not even one that leads nowhere.
    match options().create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made,
    }
    let there = std::fs::symlink_metadata(path)?;
    let no_file = || io::Error::other("it is not a plain file; remove it");
    if !there.is_file() {
        return Err(no_file());
    }
    let lock = options().open(path)?;
    let opened = lock.metadata()?;
    // It may have been exchanged in between.
    if (opened.dev(), opened.ino()) != (there.dev(), there.ino()) {
        return Err(no_file());
    }
    Ok(lock)
}

fn beside(path: &Path, prefix: &str, suffix: &str) -> PathBuf {
    let mut name = std::ffi::OsString::from(prefix);
    name.push(path.file_name().unwrap_or_default());
    name.push(suffix);
    path.with_file_name(name)
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> StateFileError {
    StateFileError::Io { action, path: path.to_owned(), source }
}
