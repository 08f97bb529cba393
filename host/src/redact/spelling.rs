//! One character of a secret, however a text spells it: as it is, doubled, or behind the escapes of
//! JSON, Rust, Python, C, SQL, LDAP, URLs, mail and HTML, each also escaped once more.
//!
//! A text may mix them, and what a spelling means may be open: `\\` is one backslash or two. So
//! every place is told where the character may end, and whoever asks follows all of them.

/// The most backslashes that introduce one escape: escaped twice over.
const BACKSLASHES: usize = 4;

/// Bytes with which a spelled character begins, whichever it is.
pub(super) const INTRODUCERS: [u8; 4] = *b"\\%=&";

/// Tells every place where `wanted` ends, if the text spells it at `at`. `fold`: in either case.
pub(super) fn ends(text: &str, at: usize, wanted: char, fold: bool, mut found: impl FnMut(usize)) {
    let rest = text.get(at..).unwrap_or_default();
    let Some(first) = rest.chars().next() else { return };
    if same(first, wanted, fold) {
        let length = first.len_utf8();
        found(at + length);
        // SQL doubles quotes.
        let doubled = rest.get(length..).is_some_and(|next| next.starts_with(first));
        if matches!(first, '\'' | '"' | '`') && doubled {
            found(at + length * 2);
        }
    }
    match first {
        '\\' => backslashed(rest, wanted, fold, |length| found(at + length)),
        '&' => {
            if wanted == '&' {
                again(rest, "&amp;", "amp;", |length| found(at + length));
            }
            if let Some((character, length)) = entity(rest)
                && same(character, wanted, fold)
            {
                found(at + length);
            }
        }
        '+' if wanted == ' ' => found(at + 1),
        '%' if wanted == '%' => again(rest, "%25", "25", |length| found(at + length)),
        _ => {}
    }
    if matches!(first, '\\' | '%' | '=')
        && let Some(length) = bytes(rest, wanted, fold)
    {
        found(at + length);
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

/// Whether two characters are the same; `fold`: in either case.
pub(super) fn same(one: char, other: char, fold: bool) -> bool {
    let folded = || match (one.is_ascii(), other.is_ascii()) {
        (true, true) => one.eq_ignore_ascii_case(&other),
        (false, false) => one.to_lowercase().eq(other.to_lowercase()),
        _ => false,
    };
    one == other || (fold && folded())
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

fn backslashed(rest: &str, wanted: char, fold: bool, mut found: impl FnMut(usize)) {
    let run = rest.bytes().take(BACKSLASHES).take_while(|byte| *byte == b'\\').count();
    if wanted == '\\' {
        [2, 4].into_iter().filter(|length| *length <= run).for_each(&mut found);
    }
    let escaped = rest.get(run..).unwrap_or_default();
    if let Some((character, length)) = unicode(escaped)
        && same(character, wanted, fold)
    {
        found(run + length);
    }
    let Some(letter) = escaped.chars().next() else { return };
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
        other => other,
    };
    if meant == wanted || same(letter, wanted, fold) {
        found(run + letter.len_utf8());
    }
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

/// How long the escapes of the character's bytes are, each of one byte, if they are there.
fn bytes(rest: &str, wanted: char, fold: bool) -> Option<usize> {
    let mut length = 0;
    for byte in wanted.encode_utf8(&mut [0; 4]).bytes() {
        length += byte_escape(rest.get(length..)?, byte, fold)?;
    }
    Some(length)
}

/// How long the escape of one byte is: `%41`, `%2541`, `=41`, `\x41`, `\101`, `\41`.
fn byte_escape(rest: &str, wanted: u8, fold: bool) -> Option<usize> {
    let is = |digits: &str, radix| {
        u8::from_str_radix(digits, radix).is_ok_and(|byte| {
            digits.bytes().all(|digit| digit.is_ascii_hexdigit())
                && (byte == wanted || (fold && byte.eq_ignore_ascii_case(&wanted)))
        })
    };
    if let Some(after) = rest.strip_prefix('%') {
        let mut start = 0;
        loop {
            let digits = after.get(start..start + 2)?;
            if is(digits, 16) {
                return Some(1 + start + 2);
            }
            if digits != "25" {
                return None;
            }
            start += 2;
        }
    }
    if let Some(after) = rest.strip_prefix('=') {
        return is(after.get(..2)?, 16).then_some(3);
    }
    let run = rest.bytes().take(BACKSLASHES).take_while(|byte| *byte == b'\\').count();
    let escaped = rest.get(run..).filter(|_| run > 0)?;
    let spelled = [("x", 2, 16), ("", 3, 8), ("", 2, 16)];
    spelled.into_iter().find_map(|(prefix, length, radix)| {
        let digits = escaped.strip_prefix(prefix)?.get(..length)?;
        is(digits, radix).then_some(run + prefix.len() + length)
    })
}
