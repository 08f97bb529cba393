//! Passwords as SCRAM sees them: SASLprep (RFC 4013), in the way of PostgreSQL.
//!
//! Server and libpq deviate from the RFC on purpose: a password that SASLprep prohibits is used as
//! it is. They also look for prohibited and unassigned characters before normalisation, where the
//! RFC and the `stringprep` crate's own `saslprep` look after it. Whoever does it otherwise locks
//! an account out, so the tables are the crate's and the order is the server's
//! (`src/common/saslprep.c`).

use std::borrow::Cow;

use stringprep::tables;
use unicode_normalization::UnicodeNormalization;

/// The form of `password` that goes into SCRAM's key derivation.
pub(crate) fn prepare(password: &str) -> Cow<'_, str> {
    if password.is_ascii() {
        return Cow::Borrowed(password);
    }
    let mapped: String = password.chars().filter_map(map).collect();
    if mapped.is_empty() || mapped.chars().any(is_prohibited) || breaks_direction(&mapped) {
        return Cow::Borrowed(password);
    }
    Cow::Owned(mapped.nfkc().collect())
}

/// Step 1 (RFC 4013, 2.1): blanks of every kind become a space, and some characters disappear.
fn map(character: char) -> Option<char> {
    if tables::non_ascii_space_character(character) {
        Some(' ')
    } else if tables::commonly_mapped_to_nothing(character) {
        None
    } else {
        Some(character)
    }
}

/// Step 3 (RFC 4013, 2.3 and 2.5).
fn is_prohibited(character: char) -> bool {
    tables::non_ascii_space_character(character)
        || tables::ascii_control_character(character)
        || tables::non_ascii_control_character(character)
        || tables::private_use(character)
        || tables::non_character_code_point(character)
        || tables::surrogate_code(character)
        || tables::inappropriate_for_plain_text(character)
        || tables::inappropriate_for_canonical_representation(character)
        || tables::change_display_properties_or_deprecated(character)
        || tables::tagging_character(character)
        || tables::unassigned_code_point(character)
}

/// Step 4 (RFC 3454, section 6): right-to-left text must be so from end to end.
fn breaks_direction(text: &str) -> bool {
    let right_to_left = |end: Option<char>| end.is_some_and(tables::bidi_r_or_al);
    text.contains(tables::bidi_r_or_al)
        && (text.contains(tables::bidi_l)
            || !right_to_left(text.chars().next())
            || !right_to_left(text.chars().next_back()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_4013_as_the_server_does_it() {
        let table: &[(&str, &str)] = &[
            ("pass word", "pass word"),
            ("tab\there", "tab\there"),         // ASCII is never touched
            ("I\u{ad}X", "IX"),                 // soft hyphen: mapped to nothing
            ("a\u{a0}b", "a b"),                // no-break space
            ("\u{aa}", "a"),                    // NFKC
            ("\u{bd}", "1\u{2044}2"),           // one half
            ("\u{2168}", "IX"),                 // Roman nine
            ("é", "é"),                         // already composed
            ("e\u{301}", "é"),                  // composed here
            ("😀", "😀"),                       // unassigned in Unicode 3.2: as it is
            ("½😀", "½😀"),                     // … as a whole
            ("\u{ad}", "\u{ad}"),               // nothing would be left
            ("é\u{7}", "é\u{7}"),               // a control character: as it is
            ("\u{627}\u{31}", "\u{627}\u{31}"), // right-to-left with a digit at the end
            ("\u{1f130}", "\u{1f130}"),         // its NFKC is `A`, but it is unassigned
        ];
        for (password, prepared) in table {
            assert_eq!(prepare(password), *prepared, "{password:?}");
        }
    }
}
