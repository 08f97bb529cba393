//! What one service is called, takes and is told, where the services differ.

/// A service that speaks the protocol.
#[derive(Debug)]
pub struct Product {
    /// How names are written, and which are taken.
    pub dialect: Dialect,
    /// The database to connect to where the secret names none.
    pub default_database: &'static str,
    /// Whether an error at sign-in, by its SQLSTATE and its message, means a wrong name or password
    /// and nothing else.
    pub is_refusal: fn(&str, &str) -> bool,
    /// Whether an error of a statement, by its SQLSTATE and its message, passes by itself, where the
    /// SQLSTATE alone does not say so.
    pub passes_by_itself: fn(&str, &str) -> bool,
    /// What the operator is told.
    pub hints: Hints,
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

/// What the operator is told, as ends of sentences.
#[derive(Debug)]
pub struct Hints {
    /// Where the server has no TLS.
    pub no_tls: &'static str,
    /// Where the server asks for something else than a password.
    pub ask_for_password: &'static str,
    /// Where the server asks for nothing: how that is configured, and what to do.
    pub trust: (&'static str, &'static str),
    /// Where the account may not sign in, whatever its password is.
    pub may_not_sign_in: &'static str,
    /// The same on a connection without TLS.
    pub may_not_sign_in_without_tls: &'static str,
    /// Where the server takes no changes.
    pub read_only: &'static str,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const PRODUCT: Product = Product {
        dialect: Dialect { product: "PostgreSQL", name_max: 63, account: "ROLE" },
        default_database: "postgres",
        is_refusal: |code, _| code == "28P01",
        passes_by_itself: |_, _| false,
        hints: Hints {
            no_tls: "turn it on",
            ask_for_password: "let it ask for a password",
            trust: ("trust", "let it ask for a password"),
            may_not_sign_in: "with TLS",
            may_not_sign_in_without_tls: "without TLS",
            read_only: "it must be the primary",
        },
    };
}
