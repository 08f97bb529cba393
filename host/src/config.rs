//! What the operator configures, from the environment, parsed at the door.
//!
//! The names of AWS's rotation templates mean here what they mean there. Everything of ours begins
//! with `WINDLASS_`; a name of that kind that nobody knows is a mistake. All mistakes are reported
//! at once, and none with a value that could be a secret.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tracing::level_filters::LevelFilter;

use crate::grants::GrantPattern;
use crate::rotation::Strategy;

/// Every variable of ours, so that a misspelt one is noticed.
const OWN_VARIABLES: [&str; 7] = [
    "WINDLASS_PLUGINS",
    "WINDLASS_PLUGIN",
    "WINDLASS_STRATEGY",
    "WINDLASS_GRANTS",
    "WINDLASS_CA_BUNDLE",
    "WINDLASS_TLS",
    "WINDLASS_LOG",
];

/// Variables of our developer tasks, which the tests' own processes carry.
const DEVELOPMENT_PREFIX: &str = "WINDLASS_DEV_";

/// `PASSWORD_LENGTH` may be 1 to 4096, as `GetRandomPassword` takes it.
const PASSWORD_LENGTH: std::ops::RangeInclusive<u32> = 1..=4096;

/// What the operator configured.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// How passwords are generated.
    pub passwords: PasswordSettings,
    /// `WINDLASS_STRATEGY`.
    pub strategy: Option<Strategy>,
    /// `WINDLASS_PLUGIN`: this plugin, whatever the secret's engine.
    pub plugin: Option<String>,
    /// `WINDLASS_PLUGINS`: folders with `.cwasm` files, separated by `:`.
    pub plugin_folders: Vec<PathBuf>,
    /// `WINDLASS_GRANTS`: what a plugin may reach. Empty: the secret's own host and port.
    pub grants: Vec<GrantPattern>,
    /// `WINDLASS_CA_BUNDLE`: trust these roots alone.
    pub ca_bundle: Option<PathBuf>,
    /// `WINDLASS_TLS`: what to do where the secret does not say.
    pub tls_policy: TlsPolicy,
    /// `SECRETS_MANAGER_ENDPOINT`.
    pub endpoint: Option<String>,
}

/// Whether a secret that does not say `ssl` may be signed in to without TLS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TlsPolicy {
    /// `required`: no.
    #[default]
    Required,
    /// `compatible`: where TLS can't be had. AWS's functions do so, unasked and unseen.
    Compatible,
}

/// How passwords are generated: AWS's variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordSettings {
    /// `EXCLUDE_CHARACTERS`; the plugin's own where it is not set.
    pub exclude_characters: Option<String>,
    /// `PASSWORD_LENGTH`; the plugin's own where it is not set.
    pub length: Option<u32>,
    /// `EXCLUDE_NUMBERS`.
    pub exclude_numbers: bool,
    /// `EXCLUDE_PUNCTUATION`.
    pub exclude_punctuation: bool,
    /// `EXCLUDE_UPPERCASE`.
    pub exclude_uppercase: bool,
    /// `EXCLUDE_LOWERCASE`.
    pub exclude_lowercase: bool,
    /// `REQUIRE_EACH_INCLUDED_TYPE`; true where it is not set.
    pub require_each_included_type: bool,
}

impl Default for PasswordSettings {
    fn default() -> Self {
        Self {
            exclude_characters: None,
            length: None,
            exclude_numbers: false,
            exclude_punctuation: false,
            exclude_uppercase: false,
            exclude_lowercase: false,
            require_each_included_type: true,
        }
    }
}

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// Every mistake, at once.
    pub fn from_env() -> Result<Self, ConfigError> {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self::parse(variables.collect())
    }

    /// Reads an environment.
    ///
    /// # Errors
    /// Every mistake, at once.
    pub fn parse(variables: BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let mut mistakes = Vec::new();
        // An empty variable is one that is not set, except where AWS's templates see it otherwise:
        // an empty list excludes nothing, and an empty truth value is false.
        let set = |name: &str| variables.get(name).filter(|value| !value.is_empty());

        let length = set("PASSWORD_LENGTH").and_then(|text| match text.parse::<u32>() {
            Ok(length) if PASSWORD_LENGTH.contains(&length) => Some(length),
            _ => {
                mistakes.push("`PASSWORD_LENGTH` must be a number from 1 to 4096".to_owned());
                None
            }
        });
        let strategy = set("WINDLASS_STRATEGY").and_then(|text| {
            text.parse()
                .map_err(|error| mistakes.push(format!("`WINDLASS_STRATEGY`: {error}")))
                .ok()
        });
        let mut grants = Vec::new();
        for text in set("WINDLASS_GRANTS").into_iter().flat_map(|list| list.split(',')) {
            match text.trim().parse() {
                Ok(pattern) => grants.push(pattern),
                Err(error) => mistakes.push(format!("`WINDLASS_GRANTS`: {error}")),
            }
        }
        let endpoint = set("SECRETS_MANAGER_ENDPOINT").cloned();
        if endpoint
            .as_ref()
            .is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://"))
        {
            mistakes
                .push("`SECRETS_MANAGER_ENDPOINT` must be an http:// or https:// URL".to_owned());
        }
        if set("WINDLASS_LOG").is_some_and(|level| level.parse::<LevelFilter>().is_err()) {
            mistakes.push("`WINDLASS_LOG` must be error, warn, info, debug or trace".to_owned());
        }
        let tls_policy = match set("WINDLASS_TLS").map(String::as_str) {
            None | Some("required") => TlsPolicy::Required,
            Some("compatible") => TlsPolicy::Compatible,
            Some(_) => {
                mistakes.push("`WINDLASS_TLS` must be required or compatible".to_owned());
                TlsPolicy::Required
            }
        };
        for name in variables.keys().filter(|name| name.starts_with("WINDLASS_")) {
            if !OWN_VARIABLES.contains(&name.as_str()) && !name.starts_with(DEVELOPMENT_PREFIX) {
                mistakes.push(format!(
                    "unknown variable `{name}`; known are {}",
                    OWN_VARIABLES.join(", ")
                ));
            }
        }
        if !mistakes.is_empty() {
            return Err(ConfigError { mistakes });
        }
        let on = |name, default| variables.get(name).map_or(default, |text| is_true(text));
        Ok(Self {
            passwords: PasswordSettings {
                exclude_characters: variables.get("EXCLUDE_CHARACTERS").cloned(),
                length,
                exclude_numbers: on("EXCLUDE_NUMBERS", false),
                exclude_punctuation: on("EXCLUDE_PUNCTUATION", false),
                exclude_uppercase: on("EXCLUDE_UPPERCASE", false),
                exclude_lowercase: on("EXCLUDE_LOWERCASE", false),
                require_each_included_type: on("REQUIRE_EACH_INCLUDED_TYPE", true),
            },
            strategy,
            plugin: set("WINDLASS_PLUGIN").cloned(),
            plugin_folders: set("WINDLASS_PLUGINS")
                .map(|folders| std::env::split_paths(folders).collect())
                .unwrap_or_default(),
            grants,
            ca_bundle: set("WINDLASS_CA_BUNDLE").map(PathBuf::from),
            tls_policy,
            endpoint,
        })
    }
}

/// What AWS's templates take for true; everything else is false.
fn is_true(text: &str) -> bool {
    ["true", "1", "y", "yes"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Mistakes in the environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the function's environment is not right: {}", mistakes.join("; "))]
pub struct ConfigError {
    /// A sentence each.
    pub mistakes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::parse(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn truth_is_what_aws_takes_for_it() {
        for (text, expected) in
            [("true", true), ("YES", true), ("1", true), ("y", true), ("on", false), ("0", false)]
        {
            let config = parse(&[("EXCLUDE_NUMBERS", text)]).unwrap();
            assert_eq!(config.passwords.exclude_numbers, expected, "{text}");
        }
        assert!(parse(&[]).unwrap().passwords.require_each_included_type);
        let empty = parse(&[("EXCLUDE_CHARACTERS", ""), ("PASSWORD_LENGTH", "")]).unwrap();
        assert_eq!(empty.passwords.exclude_characters.as_deref(), Some(""), "excludes nothing");
        assert_eq!(empty.passwords.length, None);
        let config = parse(&[("REQUIRE_EACH_INCLUDED_TYPE", "no")]).unwrap();
        assert!(!config.passwords.require_each_included_type);
    }

    #[test]
    fn all_mistakes_are_reported_at_once() {
        let error = parse(&[
            ("PASSWORD_LENGTH", "0"),
            ("WINDLASS_STRATEGY", "both"),
            ("WINDLASS_GRANTS", "tcp://db:5432,nonsense"),
            ("WINDLASS_PLUGNIS", "/x"),
            ("WINDLASS_LOG", "loud"),
            ("WINDLASS_TLS", "maybe"),
            ("SECRETS_MANAGER_ENDPOINT", "localhost"),
            ("WINDLASS_DEV_PYTHON", "ours"),
        ])
        .unwrap_err();
        assert_eq!(error.mistakes.len(), 7, "{error}");
        assert!(error.to_string().contains("unknown variable `WINDLASS_PLUGNIS`"), "{error}");
    }
}
