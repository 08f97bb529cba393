//! The environment.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tracing::level_filters::LevelFilter;

use super::{FILE_VARIABLE, Settings};
use crate::grants::GrantPattern;
use crate::rotation::{HonoredTags, PasswordSettings, TlsPolicy};

/// Every variable of ours, so that a misspelt one is noticed.
const OWN_VARIABLES: [&str; 10] = [
    FILE_VARIABLE,
    "WINDLASS_PLUGINS",
    "WINDLASS_PLUGIN",
    "WINDLASS_STRATEGY",
    "WINDLASS_GRANTS",
    "WINDLASS_CA_BUNDLE",
    "WINDLASS_TAGS",
    "WINDLASS_TLS",
    "WINDLASS_SEND_TEXT",
    "WINDLASS_LOG",
];

/// Variables of our developer tasks, which the tests' own processes carry.
const DEVELOPMENT_PREFIX: &str = "WINDLASS_DEV_";

/// `PASSWORD_LENGTH` may be 1 to 4096, as `GetRandomPassword` takes it.
const PASSWORD_LENGTH: std::ops::RangeInclusive<u32> = 1..=4096;

/// What the environment says.
pub(super) struct Environment {
    pub(super) settings: Settings,
    /// Only the environment has these: they are AWS's.
    pub(super) passwords: PasswordSettings,
    pub(super) endpoint: Option<String>,
    pub(super) username_limit: Option<u32>,
}

/// Where the endpoint of Secrets Manager is, the first of them that is set: as AWS's rotation functions
/// call it, and as all SDKs of AWS do.
pub(crate) const ENDPOINTS: [&str; 2] =
    ["SECRETS_MANAGER_ENDPOINT", "AWS_ENDPOINT_URL_SECRETS_MANAGER"];

/// Reads an environment.
pub(super) fn parse(
    variables: &BTreeMap<String, String>,
    mistakes: &mut Vec<String>,
) -> Environment {
    // An empty variable is one that is not set, except where AWS's templates see it otherwise (an
    // empty list excludes nothing, and an empty truth value is false), and except where the default
    // permits more than the empty list that was written: WINDLASS_GRANTS and WINDLASS_TAGS.
    let set = |name: &str| variables.get(name).filter(|value| !value.is_empty());

    let strategy = set("WINDLASS_STRATEGY").and_then(|text| {
        text.parse().map_err(|error| mistakes.push(format!("`WINDLASS_STRATEGY`: {error}"))).ok()
    });
    let grants = variables.get("WINDLASS_GRANTS").map(|list| grants(list, mistakes));
    let tags = variables.get("WINDLASS_TAGS").and_then(|list| {
        HonoredTags::from_names(entries(list))
            .map_err(|error| mistakes.push(format!("`WINDLASS_TAGS`: {error}")))
            .ok()
    });
    let endpoint = ENDPOINTS.iter().find_map(|name| Some((name, set(name)?.clone())));
    let is_url = |url: &str| url.starts_with("https://") || url.starts_with("http://");
    if let Some((name, _)) = endpoint.as_ref().filter(|(_, url)| !is_url(url)) {
        mistakes.push(format!("`{name}` must be an http:// or https:// URL"));
    }
    let endpoint = endpoint.map(|(_, url)| url);
    if set("WINDLASS_LOG").is_some_and(|level| level.parse::<LevelFilter>().is_err()) {
        mistakes.push("`WINDLASS_LOG` must be error, warn, info, debug or trace".to_owned());
    }
    let tls_policy = set("WINDLASS_TLS").and_then(|text| {
        text.parse()
            .map_err(|_| mistakes.push(format!("`WINDLASS_TLS` must be {}", TlsPolicy::NAMES)))
            .ok()
    });
    let send_text = set("WINDLASS_SEND_TEXT").and_then(|text| {
        // Not what AWS's templates take for true: nobody should send passwords as text by a guess.
        text.parse()
            .map_err(|_| mistakes.push("`WINDLASS_SEND_TEXT` must be true or false".to_owned()))
            .ok()
    });
    mistakes.extend(unknown(variables));
    Environment {
        settings: Settings {
            strategy,
            plugin: set("WINDLASS_PLUGIN").cloned(),
            plugin_folders: set("WINDLASS_PLUGINS")
                .map(|folders| std::env::split_paths(folders).collect()),
            grants,
            ca_bundle: set("WINDLASS_CA_BUNDLE").map(PathBuf::from),
            tls_policy,
            tags,
            send_text,
        },
        passwords: passwords(variables, mistakes),
        username_limit: username_limit(variables, mistakes),
        endpoint,
    }
}

/// AWS's own settings.
fn passwords(variables: &BTreeMap<String, String>, mistakes: &mut Vec<String>) -> PasswordSettings {
    let set = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    let length = set("PASSWORD_LENGTH").and_then(|text| match text.parse::<u32>() {
        Ok(length) if PASSWORD_LENGTH.contains(&length) => Some(length),
        _ => {
            mistakes.push("`PASSWORD_LENGTH` must be a number from 1 to 4096".to_owned());
            None
        }
    });
    let on = |name, default| variables.get(name).map_or(default, |text| is_true(text));
    PasswordSettings {
        exclude_characters: variables.get("EXCLUDE_CHARACTERS").cloned(),
        length,
        exclude_numbers: on("EXCLUDE_NUMBERS", false),
        exclude_punctuation: on("EXCLUDE_PUNCTUATION", false),
        exclude_uppercase: on("EXCLUDE_UPPERCASE", false),
        exclude_lowercase: on("EXCLUDE_LOWERCASE", false),
        require_each_included_type: on("REQUIRE_EACH_INCLUDED_TYPE", true),
    }
}

fn username_limit(variables: &BTreeMap<String, String>, mistakes: &mut Vec<String>) -> Option<u32> {
    let text = variables.get("USERNAME_CHARACTER_LIMIT").filter(|text| !text.is_empty())?;
    let limit = text.parse().ok().filter(|limit| *limit > 0);
    if limit.is_none() {
        mistakes.push("`USERNAME_CHARACTER_LIMIT` must be a number from 1 on".to_owned());
    }
    limit
}

fn grants(list: &str, mistakes: &mut Vec<String>) -> Vec<GrantPattern> {
    let mut grants = Vec::new();
    for text in entries(list) {
        match text.parse() {
            Ok(pattern) => grants.push(pattern),
            Err(error) => mistakes.push(format!("`WINDLASS_GRANTS`: {error}")),
        }
    }
    grants
}

/// Variables that look like ours and are not: typing mistakes.
fn unknown(variables: &BTreeMap<String, String>) -> impl Iterator<Item = String> {
    let ours = variables.keys().filter(|name| name.starts_with("WINDLASS_"));
    ours.filter(|name| {
        !OWN_VARIABLES.contains(&name.as_str()) && !name.starts_with(DEVELOPMENT_PREFIX)
    })
    .map(|name| {
        format!(
            "unknown variable `{name}`; the variables are {}",
            OWN_VARIABLES.join(
                ", \
                         "
            )
        )
    })
}

/// The entries of a list with commas; a list of nothing but blanks has none.
fn entries(list: &str) -> impl Iterator<Item = &str> {
    let whole = Some(list.trim()).filter(|list| !list.is_empty());
    whole.into_iter().flat_map(|list| list.split(',').map(str::trim))
}

/// What AWS's templates take for true; everything else is false.
fn is_true(text: &str) -> bool {
    ["true", "1", "y", "yes"].iter().any(|word| text.eq_ignore_ascii_case(word))
}
