//! What a file is: a store, nothing yet, or somebody else's, which is not touched.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::database_error::{DatabaseError, failed_io, failed_sqlite};

/// What a file calls itself in its header, so that no other database is taken for one: `WdSM`.
pub(super) const APPLICATION_ID: i32 = 0x5764_534D;

/// The version of the format that is written and read here.
pub(super) const FORMAT: i32 = 1;

/// What a file is, without its log: [`Contents::Nothing`] where its tables are still in that.
///
/// Leaves the file, its mode and its log alone: as an "immutable" one, SQLite takes no lock and looks at
/// no log (<https://sqlite.org/uri.html>). By SQLite itself, because whoever else opens and closes a file
/// takes the locks away that this process has on it.
pub(super) fn look(path: &Path) -> Result<Contents, DatabaseError> {
    let found = std::fs::metadata(path).map_err(|error| failed_io("examine", path, error))?;
    if !found.is_file() {
        return Err(DatabaseError::NotAFile { path: path.to_owned() });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(immutable(path), flags)
        .map_err(|error| failed_sqlite("look at", path, error))?;
    at_once(&connection, path)
}

/// What a database is at one moment: another process may just be making its tables.
pub(super) fn at_once(connection: &Connection, path: &Path) -> Result<Contents, DatabaseError> {
    let transaction = connection.unchecked_transaction();
    let transaction = transaction.map_err(|error| failed_sqlite("read", path, error))?;
    recognize(&transaction, path)
}

/// The URI of a file.
fn immutable(path: &Path) -> OsString {
    let mut uri = b"file:".to_vec();
    for &byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            uri.push(byte);
        } else {
            uri.extend(format!("%{byte:02x}").into_bytes());
        }
    }
    uri.extend(b"?immutable=1");
    OsString::from_vec(uri)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contents {
    /// A store.
    Store,
    /// No table yet.
    Nothing,
}

/// The same, in the caller's transaction.
pub(super) fn recognize(connection: &Connection, path: &Path) -> Result<Contents, DatabaseError> {
    let header = |pragma: &str| {
        let read = connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0));
        read.map_err(|error| failed_sqlite("read", path, error))
    };
    let (application, format): (i32, i32) = (header("application_id")?, header("user_version")?);
    if application == APPLICATION_ID {
        if format > FORMAT {
            let path = path.to_owned();
            return Err(DatabaseError::Newer { path, found: format, known: FORMAT });
        }
        return Ok(Contents::Store);
    }
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|error| failed_sqlite("read", path, error))?;
    if application == 0 && format == 0 && tables == 0 {
        return Ok(Contents::Nothing);
    }
    Err(DatabaseError::Foreign { path: path.to_owned() })
}
