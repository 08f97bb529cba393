//! Why the server let nobody in, and what to do about it.
//!
//! The error's number decides. Only `ACCESS_DENIED_ERROR` is a refusal, on which the host tries another password; the
//! server gives it for other causes as well, so its remedy says how to tell them apart. Nothing of
//! what came before TLS is repeated but an IP address: anybody could have written it.

use std::net::IpAddr;

use windlass_sdk::{Failure, Login, TlsMode};

use crate::errno;
use crate::errors::ServerError;
use crate::quote::{REMEDY_MAX, for_people, identifier, literal};

/// What to do where every sign-in from this address is turned away. MySQL 9 has no `FLUSH HOSTS` any
/// more, and MariaDB's table of hosts can't be emptied.
const BLOCKED: &str = "as an administrator, run TRUNCATE TABLE performance_schema.host_cache on MySQL, or FLUSH HOSTS \
     on MariaDB, and correct what ends the connections (a certificate that is not trusted, a check of \
     the port by a load balancer)";

/// What to do where the password has expired and the account may not sign in to change it.
const EXPIRED: &str = "let an administrator change the password: \"masterarn\" in the secret, and its tag \
     windlass:strategy = single-user";

impl ServerError {
    /// The failure where an error came in the place of the greeting.
    pub(crate) fn greeting_failure(&self, login: &Login) -> Failure {
        let failure = match self.number {
            errno::HOST_IS_BLOCKED => Failure::declined(
                "the server blocks this address, because too many connections in a row ended \
                 before a sign-in (max_connect_errors)",
            )
            .with_remedy(BLOCKED),
            errno::HOST_NOT_PRIVILEGED => {
                let address = self.address().and_then(|text| text.parse::<IpAddr>().ok());
                let address = address.map(|address| address.to_string());
                let from = address.as_deref().unwrap_or("this address");
                Failure::declined(format!("no account on the server may sign in from {from}"))
                    .with_remedy(for_people(&rename(login, address.as_deref()), REMEDY_MAX))
            }
            errno::CON_COUNT_ERROR => Failure::unreachable("the server has too many connections")
                .with_remedy(
                    "close sessions that nobody uses, or raise max_connections on the server",
                ),
            _ => Failure::unreachable("the server turned the connection away before the sign-in"),
        };
        failure.with_code(self.number.to_string())
    }

    /// The failure where the server answered a sign-in.
    pub(crate) fn sign_in_failure(&self, login: &Login) -> Failure {
        let said = self.said("signing in");
        let failure = match self.number {
            errno::ACCESS_DENIED_ERROR => Failure::refused(said),
            errno::NOT_SUPPORTED_AUTH_MODE | errno::SERVER_IS_IN_SECURE_AUTH_MODE => {
                Failure::unsupported(said)
            }
            errno::HANDSHAKE_ERROR | errno::UNKNOWN_COM_ERROR | errno::MALFORMED_PACKET => {
                Failure::protocol(said)
            }
            number if errno::passes_by_itself(number) => Failure::unreachable(said),
            _ => Failure::declined(said),
        };
        failure
            .with_code(self.number.to_string())
            .with_remedy(for_people(&self.remedy(login), REMEDY_MAX))
    }

    fn remedy(&self, login: &Login) -> String {
        let user = identifier(&login.username);
        let account = |what: &str| {
            format!(
                "as an administrator, run SELECT Host FROM mysql.user WHERE User = {}, and then \
                 {what}",
                literal(&login.username)
            )
        };
        match self.number {
            errno::ACCESS_DENIED_ERROR => self.causes_of_a_refusal(login),
            errno::DBACCESS_DENIED_ERROR | errno::BAD_DB_ERROR => {
                "set \"dbname\" in the secret to a database that exists and that the \
                            account may use, or remove it"
                    .to_owned()
            }
            errno::HOST_NOT_PRIVILEGED => rename(login, self.address()),
            errno::HOST_IS_BLOCKED => BLOCKED.to_owned(),
            errno::ACCESS_DENIED_NO_PASSWORD_ERROR => format!(
                "the account does not sign in with a password (unix_socket, auth_socket): {}",
                account(&format!(
                    "give it the password of the secret: ALTER USER {user}@'HOST' IDENTIFIED BY \
                     'PASSWORD'"
                ))
            ),
            errno::ACCOUNT_HAS_BEEN_LOCKED | errno::MARIADB_ACCOUNT_HAS_BEEN_LOCKED => {
                account(&format!("ALTER USER {user}@'HOST' ACCOUNT UNLOCK"))
            }
            errno::USER_IS_BLOCKED => {
                "as an administrator, run FLUSH PRIVILEGES, which lets the account try again; \
                     then windlass repair --password-of VERSION"
                    .to_owned()
            }
            errno::ACCOUNT_BLOCKED_BY_PASSWORD_LOCK => {
                account(&format!("ALTER USER {user}@'HOST' ACCOUNT UNLOCK"))
                    + "; then windlass repair --password-of VERSION"
            }
            errno::MUST_CHANGE_PASSWORD_LOGIN => EXPIRED.to_owned(),
            errno::SECURE_TRANSPORT_REQUIRED => {
                "remove \"ssl\": false from the secret: the server takes sign-ins with TLS only \
                     (require_secure_transport)"
                    .to_owned()
            }
            errno::CON_COUNT_ERROR => {
                "close sessions that nobody uses, or raise max_connections on the server".into()
            }
            errno::TOO_MANY_USER_CONNECTIONS => {
                "close sessions of the account, or raise max_user_connections on the server"
                    .to_owned()
            }
            errno::USER_LIMIT_REACHED => account(&format!(
                "ALTER USER {user}@'HOST' WITH a higher limit (MAX_USER_CONNECTIONS and the like; 0 \
                 for no limit), or wait until the hour of an hourly limit is over"
            )),
            _ => String::new(),
        }
    }

    /// How to find out why a name and a password were refused: the server says the same of all.
    fn causes_of_a_refusal(&self, login: &Login) -> String {
        let user = identifier(&login.username);
        let from = match self.address() {
            Some(address) => format!("{address}, from where the server saw the sign-in"),
            None => "the address that the server's message names".to_owned(),
        };
        let tls = match login.tls {
            TlsMode::Required => "",
            TlsMode::Disabled => {
                " and, since this sign-in had no TLS, REQUIRE nothing at all, nor may the server \
                 (require_secure_transport); else remove \"ssl\": false from the secret"
            }
        };
        format!(
            "the password is wrong, unless one of these fails: SELECT Host FROM mysql.user WHERE User \
             = {} must list a host part that matches {from}; SHOW CREATE USER {user}@'HOST' must not \
             REQUIRE X509, SUBJECT or ISSUER (there is no client certificate: ALTER USER \
             {user}@'HOST' REQUIRE SSL){tls}. For a wrong password, windlass repair tries those that \
             the secret knows",
            literal(&login.username)
        )
    }

    /// The address that the server saw, or its name: `Access denied for user 'x'@'ADDRESS'`, `Host
    /// 'ADDRESS' is not allowed`. In most languages it stands last, in quotes.
    fn address(&self) -> Option<&str> {
        let rest = match self.message.split_once("'@'") {
            Some((_, rest)) => rest,
            None => self.message.split_once('\'')?.1,
        };
        let (address, _) = rest.split_once('\'')?;
        // Nothing that could be taken for more of the sentence.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".:-_%".contains(&byte);
        (!address.is_empty() && address.bytes().all(plain)).then_some(address)
    }
}

/// How an account comes to be let in from here.
fn rename(login: &Login, address: Option<&str>) -> String {
    let user = identifier(&login.username);
    let host = literal(address.unwrap_or("%"));
    format!(
        "as an administrator, run SELECT Host FROM mysql.user WHERE User = {}, and then RENAME USER \
         {user}@'HOST' TO {user}@{host}, or CREATE USER {user}@{host} beside it",
        literal(&login.username)
    )
}

#[cfg(test)]
mod tests {
    use windlass_sdk::FailureKind::{self, *};
    use windlass_sdk::testing::{login, scripted};

    use super::*;
    use crate::errors::tests::error;

    fn app(tls: TlsMode) -> Login {
        Login { tls, ..login(scripted(drop).0, "app", "kX3.vQ9-tLm2") }
    }

    #[test]
    fn the_number_of_a_sign_in_decides_and_each_has_its_remedy() {
        let table: &[(u16, FailureKind, &str)] = &[
            (1045, Refused, "must not REQUIRE X509"),
            (1698, Declined, "does not sign in with a password"),
            (1130, Declined, "RENAME USER `app`@'HOST'"),
            (1129, Declined, "performance_schema.host_cache"),
            (1044, Declined, "\"dbname\""),
            (1049, Declined, "\"dbname\""),
            (3118, Declined, "ALTER USER `app`@'HOST' ACCOUNT UNLOCK"),
            (4151, Declined, "ALTER USER `app`@'HOST' ACCOUNT UNLOCK"),
            (4150, Declined, "FLUSH PRIVILEGES"),
            (3955, Declined, "ACCOUNT UNLOCK; then windlass repair --password-of VERSION"),
            (1862, Declined, "\"masterarn\""),
            (3159, Declined, "remove \"ssl\": false"),
            (1040, Unreachable, "max_connections"),
            (1203, Unreachable, "max_user_connections"),
            (1226, Unreachable, "MAX_USER_CONNECTIONS"),
            (1053, Unreachable, ""),
            (1251, Unsupported, ""),
            (1043, Protocol, ""),
            (9999, Declined, ""),
            (0, Declined, ""),
        ];
        for (number, kind, remedy) in table {
            let failure = error(*number, "no").sign_in_failure(&app(TlsMode::Required));
            assert_eq!((failure.kind, failure.code.as_str()), (*kind, &*number.to_string()));
            assert_eq!(failure.message, "signing in: no");
            assert!(failure.remedy.contains(remedy), "{failure:?}");
            assert_eq!(failure.remedy.is_empty(), remedy.is_empty(), "{failure:?}");
        }
    }

    #[test]
    fn a_refusal_names_the_address_that_the_server_saw() {
        let said = "Access denied for user 'app'@'192.0.2.7' (using password: YES)";
        let failure = error(1045, said).sign_in_failure(&app(TlsMode::Required));
        assert!(failure.remedy.contains("matches 192.0.2.7, from where"), "{failure:?}");
        assert!(!failure.remedy.contains("\"ssl\""), "{failure:?}");
        let failure = error(1045, said).sign_in_failure(&app(TlsMode::Disabled));
        assert!(failure.remedy.contains("remove \"ssl\": false"), "{failure:?}");
        for odd in ["Access denied", "for 'app'@'a; DROP b'", "for 'app'@''", "for 'app'@'"] {
            let failure = error(1045, odd).sign_in_failure(&app(TlsMode::Required));
            assert!(failure.remedy.contains("that the server's message names"), "{failure:?}");
        }
    }

    #[test]
    fn a_greeting_is_never_a_refusal_and_its_text_not_repeated() {
        let login = app(TlsMode::Required);
        for (number, kind) in [(1045, Unreachable), (1040, Unreachable), (1130, Declined)] {
            let failure = error(number, "go to 'evil.example'").greeting_failure(&login);
            assert_eq!(failure.kind, kind);
            assert!(!format!("{failure:?}").contains("evil"));
        }
        let failure = error(1130, "Host '192.0.2.7' is not allowed").greeting_failure(&login);
        assert!(failure.message.ends_with("sign in from 192.0.2.7"), "{failure:?}");
        assert!(failure.remedy.contains("TO `app`@'192.0.2.7'"), "{failure:?}");
        assert!(error(1129, "").greeting_failure(&login).remedy.contains("FLUSH HOSTS"));
    }
}
