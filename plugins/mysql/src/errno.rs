//! The numbers of the servers' errors that mean something to a rotation: each stands here, by the name
//! that MySQL and MariaDB give it, and nowhere else.
//!
//! Source: MySQL 9 (`perror`) and MariaDB 10.11 (`errmsg-utf8.txt`). Where the two use a number for
//! different errors, the one that a rotation can meet is named.

use std::ops::RangeInclusive;

use windlass_sdk::Failure;

/// An error's number.
pub(crate) type Errno = u16;

macro_rules! errnos {
    ($($(#[$doc:meta])* $name:ident = $number:literal;)+) => {
        $($(#[$doc])* pub(crate) const $name: Errno = $number;)+

        /// All of them, for the test that no number stands twice.
        #[cfg(test)]
        pub(crate) const ALL: &[(&str, Errno)] = &[$((stringify!($name), $number)),+];
    };
}

errnos! {
    OUT_OF_MEMORY = 1037;
    OUT_OF_SORT_MEMORY = 1038;
    /// `max_connections` is reached.
    CON_COUNT_ERROR = 1040;
    OUT_OF_RESOURCES = 1041;
    BAD_HOST_ERROR = 1042;
    HANDSHAKE_ERROR = 1043;
    DBACCESS_DENIED_ERROR = 1044;
    /// The one refusal: a wrong password, among other causes.
    ACCESS_DENIED_ERROR = 1045;
    UNKNOWN_COM_ERROR = 1047;
    BAD_DB_ERROR = 1049;
    SERVER_SHUTDOWN = 1053;
    BAD_FIELD_ERROR = 1054;
    PARSE_ERROR = 1064;
    NORMAL_SHUTDOWN = 1077;
    SHUTDOWN_COMPLETE = 1079;
    FORCING_CLOSE = 1080;
    /// `max_connect_errors` is reached.
    HOST_IS_BLOCKED = 1129;
    HOST_NOT_PRIVILEGED = 1130;
    PASSWORD_NO_MATCH = 1133;
    CANT_CREATE_THREAD = 1135;
    TABLEACCESS_DENIED_ERROR = 1142;
    NO_SUCH_TABLE = 1146;
    SYNTAX_ERROR = 1149;
    /// Also what `init_connect` ends a session with.
    NEW_ABORTING_CONNECTION = 1184;
    TOO_MANY_USER_CONNECTIONS = 1203;
    LOCK_WAIT_TIMEOUT = 1205;
    LOCK_TABLE_FULL = 1206;
    LOCK_DEADLOCK = 1213;
    USER_LIMIT_REACHED = 1226;
    SPECIFIC_ACCESS_DENIED_ERROR = 1227;
    NOT_SUPPORTED_AUTH_MODE = 1251;
    SERVER_IS_IN_SECURE_AUTH_MODE = 1275;
    /// An option that the server was started with, which the message names.
    OPTION_PREVENTS_STATEMENT = 1290;
    SP_DOES_NOT_EXIST = 1305;
    QUERY_INTERRUPTED = 1317;
    PROCACCESS_DENIED_ERROR = 1370;
    /// A hash of the wrong form.
    PASSWD_LENGTH = 1372;
    CANNOT_USER = 1396;
    CANT_CREATE_USER_WITH_GRANT = 1410;
    WRONG_STRING_LENGTH = 1470;
    PLUGIN_IS_NOT_LOADED = 1524;
    LOCK_ABORTED = 1689;
    /// A sign-in without a password, and on MariaDB a role that may not be handed on.
    ACCESS_DENIED_NO_PASSWORD_ERROR = 1698;
    SET_PASSWORD_AUTH_PLUGIN = 1699;
    NOT_VALID_PASSWORD = 1819;
    /// The session may do nothing but change the password.
    MUST_CHANGE_PASSWORD = 1820;
    MALFORMED_PACKET = 1835;
    READ_ONLY_MODE = 1836;
    MUST_CHANGE_PASSWORD_LOGIN = 1862;
    /// MariaDB's.
    CONNECTION_KILLED = 1927;
    /// MariaDB's: `max_statement_time`.
    STATEMENT_TIMEOUT = 1969;
    /// MySQL's: `max_execution_time`.
    QUERY_TIMEOUT = 3024;
    SERVER_OFFLINE_MODE = 3032;
    /// Group replication does not accept changes on this member.
    RUN_HOOK_ERROR = 3100;
    /// MySQL's.
    ACCOUNT_HAS_BEEN_LOCKED = 3118;
    SECURE_TRANSPORT_REQUIRED = 3159;
    SERVER_ISNT_AVAILABLE = 3168;
    CREDENTIALS_CONTRADICT_TO_HISTORY = 3638;
    INCORRECT_CURRENT_PASSWORD = 3891;
    MISSING_CURRENT_PASSWORD = 3892;
    CURRENT_PASSWORD_CANNOT_BE_RETAINED = 3895;
    /// MySQL's `FAILED_LOGIN_ATTEMPTS`.
    ACCOUNT_BLOCKED_BY_PASSWORD_LOCK = 3955;
    CLIENT_INTERACTION_TIMEOUT = 4031;
    /// MariaDB's `max_password_errors`.
    USER_IS_BLOCKED = 4150;
    /// MariaDB's.
    MARIADB_ACCOUNT_HAS_BEEN_LOCKED = 4151;
}

/// `ABORTING_CONNECTION` to `NET_WRITE_INTERRUPTED`: a connection that breaks.
const NETWORK: RangeInclusive<Errno> = 1152..=1161;

/// Whether a later attempt may succeed though nobody did anything: no resources, connections that
/// are used up for now, a server that starts or stops, locks, connections that broke.
pub(crate) fn passes_by_itself(number: Errno) -> bool {
    NETWORK.contains(&number)
        || std::matches!(
            number,
            OUT_OF_MEMORY
                | OUT_OF_SORT_MEMORY
                | CON_COUNT_ERROR
                | OUT_OF_RESOURCES
                | BAD_HOST_ERROR
                | SERVER_SHUTDOWN
                | NORMAL_SHUTDOWN
                | SHUTDOWN_COMPLETE
                | FORCING_CLOSE
                | CANT_CREATE_THREAD
                | NEW_ABORTING_CONNECTION
                | TOO_MANY_USER_CONNECTIONS
                | LOCK_WAIT_TIMEOUT
                | LOCK_TABLE_FULL
                | LOCK_DEADLOCK
                | USER_LIMIT_REACHED
                | QUERY_INTERRUPTED
                | LOCK_ABORTED
                | CONNECTION_KILLED
                | STATEMENT_TIMEOUT
                | QUERY_TIMEOUT
                | SERVER_OFFLINE_MODE
                | SERVER_ISNT_AVAILABLE
                | CLIENT_INTERACTION_TIMEOUT
        )
}

/// Whether the account may not do what it was asked.
pub(crate) fn is_denied(failure: &Failure) -> bool {
    is_any(
        failure,
        &[
            DBACCESS_DENIED_ERROR,
            ACCESS_DENIED_ERROR,
            TABLEACCESS_DENIED_ERROR,
            SPECIFIC_ACCESS_DENIED_ERROR,
            PROCACCESS_DENIED_ERROR,
            CANT_CREATE_USER_WITH_GRANT,
            ACCESS_DENIED_NO_PASSWORD_ERROR,
        ],
    )
}

/// Whether a failure is one of these errors of the server.
pub(crate) fn is_any(failure: &Failure, numbers: &[Errno]) -> bool {
    numbers.iter().any(|number| matches(&failure.code, *number))
}

/// Whether a text is this number, as the server writes it in a list of warnings.
pub(crate) fn matches(code: &str, number: Errno) -> bool {
    code.parse() == Ok(number)
}

/// Whether a failure is this error of the server.
pub(crate) fn is(failure: &Failure, number: Errno) -> bool {
    is_any(failure, &[number])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_number_and_no_name_stands_twice() {
        let numbers: BTreeSet<_> = ALL.iter().map(|(_, number)| number).collect();
        let names: BTreeSet<_> = ALL.iter().map(|(name, _)| name).collect();
        assert_eq!((numbers.len(), names.len()), (ALL.len(), ALL.len()));
        assert!(ALL.iter().all(|(_, number)| !NETWORK.contains(number)));
    }

    /// The table in the README names numbers; each is one that is known here.
    #[test]
    fn the_readme_names_no_number_that_is_not_here() {
        let readme = include_str!("../README.md");
        let failures = readme.split("\n## Failures").nth(1).unwrap();
        let failures = failures.split("\n## ").next().unwrap();
        let words = failures.split(|c: char| !c.is_ascii_digit()).filter(|word| word.len() == 4);
        let numbers: BTreeSet<Errno> = words.map(|word| word.parse().unwrap()).collect();
        assert!(numbers.len() > 15, "{numbers:?}");
        for number in numbers {
            assert!(ALL.iter().any(|(_, known)| *known == number), "{number}");
        }
    }
}
