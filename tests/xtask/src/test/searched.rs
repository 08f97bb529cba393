//! What the end-to-end tests have looked for passwords in.

use std::fmt::{self, Display, Formatter};

/// What the end-to-end tests have looked for passwords in. Had they found one, a test had failed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Searched {
    searches: u64,
    texts: u64,
    bytes: u64,
    passwords: u64,
    forms: u64,
}

impl Searched {
    /// Adds up the lines of a file of counts.
    pub(super) fn from_counts(counts: &str) -> Self {
        let mut all = Self::default();
        for line in counts.lines() {
            let numbers: Vec<u64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
            if let [texts, bytes, passwords, forms] = numbers[..] {
                all.searches += 1;
                all.texts += texts;
                all.bytes += bytes;
                all.passwords += passwords;
                all.forms = all.forms.max(forms);
            }
        }
        all
    }
}

impl Display for Searched {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { searches, texts, passwords, forms, .. } = self;
        let megabytes = self.bytes as f64 / 1e6;
        write!(
            f,
            "searched {megabytes:.1} MB of output ({texts} texts, in {searches} searches) for \
             {passwords} passwords in {forms} forms each; one that is found fails its test"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_add_up() {
        let searched = Searched::from_counts("2 1000000 10 40\n3 500000 5 40\n\n1 2\n");
        assert_eq!(
            searched.to_string(),
            "searched 1.5 MB of output (5 texts, in 2 searches) for 15 passwords in 40 forms each; \
             one that is found fails its test"
        );
    }
}
