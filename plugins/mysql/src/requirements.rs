//! What a password policy requires, as its variables say it, and the settings of Windlass's that stand
//! against it.
//!
//! Known are `validate_password` (MySQL's component and the plugin before it) and MariaDB's
//! `simple_password_check`. Everybody may read their variables.

use windlass_sdk::Failure;

use crate::session::Session;
use crate::version::Version;

/// How many characters a password needs, and of each class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Requirements {
    length: u64,
    upper: u64,
    lower: u64,
    digits: u64,
    others: u64,
    /// The variable that says most, for who wants to look.
    family: &'static str,
    /// Whether words of a dictionary are forbidden, too.
    dictionary: bool,
}

const SIMPLE: &str = "simple_password_check";
const VALIDATE: &str = "validate_password";

impl Requirements {
    pub(crate) fn ask(session: &mut Session, version: Version) -> Result<Self, Failure> {
        let family = if version.mariadb { SIMPLE } else { VALIDATE };
        let statement = format!("SHOW GLOBAL VARIABLES LIKE '{family}%'");
        let rows = session.query(&statement, "reading the password policy")?;
        let variables = rows.into_iter().filter_map(|row| match <[_; 2]>::try_from(row) {
            Ok([Some(name), Some(value)]) => Some((name, value)),
            _ => None,
        });
        Ok(Self::read(variables.collect(), family))
    }

    fn read(variables: Vec<(String, String)>, family: &'static str) -> Self {
        let value = |name: &str| {
            // A component's variable has a point where a plugin's has a line.
            let named = |(full, _): &&(String, String)| {
                full.strip_prefix(family).and_then(|rest| rest.get(1..)) == Some(name)
            };
            variables.iter().find(named).map(|(_, value)| value.as_str())
        };
        let number = |name: &str| value(name).and_then(|value| value.parse().ok()).unwrap_or(0);
        if family == SIMPLE {
            let letters = number("letters_same_case");
            return Self {
                length: number("minimal_length"),
                upper: letters,
                lower: letters,
                digits: number("digits"),
                others: number("other_characters"),
                family,
                dictionary: false,
            };
        }
        let (classes, dictionary) = match value("policy") {
            Some("LOW" | "0") => (false, false),
            Some("STRONG" | "2") => (true, true),
            _ => (true, false),
        };
        let class = |name: &str| if classes { number(name) } else { 0 };
        Self {
            length: number("length"),
            upper: class("mixed_case_count"),
            lower: class("mixed_case_count"),
            digits: class("number_count"),
            others: class("special_char_count"),
            family,
            dictionary,
        }
    }

    /// The rules that there are, for people.
    pub(crate) fn described(&self) -> Option<String> {
        let rules = [
            (self.length, "characters"),
            (self.upper, "upper-case letters"),
            (self.lower, "lower-case letters"),
            (self.digits, "digits"),
            (self.others, "other characters"),
        ];
        let rules: Vec<_> = rules
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let dictionary = if self.dictionary { ", no word of its dictionary" } else { "" };
        (!rules.is_empty())
            .then(|| format!("{} requires at least {}{dictionary}", self.family, rules.join(", ")))
    }

    /// What to set so that the next password satisfies these.
    pub(crate) fn remedy(&self, password: &str) -> String {
        let count = |of: fn(&char) -> bool| {
            u64::try_from(password.chars().filter(of).count()).unwrap_or(u64::MAX)
        };
        let other = |character: &char| !character.is_ascii_alphanumeric();
        let mut settings = Vec::new();
        let mut more = count(|_| true) < self.length;
        for (required, there, setting) in [
            (self.upper, count(char::is_ascii_uppercase), "EXCLUDE_UPPERCASE"),
            (self.lower, count(char::is_ascii_lowercase), "EXCLUDE_LOWERCASE"),
            (self.digits, count(char::is_ascii_digit), "EXCLUDE_NUMBERS"),
            (self.others, count(other), "EXCLUDE_PUNCTUATION"),
        ] {
            if required > 0 && there == 0 {
                settings.push(format!("{setting} to false"));
            }
            // How many there are is left to chance; more characters have more of each kind.
            more |= required > there && required > 1;
        }
        if more {
            // Of four classes, each is at least as frequent as the rarest, the ten digits.
            let rarest = [self.upper, self.lower, self.digits, self.others].into_iter().max();
            let length = self.length.max(rarest.unwrap_or(0).saturating_mul(16));
            settings.push(format!("PASSWORD_LENGTH to {length} or more"));
        }
        if !settings.is_empty() {
            return format!("set {} for Windlass, and rotate again", settings.join(" and "));
        }
        let look = match self.family {
            "" => String::new(),
            family => format!(" (SHOW GLOBAL VARIABLES LIKE '{family}%')"),
        };
        format!(
            "rotate again, which makes another password; if that is refused, too, compare the \
             server's policy{look} with Windlass's PASSWORD_LENGTH and EXCLUDE_… settings"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(family: &'static str, variables: &[(&str, &str)]) -> Requirements {
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Requirements::read(variables.collect(), family)
    }

    #[test]
    fn the_variables_of_each_policy() {
        let simple = read(
            SIMPLE,
            &[
                ("simple_password_check_digits", "1"),
                ("simple_password_check_letters_same_case", "2"),
                ("simple_password_check_minimal_length", "40"),
                ("simple_password_check_other_characters", "0"),
            ],
        );
        assert_eq!(
            simple.described().unwrap(),
            "simple_password_check requires at least 40 characters, 2 upper-case letters, 2 \
             lower-case letters, 1 digits"
        );
        for (separator, strong, low) in [(".", "STRONG", "LOW"), ("_", "2", "0")] {
            let of = |policy: &str| {
                let full = |name: &str| format!("validate_password{separator}{name}");
                let names = [
                    (full("length"), "8"),
                    (full("mixed_case_count"), "1"),
                    (full("number_count"), "1"),
                    (full("special_char_count"), "1"),
                    (full("policy"), policy),
                ];
                let names: Vec<_> = names.iter().map(|(name, value)| (&**name, *value)).collect();
                read(VALIDATE, &names).described().unwrap()
            };
            assert!(of(strong).ends_with("1 other characters, no word of its dictionary"));
            assert_eq!(of(low), "validate_password requires at least 8 characters");
            assert!(of("MEDIUM").ends_with("1 digits, 1 other characters"));
        }
        assert_eq!(read(VALIDATE, &[]).described(), None);
    }

    #[test]
    fn the_remedy_names_the_settings_that_stand_against_the_policy() {
        let rules = Requirements {
            length: 20,
            upper: 1,
            lower: 1,
            digits: 1,
            others: 2,
            family: SIMPLE,
            dictionary: false,
        };
        for (password, expected) in [
            ("aB3.aB3.", "set PASSWORD_LENGTH to 32 or more for Windlass"),
            ("aB3aB3aB3aB3aB3aB3aB3aB3", "set EXCLUDE_PUNCTUATION to false and PASSWORD_LENGTH"),
            (".B3.B3.B3.B3.B3.B3.B3.B3", "set EXCLUDE_LOWERCASE to false for Windlass"),
            (".a3.a3.a3.a3.a3.a3.a3.a3", "set EXCLUDE_UPPERCASE to false for Windlass"),
            (".aB.aB.aB.aB.aB.aB.aB.aB", "set EXCLUDE_NUMBERS to false for Windlass"),
            (".aB3aB.aB3aB.aB3aB.aB3aB", "rotate again, which makes another password; if"),
        ] {
            let remedy = rules.remedy(password);
            assert!(remedy.starts_with(expected), "{password}: {remedy}");
        }
        assert!(!Requirements::default().remedy("x").contains("SHOW"));
    }
}
