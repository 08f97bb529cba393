//! What the server says about one account (`SHOW CREATE USER`), beside its rights: how it signs in,
//! and what else decides whether it may.

use std::collections::{BTreeMap, BTreeSet};

use windlass_sdk::Failure;

use crate::quote::{identifier, literal};
use crate::session::{AccountName, Session};
use crate::stored::Identity;
use crate::tokens::{Backslash, Tokens, unreadable};
use crate::version::Version;

/// One account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    /// The ways to sign in, of which one is enough. MySQL has one; more than one factor is refused.
    pub(crate) identities: Vec<Identity>,
    pub(crate) attributes: Attributes,
    pub(crate) locked: bool,
    /// MySQL's; MariaDB names them among the grants.
    pub(crate) default_roles: Vec<(String, String)>,
}

/// What matters at the sign-in beside the password.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    /// What follows `REQUIRE`; empty where nothing is required.
    require: String,
    /// The number behind each `MAX_…`; absent is 0, no limit.
    limits: BTreeMap<String, String>,
    /// Rules for passwords: what stands behind each phrase, where it is not the default.
    policies: BTreeMap<&'static str, String>,
    /// The password has expired, and the server says that in the place of when it will.
    expired: bool,
}

/// One of these that an account does not have as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// The words before the value.
    what: String,
    before: String,
    after: String,
}

/// The rules that both servers, or one of them, write, and what stands for their default.
const POLICIES: [(&str, &str); 6] = [
    (EXPIRE, "DEFAULT"),
    ("PASSWORD HISTORY", "DEFAULT"),
    ("PASSWORD REUSE INTERVAL", "DEFAULT"),
    ("PASSWORD REQUIRE CURRENT", "DEFAULT"),
    ("FAILED_LOGIN_ATTEMPTS", "0"),
    ("PASSWORD_LOCK_TIME", "0"),
];

const EXPIRE: &str = "PASSWORD EXPIRE";

impl Change {
    /// How it is.
    pub(crate) fn before(&self) -> String {
        self.with(&self.before)
    }

    /// How it should be.
    pub(crate) fn after(&self) -> String {
        self.with(&self.after)
    }

    /// The clause of `ALTER USER` that makes it so.
    pub(crate) fn clause(&self) -> String {
        format!("{}{}", if self.is_limit() { "WITH " } else { "" }, self.after())
    }

    /// Whether a password may be valid for longer then. What `DEFAULT` is, an account does not say.
    pub(crate) fn lengthens_a_life(&self) -> bool {
        let days = |value: &str| value.split(' ').nth(1)?.parse::<u64>().ok();
        let is_shorter = match (days(&self.before), days(&self.after)) {
            (Some(before), Some(after)) => after <= before,
            _ => self.before == "NEVER",
        };
        self.what == EXPIRE && !is_shorter
    }

    fn is_limit(&self) -> bool {
        self.what.starts_with("MAX_")
    }

    fn with(&self, value: &str) -> String {
        format!("{} {value}", self.what).trim_end().to_owned()
    }
}

impl Account {
    /// Asks the server.
    pub(crate) fn ask(
        session: &mut Session,
        version: Version,
        name: &AccountName,
    ) -> Result<Self, Failure> {
        Self::read(&show(session, &name.quoted())?, version.backslash())
    }

    pub(crate) fn read(statement: &str, backslash: Backslash) -> Result<Self, Failure> {
        let mut tokens = Tokens::read(statement, backslash)?;
        skip_name(&mut tokens)?;
        let mut account = Self {
            identities: identities(&mut tokens)?,
            attributes: Attributes::default(),
            locked: false,
            default_roles: Vec::new(),
        };
        while !tokens.is_empty() {
            account.read_clause(&mut tokens)?;
        }
        Ok(account)
    }

    fn read_clause(&mut self, tokens: &mut Tokens) -> Result<(), Failure> {
        let attributes = &mut self.attributes;
        if tokens.takes("REQUIRE") {
            attributes.require = require(tokens)?;
        } else if tokens.takes("WITH") {
            while let Some(limit) = tokens.word_if(|word| word.starts_with("MAX_")) {
                attributes.limits.insert(limit, number(tokens)?);
            }
        } else if tokens.takes("ACCOUNT") {
            self.locked = tokens.takes("LOCK");
            if !self.locked {
                tokens.expect("UNLOCK")?;
            }
        } else if tokens.takes_all("DEFAULT ROLE")? {
            loop {
                let role = tokens.name()?;
                tokens.expect_mark('@')?;
                self.default_roles.push((role, tokens.name()?));
                if !tokens.takes_mark(',') {
                    break;
                }
            }
        } else if tokens.takes("FAILED_LOGIN_ATTEMPTS") {
            attributes.set("FAILED_LOGIN_ATTEMPTS", tokens.word()?);
        } else if tokens.takes("PASSWORD_LOCK_TIME") {
            attributes.set("PASSWORD_LOCK_TIME", tokens.word()?);
        } else {
            tokens.expect("PASSWORD")?;
            attributes.read_policy(tokens)?;
        }
        Ok(())
    }
}

impl Attributes {
    /// Whether both are the same, as far as the server tells.
    pub(crate) fn agree_with(&self, other: &Self) -> bool {
        self.changes_of(other).is_empty()
    }

    /// In what `other` differs from these, as far as the server tells: of a password that has expired
    /// it does not say when others will.
    pub(crate) fn changes_of(&self, other: &Self) -> Vec<Change> {
        let mut other = other.clone();
        if other.expired {
            other.expired = false;
            let own = self.policies.get(EXPIRE).cloned();
            own.into_iter().for_each(|when| drop(other.policies.insert(EXPIRE, when)));
        }
        self.changes_instead_of(&other)
    }

    /// What gives an account these in the place of `other`'s: clauses of `ALTER USER`, or nothing.
    pub(crate) fn clauses_instead_of(&self, other: &Self) -> String {
        let mut clauses = String::new();
        let mut with = " WITH";
        for change in self.changes_instead_of(other) {
            if change.is_limit() {
                clauses.push_str(with);
                with = "";
            }
            clauses.push_str(&format!(" {}", change.after()));
        }
        clauses
    }

    fn changes_instead_of(&self, other: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut change = |what: &str, before: &str, after: &str| {
            if before != after {
                let [before, after] = [before, after].map(str::to_owned);
                changes.push(Change { what: what.to_owned(), before, after });
            }
        };
        let require = |own: &Self| match own.require.as_str() {
            "" => "NONE".to_owned(),
            required => required.to_owned(),
        };
        change("REQUIRE", &require(other), &require(self));
        let limits: BTreeSet<&String> = self.limits.keys().chain(other.limits.keys()).collect();
        for limit in limits {
            change(limit, other.limit(limit), self.limit(limit));
        }
        for (phrase, default) in POLICIES {
            let value = |own: &Self| match own.policies.get(phrase) {
                _ if phrase == EXPIRE && own.expired => String::new(),
                Some(value) => value.clone(),
                None => default.to_owned(),
            };
            // What the server does not say can't be given.
            if !(phrase == EXPIRE && self.expired) {
                change(phrase, &value(other), &value(self));
            }
        }
        changes
    }

    fn limit<'a>(&'a self, name: &str) -> &'a str {
        self.limits.get(name).map_or("0", String::as_str)
    }

    fn set(&mut self, phrase: &'static str, value: String) {
        if !POLICIES.contains(&(phrase, value.as_str())) {
            self.policies.insert(phrase, value);
        }
    }

    /// What follows `PASSWORD`.
    fn read_policy(&mut self, tokens: &mut Tokens) -> Result<(), Failure> {
        let one = |tokens: &mut Tokens| {
            tokens.word_if(|word| {
                matches!(word, "DEFAULT" | "NEVER" | "OPTIONAL") || word.parse::<u64>().is_ok()
            })
        };
        if tokens.takes("EXPIRE") {
            if tokens.takes("INTERVAL") {
                let days = tokens.word()?;
                tokens.expect("DAY")?;
                self.set(EXPIRE, format!("INTERVAL {days} DAY"));
            } else if let Some(when) = one(tokens) {
                self.set(EXPIRE, when);
            } else {
                self.expired = true;
            }
        } else if tokens.takes("HISTORY") {
            self.set("PASSWORD HISTORY", one(tokens).ok_or_else(unreadable)?);
        } else if tokens.takes_all("REUSE INTERVAL")? {
            let days = one(tokens).ok_or_else(unreadable)?;
            let days = if tokens.takes("DAY") { format!("{days} DAY") } else { days };
            self.set("PASSWORD REUSE INTERVAL", days);
        } else if tokens.takes_all("REQUIRE CURRENT")? {
            // Nothing behind it means that it is required.
            self.set("PASSWORD REQUIRE CURRENT", one(tokens).unwrap_or_default());
        } else {
            return Err(unreadable());
        }
        Ok(())
    }
}

/// The ways to sign in as the session's own account, which needs no right.
pub(crate) fn own_identities(
    session: &mut Session,
    version: Version,
) -> Result<Vec<Identity>, Failure> {
    let mut tokens = Tokens::read(&show(session, "CURRENT_USER()")?, version.backslash())?;
    skip_name(&mut tokens)?;
    identities(&mut tokens)
}

fn show(session: &mut Session, who: &str) -> Result<String, Failure> {
    let rows = session.query(&format!("SHOW CREATE USER {who}"), "reading the account")?;
    rows.into_iter().flatten().flatten().next().ok_or_else(unreadable)
}

fn skip_name(tokens: &mut Tokens) -> Result<(), Failure> {
    tokens.expect("CREATE")?;
    tokens.expect("USER")?;
    tokens.name()?;
    tokens.expect_mark('@')?;
    tokens.name().map(drop)
}

impl AccountName {
    /// As it stands in statements.
    pub(crate) fn quoted(&self) -> String {
        format!("{}@{}", identifier(&self.user), identifier(&self.host))
    }
}

fn identities(tokens: &mut Tokens) -> Result<Vec<Identity>, Failure> {
    let native = "mysql_native_password";
    if !tokens.takes("IDENTIFIED") {
        return Ok(vec![Identity { plugin: native.into(), stored: Some(Vec::new()) }]);
    }
    if tokens.takes_all("BY PASSWORD")? {
        return Ok(vec![Identity { plugin: native.into(), stored: Some(tokens.text()?) }]);
    }
    let mut all = Vec::new();
    if tokens.takes("VIA") {
        loop {
            let plugin = match tokens.name_if_there() {
                Some(name) => name,
                None => tokens.word()?,
            };
            let with = tokens.takes("USING") || tokens.takes("AS");
            let stored = if with { tokens.text()? } else { Vec::new() };
            all.push(Identity { plugin, stored: Some(stored) });
            if !tokens.takes("OR") {
                return Ok(all);
            }
        }
    }
    tokens.expect("WITH")?;
    let plugin = tokens.name()?;
    let stored = match tokens.takes("AS") {
        false => Some(Vec::new()),
        // `<secret>`, where the session may not see it.
        true if tokens.takes_mark('<') => {
            tokens.word()?;
            tokens.expect_mark('>')?;
            None
        }
        true => Some(tokens.text()?),
    };
    all.push(Identity { plugin, stored });
    if tokens.takes("AND") {
        return Err(Failure::unsupported(
            "the account signs in with more than a password (multi-factor authentication)",
        ));
    }
    Ok(all)
}

fn require(tokens: &mut Tokens) -> Result<String, Failure> {
    if tokens.takes("NONE") {
        return Ok(String::new());
    }
    if let Some(kind) = tokens.word_if(|word| matches!(word, "SSL" | "X509")) {
        return Ok(kind);
    }
    let mut parts = BTreeMap::new();
    while let Some(what) = tokens.word_if(|word| matches!(word, "SUBJECT" | "ISSUER" | "CIPHER")) {
        let text = String::from_utf8(tokens.text()?).map_err(|_| unreadable())?;
        parts.insert(what, literal(&text));
        tokens.takes("AND");
    }
    if parts.is_empty() {
        return Err(unreadable());
    }
    let parts: Vec<String> = parts.iter().map(|(what, text)| format!("{what} {text}")).collect();
    Ok(parts.join(" AND "))
}

/// A number, with its fraction if it has one.
fn number(tokens: &mut Tokens) -> Result<String, Failure> {
    let mut number = tokens.word()?;
    if tokens.takes_mark('.') {
        number = format!("{number}.{}", tokens.word()?);
    }
    Ok(number)
}

#[cfg(test)]
mod tests;
