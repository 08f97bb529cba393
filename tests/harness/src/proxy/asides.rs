//! What is said in TLS 1.3 and nobody waits for: counting it would make the same conversation one
//! round trip longer now and then, as the pieces happen to come.
//!
//! - The client's last word of the handshake, where it comes by itself. The client goes on at once;
//!   what a server sends meanwhile are tickets for later sessions.
//! - A goodbye (`close_notify`) by itself.
//!
//! Both are known by their lengths: what is in a record, TLS 1.3 does not show. No message of a
//! database is two bytes long, as an alert is.

/// Type, version (two bytes), length (two bytes).
const HEADER: usize = 5;

/// Whatever is encrypted: the record's type and version.
const ENCRYPTED: [u8; 3] = [23, 3, 3];

/// The record that TLS 1.3 sends for old devices in between, before its first encrypted one.
const CHANGE_CIPHER_SPEC: &[u8] = &[20, 3, 3, 0, 1, 1];

/// An alert: two bytes, the hidden type, the tag of 16.
const ALERT: usize = 2 + 1 + 16;

/// Whether a piece of the client's is the end of its handshake and nothing else.
pub(super) fn is_finished(chunk: &[u8]) -> bool {
    chunk.strip_prefix(CHANGE_CIPHER_SPEC).is_some_and(|rest| encrypted(rest).is_some())
}

/// Whether a piece is a goodbye and nothing else.
pub(super) fn is_goodbye(chunk: &[u8]) -> bool {
    encrypted(chunk) == Some(ALERT)
}

/// How long the content is, if this is one encrypted record and nothing else.
fn encrypted(chunk: &[u8]) -> Option<usize> {
    let (header, content) = chunk.split_at_checked(HEADER)?;
    let [kind @ .., high, low] = <[u8; HEADER]>::try_from(header).ok()?;
    let length = usize::from(u16::from_be_bytes([high, low]));
    (kind == ENCRYPTED && length == content.len()).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(length: u8) -> Vec<u8> {
        [&[23, 3, 3, 0, length][..], &vec![7; usize::from(length)]].concat()
    }

    #[test]
    fn only_what_comes_by_itself_is_an_aside() {
        let finished = [CHANGE_CIPHER_SPEC, &record(53)].concat();
        let and_more = [finished.clone(), record(90)].concat();
        for (chunk, is_end, goodbye) in [
            (finished, true, false),
            (and_more, false, false),
            (CHANGE_CIPHER_SPEC.to_vec(), false, false),
            (record(19), false, true),
            ([record(28), record(19)].concat(), false, false),
            (record(28), false, false),
            (record(19)[..20].to_vec(), false, false),
            (Vec::new(), false, false),
        ] {
            assert_eq!((is_finished(&chunk), is_goodbye(&chunk)), (is_end, goodbye), "{chunk:?}");
        }
    }
}
