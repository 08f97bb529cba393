//! The database: an SQLite file.
//!
//! 1. A transaction that was committed survives the death of the process and, as far as the disk
//!    keeps what it was asked to sync, of the machine; one that was not is as if it had never begun
//!    (write-ahead log, `synchronous=FULL`).
//! 2. Several processes may use one file: writers follow each other, a reader sees the last
//!    transaction that was committed when it began.
//! 3. A file of another program, of a newer format or damaged is never written to.
//! 4. The file is readable by its owner alone from its creation (mode 0600), and so is the log beside
//!    it. Links beside it lead nowhere: SQLite opens no link.
//!
//! SQLite's own cache of pages is freed and not wiped.
//!
//! SQLite and not a database of one process at a time: `windlass rotate --store FILE` works while
//! `windlass local --store FILE` serves the same file.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::Identity;
use super::database_error::{DatabaseError, PATIENCE, beside, failed_io, failed_sqlite};
use super::recognize::{APPLICATION_ID, Contents, FORMAT, at_once, look, recognize};

/// Readable and writable by its owner alone: the file holds secrets in clear.
const PRIVATE: u32 = 0o600;

/// Any permission of somebody else's.
const OTHERS: u32 = 0o077;

/// How many statements stay prepared: more than there are.
const STATEMENTS: usize = 32;

/// A pause before what SQLite does not wait for is tried again.
const PAUSE: Duration = Duration::from_millis(10);

/// Labels, tags and the like are JSON texts: nothing is looked up by them.
const SCHEMA: &str = "
    CREATE TABLE identity (region TEXT NOT NULL, account TEXT NOT NULL) STRICT;
    CREATE TABLE secret (
        name TEXT NOT NULL PRIMARY KEY,
        arn TEXT NOT NULL UNIQUE,
        description TEXT,
        kms_key_id TEXT,
        tags TEXT,
        created INTEGER NOT NULL,
        changed INTEGER NOT NULL,
        rotated INTEGER,
        deletion INTEGER,
        rotation TEXT,
        labels TEXT NOT NULL,
        policy TEXT,
        replicas TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX secret_created ON secret (created, name);
    CREATE INDEX secret_changed ON secret (changed, name);
    CREATE INDEX secret_deletion ON secret (deletion) WHERE deletion IS NOT NULL;
    CREATE TABLE version (
        number INTEGER PRIMARY KEY,
        secret TEXT NOT NULL REFERENCES secret (name) ON DELETE CASCADE,
        id TEXT NOT NULL,
        created INTEGER NOT NULL,
        text TEXT,
        binary BLOB,
        UNIQUE (secret, id),
        CHECK (text IS NULL OR binary IS NULL)
    ) STRICT;
";

/// A database, opened by the first call that needs it.
pub(super) struct Database {
    path: PathBuf,
    identity: Identity,
    open: Option<Open>,
    /// Device and inode of the file that was opened last.
    known: Option<(u64, u64)>,
}

/// A connection to the file, and where that is.
pub(super) struct Opened<'a> {
    pub(super) connection: &'a mut Connection,
    pub(super) path: &'a Path,
}

struct Open {
    connection: Connection,
    /// Device and inode of the file.
    file: (u64, u64),
}

impl Database {
    /// Prepares to use a file, which need not be there yet. Its folder must be.
    pub(super) fn at(path: &Path, identity: Identity) -> Result<Self, DatabaseError> {
        // A link is followed once, here: what was opened later could be another file.
        let path = match path.canonicalize() {
            Ok(real) => real,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                let folder = folder.unwrap_or(Path::new("."));
                let folder = folder
                    .canonicalize()
                    .map_err(|error| failed_io("find the folder", folder, error))?;
                folder.join(path.file_name().unwrap_or_default())
            }
            Err(error) => return Err(failed_io("resolve", path, error)),
        };
        Ok(Self { path, identity, open: None, known: None })
    }

    /// What a new file is made with.
    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// A connection to the file, if it is there.
    pub(super) fn existing(&mut self) -> Result<Option<Opened<'_>>, DatabaseError> {
        match inode(&self.path)? {
            Some(file) => self.connection(file).map(Some),
            None => {
                self.open = None;
                Ok(None)
            }
        }
    }

    /// A connection to the file, which is made if it is not there.
    pub(super) fn made(&mut self) -> Result<Opened<'_>, DatabaseError> {
        let mut file = inode(&self.path)?;
        if file.is_none() {
            self.open = None;
            make(&self.path)?;
            file = inode(&self.path)?;
        }
        match file {
            Some(file) => self.connection(file),
            None => {
                let gone = io::Error::from(io::ErrorKind::NotFound);
                Err(failed_io("open", &self.path, gone))
            }
        }
    }

    fn connection(&mut self, file: (u64, u64)) -> Result<Opened<'_>, DatabaseError> {
        let open = match self.open.take() {
            Some(open) if open.file == file => open,
            // Another file in its place: what was written to this connection would be lost.
            replaced => {
                drop(replaced);
                // Its log is still there under that name, and would be played into the new one.
                if self.known.is_some_and(|known| known != file) {
                    refuse_log(&self.path)?;
                }
                Open { connection: open(&self.path, &self.identity)?, file }
            }
        };
        self.known = Some(file);
        Ok(Opened { connection: &mut self.open.insert(open).connection, path: &self.path })
    }
}

fn inode(path: &Path) -> Result<Option<(u64, u64)>, DatabaseError> {
    match std::fs::metadata(path) {
        Ok(found) => Ok(Some((found.dev(), found.ino()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed_io("examine", path, error)),
    }
}

fn open(path: &Path, identity: &Identity) -> Result<Connection, DatabaseError> {
    // Before SQLite sees the file: it plays another program's log into it just to look.
    let seen = look(path)?;
    if seen == Contents::Store {
        make_private(path)?;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let failed = |error| failed_sqlite("open", path, error);
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let contents = at_once(&connection, path)?;
    if seen == Contents::Nothing {
        make_private(path)?;
    }
    if contents == Contents::Nothing {
        use_write_ahead_log(&connection, path)?;
        create_tables(&mut connection, path, identity)?;
    }
    for (pragma, value) in [
        ("synchronous", "FULL"),
        ("foreign_keys", "ON"),
        // What is deleted is overwritten in the file.
        ("secure_delete", "ON"),
        ("temp_store", "MEMORY"),
        // A file that somebody else made runs no function.
        ("trusted_schema", "OFF"),
        ("cell_size_check", "ON"),
    ] {
        connection.pragma_update(None, pragma, value).map_err(failed)?;
    }
    Ok(connection)
}

/// Makes the file. SQLite gives its log the same permissions.
fn make(path: &Path) -> Result<(), DatabaseError> {
    // A log that another process has just begun has its database beside it.
    if let Err(error) = refuse_log(path)
        && inode(path)?.is_none()
    {
        return Err(error);
    }
    match OpenOptions::new().read(true).write(true).create_new(true).mode(PRIVATE).open(path) {
        Ok(_) => Ok(()),
        // Another process was first.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed_io("create", path, error)),
    }
}

/// Closes a file that others may read, and its log.
fn make_private(path: &Path) -> Result<(), DatabaseError> {
    for file in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
        // SQLite refuses what stands beside it and is no file.
        let Ok(found) = std::fs::symlink_metadata(&file) else { continue };
        if !found.is_file() || found.mode() & OTHERS == 0 {
            continue;
        }
        tracing::warn!(
            path = %file.display(),
            "others could read the store, which holds secret values in clear; its mode is now 0600"
        );
        let private = std::fs::Permissions::from_mode(PRIVATE);
        std::fs::set_permissions(&file, private)
            .map_err(|error| failed_io("change the mode of", &file, error))?;
    }
    Ok(())
}

/// A log of another database would be played into this one.
fn refuse_log(path: &Path) -> Result<(), DatabaseError> {
    let log = beside(path, "-wal");
    if std::fs::symlink_metadata(&log).is_err() {
        return Ok(());
    }
    Err(DatabaseError::OrphanedLog { log })
}

/// Kept in the file from then on. SQLite does not wait here when another process does the same.
fn use_write_ahead_log(connection: &Connection, path: &Path) -> Result<(), DatabaseError> {
    let begun = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Ok(()) => return Ok(()),
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && begun.elapsed() < PATIENCE =>
            {
                std::thread::sleep(PAUSE);
            }
            Err(error) => return Err(failed_sqlite("prepare", path, error)),
        }
    }
}

/// All in one transaction: a file has all of it or nothing.
fn create_tables(
    connection: &mut Connection,
    path: &Path,
    identity: &Identity,
) -> Result<(), DatabaseError> {
    let failed = |error| failed_sqlite("prepare", path, error);
    let transaction = connection
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .map_err(failed)?;
    // Another process may have done it meanwhile.
    if recognize(&transaction, path)? == Contents::Store {
        return Ok(());
    }
    transaction.execute_batch(SCHEMA).map_err(failed)?;
    transaction
        .execute(
            "INSERT INTO identity (region, account) VALUES (?1, ?2)",
            [&identity.region, &identity.account],
        )
        .map_err(failed)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
    transaction.pragma_update(None, "user_version", FORMAT).map_err(failed)?;
    transaction.commit().map_err(failed)
}
