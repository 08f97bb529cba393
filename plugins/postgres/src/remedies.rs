//! What to do about an error at sign-in.
//!
//! The SQLSTATE decides. Several causes share one, and some of them a text, too, on purpose: a server
//! does not tell a stranger what is wrong with an account. Where the text is one that is known it
//! narrows the advice; in another language, or of another server, all causes are named.

use windlass_postgres_wire::{SignInError, Stage, literal};
use windlass_sdk::TlsMode;

use crate::names::identifier;

/// What the service's operator should do.
pub(crate) fn of_sign_in(error: &SignInError<'_>) -> String {
    // A name that can't be quoted was refused before the connection.
    let role = identifier(error.username).unwrap_or_default();
    match (error.code, error.stage) {
        ("28P01", _) => not_a_matter_of_the_password(error.username, &role),
        ("28000", Stage::Cleartext) => {
            "change the password where it is kept, if that is not PostgreSQL \
                                        (LDAP, PAM, RADIUS, on RDS IAM for members of rds_iam): no \
                                        statement changes it there"
                .to_owned()
        }
        ("28000", Stage::Scram) => {
            "set \"host\" in the secret to the server itself: the TLS connection seems to end \
                                    at something between here and the server, such as a proxy with \
                                    its own certificate"
                .to_owned()
        }
        ("28000", Stage::Other) => may_not_sign_in(error, &role),
        ("3D000", _) => "set \"dbname\" in the secret to a database that exists".to_owned(),
        ("42501", _) => {
            let database = identifier(error.database).unwrap_or_default();
            format!("as its owner, GRANT CONNECT ON DATABASE {database} TO {role}")
        }
        ("53300", _) => full(error, &role),
        ("57P03", _) => "wait until the server has started or ended its recovery".to_owned(),
        _ => String::new(),
    }
}

/// The server says the same for a wrong password as for a right one that does not count.
fn not_a_matter_of_the_password(username: &str, role: &str) -> String {
    let name = literal(username).unwrap_or_default();
    format!(
        "if the account has another password, correct it there or in the secret (windlass repair tries \
         those that the secret knows); if the password is right, look for what else the server refuses in these words: an expiry \
         (SELECT rolvaliduntil FROM pg_roles WHERE rolname = {name}; ALTER ROLE {role} VALID UNTIL \
         'infinity' ends it), or an MD5 hash where pg_hba.conf says scram-sha-256 (as a superuser: \
         SELECT rolpassword LIKE 'md5%' FROM pg_authid WHERE rolname = {name}; set the password anew \
         after SET password_encryption = 'scram-sha-256'); the server's log has the reason"
    )
}

fn may_not_sign_in(error: &SignInError<'_>, role: &str) -> String {
    let message = error.message;
    if message.contains("is not permitted to log in") {
        return format!("ALTER ROLE {role} LOGIN");
    }
    let in_clear = error.tls == TlsMode::Disabled;
    if message.contains("pg_hba.conf") {
        let kind = if in_clear { "hostnossl" } else { "hostssl" };
        let tls = if in_clear { "remove \"ssl\": false from the secret, or " } else { "" };
        return format!(
            "{tls}add a line to pg_hba.conf, before any that rejects it, that lets the role in from \
             here ({kind} all {role} ADDRESS scram-sha-256), and SELECT pg_reload_conf()"
        );
    }
    let tls = if in_clear {
        "remove \"ssl\": false from the secret if the server asks for TLS; "
    } else {
        ""
    };
    format!(
        "{tls}see whether pg_hba.conf lets the role in from here, whether it may log in (ALTER ROLE \
         {role} LOGIN), and on RDS whether it is a member of rds_iam: another password changes nothing"
    )
}

fn full(error: &SignInError<'_>, role: &str) -> String {
    let message = error.message;
    let others = "close sessions that nobody needs, or raise max_connections";
    if message.contains("for role") {
        format!("close sessions of the role, or ALTER ROLE {role} CONNECTION LIMIT -1")
    } else if message.contains("for database") {
        let database = identifier(error.database).unwrap_or_default();
        format!("close sessions of the database, or ALTER DATABASE {database} CONNECTION LIMIT -1")
    } else {
        format!(
            "{others}; if the role has a limit of its own: ALTER ROLE {role} CONNECTION LIMIT -1"
        )
    }
}
