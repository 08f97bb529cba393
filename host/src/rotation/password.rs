//! What kind of password is asked for: the operator's settings within the service's rules.
//!
//! The service's rules are a wall: never longer, never with a character that it does not take,
//! whatever the operator set.

use super::service::Description;
use crate::config::PasswordSettings;
use crate::store::PasswordRequest;

/// The request for a password of this service.
pub fn request(settings: &PasswordSettings, plugin: &Description) -> PasswordRequest {
    let rules = &plugin.password_rules;
    let wanted =
        settings.exclude_characters.as_deref().unwrap_or(&rules.default_excluded_characters);
    PasswordRequest {
        length: settings.length.unwrap_or(rules.default_length).min(rules.max_length),
        exclude_characters: union(wanted, &rules.excluded_characters),
        exclude_numbers: settings.exclude_numbers,
        exclude_punctuation: settings.exclude_punctuation,
        exclude_uppercase: settings.exclude_uppercase,
        exclude_lowercase: settings.exclude_lowercase,
        require_each_included_type: settings.require_each_included_type,
    }
}

/// One request whose password suits every installed plugin that wants this common length, made
/// before it is known which plugin the secret needs. It saves a round trip; [`suits`] tells
/// whether the password can be used.
pub fn request_ahead<'a>(
    settings: &PasswordSettings,
    plugins: impl Iterator<Item = &'a Description>,
) -> Option<PasswordRequest> {
    plugins.map(|plugin| request(settings, plugin)).reduce(|mut all, next| {
        all.length = all.length.max(next.length);
        all.exclude_characters = union(&all.exclude_characters, &next.exclude_characters);
        all
    })
}

/// Whether a password made for `ahead` is one that `exact` could have made.
pub fn suits(ahead: &PasswordRequest, exact: &PasswordRequest) -> bool {
    ahead.length == exact.length
        && exact.exclude_characters.chars().all(|c| ahead.exclude_characters.contains(c))
}

fn union(first: &str, second: &str) -> String {
    let mut all = first.to_owned();
    all.extend(second.chars().filter(|c| !first.contains(*c)));
    all
}

#[cfg(test)]
mod tests {
    use super::super::service::{Features, NameLength, PasswordRules, UsernameRules};
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
                max_length: max,
                default_length: default,
                excluded_characters: excluded.into(),
                default_excluded_characters: default_excluded.into(),
            },
            username_rules: UsernameRules {
                max_length: NameLength::Bytes(63),
                clone_suffix: "_clone".into(),
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
        let got = request(&settings, &plugin(30, 20, ";x", "/@"));
        assert_eq!((got.length, got.exclude_characters.as_str()), (30, "xy;"));
        let got = request(&PasswordSettings::default(), &plugin(30, 20, ";", "/@"));
        assert_eq!((got.length, got.exclude_characters.as_str()), (20, "/@;"));
    }

    #[test]
    fn a_password_made_ahead_suits_whoever_wants_its_length() {
        let settings = PasswordSettings::default();
        let (pg, oracle) = (plugin(256, 32, "", ":/"), plugin(30, 30, "", "/;"));
        let ahead = request_ahead(&settings, [&pg, &oracle].into_iter()).unwrap();
        assert_eq!((ahead.length, ahead.exclude_characters.as_str()), (32, ":/;"));
        assert!(suits(&ahead, &request(&settings, &pg)));
        assert!(!suits(&ahead, &request(&settings, &oracle)), "too long for it");
        assert_eq!(request_ahead(&settings, std::iter::empty()), None);
    }
}
