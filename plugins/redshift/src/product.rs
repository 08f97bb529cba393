//! What Redshift takes and is sent, where it differs from other services of its protocol; and the
//! words that the rest of the plugin uses for it.

use windlass_postgres_wire::{
    Attempt, Dialect, Method, Product, Remedies, Session, SignInError, Stage, literal,
};
use windlass_sdk::{Failure, Login, TlsMode, clean};

use crate::digest::{Challenge, Digest};
use crate::stored::Form;

/// The longest name of a user or a database, in bytes: NAMEDATALEN less one, which is twice
/// PostgreSQL's.
pub(crate) const NAME_MAX: u32 = 127;

pub(crate) static PRODUCT: Product = Product {
    dialect: Dialect { product: "Redshift", name_max: NAME_MAX, account: "USER" },
    // The database that every cluster and workgroup is made with.
    default_database: "dev",
    // What Redshift makes of a setting that it does not know is not documented.
    startup: &[],
    is_refusal,
    passes_by_itself,
    sign_in_remedy,
    remedies: Remedies {
        no_tls: "see whether \"host\" and \"port\" are Redshift's own, which has TLS, and not something \
                 in between; where it is meant to do without, set \"ssl\": false in the secret",
        ask_for_password: "put a database user with a password into the secret: this plugin changes no other kind",
        trust: ("trust", "configure the server to ask for a password"),
        read_only: "wait until the database is not resized any more, and don't use one that is made from \
                    a datashare",
    },
};

/// What to do about an error at sign-in.
fn sign_in_remedy(error: &SignInError<'_>) -> String {
    // A name that can't be quoted was refused before the connection.
    let user = identifier(error.username).unwrap_or_default();
    match (error.code, error.stage) {
        (code, _) if is_refusal(code, error.message) => format!(
            "if the account has another password, correct it there or in the secret (windlass repair \
             tries those that the secret knows); if the password is right, see whether it has expired or is disabled (SELECT valuntil FROM \
             pg_user WHERE usename = {}; ALTER USER {user} VALID UNTIL 'infinity' ends an expiry, ALTER \
             USER {user} PASSWORD a disabled one)",
            literal(error.username).unwrap_or_default()
        ),
        ("28000", Stage::Cleartext) => {
            "change the password where it is kept, if that is an identity provider".to_owned()
        }
        ("28000", _) => {
            let tls = match error.tls {
                TlsMode::Required => "",
                TlsMode::Disabled => {
                    "if the cluster's require_ssl is on, remove \"ssl\": false from the secret; "
                }
            };
            format!(
                "{tls}see whether the user may sign in from here, and whether its password is disabled or \
                 has expired: another password changes nothing"
            )
        }
        ("3D000", _) => "set \"dbname\" in the secret to a database that exists".to_owned(),
        ("53300", _) => format!(
            "close sessions that nobody needs; if the user has a limit of its own: ALTER USER {user} \
             CONNECTION LIMIT UNLIMITED"
        ),
        _ => String::new(),
    }
}

/// Redshift comes from a PostgreSQL that had one SQLSTATE for everything that ends a sign-in, so the
/// text decides. It is the server's own and not translated.
fn is_refusal(code: &str, message: &str) -> bool {
    code == "28P01" || (code == "28000" && message.starts_with("password authentication failed"))
}

/// Two transactions that could not have run one after the other: number 1023, without an SQLSTATE of
/// its own.
fn passes_by_itself(code: &str, message: &str) -> bool {
    code == "XX000" && (message.starts_with("1023") || message.contains("erializable isolation"))
}

/// Connects and signs in: exactly one attempt. Also says which form of a password the server asked
/// for.
pub(crate) fn sign_in(login: &Login) -> Result<(Session, Form), Failure> {
    sign_in_as(Attempt::new(login))
}

/// The same as another account.
pub(crate) fn sign_in_as(attempt: Attempt<'_>) -> Result<(Session, Form), Failure> {
    let mut digest = Digest::default();
    let session = Session::sign_in(&PRODUCT, attempt, &mut digest)?;
    let form = match (session.method, digest.salt) {
        (Method::Own, Some(salt)) => Form::Sha256(salt),
        _ => Form::Md5,
    };
    Ok((session, form))
}

/// Which form of a password the server asks an account for. A connection of its own, on which no
/// password is sent, so it is no failed sign-in.
pub(crate) fn form_asked_of(login: &Login, username: &str) -> Result<Form, Failure> {
    let request = Session::first_request(&PRODUCT, login, username)
        .map_err(|failure| failure.during("asking how the account signs in"))?;
    // Whatever else the server says to this account, an MD5 hash is what every client can do.
    Ok(match Challenge::read(&request)? {
        Some(Challenge { salt_kind: Some(salt), .. }) => Form::Sha256(salt),
        _ => Form::Md5,
    })
}

/// Checks a name that is sent to the server as it is; `what` is named in the failure.
pub(crate) fn check_name(name: &str, what: &str) -> Result<(), Failure> {
    PRODUCT.dialect.check_name(name, what)
}

/// A name as a quoted identifier, which keeps the case of a user's name.
pub(crate) fn identifier(name: &str) -> Result<String, Failure> {
    PRODUCT.dialect.identifier(name)
}

/// The same for a name that the server has said. Whatever is wrong with it, the secret is not.
pub(crate) fn known(name: &str) -> Result<String, Failure> {
    identifier(name).map_err(|failure| {
        Failure::declined(format!(
            "a name in the server's catalog can't be written: {}, in {:?}",
            failure.message,
            clean(name)
        ))
        .with_remedy("rename it")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_wrong_password_is_a_refusal() {
        let table = [
            ("28000", "password authentication failed for user \"app\"", true),
            ("28P01", "no", true),
            ("28000", "no pg_hba.conf entry for host \"::1\", user \"app\"", false),
            ("28000", "", false),
            ("42501", "password authentication failed for user \"app\"", false),
        ];
        for (code, message, refusal) in table {
            assert_eq!(is_refusal(code, message), refusal, "{code} {message}");
        }
    }
}
