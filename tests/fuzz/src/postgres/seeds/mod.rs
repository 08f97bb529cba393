//! Conversations as PostgreSQL has them, good and bad, and how each ends.

mod assessments;
mod changes;
mod pairs;
mod sign_in;

use super::Choice;
use super::wire::*;
use crate::Seed;
use crate::ends::{Conversation, Ends};

/// What the corpus holds.
pub fn seeds() -> Vec<Seed> {
    Conversation::seeds(conversations())
}

/// By what happens in them.
pub(super) fn conversations() -> Vec<Conversation> {
    [sign_in::scram(), sign_in::others(), sign_in::failing(), changes::stored(), changes::text()]
        .into_iter()
        .chain([pairs::taken(), pairs::refused(), pairs::once_found()])
        .chain([assessments::found(), assessments::marked()])
        .flatten()
        .collect()
}

fn seed(name: &'static str, ends: Ends, choice: u16, says: &[&[u8]]) -> Conversation {
    Conversation::new(name, ends, Choice(choice).before(says))
}

/// The shortest way in.
fn let_in() -> Vec<u8> {
    [authentication(5, &[1, 2, 3, 4]), welcome()].concat()
}

/// The answer to what a change, or an assessment, asks first.
fn begun(tables: &[Vec<u8>]) -> Vec<u8> {
    begun_with("scram-sha-256", tables)
}

/// The same where passwords are stored otherwise.
fn begun_with(encryption: &str, tables: &[Vec<u8>]) -> Vec<u8> {
    let settings = [Some(encryption), Some("1"), Some("160004"), None, None];
    [complete("BEGIN"), table(&[row(&settings)]), tables.concat(), READY.to_vec()].concat()
}

/// The answer to what changes something.
fn committed() -> Vec<u8> {
    [complete("ALTER ROLE"), complete("COMMIT"), READY.to_vec()].concat()
}
