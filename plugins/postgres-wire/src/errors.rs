//! From the server's ErrorResponse to a [`Failure`].
//!
//! The SQLSTATE decides, and what was going on: only a sign-in can be refused, because the host
//! tries another password on nothing else. Of the text only the primary message goes on, cut and
//! cleaned: detail, hint, context and statement may quote what was sent.

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::ErrorResponseBody;
use windlass_sdk::{Failure, TlsMode, clean};

use crate::product::Product;

/// What the server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerError {
    /// The SQLSTATE, or empty where the server sent none that looks like one.
    code: String,
    message: String,
}

impl ServerError {
    /// Reads what an ErrorResponse says.
    pub fn read(body: &ErrorResponseBody) -> Self {
        let mut error = Self { code: String::new(), message: String::new() };
        let mut fields = body.fields();
        // A field that can't be read ends the list: what was read until then is still the answer.
        while let Ok(Some(field)) = fields.next() {
            let text = String::from_utf8_lossy(field.value_bytes());
            match field.type_() {
                b'C' if is_sqlstate(&text) => error.code = text.into_owned(),
                b'M' => error.message = clean(&text),
                _ => {}
            }
        }
        error
    }

    /// The failure where the server answered a sign-in.
    pub fn of_sign_in(self, product: &Product, tls: TlsMode) -> Failure {
        let said = self.said("signing in");
        let failure = match self.code.as_str() {
            code if (product.is_refusal)(code, &self.message) => Failure::refused(said),
            "28000" => {
                let hint = match tls {
                    TlsMode::Required => product.hints.may_not_sign_in,
                    TlsMode::Disabled => product.hints.may_not_sign_in_without_tls,
                };
                Failure::declined(format!("{said}: not a matter of the password: {hint}"))
            }
            "3D000" => Failure::declined(format!(
                "{said}: set \"dbname\" in the secret to a database that exists"
            )),
            "42501" => Failure::declined(format!(
                "{said}: the account needs CONNECT on the database that \"dbname\" names"
            )),
            "0A000" => Failure::unsupported(said),
            code if code.starts_with("08P") => Failure::protocol(said),
            code if passes_by_itself(code) => Failure::unreachable(said),
            _ => Failure::declined(said),
        };
        failure.with_code(self.code)
    }

    /// The failure where the server answered the password itself. Whether the account may sign in is
    /// decided before and after, so 28000 means here that somebody else, whom the server asked, does
    /// not take the password. That counts as a failed sign-in, and locks accounts there.
    pub fn of_cleartext(self, product: &Product, tls: TlsMode) -> Failure {
        if self.code != "28000" {
            return self.of_sign_in(product, tls);
        }
        let said = self.said("signing in");
        Failure::refused(format!(
            "{said}: the server asked for the password itself, as it does where it is kept elsewhere \
             (LDAP, PAM, RADIUS, on RDS for members of rds_iam); there no \
             statement changes it"
        ))
        .with_code(self.code)
    }

    /// The failure where the server answered a message of SCRAM. Whether the account may sign in is
    /// decided before and after, so 28000 means channel binding here.
    pub fn of_scram(self, product: &Product, tls: TlsMode) -> Failure {
        if self.code != "28000" {
            return self.of_sign_in(product, tls);
        }
        let said = self.said("signing in");
        Failure::declined(format!(
            "{said}: the TLS connection seems to end at something between here and the server, \
             such as a proxy with its own certificate"
        ))
        .with_code(self.code)
    }

    /// The failure where the server answered a statement; `operation` is what it was for.
    pub fn of_statement(self, product: &Product, operation: &str) -> Failure {
        let said = self.said(operation);
        self.answered(product, said)
    }

    /// The same where the statement held a password's hash: the server's text may quote it.
    pub fn of_secret_statement(self, product: &Product, operation: &str) -> Failure {
        let text = match self.code.as_str() {
            "42501" => "the account may not do this",
            "42601" => "the server does not understand the statement",
            "42704" => "there is no such account",
            "42710" => "there is such an account already",
            "25006" => "the server takes no changes",
            "28P03" | "22023" => "the server does not take the password's hash",
            _ => "the server reported an error, whose text may quote the statement",
        };
        let said = format!("{operation}: {text}");
        self.answered(product, said)
    }

    fn answered(self, product: &Product, said: String) -> Failure {
        let failure = match self.code.as_str() {
            "25006" => Failure::declined(format!("{said}: {}", product.hints.read_only)),
            // Not worth a person's time: the next attempt finds what another one, at the same
            // moment, left behind. The message of XX000 is one that the server never translates.
            "23505" | "42710" | "55P03" | "57014" => Failure::unreachable(said),
            "XX000" if self.message == "tuple concurrently updated" => Failure::unreachable(said),
            code if passes_by_itself(code) => Failure::unreachable(said),
            code if (product.passes_by_itself)(code, &self.message) => Failure::unreachable(said),
            _ => Failure::declined(said),
        };
        failure.with_code(self.code)
    }

    fn said(&self, operation: &str) -> String {
        if self.message.is_empty() {
            format!("{operation}: the server reported an error without a message")
        } else {
            format!("{operation}: {}", self.message)
        }
    }
}

/// Whether a later attempt may succeed though nobody did anything: connection exceptions, lack of
/// resources, a server that starts or stops, rollbacks, errors of the system below.
fn passes_by_itself(code: &str) -> bool {
    matches!(code, "57P01" | "57P02" | "57P03" | "57P05")
        || ["08", "53", "40", "58"].iter().any(|class| code.starts_with(class))
}

/// Five upper-case letters or digits.
fn is_sqlstate(text: &str) -> bool {
    text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use windlass_sdk::FailureKind::{self, *};

    use super::*;
    use crate::product::tests::PRODUCT;

    fn error(code: &str, message: &str) -> ServerError {
        ServerError { code: code.into(), message: message.into() }
    }

    #[test]
    fn the_sqlstate_of_a_sign_in_decides() {
        let table: &[(&str, FailureKind)] = &[
            ("28P01", Refused),
            ("28000", Declined),
            ("3D000", Declined),
            ("42501", Declined),
            ("53300", Unreachable),
            ("57P01", Unreachable),
            ("57P03", Unreachable),
            ("08006", Unreachable),
            ("08P01", Protocol),
            ("0A000", Unsupported),
            ("XX000", Declined),
            ("", Declined),
        ];
        for (code, kind) in table {
            let failure = error(code, "no").of_sign_in(&PRODUCT, TlsMode::Required);
            assert_eq!((failure.kind, failure.code.as_str()), (*kind, *code));
            assert!(failure.message.starts_with("signing in: no"), "{failure}");
        }
    }

    #[test]
    fn a_statement_is_never_refused() {
        let table: &[(&str, FailureKind)] = &[
            ("28P01", Declined),
            ("28000", Declined),
            ("42501", Declined),
            ("42704", Declined),
            ("25006", Declined),
            ("23505", Unreachable),
            ("42710", Unreachable),
            ("40001", Unreachable),
            ("55P03", Unreachable),
            ("57P01", Unreachable),
            ("XX000", Declined),
        ];
        for (code, kind) in table {
            let failure = error(code, "no").of_statement(&PRODUCT, "changing the password");
            assert_eq!((failure.kind, failure.code.as_str()), (*kind, *code));
        }
        let raced = error("XX000", "tuple concurrently updated").of_statement(&PRODUCT, "changing");
        assert_eq!(raced.kind, Unreachable);
    }

    #[test]
    fn a_rejected_sign_in_without_tls_has_a_hint_of_its_own() {
        let failure = error("28000", "no entry").of_sign_in(&PRODUCT, TlsMode::Disabled);
        assert!(failure.message.ends_with("password: without TLS"), "{failure}");
    }

    #[test]
    fn a_statement_with_a_hash_in_it_is_not_quoted() {
        for code in ["42601", "42501", "42704", "25006", "22023", "XX000", "28P01", ""] {
            let failure = error(code, "near 'md5f00'").of_secret_statement(&PRODUCT, "changing");
            assert!(!failure.message.contains("f00"), "{failure}");
            assert_eq!((failure.kind, failure.code.as_str()), (Declined, code));
        }
        assert_eq!(error("57P01", "").of_secret_statement(&PRODUCT, "changing").kind, Unreachable);
    }

    #[test]
    fn a_code_that_is_none_is_dropped() {
        for text in ["28p01", "28P0", "28P01x", "28 01", ""] {
            assert!(!is_sqlstate(text), "{text}");
        }
    }
}
