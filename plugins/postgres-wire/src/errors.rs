//! From the server's ErrorResponse to a [`Failure`].
//!
//! The SQLSTATE decides, and what was going on: only a sign-in can be refused, because the host
//! tries another password on nothing else. Of the text only the primary message goes on, cut and
//! cleaned: detail, hint, context and statement may quote what was sent.

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::ErrorResponseBody;
use windlass_sdk::{Failure, clean};

use crate::attempt::Attempt;
use crate::product::{Product, SignInError, Stage};

/// How many characters in a row are a part of a secret. Fewer are in any text by chance.
const PART: usize = 8;

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

    /// The SQLSTATE.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The failure where the server answered a sign-in.
    pub fn sign_in_failure(self, product: &Product, attempt: Attempt<'_>) -> Failure {
        self.stage_failure(product, attempt, Stage::Other)
    }

    /// The failure where the server answered the password itself. Whether the account may sign in is
    /// decided before and after, so 28000 means here that somebody else, whom the server asked, does
    /// not take the password. That counts as a failed sign-in, and locks accounts there.
    pub fn cleartext_failure(self, product: &Product, attempt: Attempt<'_>) -> Failure {
        self.stage_failure(product, attempt, Stage::Cleartext)
    }

    /// The failure where the server answered a message of SCRAM. Whether the account may sign in is
    /// decided before and after, so 28000 means channel binding here.
    pub fn scram_failure(self, product: &Product, attempt: Attempt<'_>) -> Failure {
        self.stage_failure(product, attempt, Stage::Scram)
    }

    fn stage_failure(self, product: &Product, attempt: Attempt<'_>, stage: Stage) -> Failure {
        let said = self.said("signing in");
        let failure = match self.code.as_str() {
            code if (product.is_refusal)(code, &self.message) => Failure::refused(said),
            "28000" if stage == Stage::Cleartext => Failure::refused(said),
            "0A000" => Failure::unsupported(said),
            code if code.starts_with("08P") => Failure::protocol(said),
            code if passes_by_itself(code) => Failure::unreachable(said),
            _ => Failure::declined(said),
        };
        let remedy = (product.sign_in_remedy)(&SignInError {
            code: &self.code,
            message: &self.message,
            username: attempt.username,
            database: attempt.login.database.as_deref().unwrap_or(product.default_database),
            tls: attempt.login.tls,
            stage,
        });
        failure.with_code(self.code).with_remedy(remedy)
    }

    /// The failure where the server answered a statement; `operation` is what it was for. Where the
    /// server's text holds one of `secrets`, or a part of it, that text is left out.
    pub fn statement_failure(
        self,
        product: &Product,
        operation: &str,
        secrets: &[&str],
    ) -> Failure {
        let said = if secrets.iter().any(|secret| holds_part_of(&self.message, secret)) {
            self.in_own_words(operation)
        } else {
            self.said(operation)
        };
        self.answered(product, said)
    }

    /// The same with none of the server's text.
    pub fn secret_statement_failure(self, product: &Product, operation: &str) -> Failure {
        let said = self.in_own_words(operation);
        self.answered(product, said)
    }

    fn in_own_words(&self, operation: &str) -> String {
        let text = match self.code.as_str() {
            "42501" => "the account may not do this",
            "42601" => "the server does not understand the statement",
            "42704" => "there is no such account",
            "42710" => "there is such an account already",
            "25006" => "the server does not accept changes",
            "28P03" | "22023" => "the server does not take the password's hash",
            _ => "the server reported an error, whose text may quote the statement",
        };
        format!("{operation}: {text}")
    }

    fn answered(self, product: &Product, said: String) -> Failure {
        let failure = match self.code.as_str() {
            "25006" => Failure::declined(said).with_remedy(product.remedies.read_only),
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

/// Whether a text repeats a secret, or [`PART`] characters of it, in whatever case.
fn holds_part_of(text: &str, secret: &str) -> bool {
    let text = text.to_lowercase();
    let secret: Vec<char> = secret.to_lowercase().chars().collect();
    let part = PART.min(secret.len());
    part > 0 && secret.windows(part).any(|part| text.contains(&part.iter().collect::<String>()))
}

/// Five upper-case letters or digits.
fn is_sqlstate(text: &str) -> bool {
    text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use windlass_sdk::FailureKind::{self, *};
    use windlass_sdk::testing::{login, scripted};
    use windlass_sdk::{Login, TlsMode};

    use super::*;
    use crate::product::tests::PRODUCT;

    fn error(code: &str, message: &str) -> ServerError {
        ServerError { code: code.into(), message: message.into() }
    }

    /// What becomes of an error at sign-in.
    fn signing_in(tls: TlsMode, of: impl FnOnce(Attempt<'_>) -> Failure) -> Failure {
        let (server, peer) = scripted(drop);
        let login = Login { tls, ..login(server, "app", "x") };
        let failure = of(Attempt::new(&login));
        peer.finish();
        failure
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
            let failure = signing_in(TlsMode::Required, |attempt| {
                error(code, "no").sign_in_failure(&PRODUCT, attempt)
            });
            assert_eq!((failure.kind, failure.code.as_str()), (*kind, *code));
            // The server's own answer, and what to do apart from it.
            assert_eq!(failure.message, "signing in: no");
            assert_eq!(failure.remedy, "with TLS, app");
        }
    }

    #[test]
    fn who_does_not_take_a_password_that_was_sent_has_refused_it() {
        let of = |stage: fn(ServerError, &Product, Attempt<'_>) -> Failure| {
            signing_in(TlsMode::Disabled, |attempt| stage(error("28000", "no"), &PRODUCT, attempt))
        };
        assert_eq!(of(ServerError::cleartext_failure).kind, Refused);
        assert_eq!(of(ServerError::scram_failure).kind, Declined);
        assert_eq!(of(ServerError::sign_in_failure).remedy, "without TLS, app");
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
            let failure = error(code, "no").statement_failure(&PRODUCT, "changing", &[]);
            assert_eq!((failure.kind, failure.code.as_str()), (*kind, *code));
        }
        let raced = error("XX000", "tuple concurrently updated").statement_failure(
            &PRODUCT,
            "changing",
            &[],
        );
        assert_eq!(raced.kind, Unreachable);
    }

    #[test]
    fn a_statement_with_a_hash_in_it_is_not_quoted() {
        for code in ["42601", "42501", "42704", "25006", "22023", "XX000", "28P01", ""] {
            let failure =
                error(code, "near 'md5f00'").secret_statement_failure(&PRODUCT, "changing");
            assert!(!failure.message.contains("f00"), "{failure}");
            assert_eq!((failure.kind, failure.code.as_str()), (Declined, code));
        }
        assert_eq!(
            error("57P01", "").secret_statement_failure(&PRODUCT, "changing").kind,
            Unreachable
        );
    }

    #[test]
    fn a_text_that_repeats_a_part_of_a_secret_is_left_out() {
        let secret = "kX9-vQ2_rT7+zL4";
        for (text, is_left_out) in [
            (format!("{secret} is too short"), true),
            (format!("{} is too short", secret.to_uppercase()), true),
            ("the part kX9-vQ2_ is in a dictionary".to_owned(), true),
            ("the part kX9-vQ2 is in a dictionary".to_owned(), false),
            ("password is too short".to_owned(), false),
        ] {
            let failure =
                error("22023", &text).statement_failure(&PRODUCT, "changing", &["", secret]);
            assert_eq!(!failure.message.contains(&text), is_left_out, "{failure}");
        }
    }

    #[test]
    fn a_code_that_is_none_is_dropped() {
        for text in ["28p01", "28P0", "28P01x", "28 01", ""] {
            assert!(!is_sqlstate(text), "{text}");
        }
    }
}
