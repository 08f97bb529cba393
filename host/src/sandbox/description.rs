//! What a plugin says about itself, checked before any of it is used: it decides where passwords go
//! and how they are made, and it stands in messages.
//!
//! The host asks once, when it loads the plugin, and holds it to those answers.

use std::path::Path;
use std::sync::Arc;

use super::PluginError;
use super::bindings::exports::windlass::plugin::{metadata, password};
use super::limits::{self, DESCRIPTION_BYTES, DESCRIPTION_ENTRIES, PASSWORD_LENGTH};
use crate::grants::{GrantError, GrantPattern};
use crate::redact::Redactor;
use crate::rotation::ports::OWN_KEYS;
use crate::rotation::ports::strength::{LEAST_BITS, bits};
use crate::rotation::ports::{
    CharacterClasses, Description, Features, NameLength, PasswordRequest, PasswordRules,
    UsernameRules,
};

/// Makes sure that what a plugin says about itself can be true, and joins to it what it says of each
/// of its engines.
///
/// # Errors
/// The first thing in it that can't be.
pub(super) fn descriptions(
    own: &metadata::Description,
    profiles: Vec<password::Profile>,
    path: &Path,
) -> Result<Vec<Arc<Description>>, PluginError> {
    let problem = |why| problem(path, why);
    check(own).map_err(problem)?;
    let joined = profiles.into_iter().map(|profile| joined(own, profile).map(Arc::new));
    joined.collect::<Result<_, _>>().map_err(problem)
}

/// That a plugin serves nothing.
pub(super) fn no_engine(path: &Path) -> PluginError {
    problem(path, NO_ENGINES)
}

const NO_ENGINES: &str = "its engines are not words of lower-case letters, digits and `-`";

fn problem(path: &Path, why: &'static str) -> PluginError {
    PluginError::Description { path: path.to_owned(), why: why.to_owned() }
}

fn check(own: &metadata::Description) -> Result<(), &'static str> {
    if !is_word(&own.name) {
        return Err("its name is not made of lower-case letters, digits and `-`");
    }
    let lists = [&own.engines, &own.network, &own.fields];
    if lists.iter().any(|list| list.len() > DESCRIPTION_ENTRIES) {
        return Err("it lists more than 32 engines, places or fields");
    }
    if own.engines.is_empty() || !own.engines.iter().all(|engine| is_word(engine)) {
        return Err(NO_ENGINES);
    }
    if own
        .network
        .iter()
        .chain(&own.fields)
        .chain([&own.version])
        .any(|text| text.len() > DESCRIPTION_BYTES)
    {
        return Err(LONG_TEXT);
    }
    if own.fields.iter().any(|key| OWN_KEYS.contains(&key.as_str())) {
        return Err(
            "it declares a field that is one of the sign-in itself, which every plugin is \
                    handed in its own form",
        );
    }
    if own.default_port == 0 {
        return Err("its default port is 0, on which nothing listens");
    }
    Ok(())
}

const LONG_TEXT: &str = "one of its texts is longer than 512 bytes";

fn joined(
    own: &metadata::Description,
    profile: password::Profile,
) -> Result<Description, &'static str> {
    let rules = profile.password_rules;
    let texts = [&rules.excluded_characters, &rules.default_excluded_characters];
    if texts.into_iter().any(|text| text.len() > DESCRIPTION_BYTES) {
        return Err(LONG_TEXT);
    }
    if rules.default_length == 0 || rules.max_length.is_some_and(|most| rules.default_length > most)
    {
        return Err("its default password length is 0 or above the longest it takes");
    }
    if rules.default_length > PASSWORD_LENGTH {
        return Err("its default password length is above 4096, the longest that can be made");
    }
    if bits_of(&rules) < LEAST_BITS {
        return Err("passwords made by its rules would be guessed: too short, or too many \
                    characters are excluded");
    }
    let required_classes = classes(rules.required_classes);
    if lacks_a_class(required_classes, &rules.excluded_characters) {
        return Err("it excludes every character of a class that it requires");
    }
    let max_length = match profile.username_rules.max_length {
        password::NameLength::Bytes(most) => NameLength::Bytes(most),
        password::NameLength::Characters(most) => NameLength::Characters(most),
        password::NameLength::Unlimited => NameLength::Unlimited,
    };
    if max_length.exceeded_by("a").is_some() {
        return Err("its account names would have no character at all");
    }
    let excluded_characters = profile.username_rules.excluded_characters;
    if excluded_characters.len() > DESCRIPTION_BYTES {
        return Err(LONG_TEXT);
    }
    let features = features(profile.features);
    // It goes into account names, and into messages.
    let clone_suffix = profile.username_rules.clone_suffix;
    if clone_suffix.len() > 32 || !clone_suffix.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("its suffix for the second user is not up to 32 printable characters");
    }
    if clone_suffix.contains(|character| excluded_characters.contains(character)) {
        return Err("its suffix for the second user has a character that it excludes from names");
    }
    if features.alternating_users && clone_suffix.is_empty() {
        return Err("it offers alternating users without a suffix for the second one");
    }
    Ok(Description {
        name: own.name.clone(),
        version: Redactor::default().scrub(&own.version, 64),
        engines: own.engines.clone(),
        default_port: own.default_port,
        network: own.network.clone(),
        fields: own.fields.clone(),
        password_rules: PasswordRules {
            max_length: rules.max_length,
            default_length: rules.default_length,
            excluded_characters: rules.excluded_characters,
            default_excluded_characters: rules.default_excluded_characters,
            required_classes,
        },
        username_rules: UsernameRules { max_length, clone_suffix, excluded_characters },
        features,
    })
}

/// Whether a text can be a plugin's or engine's name: 1 to 64 lower-case letters, digits and `-`.
pub(crate) fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// How hard a password is to guess where the operator sets nothing. What is finally asked for is
/// looked at again.
fn bits_of(rules: &password::PasswordRules) -> f64 {
    let excluded = format!("{}{}", rules.excluded_characters, rules.default_excluded_characters);
    bits(&PasswordRequest {
        length: rules.default_length,
        exclude_characters: excluded,
        exclude_numbers: false,
        exclude_punctuation: false,
        exclude_uppercase: false,
        exclude_lowercase: false,
        require_each_included_type: true,
    })
}

fn classes(own: password::CharacterClasses) -> CharacterClasses {
    CharacterClasses {
        upper: own.contains(password::CharacterClasses::UPPER),
        lower: own.contains(password::CharacterClasses::LOWER),
        digit: own.contains(password::CharacterClasses::DIGIT),
        punctuation: own.contains(password::CharacterClasses::PUNCTUATION),
    }
}

/// Whether no password could have a character of each of these classes.
fn lacks_a_class(required: CharacterClasses, excluded: &str) -> bool {
    let lacks = |class: fn(&char) -> bool| {
        !('!'..='~').filter(class).any(|character| !excluded.contains(character))
    };
    (required.upper && lacks(char::is_ascii_uppercase))
        || (required.lower && lacks(char::is_ascii_lowercase))
        || (required.digit && lacks(char::is_ascii_digit))
        || (required.punctuation && lacks(char::is_ascii_punctuation))
}

fn features(own: password::Features) -> Features {
    Features {
        self_change: own.contains(password::Features::SELF_CHANGE),
        admin_change: own.contains(password::Features::ADMIN_CHANGE),
        alternating_users: own.contains(password::Features::ALTERNATING_USERS),
        dual_password: own.contains(password::Features::DUAL_PASSWORD),
    }
}

/// The places that a plugin asks for.
///
/// # Errors
/// The first that is no grant.
pub(super) fn asks_for(
    description: &Description,
    path: &Path,
) -> Result<Vec<GrantPattern>, PluginError> {
    let parse = |text: &String| {
        text.parse().map_err(|error: GrantError| PluginError::Description {
            path: path.to_owned(),
            why: Redactor::default().scrub(&error.to_string(), limits::DESCRIPTION_BYTES),
        })
    };
    description.network.iter().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(default_length: u32, excluded: &str) -> password::PasswordRules {
        password::PasswordRules {
            max_length: Some(64),
            default_length,
            excluded_characters: String::new(),
            default_excluded_characters: excluded.into(),
            required_classes: password::CharacterClasses::empty(),
        }
    }

    #[test]
    fn the_tightest_honest_rules_pass_and_what_is_guessed_does_not() {
        let punctuation: String = ('!'..='~').filter(char::is_ascii_punctuation).collect();
        let all_but_a: String = ('!'..='~').filter(|c| *c != 'a').collect();
        assert!(bits_of(&rules(8, &punctuation)) > LEAST_BITS);
        assert!(bits_of(&rules(6, &punctuation)) < LEAST_BITS);
        assert!(bits_of(&rules(4096, &all_but_a)) < LEAST_BITS);
    }
}
