//! What one service is called, takes and is sent, where the services differ.

use windlass_sdk::TlsMode;

/// A service that speaks the protocol.
#[derive(Debug)]
pub struct Product {
    /// How names are written, and which are taken.
    pub dialect: Dialect,
    /// The database to connect to where the secret names none.
    pub default_database: &'static str,
    /// Settings that go into the startup packet, where they win over those of the account and of the
    /// database before the first statement runs. A pooler that refuses them is asked again without.
    pub startup: &'static [(&'static str, &'static str)],
    /// Whether an error at sign-in, by its SQLSTATE and its message, means a wrong name or password
    /// and nothing else.
    pub is_refusal: fn(&str, &str) -> bool,
    /// Whether an error of a statement, by its SQLSTATE and its message, passes by itself, where the
    /// SQLSTATE alone does not say so.
    pub passes_by_itself: fn(&str, &str) -> bool,
    /// What to do about an error at sign-in; empty where nothing is known.
    pub sign_in_remedy: fn(&SignInError<'_>) -> String,
    /// What to do in other cases.
    pub remedies: Remedies,
}

/// An error that ended a sign-in.
#[derive(Debug, Clone, Copy)]
pub struct SignInError<'a> {
    /// The SQLSTATE.
    pub code: &'a str,
    /// The server's text, in the server's language.
    pub message: &'a str,
    /// Who signed in.
    pub username: &'a str,
    /// To which database.
    pub database: &'a str,
    /// Whether with TLS.
    pub tls: TlsMode,
    /// What the server answered with it.
    pub stage: Stage,
}

/// How far a sign-in had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// At any other point than these.
    Other,
    /// The password itself had been sent.
    Cleartext,
    /// The server answered a message of SCRAM.
    Scram,
}

/// How names are written.
#[derive(Debug)]
pub struct Dialect {
    /// What the service is called in messages.
    pub product: &'static str,
    /// The longest name, in bytes.
    pub name_max: u32,
    /// What an account is in `ALTER …`.
    pub account: &'static str,
}

/// What the operator is to do: imperative sentences without a full stop.
#[derive(Debug)]
pub struct Remedies {
    /// Where the server has no TLS.
    pub no_tls: &'static str,
    /// Where the server asks for something else than a password.
    pub ask_for_password: &'static str,
    /// Where the server asks for nothing: how that is configured, and what to do.
    pub trust: (&'static str, &'static str),
    /// Where the server does not accept changes.
    pub read_only: &'static str,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const PRODUCT: Product = Product {
        dialect: Dialect { product: "PostgreSQL", name_max: 63, account: "ROLE" },
        default_database: "postgres",
        startup: &[("statement_timeout", "15000")],
        is_refusal: |code, _| code == "28P01",
        passes_by_itself: |_, _| false,
        sign_in_remedy: |error| match error.tls {
            TlsMode::Required => format!("with TLS, {}", error.username),
            TlsMode::Disabled => format!("without TLS, {}", error.username),
        },
        remedies: Remedies {
            no_tls: "turn it on",
            ask_for_password: "let it ask for a password",
            trust: ("trust", "let it ask for a password"),
            read_only: "let it be the primary",
        },
    };
}
