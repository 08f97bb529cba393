//! The text form of a table: see the header of [`super`].

use std::iter::Peekable;
use std::str::Chars;

/// What the server does when the plugin waits for bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turn {
    /// It says this.
    Says(Vec<u8>),
    /// It says what the plugin's test makes of a word.
    Word {
        /// The word.
        word: String,
        /// What stands behind it.
        argument: String,
    },
    /// It says this for ever.
    Repeats(Vec<u8>),
    /// It says nothing.
    Silent,
}

/// One server.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) group: String,
    pub(super) name: String,
    /// Where it stands in the file.
    pub(super) line: usize,
    pub(super) turns: Vec<Turn>,
    /// Its turns as they stand in the file, with their line ends.
    pub(super) source: String,
}

/// A part of a table.
#[derive(Debug)]
pub(super) enum Part {
    /// The cases behind it belong to this group.
    Group {
        /// Its name.
        name: String,
        /// Where it stands in the file.
        line: usize,
    },
    /// A case.
    Case(Case),
}

/// Reads a table.
///
/// # Errors
/// What is wrong, with the line.
pub(super) fn parse(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut group = String::new();
    for (index, content) in text.lines().enumerate() {
        let line = index + 1;
        let at = |problem: String| format!("line {line}: {problem}");
        if let Some(name) = content.strip_prefix("! ") {
            name.clone_into(&mut group);
            parts.push(Part::Group { name: name.to_owned(), line });
        } else if let Some(name) = content.strip_prefix("# ") {
            let (group, name) = (group.clone(), name.to_owned());
            let source = String::new();
            parts.push(Part::Case(Case { group, name, line, turns: Vec::new(), source }));
        } else if content.starts_with('<') {
            let Some(Part::Case(case)) = parts.last_mut() else {
                return Err(at("a turn without a case".to_owned()));
            };
            case.turns.extend(turns(content).map_err(at)?);
            case.source.push_str(content);
            case.source.push('\n');
        } else if !is_made_anew(content, index) {
            return Err(at(format!("neither a case nor a turn nor an outcome: `{content}`")));
        }
    }
    Ok(parts)
}

/// The number of cases and what became of each, which are not read but made anew; and empty lines.
fn is_made_anew(line: &str, index: usize) -> bool {
    let is_outcome = ["> ", "= ", "-> "].iter().any(|sign| line.starts_with(sign));
    line.is_empty() || is_outcome || (index == 0 && line.ends_with(" cases"))
}

/// The turns of one line.
fn turns(line: &str) -> Result<Vec<Turn>, String> {
    let mut turns = Vec::new();
    let mut rest = line.chars().peekable();
    while rest.next_if_eq(&'<').is_some() {
        let again = rest.next_if_eq(&'<').is_some();
        let mut said = Vec::new();
        let mut word = String::new();
        let mut quoted = false;
        while let Some(&next) = rest.peek() {
            match next {
                '<' => break,
                ' ' => drop(rest.next()),
                '"' => {
                    quoted = true;
                    said.extend(part(&mut rest)?);
                }
                letter if letter.is_ascii_alphabetic() && !quoted => {
                    word.extend(rest.next());
                }
                other => return Err(format!("`{other}` where a part in quotes may stand")),
            }
        }
        turns.push(match (word.as_str(), again) {
            ("", true) => Turn::Repeats(said),
            ("", false) => Turn::Says(said),
            ("silence", false) if !quoted => Turn::Silent,
            (_, false) => {
                let argument = String::from_utf8(said).map_err(|_| "an argument is text")?;
                Turn::Word { word, argument }
            }
            (_, true) => return Err("a word is said once".to_owned()),
        });
    }
    match rest.next() {
        None => Ok(turns),
        Some(other) => Err(format!("`{other}` where a turn may begin")),
    }
}

/// A part in quotes, and how often it is said.
fn part(rest: &mut Peekable<Chars<'_>>) -> Result<Vec<u8>, String> {
    rest.next();
    let mut bytes = Vec::new();
    loop {
        match rest.next().ok_or("a part without its end")? {
            '"' => break,
            '\\' => bytes.push(escaped(rest)?),
            letter => bytes.extend(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    if rest.next_if_eq(&'*').is_none() {
        return Ok(bytes);
    }
    let mut digits = String::new();
    while let Some(digit) = rest.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    let times: usize = digits.parse().map_err(|_| format!("`*{digits}` is no number"))?;
    let length = bytes.len().checked_mul(times).filter(|length| *length <= 16 << 20);
    length.ok_or_else(|| format!("`*{digits}` makes more than 16 MiB"))?;
    Ok(bytes.repeat(times))
}

fn escaped(rest: &mut Peekable<Chars<'_>>) -> Result<u8, String> {
    match rest.next().ok_or("an escape without its end")? {
        '0' => Ok(0),
        'n' => Ok(b'\n'),
        'r' => Ok(b'\r'),
        't' => Ok(b'\t'),
        '"' => Ok(b'"'),
        '\\' => Ok(b'\\'),
        'x' => {
            let digits: String = rest.by_ref().take(2).collect();
            u8::from_str_radix(&digits, 16).map_err(|_| format!("`\\x{digits}` is no byte"))
        }
        other => Err(format!("no escape `\\{other}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_turn() {
        let says = |bytes: &[u8]| Turn::Says(bytes.to_vec());
        for (line, expected) in [
            (r#"< "R\0\xff\n\"\\é""#, vec![says(b"R\0\xff\n\"\\\xc3\xa9")]),
            (r#"< "a" "b"*3 "c""#, vec![says(b"abbbc")]),
            (r#"< "a" << "b"*2"#, vec![says(b"a"), Turn::Repeats(b"bb".to_vec())]),
            ("< <silence", vec![says(b""), Turn::Silent]),
            (
                r#"<scram "r={nonce}"<silence"#,
                vec![
                    Turn::Word { word: "scram".into(), argument: "r={nonce}".into() },
                    Turn::Silent,
                ],
            ),
        ] {
            assert_eq!(turns(line).unwrap(), expected, "{line}");
        }
    }

    #[test]
    fn what_is_malformed_is_named_with_its_line() {
        for (text, part) in [
            ("! g\n\n< \"a\"", "line 3: a turn without a case"),
            ("# a\n< \"a", "line 2: a part without its end"),
            ("# a\n< \"\\q\"", "line 2: no escape `\\q`"),
            ("# a\n< \"\\xg0\"", "line 2: `\\xg0` is no byte"),
            ("# a\n< \"a\"*", "line 2: `*` is no number"),
            ("# a\n< \"abc\"*9999999", "line 2: `*9999999` makes more than"),
            ("# a\n< 7", "line 2: `7` where a part"),
            ("# a\n<< word \"x\"", "line 2: a word is said once"),
            ("# a\nwhat", "line 2: neither a case"),
        ] {
            let problem = parse(text).map(drop).unwrap_err();
            assert!(problem.contains(part), "{text}: {problem}");
        }
    }
}
