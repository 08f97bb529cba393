//! Access lists as the catalog prints them: `app=r*w/owner,"a ""b"=U/owner,group g=r/owner`.
//!
//! Every privilege is a letter, and a star behind it says that it may be granted on. Only entries of
//! users count here; groups and whatever else a server may add (`group …`, `role …`) have a blank
//! before their name, which a user's name has in quotes only.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

/// Letters, and whether each may be granted on.
pub(crate) type Privileges = BTreeMap<char, bool>;

/// What `list` grants to each of `users`, all grantors together; `None` where it can't be read.
pub(crate) fn granted<const N: usize>(list: &str, users: [&str; N]) -> Option<[Privileges; N]> {
    let mut granted = users.map(|_| Privileges::new());
    let mut rest = list.chars().peekable();
    while rest.peek().is_some() {
        let grantee = name(&mut rest, '=')?;
        let mut privileges: Vec<(char, bool)> = Vec::new();
        loop {
            match rest.next()? {
                '/' => break,
                '*' => privileges.last_mut()?.1 = true,
                letter if letter.is_ascii_alphabetic() => privileges.push((letter, false)),
                _ => return None,
            }
        }
        name(&mut rest, ',')?;
        let whose = users.iter().position(|user| grantee.as_deref() == Some(*user));
        if let Some(all) = whose.and_then(|at| granted.get_mut(at)) {
            for (letter, grantable) in privileges {
                *all.entry(letter).or_default() |= grantable;
            }
        }
    }
    Some(granted)
}

/// A name up to and including `end`, or the end of the list; `Some(None)` where it is no user's.
fn name(rest: &mut Peekable<Chars<'_>>, end: char) -> Option<Option<String>> {
    let mut name = String::new();
    let mut is_user = true;
    loop {
        match rest.next() {
            None if end == ',' => break,
            None => return None,
            Some(next) if next == end => break,
            Some('"') => loop {
                match rest.next()? {
                    '"' if rest.peek() == Some(&'"') => {
                        rest.next();
                        name.push('"');
                    }
                    '"' => break,
                    other => name.push(other),
                }
            },
            Some(next) => {
                is_user &= next != ' ';
                name.push(next);
            }
        }
    }
    Some(is_user.then_some(name))
}

/// What an access list has of a user's name, up to the first character that may be doubled in it: so
/// much can be searched for.
pub(crate) fn searchable(user: &str) -> &str {
    user.split('"').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(list: &str, user: &str) -> Option<String> {
        let [privileges] = granted(list, [user])?;
        let text = |(letter, grantable): (&char, &bool)| {
            format!("{letter}{}", if *grantable { "*" } else { "" })
        };
        Some(privileges.iter().map(text).collect())
    }

    #[test]
    fn each_user_has_what_its_entries_say() {
        let table: &[(&str, &str, &str)] = &[
            ("", "app", ""),
            ("app=r/owner", "app", "r"),
            ("app=r/owner", "ap", ""),
            ("xapp=r/owner,app_clone=w/owner", "app", ""),
            ("owner=arwdRxt/owner,=r/owner,app=r*w/owner", "app", "r*w"),
            // Several grantors.
            ("app=r/owner,app=r*a/other", "app", "ar*"),
            // A group of the same name, in both spellings.
            ("group app=r/owner", "app", ""),
            ("group \"app\"=r/owner,app=w/owner", "app", "w"),
            ("\"group app\"=r/owner", "group app", "r"),
            ("group app=r/owner,group \"app\"=w/owner", "group app", ""),
            ("\"a \"\"b, c=r/d\"=U/\"o=w,app=C/x\"", "a \"b, c=r/d", "U"),
            ("\"a \"\"b, c=r/d\"=U/\"o=w,app=C/x\"", "app", ""),
            ("app=/owner", "app", ""),
            ("é=r/owner", "é", "r"),
            ("\"IAM:app\"=r/\"IAM:owner\"", "IAM:app", "r"),
        ];
        for (list, user, expected) in table {
            assert_eq!(of(list, user).as_deref(), Some(*expected), "{user} in {list}");
        }
    }

    #[test]
    fn what_is_no_list_is_not_guessed() {
        for list in ["app", "app=r", "app=*/o", "app=r+/o", "\"app=r/o", "app=r/\"o", "app=r/o,,"] {
            assert_eq!(of(list, "app"), None, "{list}");
        }
    }

    #[test]
    fn the_searchable_part_is_in_every_spelling() {
        assert_eq!(searchable("app"), "app");
        assert_eq!(searchable("a\"b"), "a");
        assert_eq!(searchable("\"b"), "");
    }
}
