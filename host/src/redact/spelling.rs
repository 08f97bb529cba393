//! One character of a text, however a text spells it: as it is, doubled, or behind the escapes of
//! JSON, Rust, Python, C, SQL, LDAP, URLs, mail and HTML, each also escaped once more.
//!
//! A text may mix them, and what a spelling means may be open: `\\` is one backslash or two. So
//! [`meanings`] tells every character that may be meant, with its end, and the search follows all
//! of them.

/// The most backslashes that introduce one escape: escaped twice over.
const BACKSLASHES: usize = 4;

/// Bytes with which a spelled character begins, whichever it is.
const INTRODUCERS: [u8; 4] = *b"\\%=&";

/// Tells every character that the text may spell at `at`, and where it ends.
pub(super) fn meanings(text: &str, at: usize, mut found: impl FnMut(char, usize)) {
    let rest = text.get(at..).unwrap_or_default();
    let Some(first) = rest.chars().next() else { return };
    let length = first.len_utf8();
    found(first, at + length);
    // SQL doubles quotes.
    let doubled = rest.get(length..).is_some_and(|next| next.starts_with(first));
    if matches!(first, '\'' | '"' | '`') && doubled {
        found(first, at + length * 2);
    }
    match first {
        '\\' => backslashed(rest, |character, length| found(character, at + length)),
        '&' => {
            again(rest, "&amp;", "amp;", |length| found('&', at + length));
            if let Some((character, length)) = entity(rest) {
                found(character, at + length);
            }
        }
        '+' => found(' ', at + 1),
        '%' => again(rest, "%25", "25", |length| found('%', at + length)),
        _ => {}
    }
    if matches!(first, '\\' | '%' | '=') {
        bytes(rest, |character, length| found(character, at + length));
    }
}

/// Whether nothing of the text is left at `at` that says more: it ends there, or goes on with an
/// ellipsis or an escape that was cut off.
pub(super) fn breaks_off(text: &str, at: usize) -> bool {
    let rest = text.get(at..).unwrap_or_default();
    let escape_cut = rest.len() < r"\\\\u0000".len()
        && rest.bytes().next().is_some_and(|byte| INTRODUCERS.contains(&byte))
        && rest.bytes().skip(1).all(|byte| byte.is_ascii_alphanumeric() || b"\\#{".contains(&byte));
    rest.is_empty() || rest.starts_with('…') || rest.starts_with("...") || escape_cut
}

/// What escapes itself: `%25`, `%2525`, and so on, up to three times.
fn again(rest: &str, once: &str, more: &str, mut found: impl FnMut(usize)) {
    let Some(mut after) = rest.strip_prefix(once) else { return };
    found(rest.len() - after.len());
    for _ in 0..2 {
        let Some(next) = after.strip_prefix(more) else { return };
        after = next;
        found(rest.len() - after.len());
    }
}

fn backslashed(rest: &str, mut found: impl FnMut(char, usize)) {
    let run = backslashes(rest);
    [2, 4].into_iter().filter(|length| *length <= run).for_each(|length| found('\\', length));
    let escaped = rest.get(run..).unwrap_or_default();
    if let Some((character, length)) = unicode(escaped) {
        found(character, run + length);
    }
    let Some(letter) = escaped.chars().next() else { return };
    let end = run + letter.len_utf8();
    found(letter, end);
    let meant = match letter {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'v' => '\u{b}',
        'a' => '\u{7}',
        'e' => '\u{1b}',
        '0' => '\0',
        _ => return,
    };
    found(meant, end);
}

/// How many backslashes begin the text, of those that introduce one escape.
fn backslashes(rest: &str) -> usize {
    rest.bytes().take(BACKSLASHES).take_while(|byte| *byte == b'\\').count()
}

/// `u0041`, `u{41}`, `U00000041`, and two halves of a character beyond the first plane.
fn unicode(escaped: &str) -> Option<(char, usize)> {
    let digits = |text: &str| u32::from_str_radix(text, 16).ok();
    if let Some(braced) = escaped.strip_prefix("u{").or_else(|| escaped.strip_prefix("x{")) {
        // Six digits are the most.
        let (inside, _) = braced.get(..braced.floor_char_boundary(7))?.split_once('}')?;
        return Some((char::from_u32(digits(inside)?)?, inside.len() + "u{}".len()));
    }
    if let Some(long) = escaped.strip_prefix('U') {
        return Some((char::from_u32(digits(long.get(..8)?)?)?, "U00000000".len()));
    }
    let first = digits(escaped.strip_prefix('u')?.get(..4)?)?;
    if let Some(character) = char::from_u32(first) {
        return Some((character, "u0000".len()));
    }
    let rest = escaped.get("u0000".len()..)?;
    let second = rest.trim_start_matches('\\');
    let run = rest.len() - second.len();
    let low = digits(second.strip_prefix('u')?.get(..4)?)?;
    let both = [u16::try_from(first).ok()?, u16::try_from(low).ok()?];
    let character = char::decode_utf16(both).next()?.ok()?;
    (1..=BACKSLASHES).contains(&run).then_some((character, "u0000u0000".len() + run))
}

/// `&#65;`, `&#x41;`, `&quot;`, and with `&amp;` for the `&`.
fn entity(rest: &str) -> Option<(char, usize)> {
    let mut name = rest.strip_prefix('&')?;
    while let Some(more) = name.strip_prefix("amp;").filter(|more| more.find(';').is_some()) {
        name = more;
    }
    // The longest name of a character is that of the last code point.
    let (name, _) = name.get(..name.floor_char_boundary(10))?.split_once(';')?;
    let start = rest.find(name).unwrap_or_default();
    let character = match name {
        "quot" => '"',
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        _ => {
            let number = name.strip_prefix('#')?;
            let hexadecimal = number.strip_prefix(['x', 'X']).map(|hex| (hex, 16));
            let (digits, radix) = hexadecimal.unwrap_or((number, 10));
            char::from_u32(u32::from_str_radix(digits, radix).ok()?)?
        }
    };
    Some((character, start + name.len() + 1))
}

/// Tells the characters whose bytes are escaped here, each of them, and how long the escapes are.
fn bytes(rest: &str, mut found: impl FnMut(char, usize)) {
    each_byte(rest, |first, length| {
        // In UTF-8 the first byte says how many there are.
        let size = match first {
            ..0x80 => 1,
            0xc0..0xe0 => 2,
            0xe0..0xf0 => 3,
            0xf0..0xf8 => 4,
            _ => return,
        };
        let mut character = [first, 0, 0, 0];
        let mut end = length;
        for byte in character.iter_mut().take(size).skip(1) {
            let continued = rest.get(end..).and_then(|rest| {
                let mut continued = None;
                each_byte(rest, |byte, length| {
                    if continued.is_none() && (0x80..0xc0).contains(&byte) {
                        continued = Some((byte, length));
                    }
                });
                continued
            });
            let Some((next, length)) = continued else { return };
            *byte = next;
            end += length;
        }
        let spelled = character.get(..size).and_then(|bytes| std::str::from_utf8(bytes).ok());
        if let Some(character) = spelled.and_then(|text| text.chars().next()) {
            found(character, end);
        }
    });
}

/// Tells what an escape of one byte may mean, and how long it is: `%41`, `%2541`, `=41`, `\x41`,
/// `\101`, `\41`.
fn each_byte(rest: &str, mut found: impl FnMut(u8, usize)) {
    let number = |digits: &str, radix| {
        let digits = Some(digits).filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
        u8::from_str_radix(digits?, radix).ok()
    };
    if let Some(after) = rest.strip_prefix('%') {
        let mut start = 0;
        while let Some(digits) = after.get(start..start + 2) {
            number(digits, 16).into_iter().for_each(|byte| found(byte, start + 3));
            if digits != "25" {
                break;
            }
            start += 2;
        }
    } else if let Some(after) = rest.strip_prefix('=') {
        let byte = after.get(..2).and_then(|digits| number(digits, 16));
        byte.into_iter().for_each(|byte| found(byte, 3));
    } else {
        let run = backslashes(rest);
        let escaped = rest.get(run..).filter(|_| run > 0).unwrap_or_default();
        for (prefix, length, radix) in [("x", 2, 16), ("", 3, 8), ("", 2, 16)] {
            let digits = escaped.strip_prefix(prefix).and_then(|rest| rest.get(..length));
            let byte = digits.and_then(|digits| number(digits, radix));
            byte.into_iter().for_each(|byte| found(byte, run + prefix.len() + length));
        }
    }
}
