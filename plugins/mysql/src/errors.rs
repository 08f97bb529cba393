//! From the server's error packet to a [`Failure`].
//!
//! The error's number decides, and what was going on: only a sign-in can be refused, because the
//! host tries another password on nothing else (see `turned_away`). The server's text goes on cut and
//! cleaned, and not at all where the statement held a password or its hash: a syntax error quotes the
//! statement.

use windlass_sdk::{Failure, clean};

use crate::bytes::Fields;
use crate::errno::{self, Errno};

/// The operation, in failures.
pub(crate) const CHANGING: &str = "changing the password";

/// What an error packet begins with.
pub(crate) const ERROR: u8 = 0xff;

/// What the server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerError {
    pub(crate) number: Errno,
    pub(crate) message: String,
}

impl ServerError {
    /// Reads an error packet, its first byte included.
    pub(crate) fn read(packet: &[u8]) -> Result<Self, Failure> {
        let mut fields = Fields::new(packet);
        fields.byte()?;
        let number = u16::try_from(fields.number(2)?).unwrap_or(0);
        // Before the handshake, and at its start, there is no SQLSTATE.
        let text = match fields.rest() {
            [b'#', _, _, _, _, _, text @ ..] => text,
            text => text,
        };
        Ok(Self { number, message: clean(&String::from_utf8_lossy(text)) })
    }

    /// The failure where the server answered a statement; `operation` is what it was for.
    pub(crate) fn statement_failure(&self, operation: &str) -> Failure {
        self.answered(self.said(operation))
    }

    /// The same where the statement held a password or its hash.
    pub(crate) fn secret_statement_failure(&self, operation: &str) -> Failure {
        let text = match self.number {
            errno::PARSE_ERROR | errno::SYNTAX_ERROR => {
                "the server does not understand the statement"
            }
            errno::SPECIFIC_ACCESS_DENIED_ERROR
            | errno::DBACCESS_DENIED_ERROR
            | errno::TABLEACCESS_DENIED_ERROR
            | errno::ACCESS_DENIED_ERROR => "the account may not do this",
            errno::CANNOT_USER => "the server could not change the account",
            errno::NOT_VALID_PASSWORD => {
                "the new password does not satisfy the server's password policy"
            }
            errno::PASSWD_LENGTH => {
                "the server does not take a password of this form for the account's method"
            }
            errno::SET_PASSWORD_AUTH_PLUGIN => {
                "the account's first method of signing in has no password"
            }
            errno::CREDENTIALS_CONTRADICT_TO_HISTORY => {
                "the new password was used before, and the server's history forbids it"
            }
            errno::INCORRECT_CURRENT_PASSWORD => {
                "the password that signed in is not the account's first one"
            }
            errno::MISSING_CURRENT_PASSWORD => {
                "the server asks for the current password with the new one"
            }
            errno::CURRENT_PASSWORD_CANNOT_BE_RETAINED => {
                "the server does not keep the current password beside this new one"
            }
            errno::WRONG_STRING_LENGTH => "the name of the account is longer than the server takes",
            errno::PLUGIN_IS_NOT_LOADED => {
                "the server has not loaded the account's authentication plugin"
            }
            errno::PASSWORD_NO_MATCH => "the server has no such account",
            errno::OPTION_PREVENTS_STATEMENT if self.is_read_only() => {
                "the server does not accept changes"
            }
            errno::OPTION_PREVENTS_STATEMENT => {
                "an option that the server was started with forbids this"
            }
            errno::READ_ONLY_MODE | errno::RUN_HOOK_ERROR => "the server does not accept changes",
            _ => "the server reported an error, whose text may quote the statement",
        };
        self.answered(format!("{operation}: {text}"))
    }

    fn answered(&self, said: String) -> Failure {
        let failure = match self.number {
            errno::OPTION_PREVENTS_STATEMENT if self.is_read_only() => {
                Failure::declined(said).with_remedy(READ_ONLY)
            }
            errno::READ_ONLY_MODE => Failure::declined(said).with_remedy(READ_ONLY),
            // The session ends at its first statement (seen on MariaDB 10.11 and MySQL 9.7).
            errno::NEW_ABORTING_CONNECTION if self.message.contains("init_connect") => {
                Failure::declined(said).with_remedy(INIT_CONNECT)
            }
            number if errno::passes_by_itself(number) => Failure::unreachable(said),
            _ => Failure::declined(said),
        };
        failure.with_code(self.number.to_string())
    }

    /// `ER_OPTION_PREVENTS_STATEMENT` names the option, in every language.
    fn is_read_only(&self) -> bool {
        self.message.contains("read-only") || self.message.contains("read_only")
    }

    pub(crate) fn said(&self, operation: &str) -> String {
        if self.message.is_empty() {
            format!("{operation}: the server reported an error without a message")
        } else {
            format!("{operation}: {}", self.message)
        }
    }
}

/// What to do where the server does not accept changes.
const READ_ONLY: &str = "put the writer's host into the secret: this one is a read replica";

/// What to do where the server ends every session of an account that is no administrator's.
pub(crate) const INIT_CONNECT: &str = "as an administrator, run SHOW GLOBAL VARIABLES LIKE 'init_connect' and correct the statement, or \
     give the account the right that the statement needs; the server's error log says why it failed";

#[cfg(test)]
pub(crate) mod tests {
    use windlass_sdk::FailureKind::*;
    use windlass_sdk::TEXT_MAX;

    use super::*;

    /// As a server says it.
    pub(crate) fn error(number: Errno, message: &str) -> ServerError {
        let mut packet = vec![ERROR];
        packet.extend(number.to_le_bytes());
        packet.extend(b"#HY000");
        packet.extend(message.as_bytes());
        ServerError::read(&packet).unwrap()
    }

    #[test]
    fn a_statement_is_never_refused() {
        for number in [1045, 1044, 1227, 1064, 1396, 1819, 9999] {
            let error = error(number, "near 'p4ss'");
            assert_eq!(error.statement_failure("granting").kind, Declined);
            let failure = error.secret_statement_failure("changing the password");
            assert_eq!((failure.kind, failure.code), (Declined, number.to_string()));
            assert!(!failure.message.contains("p4ss"), "{}", failure.message);
        }
        assert_eq!(error(1205, "").statement_failure("granting").kind, Unreachable);
    }

    #[test]
    fn a_replica_says_what_to_do() {
        let text = "The MySQL server is running with the --read-only option so it cannot execute";
        let failure = error(1290, text).secret_statement_failure("changing the password");
        assert!(failure.remedy.contains("writer"), "{failure:?}");
        let other =
            error(1290, "--strict-password-validation").secret_statement_failure("changing");
        assert_eq!(other.remedy, "");
    }

    #[test]
    fn a_session_that_init_connect_ends_is_not_unreachable() {
        let text = "Aborted connection 88 to db: 'x' user: 'app' (init_connect command failed)";
        let failure = error(1184, text).statement_failure("running a statement");
        assert_eq!((failure.kind, failure.remedy.as_str()), (Declined, INIT_CONNECT));
        assert_eq!(error(1184, "Aborted").statement_failure("granting").kind, Unreachable);
    }

    #[test]
    fn a_message_becomes_one_line_of_bounded_length() {
        assert_eq!(error(1, "a\nb\tc\u{1b}[0m").message, "a b c [0m");
        assert_eq!(error(1, &"é".repeat(5000)).message.chars().count(), TEXT_MAX + 1);
        assert!(ServerError::read(b"\xff\x01").is_err());
    }
}
