//! Why the database can't be used. No message holds a value: SQLite's own name tables and columns.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::ErrorCode;

/// How long to wait for another process that writes. A transaction takes milliseconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Why the database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
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
    /// SQLite refused an operation.
    #[error("failed to {action} the store `{path}`")]
    Sqlite {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: rusqlite::Error,
    },
    /// Another process did not end its transaction in time.
    #[error(
        "the store is in use by another process for more than {} s: `{path}`; end that process",
        PATIENCE.as_secs()
    )]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// SQLite, or what is made of its rows, finds what nobody wrote.
    #[error(
        "the store is damaged ({what}): `{path}`; it was left as it is: move it away, with the files \
         beside it whose names begin with its name, then restore a copy or begin with an empty store"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
    /// Not a database, or another program's.
    #[error("not a store of windlass, and left as it is: `{path}`; name another file")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A folder, a device, a pipe.
    #[error("not a file: `{path}`; name a file")]
    NotAFile {
        /// What it is not.
        path: PathBuf,
    },
    /// Written by a later release.
    #[error(
        "the store has format {found}, this windlass knows up to {known}: `{path}`; it was left as \
         it is: use a newer windlass, or name another file"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i32,
        /// The newest known here.
        known: i32,
    },
    /// SQLite opens no link beside its database.
    #[error("not a file, which SQLite needs here: `{path}`; remove it")]
    LinkBeside {
        /// The link.
        path: PathBuf,
    },
    /// The write-ahead log of a database that was removed or replaced.
    #[error(
        "a log of another database than the one beside it, or of none: `{log}`; it may hold that \
         one's last changes: move it to where that database is now, or remove it"
    )]
    OrphanedLog {
        /// The log.
        log: PathBuf,
    },
    /// The store is of another region or account than asked for.
    #[error(
        "the store is of region {region}, account {account}, which stand in its ARNs: `{path}`; \
         leave out the option, or name another file"
    )]
    OtherIdentity {
        /// The file.
        path: PathBuf,
        /// Its region.
        region: String,
        /// Its account.
        account: String,
    },
}

pub(super) fn failed_io(action: &'static str, path: &Path, source: io::Error) -> DatabaseError {
    DatabaseError::Io { action, path: path.to_owned(), source }
}

pub(super) fn failed_sqlite(
    action: &'static str,
    path: &Path,
    source: rusqlite::Error,
) -> DatabaseError {
    let owned = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => DatabaseError::Foreign { path: owned },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            DatabaseError::Busy { path: owned }
        }
        Some(ErrorCode::CannotOpen) if let Some(path) = no_file_beside(path) => {
            DatabaseError::LinkBeside { path }
        }
        Some(ErrorCode::DatabaseCorrupt) => damaged(path, "SQLite can't read its pages"),
        // A column or a table that is not as it was made.
        None | Some(ErrorCode::Unknown) => damaged(path, &source.to_string()),
        Some(_) => DatabaseError::Sqlite { action, path: owned, source },
    }
}

/// What stands where SQLite keeps its log, and is no file.
fn no_file_beside(path: &Path) -> Option<PathBuf> {
    let places = ["-wal", "-shm", "-journal"].map(|suffix| beside(path, suffix));
    places
        .into_iter()
        .find(|place| std::fs::symlink_metadata(place).is_ok_and(|found| !found.is_file()))
}

/// Another file of the same folder, whose name begins with the database's.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

pub(super) fn damaged(path: &Path, what: &str) -> DatabaseError {
    DatabaseError::Damaged { path: path.to_owned(), what: what.to_owned() }
}
