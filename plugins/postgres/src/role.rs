//! One account of a pair: its attributes and settings, and in what the clone's should be like the base's.

use std::fmt;

use windlass_postgres_wire::{Settings, Value, is_longer, literal};
use windlass_sdk::Failure;

/// One account.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Role {
    pub(crate) can_login: bool,
    pub(crate) inherit: bool,
    pub(crate) superuser: bool,
    pub(crate) create_role: bool,
    pub(crate) create_database: bool,
    pub(crate) replication: bool,
    pub(crate) bypass_row_security: bool,
    /// -1: no limit.
    pub(crate) connection_limit: i32,
    /// When its password expires, as the server writes it; absent: never.
    pub(crate) valid_until: Option<String>,
    /// Whether that is past.
    pub(crate) expired: bool,
    pub(crate) settings: Settings,
    /// What `COMMENT ON ROLE` says about it.
    pub(crate) comment: Option<String>,
}

impl Role {
    /// What `CREATE ROLE … LOGIN INHERIT` makes.
    pub(crate) fn as_created() -> Self {
        Self {
            can_login: true,
            inherit: true,
            superuser: false,
            create_role: false,
            create_database: false,
            replication: false,
            bypass_row_security: false,
            connection_limit: -1,
            valid_until: None,
            expired: false,
            settings: Settings::default(),
            comment: None,
        }
    }

    /// Whether the row is the clone's, and the account without its settings.
    pub(crate) fn read(row: &[Value]) -> Option<(bool, Self)> {
        let [
            is_clone,
            login,
            inherit,
            superuser,
            role,
            database,
            replication,
            bypass,
            limit,
            until,
            expired,
            comment,
        ] = row
        else {
            return None;
        };
        let read = Self {
            can_login: flag(login)?,
            inherit: flag(inherit)?,
            superuser: flag(superuser)?,
            create_role: flag(role)?,
            create_database: flag(database)?,
            replication: flag(replication)?,
            bypass_row_security: flag(bypass)?,
            connection_limit: limit.as_deref()?.parse().ok()?,
            valid_until: until.clone(),
            expired: flag(expired)?,
            settings: Settings::default(),
            comment: comment.clone(),
        };
        Some((flag(is_clone)?, read))
    }

    /// The options of `ALTER ROLE` that give `clone` the attributes that matter at sign-in, each
    /// with a blank before it. The others (SUPERUSER, CREATEROLE, CREATEDB, BYPASSRLS) are asked
    /// of the role that a session runs as, and that is this one.
    pub(crate) fn options_for(&self, clone: &Self) -> Result<String, Failure> {
        let mut options = String::new();
        if !clone.can_login {
            options.push_str(" LOGIN");
        }
        if !clone.inherit {
            options.push_str(" INHERIT");
        }
        if self.replication && !clone.replication {
            options.push_str(" REPLICATION");
        }
        if self.connection_limit != clone.connection_limit {
            options.push_str(&format!(" CONNECTION LIMIT {}", self.connection_limit));
        }
        if self.valid_until != clone.valid_until {
            let until = self.valid_until.as_deref().unwrap_or("infinity");
            options.push_str(&format!(" VALID UNTIL {}", literal(until)?));
        }
        Ok(options)
    }

    /// The attributes in which a clone should be like this account, and is not.
    pub(crate) fn differing_attributes(&self, clone: &Self) -> Vec<Attribute> {
        let limit = |role: &Self| match role.connection_limit {
            -1 => "unlimited".to_owned(),
            limit => limit.to_string(),
        };
        let until = |role: &Self| role.valid_until.clone().unwrap_or_else(|| "infinity".to_owned());
        let word = |is: bool, word: &str| format!("{}{word}", if is { "" } else { "NO" });
        // INHERIT the clone always has, and never less REPLICATION than this account.
        let (inherits, replicates) = (clone.inherit, clone.replication || !self.replication);
        [
            ("CONNECTION LIMIT", limit(clone), limit(self)),
            ("VALID UNTIL", until(clone), until(self)),
            ("LOGIN", word(clone.can_login, "LOGIN"), word(self.can_login, "LOGIN")),
            ("INHERIT", word(inherits, "INHERIT"), word(true, "INHERIT")),
            ("REPLICATION", word(replicates, "REPLICATION"), word(true, "REPLICATION")),
        ]
        .into_iter()
        .filter(|(_, clones, own)| clones != own)
        .map(|(name, clones, own)| Attribute { name, clones, own })
        .collect()
    }

    /// Whether a clone made like this account lives longer than it does now.
    pub(crate) fn outlives(&self, clone: &Self) -> bool {
        is_longer(self.valid_until.as_deref(), clone.valid_until.as_deref())
    }

    /// A power that this account has and `other` has not.
    pub(crate) fn powers_beyond(&self, other: &Self) -> Option<&'static str> {
        [
            ("SUPERUSER", self.superuser, other.superuser),
            ("REPLICATION", self.replication, other.replication),
            ("BYPASSRLS", self.bypass_row_security, other.bypass_row_security),
            ("CREATEROLE", self.create_role, other.create_role),
            ("CREATEDB", self.create_database, other.create_database),
        ]
        .into_iter()
        .find_map(|(name, own, others)| (own && !others).then_some(name))
    }
}

/// An attribute in which a clone is not like its base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub(crate) name: &'static str,
    /// What the clone has.
    pub(crate) clones: String,
    /// What the base has.
    pub(crate) own: String,
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {} to {}", self.name, self.clones, self.own)
    }
}

/// A boolean as the server writes it.
pub(crate) fn flag(value: &Value) -> Option<bool> {
    match value.as_deref()? {
        "t" => Some(true),
        "f" => Some(false),
        _ => None,
    }
}
