//! Secret values in what a rotation function says when it fails: its words are kept and shown, and it
//! is not trusted to choose them well.

use std::sync::Arc;

use crate::StoredValue;

/// Keeps secret values out of a text.
pub trait Redact: Send + Sync {
    /// The text without any of the values: each that any secret of the store holds or held, because a
    /// rotation also sees its administrator's secret.
    fn redact(&self, values: &[Arc<StoredValue>], text: &str) -> String;
}
