//! What kind of password is asked for: the operator's settings within the rules of the one plugin that
//! serves the secret.
//!
//! - The service's rules are a wall: never longer, never with a character that it does not take,
//!   never without a class of characters that it wants, whatever the operator set. A class that it
//!   wants is not excluded by `EXCLUDE_NUMBERS` and its like; one of which `EXCLUDE_CHARACTERS` leaves
//!   nothing is an error.
//! - No other plugin has a say: a plugin that excludes most characters weakens its own passwords, and
//!   its own alone.
//! - What is finally asked for must be hard to guess ([`LEAST_BITS`]), whoever made it weak; else
//!   nothing is asked for.
//!
//! A password may be asked for before the secret is read, which saves a round trip, but only where
//! it is known already what to ask for: every installed plugin would have the same asked for, or
//! this process rotated the secret before. It is used only if that was exactly right.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::ports::strength::{Class, LEAST_BITS, alphabet, bits};
use super::ports::{CharacterClasses, Description, PasswordRequest, SecretId};
use super::settings::PasswordSettings;

/// How many secrets are remembered. A function has hundreds; whoever has more loses a round trip now
/// and then.
const REMEMBERED: usize = 1024;

/// The request for a password of this service.
///
/// # Errors
/// If such a password would be easy to guess, or lack what the service wants.
pub fn request(
    settings: &PasswordSettings,
    plugin: &Description,
) -> Result<PasswordRequest, PasswordProblem> {
    let request = unchecked(settings, plugin);
    let wanted = plugin.password_rules.required_classes;
    let nothing_left = |class: &Class| class.is_in(wanted) && class.left(&request) == 0;
    if let Some(class) = Class::ALL.iter().find(|class| nothing_left(class)) {
        let (plugin, class) = (plugin.name.clone(), class.name());
        return Err(PasswordProblem::NothingLeft { plugin, class });
    }
    let bits = bits(&request);
    if bits < LEAST_BITS {
        return Err(PasswordProblem::Weak {
            plugin: plugin.name.clone(),
            length: request.length,
            characters: alphabet(&request),
            bits: bits.floor(),
        });
    }
    for (class, variable) in Class::ALL.iter().zip(VARIABLES) {
        if class.is_in(wanted) && excluded_by(*class, settings) {
            tracing::warn!(
                plugin = plugin.name,
                "{variable} is ignored: the service requires {} in every password",
                class.name()
            );
        }
    }
    Ok(request)
}

fn unchecked(settings: &PasswordSettings, plugin: &Description) -> PasswordRequest {
    let rules = &plugin.password_rules;
    let wanted = rules.required_classes;
    let excluded =
        settings.exclude_characters.as_deref().unwrap_or(&rules.default_excluded_characters);
    let length = settings.length.unwrap_or(rules.default_length);
    PasswordRequest {
        length: rules.max_length.map_or(length, |longest| length.min(longest)),
        exclude_characters: union(excluded, &rules.excluded_characters),
        exclude_numbers: settings.exclude_numbers && !wanted.digit,
        exclude_punctuation: settings.exclude_punctuation && !wanted.punctuation,
        exclude_uppercase: settings.exclude_uppercase && !wanted.upper,
        exclude_lowercase: settings.exclude_lowercase && !wanted.lower,
        require_each_included_type: settings.require_each_included_type
            || wanted != CharacterClasses::default(),
    }
}

/// AWS's variables that exclude a class of characters, in the order of [`Class::ALL`].
const VARIABLES: [&str; 4] =
    ["EXCLUDE_NUMBERS", "EXCLUDE_UPPERCASE", "EXCLUDE_LOWERCASE", "EXCLUDE_PUNCTUATION"];

/// Whether the operator excludes a class.
fn excluded_by(class: Class, settings: &PasswordSettings) -> bool {
    match class {
        Class::Digit => settings.exclude_numbers,
        Class::Upper => settings.exclude_uppercase,
        Class::Lower => settings.exclude_lowercase,
        Class::Punctuation => settings.exclude_punctuation,
    }
}

/// What this process asked for, by secret.
#[derive(Debug, Default)]
pub struct PasswordRequests(Mutex<HashMap<SecretId, PasswordRequest>>);

impl PasswordRequests {
    /// What to ask for before the secret is read, if that is known.
    pub(super) fn ahead<'a>(
        &self,
        secret_id: &SecretId,
        settings: &PasswordSettings,
        mut plugins: impl Iterator<Item = &'a Description>,
    ) -> Option<PasswordRequest> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(secret_id).cloned();
        known.or_else(|| {
            let first = unchecked(settings, plugins.next()?);
            plugins.all(|plugin| unchecked(settings, plugin) == first).then_some(first)
        })
    }

    /// Remembers what the secret's own plugin needs.
    pub(super) fn note(&self, secret_id: &SecretId, request: &PasswordRequest) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.get(secret_id) == Some(request) {
            return;
        }
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(secret_id.clone(), request.clone());
    }
}

fn union(first: &str, second: &str) -> String {
    let mut all = first.to_owned();
    all.extend(second.chars().filter(|c| !first.contains(*c)));
    all
}

/// No password can be made by the settings and rules in force. The operator has to act.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PasswordProblem {
    /// It would be guessed.
    #[error(
        "passwords by the current settings and the rules of plugin `{plugin}` have {length} \
         characters from a set of {characters}, about {bits} bits, and are easy to guess; at \
         least {} bits are required: raise PASSWORD_LENGTH, or exclude fewer characters with \
         EXCLUDE_CHARACTERS, EXCLUDE_NUMBERS, \
         EXCLUDE_PUNCTUATION, EXCLUDE_UPPERCASE and EXCLUDE_LOWERCASE",
        LEAST_BITS
    )]
    Weak {
        /// The plugin whose rules hold.
        plugin: String,
        /// The password's length, in characters.
        length: u32,
        /// How many characters may occur in it.
        characters: u8,
        /// How hard it would be to guess, in bits.
        bits: f64,
    },
    /// It would lack what the service wants.
    #[error(
        "the service of plugin `{plugin}` requires {class} in every password, and every such \
         character is excluded; exclude fewer in EXCLUDE_CHARACTERS"
    )]
    NothingLeft {
        /// The plugin whose rules hold.
        plugin: String,
        /// What is asked for.
        class: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::super::ports::{Features, NameLength, PasswordRules, UsernameRules};
    use super::*;

    fn plugin(max: u32, default: u32, excluded: &str, default_excluded: &str) -> Description {
        Description {
            name: "x".into(),
            version: "1.0.0".into(),
            engines: vec!["x".into()],
            default_port: 1,
            network: Vec::new(),
            fields: Vec::new(),
            password_rules: PasswordRules {
                max_length: Some(max),
                default_length: default,
                excluded_characters: excluded.into(),
                default_excluded_characters: default_excluded.into(),
                required_classes: CharacterClasses::default(),
            },
            username_rules: UsernameRules {
                max_length: NameLength::Bytes(63),
                clone_suffix: "_clone".into(),
                excluded_characters: String::new(),
            },
            features: Features::default(),
        }
    }

    #[test]
    fn the_services_rules_win_over_the_operators_settings() {
        let settings = PasswordSettings {
            length: Some(64),
            exclude_characters: Some("xy".into()),
            ..PasswordSettings::default()
        };
        let got = request(&settings, &plugin(30, 20, ";x", "/@")).unwrap();
        assert_eq!((got.length, got.exclude_characters.as_str()), (30, "xy;"));
        let got = request(&PasswordSettings::default(), &plugin(30, 20, ";", "/@")).unwrap();
        assert_eq!((got.length, got.exclude_characters.as_str()), (20, "/@;"));
    }

    #[test]
    fn a_class_that_the_service_wants_is_not_excluded_by_the_operator() {
        let settings = PasswordSettings {
            exclude_numbers: true,
            exclude_uppercase: true,
            exclude_lowercase: true,
            exclude_punctuation: true,
            require_each_included_type: false,
            ..PasswordSettings::default()
        };
        let classes =
            |request: &PasswordRequest| Class::ALL.map(|class| !class.excluded_in(request));
        let mut redshift = plugin(64, 32, "", "");
        redshift.password_rules.required_classes =
            CharacterClasses { digit: true, upper: true, lower: true, punctuation: false };
        let got = request(&settings, &redshift).unwrap();
        assert_eq!(classes(&got), [true, true, true, false]);
        assert!(got.require_each_included_type, "each has to occur");
        redshift.password_rules.required_classes =
            CharacterClasses { punctuation: true, ..CharacterClasses::default() };
        let got = request(&settings, &redshift).unwrap();
        assert_eq!(classes(&got), [false, false, false, true]);
        let asks_for_nothing = plugin(64, 32, "", "");
        let own = PasswordSettings { exclude_lowercase: false, ..settings };
        let got = request(&own, &asks_for_nothing).unwrap();
        assert_eq!(
            (classes(&got), got.require_each_included_type),
            ([false, false, true, false], false)
        );
    }

    #[test]
    fn characters_that_leave_nothing_of_a_class_that_is_wanted_are_an_error() {
        let settings = PasswordSettings {
            exclude_characters: Some("0123456789".into()),
            ..PasswordSettings::default()
        };
        let mut own = plugin(64, 32, "", "");
        assert!(request(&settings, &own).is_ok());
        own.password_rules.required_classes =
            CharacterClasses { digit: true, ..CharacterClasses::default() };
        let problem = request(&settings, &own).unwrap_err().to_string();
        assert!(problem.contains("requires a digit in every password"), "{problem}");
        assert!(problem.ends_with("exclude fewer in EXCLUDE_CHARACTERS"), "{problem}");
        let one_left =
            PasswordSettings { exclude_characters: Some("012345678".into()), ..settings };
        assert!(request(&one_left, &own).is_ok());
    }

    #[test]
    fn a_service_without_a_longest_password_takes_what_the_operator_sets() {
        let mut own = plugin(64, 32, "", "");
        own.password_rules.max_length = None;
        let settings = PasswordSettings { length: Some(4096), ..PasswordSettings::default() };
        assert_eq!(request(&settings, &own).unwrap().length, 4096);
    }

    #[test]
    fn what_would_be_guessed_is_not_asked_for_whoever_made_it_weak() {
        let all_but_a: String = ('!'..='~').filter(|c| *c != 'a').collect();
        let of = |settings: &PasswordSettings, plugin: &Description| {
            request(settings, plugin).map_err(|problem| problem.to_string())
        };
        let own = PasswordSettings::default();
        let problem = of(&own, &plugin(64, 32, &all_but_a, "")).unwrap_err();
        assert!(problem.contains("32 characters from a set of 1, about 0 bits"));
        let excludes = |exclude_characters: &str, length| PasswordSettings {
            exclude_characters: Some(exclude_characters.into()),
            length: Some(length),
            ..PasswordSettings::default()
        };
        let honest = plugin(64, 32, "", "");
        assert!(of(&excludes(&all_but_a, 64), &honest).is_err());
        assert!(of(&excludes("", 6), &honest).is_err(), "too short");
        assert!(of(&excludes("", 7), &honest).is_ok());
        let digits = PasswordSettings {
            exclude_punctuation: true,
            exclude_uppercase: true,
            exclude_lowercase: true,
            length: Some(12),
            ..PasswordSettings::default()
        };
        assert!(of(&digits, &honest).is_err(), "12 digits are less than 40 bits");
        let problem = of(&PasswordSettings { length: Some(4), ..own }, &honest).unwrap_err();
        assert!(problem.contains("raise PASSWORD_LENGTH"), "{problem}");
    }

    #[test]
    fn bits_are_those_of_length_and_alphabet() {
        let of = |length, exclude_characters: &str| PasswordRequest {
            length,
            exclude_characters: exclude_characters.to_owned(),
            ..unchecked(&PasswordSettings::default(), &plugin(4096, 32, "", ""))
        };
        let but_two: String = ('!'..='~').filter(|c| !"ab".contains(*c)).collect();
        assert!((bits(&of(8, &but_two)) - 8.0).abs() < 1e-9);
        assert!((bits(&of(10, "")) - 10.0 * 94_f64.log2()).abs() < 1e-9);
        let letters_and_digits = PasswordRequest { exclude_punctuation: true, ..of(1, "") };
        assert_eq!(alphabet(&letters_and_digits), 62);
        let no_letters = PasswordRequest {
            exclude_uppercase: true,
            exclude_lowercase: true,
            ..letters_and_digits.clone()
        };
        assert_eq!(alphabet(&no_letters), 10);
        assert_eq!(alphabet(&PasswordRequest { exclude_numbers: true, ..no_letters }), 0);
    }

    #[test]
    fn a_password_is_asked_for_ahead_only_where_it_is_known_what_to_ask_for() {
        let settings = PasswordSettings::default();
        let (pg, same, oracle) =
            (plugin(256, 32, "", ":/"), plugin(64, 32, "", ":/"), plugin(30, 30, "", "/;"));
        let requests = PasswordRequests::default();
        let ahead = |plugins: &[&Description]| {
            requests.ahead(&"app".into(), &settings, plugins.iter().copied())
        };
        let of_pg = request(&settings, &pg).unwrap();
        assert_eq!(ahead(&[&pg, &same]), Some(of_pg.clone()), "one set of rules");
        assert_eq!(ahead(&[&pg, &oracle]), None, "another plugin has another");
        assert_eq!(ahead(&[]), None);
        requests.note(&"app".into(), &of_pg);
        assert_eq!(ahead(&[&oracle, &pg]), Some(of_pg), "known from the last rotation");
        let other = requests.ahead(&"other".into(), &settings, [&oracle, &pg].into_iter());
        assert_eq!(other, None, "that was another secret");
    }

    #[test]
    fn not_more_secrets_are_remembered_than_were_meant() {
        let requests = PasswordRequests::default();
        let own = request(&PasswordSettings::default(), &plugin(64, 32, "", "")).unwrap();
        for number in 0..=REMEMBERED {
            requests.note(&format!("secret-{number}").into(), &own);
        }
        assert!(requests.0.lock().unwrap().len() <= REMEMBERED);
    }
}
