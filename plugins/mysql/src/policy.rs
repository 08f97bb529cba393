//! What the server's password policy makes of a new password.
//!
//! A password that the policy does not take is `password-rejected`, with what the server requires and
//! the setting of Windlass's that stands against it, where the server tells. Nothing of a text of the
//! server's goes on that could hold the password.
//!
//! MariaDB gets a hash, which no policy looks at. Where the server insists on the password
//! (`strict_password_validation`), it gets it if the operator allows that, inside TLS, and not else.

use windlass_sdk::{ChangeRequest, Failure, TlsMode, clean, fill_random};

use crate::errno::{
    self, CANNOT_USER, CREDENTIALS_CONTRADICT_TO_HISTORY, NOT_VALID_PASSWORD,
    OPTION_PREVENTS_STATEMENT, PASSWD_LENGTH,
};
use crate::errors::CHANGING;
use crate::requirements::Requirements;
use crate::session::{AccountName, Session};
use crate::stored::{Form, Identity, identified_mariadb};
use crate::version::Version;

/// What lets MariaDB take a hash, which no policy looks at.
const NOT_STRICT: &str = "as an administrator, run SET GLOBAL strict_password_validation = OFF, so that no policy looks at it";

/// How the policies of MariaDB's own begin their reasons, none of which repeats the password.
const KNOWN: [&str; 3] = ["simple_password_check: ", "cracklib: ", "password_reuse_check: "];

/// A password that an account is to get.
#[derive(Clone, Copy)]
pub(crate) struct NewPassword<'a> {
    pub(crate) text: &'a str,
    /// Whether it may be sent as text.
    pub(crate) sendable: Sendable,
}

/// Whether a password may be sent as text, where MariaDB asks for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sendable {
    /// Inside TLS, as the operator allows; or nobody is ever going to sign in with it.
    Yes,
    /// The operator does not allow it.
    NotAllowed,
    /// There is no TLS.
    InClear,
}

impl<'a> NewPassword<'a> {
    pub(crate) fn new(request: &'a ChangeRequest) -> Self {
        let sendable = match (request.actor.tls, request.may_send_text) {
            (TlsMode::Disabled, _) => Sendable::InClear,
            (TlsMode::Required, true) => Sendable::Yes,
            (TlsMode::Required, false) => Sendable::NotAllowed,
        };
        Self { text: &request.new_password, sendable }
    }

    fn check_sendable(self) -> Result<(), Failure> {
        let why = "the server insists on seeing the new password as text \
                   (strict_password_validation)";
        match self.sendable {
            Sendable::Yes => Ok(()),
            Sendable::NotAllowed => {
                Err(Failure::text_required(format!("{CHANGING}: {why}")).with_remedy(NOT_STRICT))
            }
            Sendable::InClear => Err(Failure::unsupported(format!(
                "{CHANGING}: {why}, and the connection has no TLS"
            ))
            .with_remedy(format!(
                "turn TLS on in the server and remove \"ssl\": false from the secret; or {NOT_STRICT}"
            ))),
        }
    }
}

/// What a refusal of MariaDB's was about.
#[derive(Debug, PartialEq, Eq)]
enum Reason {
    /// A hash, where it wants to see the password.
    Hash,
    /// The password, for these reasons.
    Password(Vec<String>),
    /// What is not a hash of the method.
    NoHash,
    /// Something else.
    Other,
}

/// Runs a statement of MariaDB's that sets a password: with its hash, and with the password itself
/// where the server insists.
pub(crate) fn set_mariadb(
    session: &mut Session,
    version: Version,
    password: NewPassword<'_>,
    doing: &str,
    statement: impl Fn(Form) -> Result<String, Failure>,
) -> Result<(), Failure> {
    let Err(failure) = session.secret(&statement(Form::Hash)?, doing) else { return Ok(()) };
    match reason(session, &failure, password.text)? {
        Reason::NoHash | Reason::Other => return Err(failure),
        Reason::Hash | Reason::Password(_) => password.check_sendable()?,
    }
    let Err(failure) = session.secret(&statement(Form::Clear)?, doing) else { return Ok(()) };
    match reason(session, &failure, password.text)? {
        Reason::Password(reasons) => Err(rejected(session, version, password.text, doing, &reasons)),
        Reason::Hash => Err(Failure::declined(format!(
            "{doing}: a method of the account keeps a hash (USING 'invalid'), which the server takes \
             from nobody (strict_password_validation)"
        ))
        .with_code(failure.code)
        .with_remedy(
            "as an administrator, take that method from the account (ALTER USER … IDENTIFIED VIA), or \
             run SET GLOBAL strict_password_validation = OFF",
        )),
        Reason::NoHash | Reason::Other => Err(failure),
    }
}

/// Asks MariaDB whether its policy takes a password, with a statement that it refuses in any case: a
/// second method keeps what is not a hash. The policy is asked about the first one before that (seen on
/// MariaDB 10.11). The statement is about an account that does not exist and that nobody could sign in
/// as, so that a server which accepts it has changed no account of anybody's; it is dropped then.
pub(crate) fn ask_mariadb(
    session: &mut Session,
    version: Version,
    password: NewPassword<'_>,
    method: &Identity,
) -> Result<(), Failure> {
    let doing = "asking the server's policy about the new password";
    let who = nobody().quoted();
    for form in [Form::Hash, Form::Clear] {
        let first = identified_mariadb(std::slice::from_ref(method), password.text, form)?;
        let statement = format!("CREATE USER {who} {first} OR mysql_native_password USING 'none'");
        let Err(failure) = session.secret(&statement, doing) else {
            return session.query(&format!("DROP USER {who}"), doing).map(drop);
        };
        match (form, reason(session, &failure, password.text)?) {
            (Form::Hash, Reason::Hash | Reason::Password(_)) => password.check_sendable()?,
            (Form::Clear, Reason::Password(reasons)) => {
                return Err(rejected(session, version, password.text, doing, &reasons));
            }
            // It has come to the second method.
            (Form::Clear, Reason::Hash) | (_, Reason::NoHash) => return Ok(()),
            (_, Reason::Other) => return Err(failure),
        }
    }
    Ok(())
}

/// Runs a statement of MySQL's that sets a password.
pub(crate) fn set_mysql(
    session: &mut Session,
    version: Version,
    password: &str,
    doing: &str,
    statement: &str,
) -> Result<(), Failure> {
    match session.secret(statement, doing) {
        Err(failure) if errno::is(&failure, NOT_VALID_PASSWORD) => {
            Err(rejected(session, version, password, doing, &[]))
        }
        Err(failure) if errno::is(&failure, CREDENTIALS_CONTRADICT_TO_HISTORY) => {
            Err(Failure::password_rejected(failure.message)
                .with_code(failure.code)
                .with_remedy("rotate again, which makes another password"))
        }
        outcome => outcome,
    }
}

/// Whether one of MySQL's rules for passwords stands against a password.
pub(crate) fn is_of_a_rule(failure: &Failure) -> bool {
    errno::is_any(failure, &[NOT_VALID_PASSWORD, CREDENTIALS_CONTRADICT_TO_HISTORY])
}

/// The name of an account that does not exist, at a host that can not exist (RFC 2606).
fn nobody() -> AccountName {
    let mut random = [0; 12];
    fill_random(&mut random);
    let user =
        random.iter().fold("windlass:".to_owned(), |name, byte| name + &format!("{byte:02x}"));
    AccountName { user, host: "windlass.invalid".to_owned() }
}

fn reason(session: &mut Session, failure: &Failure, password: &str) -> Result<Reason, Failure> {
    // MariaDB answers with the last in all cases; the reason is among its warnings.
    let known = [NOT_VALID_PASSWORD, OPTION_PREVENTS_STATEMENT, PASSWD_LENGTH, CANNOT_USER];
    if !errno::is_any(failure, &known) {
        return Ok(Reason::Other);
    }
    let rows = session.query("SHOW WARNINGS", "asking why the server refused")?;
    let mut reasons = Vec::new();
    let mut refused = errno::is(failure, NOT_VALID_PASSWORD);
    let mut no_hash = errno::is(failure, PASSWD_LENGTH);
    for row in rows {
        let [_, Some(code), Some(text)] = row.as_slice() else { continue };
        let is = |number| errno::matches(code, number);
        if is(OPTION_PREVENTS_STATEMENT) && text.contains("strict-password-validation") {
            return Ok(Reason::Hash);
        }
        refused |= is(NOT_VALID_PASSWORD);
        no_hash |= is(PASSWD_LENGTH);
        let known = KNOWN.iter().any(|policy| text.starts_with(policy));
        if is(NOT_VALID_PASSWORD) && known && !text.contains(password) {
            reasons.push(clean(text));
        }
    }
    Ok(match (refused, no_hash) {
        (true, _) => Reason::Password(reasons),
        (false, true) => Reason::NoHash,
        (false, false) => Reason::Other,
    })
}

/// The failure where the policy does not take a password.
fn rejected(
    session: &mut Session,
    version: Version,
    password: &str,
    doing: &str,
    reasons: &[String],
) -> Failure {
    // What can't be read (the password of the session has expired, say) is left out.
    let required = Requirements::ask(session, version).unwrap_or_default();
    let mut message = format!("{doing}: the server's password policy refuses the new password");
    let known: Vec<_> = reasons.iter().cloned().chain(required.described()).collect();
    if !known.is_empty() {
        message.push_str(&format!(" ({})", known.join("; ")));
    }
    Failure::password_rejected(message)
        .with_code(NOT_VALID_PASSWORD.to_string())
        .with_remedy(required.remedy(password))
}
