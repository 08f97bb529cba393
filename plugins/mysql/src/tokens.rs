//! The words of a statement that the server writes about its accounts (`SHOW GRANTS`,
//! `SHOW CREATE USER`).
//!
//! Read once into tokens, so that no name, however odd, is taken for a keyword. What can't be read
//! is refused rather than guessed.

use windlass_sdk::Failure;

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// A keyword or a number.
    Word(String),
    /// A name in backticks.
    Name(String),
    /// A string, or bytes in hexadecimal.
    Text(Vec<u8>),
    /// Punctuation.
    Mark(char),
}

/// How the server writes a backslash in a string while `NO_BACKSLASH_ESCAPES` is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backslash {
    /// As it is (MySQL).
    Single,
    /// Twice (MariaDB).
    Double,
}

/// A statement's tokens, and how far they have been read.
#[derive(Debug)]
pub(crate) struct Tokens {
    all: std::iter::Peekable<std::vec::IntoIter<Token>>,
}

impl Tokens {
    pub(crate) fn read(statement: &str, backslash: Backslash) -> Result<Self, Failure> {
        let mut tokens = Vec::new();
        let mut rest = statement.trim_start();
        while let Some(first) = rest.chars().next() {
            let (token, after) = match first {
                '`' => {
                    let (name, after) = quoted(rest, '`', Backslash::Single)?;
                    (Token::Name(name), after)
                }
                '\'' | '"' => {
                    let (text, after) = quoted(rest, first, backslash)?;
                    (Token::Text(text.into_bytes()), after)
                }
                _ if is_word(first) => {
                    let end = rest.find(|character| !is_word(character)).unwrap_or(rest.len());
                    let (word, after) = rest.split_at(end);
                    // Words for people stand last, and MySQL does not double the quotes in them.
                    if matches!(word, "ATTRIBUTE" | "COMMENT") {
                        break;
                    }
                    let token = match word.strip_prefix("0x") {
                        Some(digits) => Token::Text(hexadecimal(digits).ok_or_else(unreadable)?),
                        None => Token::Word(word.to_owned()),
                    };
                    (token, after)
                }
                mark => (Token::Mark(mark), rest.split_at(mark.len_utf8()).1),
            };
            tokens.push(token);
            rest = after.trim_start();
        }
        Ok(Self { all: tokens.into_iter().peekable() })
    }

    pub(crate) fn next(&mut self) -> Option<Token> {
        self.all.next()
    }

    pub(crate) fn is_empty(&mut self) -> bool {
        self.all.peek().is_none()
    }

    /// Takes the next token where it is this keyword.
    pub(crate) fn takes(&mut self, keyword: &str) -> bool {
        let is = |token: &Token| matches!(token, Token::Word(word) if word == keyword);
        self.all.next_if(is).is_some()
    }

    /// The same for all keywords of a phrase, of which the first decides.
    pub(crate) fn takes_all(&mut self, phrase: &str) -> Result<bool, Failure> {
        let mut words = phrase.split(' ');
        if !words.next().is_some_and(|first| self.takes(first)) {
            return Ok(false);
        }
        words.try_for_each(|word| self.expect(word))?;
        Ok(true)
    }

    pub(crate) fn takes_mark(&mut self, mark: char) -> bool {
        self.all.next_if_eq(&Token::Mark(mark)).is_some()
    }

    pub(crate) fn expect(&mut self, keyword: &str) -> Result<(), Failure> {
        if self.takes(keyword) { Ok(()) } else { Err(unreadable()) }
    }

    pub(crate) fn expect_mark(&mut self, mark: char) -> Result<(), Failure> {
        if self.takes_mark(mark) { Ok(()) } else { Err(unreadable()) }
    }

    pub(crate) fn word(&mut self) -> Result<String, Failure> {
        match self.all.next() {
            Some(Token::Word(word)) => Ok(word),
            _ => Err(unreadable()),
        }
    }

    /// A keyword that is there, or nothing.
    pub(crate) fn word_if(&mut self, accept: impl Fn(&str) -> bool) -> Option<String> {
        match self.all.next_if(|token| matches!(token, Token::Word(word) if accept(word))) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    pub(crate) fn name(&mut self) -> Result<String, Failure> {
        match self.all.next() {
            Some(Token::Name(name)) => Ok(name),
            // Older servers quote accounts as strings.
            Some(Token::Text(text)) => String::from_utf8(text).map_err(|_| unreadable()),
            _ => Err(unreadable()),
        }
    }

    pub(crate) fn name_if_there(&mut self) -> Option<String> {
        match self.all.next_if(|token| matches!(token, Token::Name(_))) {
            Some(Token::Name(name)) => Some(name),
            _ => None,
        }
    }

    pub(crate) fn text(&mut self) -> Result<Vec<u8>, Failure> {
        match self.all.next() {
            Some(Token::Text(text)) => Ok(text),
            _ => Err(unreadable()),
        }
    }
}

/// What the server wrote is beyond this plugin. Its text is not repeated: it may hold a hash.
pub(crate) fn unreadable() -> Failure {
    Failure::unsupported(
        "the server describes the account's rights in words that this plugin does not know, so \
         they can't be compared and nothing was changed",
    )
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The text between two marks, and what follows it.
fn quoted(rest: &str, mark: char, backslash: Backslash) -> Result<(String, &str), Failure> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        let doubled = |next: &(usize, char)| next.1 == character;
        if character == mark && characters.next_if(doubled).is_none() {
            return Ok((text, rest.split_at(at + mark.len_utf8()).1));
        }
        if character == '\\'
            && backslash == Backslash::Double
            && characters.next_if(doubled).is_none()
        {
            return Err(unreadable());
        }
        text.push(character);
    }
    Err(unreadable())
}

fn hexadecimal(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [_, _] => u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok(),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(statement: &str, backslash: Backslash) -> Option<Vec<Token>> {
        Tokens::read(statement, backslash).ok().map(|tokens| tokens.all.collect())
    }

    #[test]
    fn names_and_strings_end_where_the_server_ends_them() {
        let read = tokens("GRANT x ON `a``b`.* TO 'it''s'@\"h\" 0x41ff 2.5", Backslash::Single);
        let word = |text: &str| Token::Word(text.into());
        assert_eq!(
            read.unwrap(),
            [
                word("GRANT"),
                word("x"),
                word("ON"),
                Token::Name("a`b".into()),
                Token::Mark('.'),
                Token::Mark('*'),
                word("TO"),
                Token::Text("it's".into()),
                Token::Mark('@'),
                Token::Text("h".into()),
                Token::Text(vec![0x41, 0xff]),
                word("2"),
                Token::Mark('.'),
                word("5"),
            ]
        );
    }

    #[test]
    fn a_backslash_is_what_the_server_means_by_it() {
        let text = |value: &str| Some(vec![Token::Text(value.into())]);
        assert_eq!(tokens(r"'a\b'", Backslash::Single), text(r"a\b"));
        assert_eq!(tokens(r"'a\\b'", Backslash::Double), text(r"a\b"));
        assert_eq!(tokens(r"'a\b'", Backslash::Double), None);
        assert_eq!(tokens(r"`a\_b`", Backslash::Double), Some(vec![Token::Name(r"a\_b".into())]));
    }

    #[test]
    fn what_stands_last_for_people_is_not_read() {
        let read = tokens("ACCOUNT UNLOCK ATTRIBUTE '{\"a\": \"it's\"}'", Backslash::Single);
        assert_eq!(read.unwrap().len(), 2);
        let name = tokens("`x` COMMENT 'it's'", Backslash::Single);
        assert_eq!(name, Some(vec![Token::Name("x".into())]));
    }

    #[test]
    fn what_does_not_end_is_refused() {
        for statement in ["'a", "`a", "'a''", "0x4", "0xzz", "`"] {
            assert_eq!(tokens(statement, Backslash::Single), None, "{statement}");
        }
    }
}
