//! Texts that somebody else chose, on their way into a message.

/// How much of such a text is passed on, in characters. What servers say themselves is a line long;
/// beyond that it is somebody else's text.
pub const TEXT_MAX: usize = 400;

/// One line of bounded length, that reads as it is written: whatever ends a line, drives a terminal
/// or turns the direction of the text around it becomes a space, and what is longer than
/// [`TEXT_MAX`] is cut. The host does more of it; a plugin that does this says what it means.
pub fn clean(text: &str) -> String {
    // Separators of lines and paragraphs, and marks of direction.
    let misleads = |character| {
        matches!(
            character,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
    };
    let mut line: String = text
        .chars()
        .map(|one| if one.is_control() || misleads(one) { ' ' } else { one })
        .take(TEXT_MAX)
        .collect();
    if text.chars().nth(TEXT_MAX).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_becomes_one_line_that_reads_as_it_was_written() {
        assert_eq!(clean("a\nb\tc\u{1b}[0m"), "a b c [0m");
        assert_eq!(clean("a\u{2028}b\u{202e}c"), "a b c");
        assert_eq!(clean("a\nb\u{2028}c\u{202e}d\u{2066}e"), "a b c d e");
    }

    #[test]
    fn a_text_has_a_bounded_length() {
        let long = clean(&"é".repeat(5000));
        assert_eq!(long.chars().count(), TEXT_MAX + 1);
        assert!(long.ends_with('…'));
    }
}
