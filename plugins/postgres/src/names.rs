//! Names of roles and databases.

use windlass_postgres_wire::Dialect;
use windlass_sdk::Failure;

/// The longest name of a role or a database, in bytes: NAMEDATALEN less one.
pub(crate) const NAME_MAX: u32 = 63;

/// How PostgreSQL spells names.
pub(crate) const DIALECT: Dialect =
    Dialect { product: "PostgreSQL", name_max: NAME_MAX, account: "ROLE" };

/// Checks a name that is sent to the server as it is; `what` is named in the failure.
pub(crate) fn check_name(name: &str, what: &str) -> Result<(), Failure> {
    DIALECT.check_name(name, what)
}

/// A name as a quoted identifier.
pub(crate) fn identifier(name: &str) -> Result<String, Failure> {
    DIALECT.identifier(name)
}
