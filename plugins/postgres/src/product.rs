//! What PostgreSQL takes and is sent, where it differs from other services of its protocol.

use windlass_postgres_wire::{Product, Remedies};

use crate::names::DIALECT;
use crate::remedies;

/// How long a statement may take, in milliseconds: less than the host waits for an answer (20 s).
/// This side would have gone by then, and the server would change the password all the same.
pub(crate) const STATEMENT_TIMEOUT: &str = "15000";

pub(crate) static PRODUCT: Product = Product {
    dialect: DIALECT,
    // The database that exists in every cluster unless somebody dropped it.
    default_database: "postgres",
    // Of what can be set for a role or a database this alone may end the first statement.
    startup: &[("statement_timeout", STATEMENT_TIMEOUT)],
    is_refusal: |code, _| code == "28P01",
    passes_by_itself: |_, _| false,
    sign_in_remedy: remedies::of_sign_in,
    remedies: Remedies {
        no_tls: "turn it on (ssl = on in postgresql.conf), or, if it is meant to do without, set \
                 \"ssl\": false in the secret",
        ask_for_password: "set the method in pg_hba.conf to scram-sha-256",
        trust: ("trust in pg_hba.conf", "set the method in pg_hba.conf to scram-sha-256"),
        read_only: READ_ONLY,
    },
};

/// What to do where the server does not accept changes.
pub(crate) const READ_ONLY: &str =
    "set \"host\" in the secret to the primary, not a read replica or a standby";
