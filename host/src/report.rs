//! Errors as one line of text.

/// An error and its causes in one line. An error type either shows its cause in its own message or has
/// it as its source, never both, so nothing stands there twice.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
