//! From the server's error packet to a [`Failure`].
//!
//! The error's number decides, and what was going on: only a sign-in can be refused, because the
//! host tries another password on nothing else. The server's text goes on cut and cleaned, and not
//! at all where the statement held a password or its hash: a syntax error quotes the statement.

use windlass_sdk::{Failure, TlsMode, clean};

use crate::bytes::Fields;

/// What an error packet begins with.
pub(crate) const ERROR: u8 = 0xff;

/// What the server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerError {
    pub(crate) number: u16,
    message: String,
}

/// `ER_MUST_CHANGE_PASSWORD`: the session may do nothing but change the password.
pub(crate) const MUST_CHANGE_PASSWORD: &str = "1820";

impl ServerError {
    /// Reads an error packet, its first byte included.
    pub(crate) fn read(packet: &[u8]) -> Result<Self, Failure> {
        let mut fields = Fields::of(packet);
        fields.byte()?;
        let number = u16::try_from(fields.number(2)?).unwrap_or(0);
        // Before the handshake, and at its start, there is no SQLSTATE.
        let text = match fields.rest() {
            [b'#', _, _, _, _, _, text @ ..] => text,
            text => text,
        };
        Ok(Self { number, message: clean(&String::from_utf8_lossy(text)) })
    }

    /// The failure where an error came in the place of the greeting. No TLS protects it: anybody
    /// could have written its text, which is not repeated.
    pub(crate) fn of_greeting(&self) -> Failure {
        let failure = match self.number {
            1129 => Failure::declined(
                "the server blocks this address after too many failed connections: FLUSH HOSTS, \
                 or TRUNCATE performance_schema.host_cache",
            ),
            1130 => Failure::declined(
                "no account on the server may sign in from this address: see the host part of \
                 the account",
            ),
            1040 => Failure::unreachable("the server has too many connections"),
            _ => Failure::unreachable("the server turned the connection away before the sign-in"),
        };
        failure.with_code(self.number.to_string())
    }

    /// The failure where the server answered a sign-in.
    pub(crate) fn of_sign_in(&self, tls: TlsMode) -> Failure {
        let said = self.said("signing in");
        let failure = match self.number {
            1045 if tls == TlsMode::Disabled => Failure::refused(format!(
                "{said}: so it answers, too, without TLS to an account that REQUIREs it"
            )),
            1045 => Failure::refused(said),
            1044 | 1049 => Failure::declined(format!(
                "{said}: set \"dbname\" in the secret to a database that exists and that the \
                 account may use, or remove it"
            )),
            1698 => Failure::declined(format!(
                "{said}: the account does not sign in with a password (unix_socket, auth_socket)"
            )),
            3118 | 4151 => Failure::declined(format!("{said}: ALTER USER … ACCOUNT UNLOCK")),
            // MariaDB's ER_USER_IS_BLOCKED; MySQL's FAILED_LOGIN_ATTEMPTS.
            4150 => Failure::declined(format!("{said}: FLUSH PRIVILEGES lets it try again")),
            3955 | 3957 => Failure::declined(format!(
                "{said}: too many failed sign-ins; ALTER USER … ACCOUNT UNLOCK lets it try again"
            )),
            1862 => Failure::declined(format!(
                "{said}: its password has expired, and the server lets nobody change an expired \
                 password by signing in (disconnect_on_expired_password)"
            )),
            3159 if tls == TlsMode::Disabled => Failure::declined(format!(
                "{said}: the server asks for TLS; remove \"ssl\": false from the secret"
            )),
            1251 | 1275 => Failure::unsupported(said),
            1043 | 1047 | 1835 => Failure::protocol(said),
            number if passes_by_itself(number) => Failure::unreachable(said),
            _ => Failure::declined(said),
        };
        failure.with_code(self.number.to_string())
    }

    /// The failure where the server answered a statement; `operation` is what it was for.
    pub(crate) fn of_statement(&self, operation: &str) -> Failure {
        self.answered(self.said(operation))
    }

    /// The same where the statement held a password or its hash.
    pub(crate) fn of_secret_statement(&self, operation: &str) -> Failure {
        let text = match self.number {
            1064 | 1149 => "the server does not understand the statement",
            1227 | 1044 | 1142 | 1045 => "the account may not do this",
            1396 => {
                "the server could not change the account; MariaDB says so, too, where its password \
                 policy refuses the new password"
            }
            1819 | 1372 => "the new password does not satisfy the server's password policy",
            3638 | 1831 => "the new password was used before, and the server's history forbids it",
            3891 | 3892 | 3895 => "the server asks for the current password with the new one",
            1470 => "the name of the account is longer than the server takes",
            1524 => "the server has not loaded the account's authentication plugin",
            1133 => "the server has no such account",
            1290 if self.is_read_only() => "the server takes no changes",
            1290 => "an option that the server was started with forbids this",
            1836 | 3100 => "the server takes no changes",
            _ => "the server reported an error, whose text may quote the statement",
        };
        self.answered(format!("{operation}: {text}"))
    }

    fn answered(&self, said: String) -> Failure {
        let failure = match self.number {
            1290 if self.is_read_only() => Failure::declined(format!("{said}: {READ_ONLY}")),
            1836 => Failure::declined(format!("{said}: {READ_ONLY}")),
            number if passes_by_itself(number) => Failure::unreachable(said),
            _ => Failure::declined(said),
        };
        failure.with_code(self.number.to_string())
    }

    /// `ER_OPTION_PREVENTS_STATEMENT` names the option, in every language.
    fn is_read_only(&self) -> bool {
        self.message.contains("read-only") || self.message.contains("read_only")
    }

    fn said(&self, operation: &str) -> String {
        if self.message.is_empty() {
            format!("{operation}: the server reported an error without a message")
        } else {
            format!("{operation}: {}", self.message)
        }
    }
}

/// What to do where the server takes no changes.
const READ_ONLY: &str = "the host in the secret is a read replica; it must be the writer";

/// Whether a later attempt may succeed though nobody did anything: no resources, connections that
/// are used up for now, a server that starts or stops, locks, connections that broke.
fn passes_by_itself(number: u16) -> bool {
    matches!(
        number,
        1037 | 1038 | 1040 | 1041 | 1042 | 1053 | 1077 | 1079 | 1080 | 1135 | 1152
            ..=1161
                | 1184
                | 1203
                | 1205
                | 1206
                | 1213
                | 1226
                | 1317
                | 1689
                | 1927
                | 3024
                | 3032
                | 3168
                | 4031
    )
}

#[cfg(test)]
mod tests {
    use windlass_sdk::FailureKind::{self, *};
    use windlass_sdk::TEXT_MAX;

    use super::*;

    fn error(number: u16, message: &str) -> ServerError {
        let mut packet = vec![ERROR];
        packet.extend(number.to_le_bytes());
        packet.extend(b"#HY000");
        packet.extend(message.as_bytes());
        ServerError::read(&packet).unwrap()
    }

    #[test]
    fn the_number_of_a_sign_in_decides() {
        let table: &[(u16, FailureKind)] = &[
            (1045, Refused),
            (1698, Declined),
            (1130, Declined),
            (1129, Declined),
            (1044, Declined),
            (1049, Declined),
            (3118, Declined),
            (4151, Declined),
            (4150, Declined),
            (3955, Declined),
            (1862, Declined),
            (3159, Declined),
            (1040, Unreachable),
            (1203, Unreachable),
            (1226, Unreachable),
            (1053, Unreachable),
            (1251, Unsupported),
            (1043, Protocol),
            (9999, Declined),
            (0, Declined),
        ];
        for (number, kind) in table {
            let failure = error(*number, "no").of_sign_in(TlsMode::Disabled);
            assert_eq!((failure.kind, failure.code), (*kind, number.to_string()));
            assert!(failure.message.starts_with("signing in: no"));
        }
    }

    #[test]
    fn a_statement_and_a_greeting_are_never_refused() {
        for number in [1045, 1044, 1227, 1064, 1396, 1819, 9999] {
            let error = error(number, "near 'p4ss'");
            assert_eq!(error.of_statement("granting").kind, Declined);
            let failure = error.of_secret_statement("changing the password");
            assert_eq!((failure.kind, failure.code), (Declined, number.to_string()));
            assert!(!failure.message.contains("p4ss"), "{}", failure.message);
        }
        for (number, kind) in [(1045, Unreachable), (1040, Unreachable), (1130, Declined)] {
            let failure = error(number, "go to evil.example").of_greeting();
            assert_eq!(failure.kind, kind);
            assert!(!failure.message.contains("evil"));
        }
        assert_eq!(error(1205, "").of_statement("granting").kind, Unreachable);
    }

    #[test]
    fn a_replica_says_what_to_do() {
        let text = "The MySQL server is running with the --read-only option so it cannot execute";
        let failure = error(1290, text).of_secret_statement("changing the password");
        assert!(failure.message.contains("must be the writer"), "{failure}");
        let other = error(1290, "--strict-password-validation").of_secret_statement("changing");
        assert!(!other.message.contains("must be the writer"), "{other}");
    }

    #[test]
    fn a_message_becomes_one_line_of_bounded_length() {
        assert_eq!(error(1, "a\nb\tc\u{1b}[0m").message, "a b c [0m");
        assert_eq!(error(1, &"é".repeat(5000)).message.chars().count(), TEXT_MAX + 1);
        assert!(ServerError::read(b"\xff\x01").is_err());
    }
}
