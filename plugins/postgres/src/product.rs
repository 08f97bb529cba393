//! What PostgreSQL takes and is told, where it differs from other services of its protocol; and the
//! words that the rest of the plugin uses for it.

use windlass_postgres_wire::{Attempt, Dialect, Hints, Product, Session};
use windlass_sdk::{Failure, Login};

use crate::sasl::Sasl;

/// The longest name of a role or a database, in bytes: NAMEDATALEN less one.
pub(crate) const NAME_MAX: u32 = 63;

pub(crate) static PRODUCT: Product = Product {
    dialect: Dialect { product: "PostgreSQL", name_max: NAME_MAX, account: "ROLE" },
    // The database that exists in every cluster unless somebody dropped it.
    default_database: "postgres",
    is_refusal: |code, _| code == "28P01",
    passes_by_itself: |_, _| false,
    hints: Hints {
        no_tls: "turn it on (ssl = on in postgresql.conf), or, if it is meant to do without, set \
                 \"ssl\": false in the secret",
        ask_for_password: "let pg_hba.conf ask for scram-sha-256",
        trust: ("trust in pg_hba.conf", "let it ask for scram-sha-256"),
        may_not_sign_in: "see pg_hba.conf, whether the role may log in, and on RDS whether it is a \
                          member of rds_iam",
        may_not_sign_in_without_tls: "see pg_hba.conf and whether the role may log in; if the \
                                      server asks for TLS, remove \"ssl\": false from the secret",
        read_only: READ_ONLY,
    },
};

/// What to do where the server takes no changes.
pub(crate) const READ_ONLY: &str =
    "the host in the secret is a read replica or a standby; it must be the primary";

/// Connects and signs in: exactly one attempt.
pub(crate) fn sign_in(login: &Login) -> Result<Session, Failure> {
    Session::sign_in(&PRODUCT, Attempt::of(login), &mut Sasl)
}

/// Checks a name that is sent to the server as it is; `what` is named in the failure.
pub(crate) fn check_name(name: &str, what: &str) -> Result<(), Failure> {
    PRODUCT.dialect.check_name(name, what)
}

/// A name as a quoted identifier.
pub(crate) fn identifier(name: &str) -> Result<String, Failure> {
    PRODUCT.dialect.identifier(name)
}
