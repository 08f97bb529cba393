//! The settings of a role (`ALTER ROLE … SET …`), for all databases and for single ones: reading
//! them, and the statements that make one role's equal to another's.
//!
//! Values are written as `pg_dumpall` writes them. Most are one string, but a few hold a list of
//! names that the server quoted when it stored them; written back as one string, such a list would
//! become a single name.

use std::collections::BTreeMap;

use windlass_sdk::{Failure, clean};

use crate::product::Dialect;
use crate::quote::literal;

/// The settings whose values are lists of quoted names (GUC_LIST_QUOTE). The server keeps
/// extensions from adding to them, and `pg_dumpall` has the same list.
const LISTS_OF_NAMES: &[&str] = &[
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

/// What a session's `current_user` is set to when it begins.
const ROLE: &str = "role";

/// Where a setting holds: in one database, or in all that don't have their own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    database: Option<String>,
    name: String,
}

/// One role's settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<Place, String>);

impl Settings {
    /// Takes an entry of the catalog: `name=value`, for one database or for all.
    ///
    /// # Errors
    /// `declined` where it could not be written again, `protocol` where it is no entry.
    pub fn add(
        &mut self,
        dialect: &Dialect,
        database: Option<&str>,
        entry: &str,
    ) -> Result<(), Failure> {
        let (name, value) = entry.split_once('=').ok_or_else(|| {
            Failure::protocol("the server listed a role's setting that has no value")
        })?;
        for written in [Some(name), database].into_iter().flatten() {
            dialect.check_name(written, "the name").map_err(|failure| {
                Failure::declined(format!(
                    "a setting of the role can't be written: {}, in {:?}",
                    failure.message,
                    clean(written)
                ))
                .with_remedy("remove the setting from the role (ALTER ROLE … RESET)")
            })?;
        }
        let place = Place { database: database.map(str::to_owned), name: name.to_owned() };
        self.0.insert(place, value.to_owned());
        Ok(())
    }

    /// The role that sessions start as, in databases without an own setting.
    pub fn role(&self) -> Option<&str> {
        self.0.get(&Place { database: None, name: ROLE.into() }).map(String::as_str)
    }

    /// The same settings, with sessions that start as `role` unless they start as another already.
    pub fn starting_as(&self, role: &str) -> Self {
        let mut settings = self.clone();
        let place = Place { database: None, name: ROLE.into() };
        settings.0.entry(place).or_insert_with(|| role.to_owned());
        settings
    }

    /// The same settings, with sessions that start as `other`'s do.
    pub fn starting_like(&self, other: &Self) -> Self {
        let mut settings = self.clone();
        let place = Place { database: None, name: ROLE.into() };
        match other.0.get(&place) {
            Some(role) => settings.0.insert(place, role.clone()),
            None => settings.0.remove(&place),
        };
        settings
    }

    /// The statements that turn the settings of `role`, which are `self`, into `wanted`. Nothing
    /// that is equal is touched: it may be something that only a superuser may set.
    ///
    /// # Errors
    /// `declined` where a value can't be written.
    pub fn become_statements(
        &self,
        dialect: &Dialect,
        wanted: &Self,
        role: &str,
    ) -> Result<Vec<String>, Failure> {
        let changes = self.changes(dialect, wanted, role)?;
        Ok(changes.into_iter().map(|(_, statement)| statement).collect())
    }

    /// The same, each with the name of the setting that it is about.
    ///
    /// # Errors
    /// `declined` where a value can't be written.
    pub fn changes(
        &self,
        dialect: &Dialect,
        wanted: &Self,
        role: &str,
    ) -> Result<Vec<(String, String)>, Failure> {
        let mut statements = Vec::new();
        for place in self.0.keys().filter(|place| !wanted.0.contains_key(place)) {
            let name = dialect.identifier(&place.name)?;
            let statement = format!("{} RESET {name}", place.alter(dialect, role)?);
            statements.push((place.name.clone(), statement));
        }
        for (place, value) in
            wanted.0.iter().filter(|(place, value)| self.0.get(place) != Some(value))
        {
            let name = dialect.identifier(&place.name)?;
            let alter = place.alter(dialect, role)?;
            let statement = format!("{alter} SET {name} TO {}", place.write(value)?);
            statements.push((place.name.clone(), statement));
        }
        Ok(statements)
    }

    /// The names of the settings in which the two differ.
    pub fn differences<'a>(&'a self, other: &'a Self) -> Vec<&'a str> {
        let differs = |place: &&Place| self.0.get(place) != other.0.get(place);
        let mut names: Vec<&str> =
            self.0.keys().chain(other.0.keys()).filter(differs).map(|place| &*place.name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl Place {
    fn alter(&self, dialect: &Dialect, role: &str) -> Result<String, Failure> {
        let (account, role) = (dialect.account, dialect.identifier(role)?);
        Ok(match &self.database {
            None => format!("ALTER {account} {role}"),
            Some(database) => {
                format!("ALTER {account} {role} IN DATABASE {}", dialect.identifier(database)?)
            }
        })
    }

    fn write(&self, value: &str) -> Result<String, Failure> {
        // Not what the server has: see `session::values`.
        if value.contains(char::REPLACEMENT_CHARACTER) {
            return Err(Failure::declined(format!(
                "the role's setting {} holds bytes that are not UTF-8",
                clean(&self.name)
            ))
            .with_remedy("set it on both accounts by hand"));
        }
        if !LISTS_OF_NAMES.contains(&self.name.as_str()) {
            return literal(value);
        }
        let names = split_names(value).ok_or_else(|| {
            Failure::declined(format!(
                "the role's setting {} holds a list that can't be read",
                self.name
            ))
            .with_remedy(format!("set {} of the role anew", self.name))
        })?;
        if names.is_empty() {
            return literal("");
        }
        let names: Vec<String> =
            names.iter().map(|name| literal(name)).collect::<Result<_, _>>()?;
        Ok(names.join(", "))
    }
}

/// Splits a stored list of names as the server's `SplitGUCList` does: at commas, blanks around a
/// name left out, a quoted name with its doubled quotes undone, case kept.
fn split_names(list: &str) -> Option<Vec<String>> {
    let is_blank = |character: char| matches!(character, ' ' | '\t'..='\r');
    let mut names = Vec::new();
    let mut rest = list.trim_start_matches(is_blank);
    while !rest.is_empty() {
        let (name, after) = if let Some(quoted) = rest.strip_prefix('"') {
            take_quoted(quoted)?
        } else {
            let end = rest.find(|next| next == ',' || is_blank(next)).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            (name.to_owned(), after)
        };
        if name.is_empty() && !rest.starts_with('"') {
            return None;
        }
        names.push(name);
        let after = after.trim_start_matches(is_blank);
        rest = match after.strip_prefix(',') {
            Some(next) => {
                Some(next.trim_start_matches(is_blank)).filter(|next| !next.is_empty())?
            }
            None if after.is_empty() => after,
            None => return None,
        };
    }
    Some(names)
}

/// A quoted name from behind its opening quote, and what follows the closing one.
fn take_quoted(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('"')?;
        name.push_str(part);
        match after.strip_prefix('"') {
            Some(next) => {
                name.push('"');
                rest = next;
            }
            None => return Some((name, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::tests::PRODUCT;

    fn settings(entries: &[(Option<&str>, &str)]) -> Settings {
        let mut settings = Settings::default();
        for (database, entry) in entries {
            settings.add(&PRODUCT.dialect, *database, entry).unwrap();
        }
        settings
    }

    fn statements(actual: &[(Option<&str>, &str)], wanted: &[(Option<&str>, &str)]) -> Vec<String> {
        settings(actual).become_statements(&PRODUCT.dialect, &settings(wanted), "a\"b").unwrap()
    }

    #[test]
    fn lists_of_names_are_split_as_the_server_does() {
        let table: &[(&str, &[&str])] = &[
            ("\"$user\", public", &["$user", "public"]),
            ("public", &["public"]),
            ("\"a b\", \"c\"\"d\"", &["a b", "c\"d"]),
            ("\"with, comma\",x", &["with, comma", "x"]),
            ("\"\"", &[""]),
            ("", &[]),
            ("  a ,\tb ", &["a", "b"]),
            ("MixedCase", &["MixedCase"]),
            ("\"é\", 😀", &["é", "😀"]),
        ];
        for (list, names) in table {
            assert_eq!(split_names(list).unwrap(), *names, "{list}");
        }
        for broken in ["\"open", "a b", "a,", ",a", "a,,b", "\"a\"b"] {
            assert_eq!(split_names(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_list_is_written_name_by_name_and_everything_else_as_one_string() {
        let wanted = [
            (None, "search_path=\"$user\", public, \"a b\", \"c\"\"d\", \"it's\""),
            (None, "DateStyle=ISO, MDY"),
            (None, "my.setting=a=b'c\\d"),
            (None, "temp_tablespaces="),
        ];
        assert_eq!(
            statements(&[], &wanted),
            [
                r#"ALTER ROLE "a""b" SET "DateStyle" TO 'ISO, MDY'"#,
                r#"ALTER ROLE "a""b" SET "my.setting" TO  E'a=b''c\\d'"#,
                r#"ALTER ROLE "a""b" SET "search_path" TO '$user', 'public', 'a b', 'c"d', 'it''s'"#,
                r#"ALTER ROLE "a""b" SET "temp_tablespaces" TO ''"#,
            ]
        );
    }

    #[test]
    fn only_differences_are_written_and_superfluous_settings_removed() {
        let actual = [
            (None, "work_mem=4MB"),
            (None, "jit=off"),
            (Some("db\"1"), "work_mem=1MB"),
            (Some("db\"1"), "jit=off"),
        ];
        let wanted = [
            (None, "work_mem=8MB"),
            (None, "jit=off"),
            (Some("db\"1"), "jit=on"),
            (Some("db2"), "jit=off"),
        ];
        assert_eq!(
            statements(&actual, &wanted),
            [
                r#"ALTER ROLE "a""b" IN DATABASE "db""1" RESET "work_mem""#,
                r#"ALTER ROLE "a""b" SET "work_mem" TO '8MB'"#,
                r#"ALTER ROLE "a""b" IN DATABASE "db""1" SET "jit" TO 'on'"#,
                r#"ALTER ROLE "a""b" IN DATABASE "db2" SET "jit" TO 'off'"#,
            ]
        );
        assert!(statements(&wanted, &wanted).is_empty());
        assert_eq!(settings(&actual).differences(&settings(&wanted)), ["jit", "work_mem"]);
    }

    #[test]
    fn sessions_start_as_the_base_unless_the_base_itself_starts_as_another() {
        assert_eq!(settings(&[]).starting_as("app").role(), Some("app"));
        let owned = settings(&[(None, "role=owner")]);
        assert_eq!(owned.starting_as("app").role(), Some("owner"));
        // A setting for one database says nothing about the others.
        let elsewhere = settings(&[(Some("db"), "role=owner")]);
        assert_eq!(elsewhere.starting_as("app").role(), Some("app"));
        assert_eq!(owned.starting_like(&settings(&[])).role(), None);
        assert_eq!(settings(&[]).starting_like(&owned).role(), Some("owner"));
    }
}
