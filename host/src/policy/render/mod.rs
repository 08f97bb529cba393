//! The documents in the languages in which people deploy.

mod cloudformation;
mod terraform;

pub use cloudformation::cloudformation;
pub use terraform::terraform;

use serde_json::Value;

use super::document::{Document, Kind};

/// The document of a kind, as JSON.
pub fn document_of(documents: &[Document], kind: Kind) -> Value {
    documents.iter().find(|one| one.kind == kind).map_or(Value::Null, Document::to_json)
}
