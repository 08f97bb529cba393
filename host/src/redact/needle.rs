//! A secret in one of its forms, and the search for it at one place of a text.
//!
//! | form | what is recognised |
//! |---|---|
//! | text | each character in any [`spelling`](super::spelling), NUL between them or not |
//! | bytes | two hexadecimal digits each, or a decimal number, with separators or without |
//! | Base64 | either alphabet, at any offset in something longer, wrapped or not |
//!
//! A part at an end of the text counts where it is long enough to help a guesser ([`enough`]):
//! plugins and servers cut what they quote.

use zeroize::Zeroizing;

use super::spelling::{self, breaks_off};

/// A secret in one form.
pub(super) enum Needle {
    /// As characters. `fold`: in either case.
    Text { characters: Zeroizing<Vec<char>>, fold: bool },
    /// As numbers.
    Bytes { bytes: Zeroizing<Vec<u8>>, decimal: bool },
    /// As Base64: each digit's value, and which of its six bits the secret decides.
    Base64 { digits: Zeroizing<Vec<(u8, u8)>> },
}

/// What one search through a text may cost, in characters compared: ordinary texts take a
/// tenth. A password of one letter, in a text of the same letter, would take for ever.
const STEPS: usize = 512 << 10;

/// What a search needs: places where a match may go on, kept, so that it allocates nothing; and
/// what it may still cost.
pub(super) struct Search {
    here: Vec<usize>,
    next: Vec<usize>,
    steps_left: usize,
}

impl Search {
    pub(super) fn new() -> Self {
        Self { here: Vec::new(), next: Vec::new(), steps_left: STEPS }
    }

    /// Whether it cost too much: what was found last may be wrong.
    pub(super) fn exhausted(&self) -> bool {
        self.steps_left == 0
    }

    /// Takes one step, if there is one left.
    fn step(&mut self) -> Option<()> {
        self.steps_left = self.steps_left.saturating_sub(1);
        (self.steps_left > 0).then_some(())
    }
}

/// How much of a secret counts as a leak: a half, but never less than four characters, which stand
/// anywhere by chance, and eight are too many to give away however long the secret is.
pub(super) fn enough(length: usize) -> usize {
    length.div_ceil(2).clamp(4, 8)
}

impl Needle {
    /// Where the secret ends, the longest way, if it begins at `at`.
    pub(super) fn end(&self, text: &str, at: usize, search: &mut Search) -> Option<usize> {
        match self {
            Self::Text { characters, fold } => {
                let whole = text_end(characters, *fold, text, at, search);
                // What was cut off before the text began, or where it goes on after a gap.
                if whole.is_some() || !begins_anew(text, at) {
                    return whole;
                }
                let rests = 1..=characters.len().saturating_sub(enough(characters.len()));
                rests
                    .filter_map(|from| characters.get(from..))
                    .find_map(|rest| text_end(rest, *fold, text, at, search))
            }
            Self::Bytes { bytes, decimal } => bytes_end(bytes, *decimal, text, at, search),
            Self::Base64 { digits } => base64_end(digits, text, at, search),
        }
    }

    /// The bytes with which it may begin.
    pub(super) fn beginnings(&self, mut may_begin: impl FnMut(u8)) {
        match self {
            Self::Text { characters, fold } => {
                spelling::INTRODUCERS.into_iter().chain([b'+']).for_each(&mut may_begin);
                match characters.first() {
                    // In UTF-8 the two cases of a letter may begin with different bytes.
                    Some(first) if !first.is_ascii() => (0x80..=u8::MAX).for_each(may_begin),
                    Some(first) => {
                        let mut byte = [0; 1];
                        first.encode_utf8(&mut byte);
                        let [byte] = byte;
                        may_begin(byte);
                        if *fold && byte.is_ascii_alphabetic() {
                            may_begin(byte ^ 0x20);
                        }
                    }
                    None => {}
                }
            }
            Self::Bytes { bytes, decimal } => {
                let first = bytes.first().copied().unwrap_or_default();
                let number = if *decimal { first.to_string() } else { format!("{first:02x}") };
                let digit = number.bytes().next().unwrap_or_default();
                may_begin(digit);
                if digit.is_ascii_lowercase() {
                    may_begin(digit.to_ascii_uppercase());
                }
            }
            Self::Base64 { digits } => {
                let second = after_shared(digits).and_then(|rest| rest.first());
                let may: Vec<_> = digits.first().into_iter().chain(second).collect();
                let fits = |byte: &u8| {
                    let digit = value(*byte);
                    may.iter().any(|(wanted, mask)| digit.is_some_and(|own| own & mask == *wanted))
                };
                (0..=u8::MAX).filter(fits).for_each(may_begin);
            }
        }
    }
}

/// Whether `at` is where a text begins or goes on after an ellipsis.
fn begins_anew(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    before.is_empty() || before.ends_with('…') || before.ends_with("...")
}

fn text_end(
    characters: &[char],
    fold: bool,
    text: &str,
    at: usize,
    search: &mut Search,
) -> Option<usize> {
    let enough = enough(characters.len());
    search.here.clear();
    search.here.push(at);
    let mut cut: Option<usize> = None;
    for (index, character) in characters.iter().enumerate() {
        let Search { here, next, steps_left } = search;
        *steps_left = steps_left.saturating_sub(here.len());
        if *steps_left == 0 {
            return None;
        }
        if index >= enough {
            for place in here.iter().filter(|place| breaks_off(text, **place)) {
                // A cut-off escape goes, too; an ellipsis stays.
                let rest = text.get(*place..).unwrap_or_default();
                let ellipsis = rest.starts_with(['…', '.']);
                cut = cut.max(Some(if ellipsis { *place } else { text.len() }));
            }
        }
        next.clear();
        for place in here.iter() {
            let mut go_on = |end| {
                if !next.contains(&end) {
                    next.push(end);
                }
            };
            spelling::ends(text, *place, *character, fold, &mut go_on);
            // UTF-16 that was taken for bytes has a NUL beside every letter.
            if let Some(place) = after_nul(text, *place).filter(|_| index > 0) {
                spelling::ends(text, place, *character, fold, &mut go_on);
            }
        }
        std::mem::swap(here, next);
        if here.is_empty() {
            return cut;
        }
    }
    search.here.iter().copied().max()
}

fn after_nul(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at..).filter(|rest| rest.starts_with('\\'))?;
    let nul = [r"\u{0}", r"\u0000", r"\x00", r"\0"].into_iter().find(|nul| rest.starts_with(nul));
    nul.map(|nul| at + nul.len())
}

fn bytes_end(
    bytes: &[u8],
    decimal: bool,
    text: &str,
    at: usize,
    search: &mut Search,
) -> Option<usize> {
    let enough = enough(bytes.len());
    let mut place = at;
    for (index, byte) in bytes.iter().enumerate() {
        search.step()?;
        if index > 0 {
            let next = after_separator(text, place, decimal);
            if index >= enough && (next >= text.len() || breaks_off(text, place)) {
                return Some(place);
            }
            // Numbers of more than one digit can't be told apart without one.
            if decimal && next == place {
                return None;
            }
            place = next;
        }
        let rest = text.get(place..).unwrap_or_default();
        let length = if decimal {
            // A fourth digit makes it no byte, as any further one would.
            let digits = rest.bytes().take(4).take_while(u8::is_ascii_digit).count();
            rest.get(..digits)
                .and_then(|digits| digits.parse::<u8>().ok())
                .filter(|n| n == byte)?;
            digits
        } else {
            let digits = rest.get(..2).filter(|two| two.bytes().all(|d| d.is_ascii_hexdigit()));
            let Some(digits) = digits else {
                // A text may end between two digits.
                let cut = index >= enough && rest.len() < 2 && !rest.starts_with(['"', '\'']);
                return cut.then_some(text.len());
            };
            u8::from_str_radix(digits, 16).ok().filter(|number| number == byte)?;
            2
        };
        place += length;
    }
    Some(place)
}

/// After what stands between two numbers: `, `, `:`, `-`, a space, `\x`, `0x`.
fn after_separator(text: &str, at: usize, decimal: bool) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let spaced = rest.trim_start_matches([',', ':', '-', ' ', '_', ';']);
    // A list that somebody broke into lines has an escaped end of line by now.
    let spaced = spaced.strip_prefix("\\n").unwrap_or(spaced).trim_start_matches(' ');
    let marked = match decimal {
        true => spaced,
        false => ["\\\\x", "\\x", "0x", "0X", "%", "="]
            .into_iter()
            .find_map(|mark| spaced.strip_prefix(mark))
            .unwrap_or(spaced),
    };
    at + rest.len() - marked.len()
}

fn base64_end(digits: &[(u8, u8)], text: &str, at: usize, search: &mut Search) -> Option<usize> {
    // What only shares its digit with the neighbours may be missing: somebody cut it out.
    base64_run(digits, text, at, search)
        .or_else(|| base64_run(after_shared(digits)?, text, at, search))
}

/// The digits without a first one that is shared.
fn after_shared(digits: &[(u8, u8)]) -> Option<&[(u8, u8)]> {
    digits.split_first().filter(|((_, mask), _)| *mask != WHOLE_DIGIT).map(|(_, rest)| rest)
}

fn base64_run(digits: &[(u8, u8)], text: &str, at: usize, search: &mut Search) -> Option<usize> {
    // Four digits are three characters.
    let enough = enough(digits.len() * 3 / 4) * 4 / 3;
    let mut place = at;
    for (index, (wanted, mask)) in digits.iter().enumerate() {
        search.step()?;
        let mut rest = text.get(place..).unwrap_or_default();
        if index > 0 {
            for line_end in ["\\r", "\\n", " "] {
                rest = rest.strip_prefix(line_end).unwrap_or(rest);
            }
        }
        let from = text.len() - rest.len();
        if index >= enough && breaks_off(text, from) {
            return Some(from);
        }
        match rest.bytes().next().and_then(value) {
            Some(digit) if digit & mask == *wanted => place = from + 1,
            // As at the beginning.
            _ if index + 1 == digits.len() && *mask != WHOLE_DIGIT => return Some(place),
            _ => return None,
        }
    }
    let rest = text.get(place..).unwrap_or_default();
    let line_ended = rest.strip_prefix("\\r").unwrap_or(rest);
    let line_ended = line_ended.strip_prefix("\\n").unwrap_or(line_ended);
    let padded = line_ended.strip_prefix('=').map(|rest| rest.strip_prefix('=').unwrap_or(rest));
    Some(text.len() - padded.unwrap_or(rest).len())
}

/// The mask of a digit whose six bits are all the secret's.
const WHOLE_DIGIT: u8 = 0x3f;

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

/// What the bytes are as Base64 of something longer, `before` bytes from the last multiple of
/// three: the digits at both ends are shared with the neighbours.
pub(super) fn base64(bytes: &[u8], before: usize) -> Needle {
    let first_bit = before * 8;
    let last_bit = first_bit + bytes.len() * 8;
    let bit = |number: usize| {
        let byte = number.checked_sub(first_bit).and_then(|own| bytes.get(own / 8));
        byte.map(|byte| byte >> (7 - number % 8) & 1)
    };
    let digits = (first_bit / 6..last_bit.div_ceil(6)).map(|digit| {
        (0..6).fold((0, 0), |(value, mask), index| match bit(digit * 6 + index) {
            Some(bit) => (value << 1 | bit, mask << 1 | 1),
            None => (value << 1, mask << 1),
        })
    });
    Needle::Base64 { digits: Zeroizing::new(digits.collect()) }
}
