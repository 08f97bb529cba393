//! The place that a page of a list of secrets begins behind, for either kind of store.

use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

use super::answers::Description;
use super::error::{Exception, ServiceError};
use super::moment::Moment;
use super::record::SecretRecord;
use super::requests::{ListSecrets, PlannedDeletion, SortBy, SortOrder};

/// What a token begins with, before it is encoded.
const SECRETS_AFTER: &str = "secrets-after:";

/// A place in the order of a list of secrets: in front of the first, or behind one.
pub(super) struct Cursor {
    by: SortBy,
    order: SortOrder,
    planned_deletion: PlannedDeletion,
    after: Option<(Moment, String)>,
}

impl Cursor {
    pub(super) fn new(request: &ListSecrets) -> Result<Self, ServiceError> {
        let ListSecrets { sort_by: by, order, planned_deletion, ref page, .. } = *request;
        let after = match &page.next_token {
            None => None,
            Some(token) => Some(Self::place(by, token).ok_or_else(bad_token)?),
        };
        Ok(Self { by, order, planned_deletion, after })
    }

    /// All secrets, in the order of their names.
    pub(super) fn all_names() -> Self {
        let (order, planned_deletion) = (SortOrder::Ascending, PlannedDeletion::List);
        Self { by: SortBy::Name, order, planned_deletion, after: None }
    }

    /// What a token stands for: the moment that is sorted by, and the name.
    fn place(by: SortBy, token: &str) -> Option<(Moment, String)> {
        let text = decode(token, SECRETS_AFTER)?;
        let (order, rest) = text.split_once(':')?;
        let (moment, name) = rest.split_once(':')?;
        let moment = Moment::from_millis(moment.parse().ok()?);
        (order == column(by)).then(|| (moment, name.to_owned()))
    }

    pub(super) fn token(&self, last: &Description) -> String {
        let moment = self.moment(last.created, last.last_changed);
        let (order, millis) = (column(self.by), moment.as_millis());
        encode(&format!("{SECRETS_AFTER}{order}:{millis}:{}", last.name))
    }

    /// What is sorted by, beside the name.
    fn moment(&self, created: Moment, changed: Moment) -> Moment {
        match self.by {
            SortBy::LastChangedDate => changed,
            SortBy::CreatedDate | SortBy::Name => created,
        }
    }

    /// What a list in memory is sorted by: dates, where they are asked for, then names.
    pub(super) fn key<'a>(&self, secret: &'a SecretRecord) -> (Option<Moment>, &'a str) {
        let moment = self.moment(secret.created, secret.changed);
        (Some(moment).filter(|_| self.by != SortBy::Name), &secret.name)
    }

    /// Whether a secret is listed, and lies behind the place.
    pub(super) fn takes(&self, secret: &SecretRecord) -> bool {
        let listed = secret.deletion.is_none() || self.planned_deletion == PlannedDeletion::List;
        let behind = self.after.as_ref().is_none_or(|(moment, name)| {
            let place = (Some(*moment).filter(|_| self.by != SortBy::Name), name.as_str());
            self.in_order(place, self.key(secret)) == Ordering::Less
        });
        listed && behind
    }

    /// Which of two comes first.
    pub(super) fn in_order<K: Ord>(&self, one: K, other: K) -> Ordering {
        match self.order {
            SortOrder::Ascending => one.cmp(&other),
            SortOrder::Descending => other.cmp(&one),
        }
    }

    /// The query of what lies behind the place. Its parameters: now, and [`Cursor::parameters`].
    /// Equal dates are in the order of names.
    pub(super) fn sql(&self, columns: &str) -> String {
        let (beyond, direction) = match self.order {
            SortOrder::Ascending => (">", "ASC"),
            SortOrder::Descending => ("<", "DESC"),
        };
        let deletion = match self.planned_deletion {
            PlannedDeletion::Omit => "deletion IS NULL AND ?1 IS NOT NULL",
            PlannedDeletion::List => "(deletion IS NULL OR deletion > ?1)",
        };
        let behind = match (&self.after, self.by) {
            (None, _) => "?2 IS NULL AND ?3 IS NULL".to_owned(),
            (Some(_), SortBy::Name) => format!("?2 IS NOT NULL AND name {beyond} ?3"),
            (Some(_), by) => format!("({}, name) {beyond} (?2, ?3)", column(by)),
        };
        let order = match self.by {
            SortBy::Name => format!("name {direction}"),
            by => format!("{} {direction}, name {direction}", column(by)),
        };
        format!("SELECT {columns} FROM secret WHERE {deletion} AND {behind} ORDER BY {order}")
    }

    pub(super) fn parameters(&self) -> (Option<Moment>, Option<&str>) {
        match &self.after {
            None => (None, None),
            Some((moment, name)) => (Some(*moment), Some(name)),
        }
    }
}

/// What a list is sorted by, in the database and in tokens.
fn column(by: SortBy) -> &'static str {
    match by {
        SortBy::Name => "name",
        SortBy::CreatedDate => "created",
        SortBy::LastChangedDate => "changed",
    }
}

/// A token, from what it stands for.
pub(super) fn encode(text: &str) -> String {
    BASE64.encode(text)
}

/// What a token of this kind stands for.
pub(super) fn decode(token: &str, kind: &str) -> Option<String> {
    let bytes = BASE64.decode(token).ok()?;
    String::from_utf8(bytes).ok()?.strip_prefix(kind).map(str::to_owned)
}

pub(super) fn bad_token() -> ServiceError {
    ServiceError::new(
        Exception::InvalidNextToken,
        "The NextToken value is invalid. Begin the list again without it.",
    )
}
