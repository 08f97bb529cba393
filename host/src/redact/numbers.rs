//! Bytes that a text writes as numbers or in Base64.
//!
//! | form | what is recognised |
//! |---|---|
//! | hexadecimal | two digits each, with separators or without |
//! | decimal | up to three digits each, with separators |
//! | Base64 | either alphabet, at any offset in something longer, wrapped or not |

use super::spelling::breaks_off;

/// One byte, and where it is written.
#[derive(Clone, Copy)]
pub(super) struct Written {
    pub(super) byte: u8,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// How a text writes numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Radix {
    Hexadecimal,
    Decimal,
}

/// Hands over every sequence of numbers of the text.
pub(super) fn numbers(text: &str, radix: Radix, mut sequence: impl FnMut(&[Written])) {
    let mut visited = vec![false; text.len() + 1];
    let mut written = Vec::new();
    for start in 0..text.len() {
        // A sequence is found whole by its first number.
        if visited.get(start).is_some_and(|visited| *visited) {
            continue;
        }
        written.clear();
        let mut at = start;
        while let Some((byte, end)) = number(text, at, radix) {
            written.push(Written { byte, start: at, end });
            if let Some(visited) = visited.get_mut(at) {
                *visited = true;
            }
            let next = after_separator(text, end, radix);
            // Numbers of more than one digit can't be told apart without one.
            if radix == Radix::Decimal && next == end {
                break;
            }
            at = next;
        }
        if radix == Radix::Hexadecimal
            && let Some(last) = written.last_mut()
        {
            last.end = after_half(text, last.end);
        }
        sequence(&written);
    }
}

/// The number at a place, and where it ends.
fn number(text: &str, at: usize, radix: Radix) -> Option<(u8, usize)> {
    let rest = text.as_bytes().get(at..)?;
    let digit = |place: usize| char::from(*rest.get(place)?).to_digit(16);
    match radix {
        Radix::Hexadecimal => {
            let byte = digit(0)? << 4 | digit(1)?;
            Some((u8::try_from(byte).ok()?, at + 2))
        }
        Radix::Decimal => {
            let within = at.checked_sub(1).and_then(|before| text.as_bytes().get(before));
            if within.is_some_and(u8::is_ascii_digit) {
                return None;
            }
            // A fourth digit makes it no byte, as any further one would.
            let length = rest.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
            Some((text.get(at..at + length)?.parse().ok()?, at + length))
        }
    }
}

/// After half a number: a text may end between two digits.
fn after_half(text: &str, at: usize) -> usize {
    let next = after_separator(text, at, Radix::Hexadecimal);
    let half = text.as_bytes().get(next).is_some_and(u8::is_ascii_hexdigit);
    if half && breaks_off(text, next + 1) { next + 1 } else { at }
}

/// After what stands between two numbers: `, `, `:`, `-`, a space, `\x`, `0x`.
fn after_separator(text: &str, at: usize, radix: Radix) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let spaced = rest.trim_start_matches([',', ':', '-', ' ', '_', ';']);
    // A list that somebody broke into lines has an escaped end of line by now.
    let spaced = spaced.strip_prefix("\\n").unwrap_or(spaced).trim_start_matches(' ');
    let marked = match radix {
        Radix::Decimal => spaced,
        Radix::Hexadecimal => ["\\\\x", "\\x", "0x", "0X", "%", "="]
            .into_iter()
            .find_map(|mark| spaced.strip_prefix(mark))
            .unwrap_or(spaced),
    };
    at + rest.len() - marked.len()
}

/// Hands over what every sequence of Base64's digits means, wherever in four digits it begins.
pub(super) fn base64(text: &str, mut sequence: impl FnMut(&[Written])) {
    let mut digits: Vec<(u8, usize)> = Vec::new();
    let mut written = Vec::new();
    let mut at = 0;
    while at <= text.len() {
        match text.as_bytes().get(at).copied().and_then(value) {
            Some(digit) => digits.push((digit, at)),
            None => {
                for missing in 0..4 {
                    written.clear();
                    written.extend(bytes(&digits, missing));
                    sequence(&written);
                }
                digits.clear();
            }
        }
        at += 1;
        if !digits.is_empty() {
            at = after_line_end(text, at);
        }
    }
}

/// What digits mean where `missing` others of the first four are not there. Four digits are three
/// bytes, each of which two digits hold.
fn bytes(digits: &[(u8, usize)], missing: usize) -> impl Iterator<Item = Written> {
    let pairs = digits.iter().zip(digits.iter().skip(1)).enumerate();
    pairs.filter_map(move |(index, (first, second))| {
        let shift = [4, 2, 0].get((index + missing) % 4)?;
        let [_, byte] = ((u16::from(first.0) << 6 | u16::from(second.0)) >> shift).to_be_bytes();
        Some(Written { byte, start: first.1, end: second.1 + 1 })
    })
}

/// From where to where a run reaches in Base64: with the digits beside it, which may hold a part of
/// the byte there, and the padding.
pub(super) fn with_neighbours(text: &str, start: usize, end: usize) -> (usize, usize) {
    let is_digit = |at: usize| text.as_bytes().get(at).copied().and_then(value).is_some();
    let start = start.checked_sub(1).filter(|before| is_digit(*before)).unwrap_or(start);
    let end = if is_digit(end) { end + 1 } else { end };
    let line_ended = after_line_end(text, end);
    let rest = text.get(line_ended..).unwrap_or_default();
    match rest.strip_prefix('=').map(|rest| rest.strip_prefix('=').unwrap_or(rest)) {
        Some(padded) => (start, text.len() - padded.len()),
        None => (start, end),
    }
}

fn after_line_end(text: &str, at: usize) -> usize {
    let Some(mut rest) = text.get(at..) else { return at };
    for line_end in ["\\r", "\\n", " "] {
        rest = rest.strip_prefix(line_end).unwrap_or(rest);
    }
    text.len() - rest.len()
}

/// The value of a digit of Base64, in either alphabet.
fn value(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}
