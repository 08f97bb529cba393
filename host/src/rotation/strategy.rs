//! Which accounts a rotation touches, and who makes the change.
//!
//! Chosen, in this order: the secret's tag `windlass:strategy`, `WINDLASS_STRATEGY`, the secret's
//! fields (`masterarn` there: alternating users; not there: single user). A tag chooses among
//! strategies and never widens what a plugin may reach.

use super::ports::{Description, NameLength, UsernameRules};
use super::tags::{SEND_TEXT_TAG, STRATEGY_TAG};
use std::str::FromStr;

/// How a secret is rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// One user, whose password changes; made by itself, or by the administrator of `masterarn`.
    SingleUser,
    /// Two users that take turns, so that the one in use is never touched; made by the
    /// administrator of `masterarn`.
    AlternatingUsers,
    /// One user, whose password changes while the replaced one stays valid: until the next rotation
    /// sets a password, so that no client ever holds one that is refused. Made by the user itself,
    /// or by the administrator of `masterarn`.
    DualPassword,
}

impl Strategy {
    /// The name in tags and configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SingleUser => "single-user",
            Self::AlternatingUsers => "alternating-users",
            Self::DualPassword => "dual-password",
        }
    }
}

impl FromStr for Strategy {
    type Err = UnknownStrategy;

    fn from_str(text: &str) -> Result<Self, UnknownStrategy> {
        match text {
            "single-user" => Ok(Self::SingleUser),
            "alternating-users" => Ok(Self::AlternatingUsers),
            "dual-password" => Ok(Self::DualPassword),
            other => Err(UnknownStrategy(other.to_owned())),
        }
    }
}

/// A strategy that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown strategy `{0}`; the strategies are single-user, alternating-users and dual-password"
)]
pub struct UnknownStrategy(String);

/// What stands against a strategy before anything was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StrategyProblem {
    /// The tag's value is no strategy.
    #[error("tag `{STRATEGY_TAG}`: {0}")]
    Tag(UnknownStrategy),
    /// The tag that allows text says neither yes nor no.
    #[error("tag `{SEND_TEXT_TAG}` must be `true` or `false`, and is `{value}`")]
    SendTextTag {
        /// What it says.
        value: String,
    },
    /// The plugin or its service can't do it.
    #[error(
        "plugin `{plugin}` does not support `{ability}` for engine `{engine}`, which this \
             rotation needs{advice}"
    )]
    Unsupported {
        /// The plugin's name.
        plugin: String,
        /// The secret's engine.
        engine: String,
        /// What is missing, in the words of the interface's `features`.
        ability: &'static str,
        /// What to do instead; begins with `; ` or is empty.
        advice: &'static str,
    },
    /// Alternating users without an administrator.
    #[error(
        "alternating users need an administrator: add `masterarn`, the ARN of the admin secret, to \
         secret `{secret}`, or tag it `{STRATEGY_TAG}` = `single-user`"
    )]
    NoAdmin {
        /// The secret's name.
        secret: String,
    },
    /// The second account's name would be too long.
    #[error(
        "user name `{username}` is too long for alternating users: `{username}{suffix}` has \
         {length}, and the service allows at most {limit}; use a shorter name or tag the secret \
         `{STRATEGY_TAG}` = `single-user`"
    )]
    NameTooLong {
        /// The name.
        username: String,
        /// What would be appended.
        suffix: String,
        /// The resulting length.
        length: NameLength,
        /// The most that the service takes.
        limit: NameLength,
    },
    /// The service can't have an account of this name.
    #[error(
        "user name `{username}` has {length}, and plugin `{plugin}` allows at most {limit}; \
         correct `username` in the secret"
    )]
    NameAboveLimit {
        /// The name.
        username: String,
        /// The plugin.
        plugin: String,
        /// Its length.
        length: NameLength,
        /// The most that the service takes.
        limit: NameLength,
    },
    /// The service takes no name with this character.
    #[error(
        "user name `{username}` contains `{character}`, which plugin `{plugin}` does not allow \
         in account names; correct `username` in the secret"
    )]
    NameHas {
        /// The name.
        username: String,
        /// The plugin.
        plugin: String,
        /// The character.
        character: char,
    },
    /// The second account's name is longer than the operator wants.
    #[error(
        "user name `{username}` of alternating users has {length} characters, and \
         USERNAME_CHARACTER_LIMIT allows {limit}; use a shorter name, raise \
         USERNAME_CHARACTER_LIMIT, \
         or tag the secret `{STRATEGY_TAG}` = `single-user`"
    )]
    NameAboveSetting {
        /// The name.
        username: String,
        /// Its length, in characters.
        length: usize,
        /// The setting.
        limit: u32,
    },
    /// The name is nothing but the suffix.
    #[error("user name `{username}` is only the suffix of alternating users; use another name")]
    NameIsSuffix {
        /// The name.
        username: String,
    },
}

/// Makes sure that the plugin can do what the strategy needs.
///
/// # Errors
/// Names the ability that it lacks.
pub fn check_abilities(
    strategy: Strategy,
    by_admin: bool,
    plugin: &Description,
    engine: &str,
) -> Result<(), StrategyProblem> {
    let features = plugin.features;
    let missing = match (strategy, by_admin) {
        (Strategy::AlternatingUsers, _) if !features.alternating_users => {
            ("alternating-users", "; tag the secret `windlass:strategy` = `single-user`")
        }
        (Strategy::DualPassword, _) if !features.dual_password && features.alternating_users => (
            "dual-password",
            "; an account of this service has one password at a time: use alternating users, whose \
             one in use is never touched (tag the secret `windlass:strategy` = \
             `alternating-users`, and give it a `masterarn`)",
        ),
        (Strategy::DualPassword, _) if !features.dual_password => (
            "dual-password",
            "; an account of this service has one password at a time: tag the secret \
             `windlass:strategy` = `single-user`",
        ),
        (Strategy::SingleUser | Strategy::DualPassword, true) if !features.admin_change => {
            ("admin-change", "")
        }
        (Strategy::SingleUser | Strategy::DualPassword, false) if !features.self_change => {
            ("self-change", "; add `masterarn`, the ARN of an admin secret, to the secret")
        }
        _ => return Ok(()),
    };
    let (ability, advice) = missing;
    let (plugin, engine) = (plugin.name.clone(), engine.to_owned());
    Err(StrategyProblem::Unsupported { plugin, engine, ability, advice })
}

/// Makes sure that the service can have an account of this name.
///
/// # Errors
/// If it is too long, or has a character that no account's name has.
pub fn check_name(username: &str, plugin: &Description) -> Result<(), StrategyProblem> {
    let rules = &plugin.username_rules;
    let (username, plugin) = (username.to_owned(), plugin.name.clone());
    if let Some(character) = username.chars().find(|c| rules.excluded_characters.contains(*c)) {
        return Err(StrategyProblem::NameHas { username, plugin, character });
    }
    match rules.max_length.exceeded_by(&username) {
        None => Ok(()),
        Some(length) => {
            let limit = rules.max_length;
            Err(StrategyProblem::NameAboveLimit { username, plugin, length, limit })
        }
    }
}

/// Makes sure that the name of the second account is within the operator's own limit, which AWS's
/// functions count in characters.
///
/// # Errors
/// If it is longer.
pub fn check_setting(username: &str, limit: Option<u32>) -> Result<(), StrategyProblem> {
    let length = username.chars().count();
    match limit {
        Some(limit) if length > limit as usize => {
            Err(StrategyProblem::NameAboveSetting { username: username.to_owned(), length, limit })
        }
        _ => Ok(()),
    }
}

/// The other half of a pair: `app` and `app_clone` name each other.
///
/// # Errors
/// If the service would not take the longer of the two names.
pub fn alternate(username: &str, rules: &UsernameRules) -> Result<String, StrategyProblem> {
    if let Some(base) = username.strip_suffix(&rules.clone_suffix) {
        return if base.is_empty() {
            Err(StrategyProblem::NameIsSuffix { username: username.to_owned() })
        } else {
            Ok(base.to_owned())
        };
    }
    let other = format!("{username}{}", rules.clone_suffix);
    if let Some(length) = rules.max_length.exceeded_by(&other) {
        return Err(StrategyProblem::NameTooLong {
            username: username.to_owned(),
            suffix: rules.clone_suffix.clone(),
            length,
            limit: rules.max_length,
        });
    }
    Ok(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> UsernameRules {
        UsernameRules {
            max_length: NameLength::Bytes(12),
            clone_suffix: "_clone".into(),
            excluded_characters: String::new(),
        }
    }

    #[test]
    fn the_two_halves_name_each_other() {
        for (name, other) in [("app", "app_clone"), ("app_clone", "app"), ("é", "é_clone")] {
            assert_eq!(alternate(name, &rules()).as_deref(), Ok(other));
        }
    }

    #[test]
    fn a_name_too_long_for_its_clone_is_refused_as_the_service_counts() {
        assert!(alternate("abcdef", &rules()).is_ok());
        let error = alternate("abcdeé", &rules()).unwrap_err();
        assert!(
            error.to_string().contains("has 13 bytes, and the service allows at most 12 bytes"),
            "{error}"
        );
        let counted = UsernameRules { max_length: NameLength::Characters(12), ..rules() };
        assert!(alternate("abcdeé", &counted).is_ok());
        let error = alternate("abcdefg", &counted).unwrap_err();
        assert!(error.to_string().contains("has 13 characters, and"), "{error}");
    }

    #[test]
    fn the_suffix_alone_is_no_name() {
        let error = alternate("_clone", &rules()).unwrap_err();
        assert_eq!(error, StrategyProblem::NameIsSuffix { username: "_clone".into() });
    }

    #[test]
    fn a_strategy_that_does_not_exist_is_named_with_those_that_do() {
        let error = "dual".parse::<Strategy>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown strategy `dual`; the strategies are single-user, alternating-users and \
             dual-password"
        );
    }
}
