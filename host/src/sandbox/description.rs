//! What a plugin says about itself, checked before any of it is used: it decides where passwords go
//! and how they are made, and it stands in messages.
//!
//! `windlass compile` asks once and seals the answers with the code. The host starts from the seal, asks
//! again when it loads the code, and refuses a plugin that answers something else.

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

/// What a plugin says about itself, joined with what it says of each of its engines.
///
/// # Errors
/// The first thing in it that can't be.
pub(super) fn descriptions(
    own: &metadata::Description,
    profiles: Vec<password::Profile>,
    path: &Path,
) -> Result<Vec<Arc<Description>>, PluginError> {
    check_lists(&own.engines, &own.network, &own.fields).map_err(|why| problem(path, why))?;
    let joined: Vec<_> = profiles.into_iter().map(|profile| joined(own, profile)).collect();
    checked(joined, path)
}

/// Makes sure that descriptions, of whatever origin, can be true: one for each engine, in their order.
///
/// # Errors
/// The first thing in them that can't be.
pub fn checked(
    descriptions: Vec<Description>,
    path: &Path,
) -> Result<Vec<Arc<Description>>, PluginError> {
    let problem = |why| problem(path, why);
    let Some(first) = descriptions.first() else { return Err(problem(NO_ENGINES)) };
    let same_plugin = |other: &Description| {
        (&other.name, &other.version, &other.engines)
            == (&first.name, &first.version, &first.engines)
            && (other.default_port, &other.network, &other.fields)
                == (first.default_port, &first.network, &first.fields)
    };
    if descriptions.len() != first.engines.len() || !descriptions.iter().all(same_plugin) {
        return Err(problem("it does not have one description for each of its engines"));
    }
    descriptions.iter().try_for_each(check).map_err(problem)?;
    Ok(descriptions.into_iter().map(Arc::new).collect())
}

const NO_ENGINES: &str = "its engines are not words of lower-case letters, digits and `-`";

fn problem(path: &Path, why: &'static str) -> PluginError {
    PluginError::Description { path: path.to_owned(), why: why.to_owned() }
}

fn check_lists(
    engines: &[String],
    network: &[String],
    fields: &[String],
) -> Result<(), &'static str> {
    if [engines, network, fields].iter().any(|list| list.len() > DESCRIPTION_ENTRIES) {
        return Err("it lists more than 32 engines, places or fields");
    }
    Ok(())
}

const LONG_TEXT: &str = "one of its texts is longer than 512 bytes";

fn check(own: &Description) -> Result<(), &'static str> {
    if !is_word(&own.name) {
        return Err("its name is not made of lower-case letters, digits and `-`");
    }
    check_lists(&own.engines, &own.network, &own.fields)?;
    if own.engines.is_empty() || !own.engines.iter().all(|engine| is_word(engine)) {
        return Err(NO_ENGINES);
    }
    let texts = own.network.iter().chain(&own.fields).chain([&own.version]);
    if texts.into_iter().any(|text| text.len() > DESCRIPTION_BYTES) {
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
    check_passwords(&own.password_rules)?;
    check_names(&own.username_rules, own.features)
}

fn check_passwords(rules: &PasswordRules) -> Result<(), &'static str> {
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
    if bits_of(rules) < LEAST_BITS {
        return Err("passwords made by its rules would be guessed: too short, or too many \
                    characters are excluded");
    }
    if lacks_a_class(rules.required_classes, &rules.excluded_characters) {
        return Err("it excludes every character of a class that it requires");
    }
    Ok(())
}

fn check_names(rules: &UsernameRules, features: Features) -> Result<(), &'static str> {
    if rules.max_length.exceeded_by("a").is_some() {
        return Err("its account names would have no character at all");
    }
    if rules.excluded_characters.len() > DESCRIPTION_BYTES {
        return Err(LONG_TEXT);
    }
    // It goes into account names, and into messages.
    let suffix = &rules.clone_suffix;
    if suffix.len() > 32 || !suffix.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("its suffix for the second user is not up to 32 printable characters");
    }
    if suffix.contains(|character| rules.excluded_characters.contains(character)) {
        return Err("its suffix for the second user has a character that it excludes from names");
    }
    if features.alternating_users && suffix.is_empty() {
        return Err("it offers alternating users without a suffix for the second one");
    }
    Ok(())
}

fn joined(own: &metadata::Description, profile: password::Profile) -> Description {
    let rules = profile.password_rules;
    let max_length = match profile.username_rules.max_length {
        password::NameLength::Bytes(most) => NameLength::Bytes(most),
        password::NameLength::Characters(most) => NameLength::Characters(most),
        password::NameLength::Unlimited => NameLength::Unlimited,
    };
    // A text that is too long stays as it is, and is refused for that.
    let version = match own.version.len() > DESCRIPTION_BYTES {
        true => own.version.clone(),
        false => Redactor::default().scrub(&own.version, 64),
    };
    Description {
        name: own.name.clone(),
        version,
        engines: own.engines.clone(),
        default_port: own.default_port,
        network: own.network.clone(),
        fields: own.fields.clone(),
        password_rules: PasswordRules {
            max_length: rules.max_length,
            default_length: rules.default_length,
            excluded_characters: rules.excluded_characters,
            default_excluded_characters: rules.default_excluded_characters,
            required_classes: classes(rules.required_classes),
        },
        username_rules: UsernameRules {
            max_length,
            clone_suffix: profile.username_rules.clone_suffix,
            excluded_characters: profile.username_rules.excluded_characters,
        },
        features: features(profile.features),
    }
}

/// What differs between two lists of descriptions, with both.
pub(super) fn differences(sealed: &[Arc<Description>], answered: &[Arc<Description>]) -> String {
    let parts = |descriptions: &[Arc<Description>]| {
        let value = serde_json::to_value(
            descriptions.iter().map(AsRef::as_ref).collect::<Vec<&Description>>(),
        );
        value.unwrap_or_default()
    };
    let (sealed, answered) = (parts(sealed), parts(answered));
    let mut found = Vec::new();
    for index in 0..DESCRIPTION_ENTRIES {
        let fields = |value: &serde_json::Value| value.get(index).cloned().unwrap_or_default();
        let (sealed, answered) = (fields(&sealed), fields(&answered));
        let keys = sealed.as_object().or(answered.as_object()).into_iter().flatten();
        for (key, _) in keys {
            let of = |value: &serde_json::Value| value.get(key).cloned().unwrap_or_default();
            let (sealed, answered) = (of(&sealed), of(&answered));
            if sealed != answered {
                found.push(format!(
                    "`{key}` is sealed as {sealed}, and the plugin answers {answered}"
                ));
            }
        }
    }
    found.dedup();
    Redactor::default().scrub(&found.join(", "), limits::MESSAGE_BYTES)
}

/// Whether a text can be a plugin's or engine's name: 1 to 64 lower-case letters, digits and `-`.
pub(crate) fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// How hard a password is to guess where the operator sets nothing. What is finally asked for is
/// looked at again.
fn bits_of(rules: &PasswordRules) -> f64 {
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

    fn rules(default_length: u32, excluded: &str) -> PasswordRules {
        PasswordRules {
            max_length: Some(64),
            default_length,
            excluded_characters: String::new(),
            default_excluded_characters: excluded.into(),
            required_classes: CharacterClasses::default(),
        }
    }

    #[test]
    fn the_messages_have_the_limits_that_hold() {
        assert!(LONG_TEXT.contains(&format!("longer than {DESCRIPTION_BYTES} bytes")));
        let many = vec!["x".to_owned(); DESCRIPTION_ENTRIES + 1];
        let problem = check_lists(&many, &[], &[]).unwrap_err();
        assert!(problem.contains(&format!("more than {DESCRIPTION_ENTRIES} engines")), "{problem}");
        let long = PasswordRules { max_length: None, ..rules(PASSWORD_LENGTH + 1, "") };
        let problem = check_passwords(&long).unwrap_err();
        assert!(problem.contains(&format!("above {PASSWORD_LENGTH}, the longest")), "{problem}");
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
