//! What an account may hand on to another: what an administrator of alternating users has to have.
//!
//! Read-only and for people: it says beforehand what a statement would be refused for. The server
//! decides, so that what a list of rights does not show counts as held.

use windlass_sdk::Failure;

use super::{ALL, Grants, Object, Rights, grant, role_name};
use crate::session::Session;
use crate::tokens::{Tokens, unreadable};
use crate::version::Version;

/// What `ALL PRIVILEGES` on a database means; servers spell it out on `*.*` only.
const ALL_ON_A_DATABASE: [&str; 18] = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "CREATE",
    "DROP",
    "REFERENCES",
    "INDEX",
    "ALTER",
    "CREATE TEMPORARY TABLES",
    "LOCK TABLES",
    "EXECUTE",
    "CREATE VIEW",
    "SHOW VIEW",
    "CREATE ROUTINE",
    "ALTER ROUTINE",
    "EVENT",
    "TRIGGER",
];

impl Grants {
    /// What the session may do, through its roles as well.
    pub(crate) fn held(session: &mut Session, version: Version) -> Result<Self, Failure> {
        let mut statement = "SHOW GRANTS".to_owned();
        if version.has_roles() && !version.mariadb {
            let rows = session.query("SELECT CURRENT_ROLE()", "reading the session's roles")?;
            let roles = rows.into_iter().flatten().flatten().next().unwrap_or_default();
            let roles = super::read::roles(&mut Tokens::read(&roles, version.backslash())?)?;
            if !roles.is_empty() {
                let roles: Vec<_> = roles.iter().map(role_name).collect();
                statement = format!("SHOW GRANTS FOR CURRENT_USER() USING {}", roles.join(", "));
            }
        }
        Self::shown(session, version, &statement)
    }

    /// What a role of MariaDB's may do; `role` is its name as it stands in statements.
    pub(crate) fn ask_role(
        session: &mut Session,
        version: Version,
        role: &str,
    ) -> Result<Self, Failure> {
        Self::shown(session, version, &format!("SHOW GRANTS FOR {role}"))
    }

    /// All rights that the server lists, whoever's they are.
    fn shown(session: &mut Session, version: Version, statement: &str) -> Result<Self, Failure> {
        let rows = session.query(statement, "reading rights")?;
        let mut shown = Self::default();
        for row in rows.into_iter().flatten().flatten() {
            shown.add_row(&mut Tokens::read(&row, version.backslash())?)?;
        }
        shown.rights.retain(|_, rights| *rights != Rights::default());
        Ok(shown)
    }

    /// Whether it has this privilege on everything.
    pub(crate) fn has_on_everything(&self, privilege: &str) -> bool {
        self.rights.contains_key(&Object::Dynamic(privilege.into()))
            || self.rights.get(&Object::Global).is_some_and(|global| global.includes(privilege))
    }

    /// Whether it may read every table of this database.
    pub(crate) fn may_read(&self, database: &str) -> bool {
        self.has_on_everything("SELECT")
            || self.rights.iter().any(|(object, rights)| {
                object.covers(&Object::Database(database.into())) && rights.includes("SELECT")
            })
    }

    /// Of these rights of another's, those that it may not hand on, for people, each with the statement
    /// that lets it; `who` is its account.
    pub(crate) fn can_not_hand_on(&self, theirs: &Self, who: &str) -> Vec<(String, String)> {
        let lacked = theirs.rights.iter().filter(|(object, rights)| !self.hands_on(object, rights));
        let one = |(object, rights): (&Object, &Rights)| {
            (object.with(&rights.privileges), grant(object, &rights.privileges, true, who))
        };
        lacked.map(one).collect()
    }

    fn hands_on(&self, object: &Object, rights: &Rights) -> bool {
        if matches!(object, Object::Role(..)) && self.has_on_everything("ROLE_ADMIN") {
            return true;
        }
        let covering =
            || self.rights.iter().filter(|(own, rights)| rights.may_grant && own.covers(object));
        let has = |name: &str| covering().any(|(_, own)| own.includes(name));
        rights.privileges.iter().all(|(name, _)| match name.as_str() {
            ALL if !has(ALL) => {
                *object != Object::Global && ALL_ON_A_DATABASE.iter().all(|name| has(name))
            }
            name => has(name),
        }) && covering().next().is_some()
    }

    /// A row, whoever's it is: what a session has through a role it has.
    fn add_row(&mut self, tokens: &mut Tokens) -> Result<(), Failure> {
        // A part of a right that is taken again is left to the server.
        if !tokens.takes("GRANT") {
            return Ok(());
        }
        let row = super::read::row(tokens)?;
        if !tokens.takes("TO") {
            return Err(unreadable());
        }
        let may_grant = super::read::ends_in_option(tokens);
        for (object, privileges) in row {
            let own = self.rights.entry(object).or_default();
            own.privileges.extend(privileges);
            own.may_grant |= may_grant;
        }
        Ok(())
    }
}

impl Rights {
    fn includes(&self, privilege: &str) -> bool {
        self.has_all() || self.privileges.contains(&(privilege.to_owned(), None))
    }
}

impl Object {
    /// Whether a right on this is one on `other`, too.
    fn covers(&self, other: &Self) -> bool {
        if self == other {
            return true;
        }
        match (self, other) {
            (Self::Global, Self::Database(_) | Self::Table(..) | Self::Routine(..)) => true,
            // A pattern covers what it names, and the same pattern.
            (
                Self::Database(pattern),
                Self::Database(name) | Self::Table(name, _) | Self::Routine(_, name, _),
            ) => matches(pattern, name),
            (Self::Proxy(anybody), Self::Proxy(_)) => anybody.user.is_empty(),
            _ => false,
        }
    }
}

/// Whether a database's name is one of those that a pattern of a grant means: `%`, `_`, and `\`
/// before one of them that stands for itself. A server's text may be any: it takes a time that grows
/// with both lengths.
fn matches(pattern: &str, name: &str) -> bool {
    let pattern = wildcards(pattern);
    let name: Vec<char> = name.chars().collect();
    let (mut at, mut read) = (0, 0);
    // The last `%`, and how much of the name it stands for so far.
    let mut any: Option<(usize, usize)> = None;
    while let Some(character) = name.get(read) {
        match pattern.get(at) {
            Some(Wildcard::Any) => {
                any = Some((at, read));
                at += 1;
            }
            Some(Wildcard::One) => (at, read) = (at + 1, read + 1),
            Some(Wildcard::Itself(own)) if own == character => (at, read) = (at + 1, read + 1),
            _ => {
                let Some((percent, from)) = any else { return false };
                any = Some((percent, from + 1));
                (at, read) = (percent + 1, from + 1);
            }
        }
    }
    pattern.iter().skip(at).all(|rest| *rest == Wildcard::Any)
}

#[derive(Debug, PartialEq, Eq)]
enum Wildcard {
    Any,
    One,
    Itself(char),
}

fn wildcards(pattern: &str) -> Vec<Wildcard> {
    let mut characters = pattern.chars();
    let mut all = Vec::new();
    while let Some(character) = characters.next() {
        all.push(match character {
            '%' => Wildcard::Any,
            '_' => Wildcard::One,
            '\\' => Wildcard::Itself(characters.next().unwrap_or('\\')),
            other => Wildcard::Itself(other),
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::AccountName;
    use crate::tokens::Backslash;

    fn held(rows: &[&str]) -> Grants {
        let mut held = Grants::default();
        for row in rows {
            held.add_row(&mut Tokens::read(row, Backslash::Single).unwrap()).unwrap();
        }
        held
    }

    fn of_app(rows: &[&str]) -> Grants {
        let name = AccountName { user: "app".into(), host: "%".into() };
        Grants::read(rows.iter().copied(), &name, Backslash::Single).unwrap()
    }

    #[test]
    fn a_right_is_handed_on_by_who_has_it_with_the_option_there_or_above() {
        let all = "GRANT ALL PRIVILEGES ON *.* TO `m`@`%` WITH GRANT OPTION";
        let spelled =
            format!("GRANT {} ON *.* TO `m`@`%` WITH GRANT OPTION", ALL_ON_A_DATABASE.join(", "));
        let reads = "GRANT SELECT ON `sh\\_p%`.* TO `m`@`%` WITH GRANT OPTION";
        for (actor, right, expected) in [
            (all, "SELECT ON *.*", true),
            (all, "SELECT (`a`) ON `d`.`t`", true),
            (all, "EXECUTE ON PROCEDURE `d`.`p`", true),
            (all, "PROXY ON `x`@`%`", false),
            (&spelled, "ALL PRIVILEGES ON `d`.*", true),
            (&spelled, "ALL PRIVILEGES ON *.*", false),
            (&spelled, "RELOAD ON *.*", false),
            (reads, "SELECT ON `sh_pop`.*", true),
            (reads, "SELECT ON `sh_pop`.`t`", true),
            (reads, "SELECT ON `shxpop`.*", false),
            (reads, "INSERT ON `sh_pop`.*", false),
            (reads, "SELECT ON *.*", false),
            ("GRANT SELECT ON `%a%`.* TO `m`@`%` WITH GRANT OPTION", "SELECT ON `bcab`.*", true),
            ("GRANT SELECT ON `%a`.* TO `m`@`%` WITH GRANT OPTION", "SELECT ON `bab`.*", false),
            ("GRANT SELECT ON `d`.* TO `m`@`%`", "SELECT ON `d`.*", false),
            ("GRANT PROXY ON ``@`` TO `m`@`%` WITH GRANT OPTION", "PROXY ON `x`@`%`", true),
            ("GRANT A_B ON *.* TO `m`@`%` WITH GRANT OPTION", "A_B ON *.*", true),
            ("GRANT A_B ON *.* TO `m`@`%`", "A_B ON *.*", false),
        ] {
            let theirs = of_app(&[&format!("GRANT {right} TO `app`@`%`")]);
            let lacked = held(&[actor]).can_not_hand_on(&theirs, "`m`@`%`");
            assert_eq!(lacked.is_empty(), expected, "{actor}: {right}: {lacked:?}");
        }
        let role = of_app(&["GRANT `r`@`%` TO `app`@`%`"]);
        for (row, lacked) in [
            ("GRANT `r`@`%` TO `m`@`%`", true),
            ("GRANT `r`@`%` TO `m`@`%` WITH ADMIN OPTION", false),
            ("GRANT ROLE_ADMIN ON *.* TO `m`@`%`", false),
        ] {
            assert_eq!(!held(&[row]).can_not_hand_on(&role, "`m`@`%`").is_empty(), lacked, "{row}");
        }
    }

    #[test]
    fn rights_of_a_role_and_partly_revoked_ones_count_as_held() {
        let held = held(&[
            "GRANT USAGE ON *.* TO `m`@`%`",
            "GRANT CREATE USER ON *.* TO `boss`",
            "REVOKE SELECT ON `mysql`.* FROM `m`@`%`",
            "SET DEFAULT ROLE `boss` FOR `m`@`%`",
            "GRANT SELECT ON `mysql`.* TO `m`@`%`",
        ]);
        assert!(held.has_on_everything("CREATE USER") && held.may_read("mysql"));
        assert!(!held.has_on_everything("SELECT") && !held.may_read("shop"));
    }
}
