//! What is looked for: every run of a secret that is long enough to help a guesser, wherever in the
//! secret it begins.
//!
//! A secret is cut into all its runs of one length; a longer run is found as several that overlap.
//! So what a search costs does not depend on how many secrets there are, or how long they are: each
//! symbol of a text costs one look into a sorted table for each length in use.
//!
//! | runs of | found | length |
//! |---|---|---|
//! | the text, and backwards | anywhere | a half, at least six characters, at most eight |
//! | its beginning | where a text ends or is cut | a half, at least four characters, at most eight |
//! | its end | where a text begins or goes on after a cut | the same |
//! | its bytes: UTF-8, JSON, UTF-16, backwards | in numbers and Base64, anywhere | two bytes less |
//! | a leaf that no key calls a credential | anywhere | a half, at least eight characters, at most twelve |
//!
//! Whatever is shorter than such a run is looked for as a whole.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

use crate::secret::mute;

/// From this length on either case is masked: a word so long does not stand somewhere by chance.
pub(super) const FOLDED: usize = 8;

/// The longest run that a [`Window`] can hold.
pub(super) const LONGEST_RUN: usize = 16;

/// A run of this many bytes as numbers or Base64 stands nowhere by chance.
const FEWEST_BYTES: usize = 3;

mute!(Runs, Lane, Table);

/// How much of a secret counts as a leak.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It signs somebody in, as far as one can tell.
    Credential,
    /// A text in a secret, of which nobody says that it is a credential: often a sentence or an
    /// address, of which the words stand in other texts, too.
    Leaf,
}

impl Kind {
    /// Where a text was cut: a half, but never less than four characters, which stand anywhere by
    /// chance, and eight are too many to give away however long the secret is.
    fn at_a_cut(self, length: usize) -> usize {
        match self {
            Self::Credential => length.div_ceil(2).clamp(4, 8),
            Self::Leaf => self.anywhere(length),
        }
    }

    /// Anywhere else. Of the 8000 commonest passwords of eight characters or more, 52 in a hundred
    /// have a run of four that also stands in one of 11 000 messages of PostgreSQL and `MySQL`, 20 a
    /// run of five, 6 a run of six; of random passwords, none has one of five. Whoever sees that a
    /// word is masked learns it, so six it is. A leaf's runs are longer, as its words are words; but
    /// a password of twelve within one is still found.
    fn anywhere(self, length: usize) -> usize {
        match self {
            Self::Credential => length.div_ceil(2).clamp(6, 8),
            Self::Leaf => length.div_ceil(2).clamp(8, 12),
        }
        .min(length)
    }

    /// As numbers or in Base64, where cutting out a run may halve a byte at either of its ends.
    fn of_bytes(self, length: usize) -> usize {
        self.at_a_cut(length).saturating_sub(2).max(FEWEST_BYTES)
    }
}

/// The last symbols of a text, and where each of them begins.
#[derive(Clone, Copy, Default)]
pub(super) struct Window {
    symbols: u128,
    count: usize,
    /// The latest first.
    starts: [usize; LONGEST_RUN],
}

impl Window {
    /// The window with one more symbol; no more than `longest` of them are kept.
    pub(super) fn and(mut self, symbol: u8, start: usize, longest: usize) -> Self {
        self.symbols = last(self.symbols << 8 | u128::from(symbol), longest);
        self.count = (self.count + 1).min(longest);
        self.starts.copy_within(..LONGEST_RUN - 1, 1);
        if let Some(first) = self.starts.first_mut() {
            *first = start;
        }
        self
    }

    /// Where the first of its symbols begins.
    pub(super) fn start(&self) -> Option<usize> {
        self.start_of(self.count)
    }

    /// Where the last `length` symbols begin.
    fn start_of(&self, length: usize) -> Option<usize> {
        self.starts.get(length.checked_sub(1)?).copied()
    }

    /// Takes in another way to read the same symbols, if it is one: what is masked is all that
    /// either way covers.
    pub(super) fn absorb(&mut self, other: &Self) -> bool {
        let same = self.symbols == other.symbols && self.count == other.count;
        if same {
            let starts = self.starts.iter_mut().zip(&other.starts);
            starts.for_each(|(own, other)| *own = (*own).min(*other));
        }
        same
    }
}

/// The last `length` symbols.
fn last(symbols: u128, length: usize) -> u128 {
    symbols & u128::MAX.checked_shr(128 - 8 * u32::try_from(length).unwrap_or(16)).unwrap_or(0)
}

/// Runs of some lengths, in sorted tables.
#[derive(Default)]
struct Table {
    /// At the place of the length.
    runs: [Zeroizing<Vec<u128>>; LONGEST_RUN + 1],
    lengths: BTreeSet<usize>,
}

impl Table {
    /// Learns the run. An array that is too small is wiped, not left to the allocator.
    fn push(&mut self, run: &[u8]) {
        let length = run.len();
        let Some(runs) = self.runs.get_mut(length) else { return };
        if runs.len() == runs.capacity() {
            let mut larger = Vec::with_capacity((runs.len() * 2).max(64));
            larger.extend_from_slice(runs);
            runs.zeroize();
            **runs = larger;
        }
        runs.push(packed(run));
        self.lengths.insert(length);
    }

    fn sort(&mut self) {
        for runs in &mut self.runs {
            runs.sort_unstable();
            runs.dedup();
        }
    }

    /// Where the longest known run begins that the window ends in, among those that `counts`.
    fn find(&self, window: &Window, counts: impl Fn(usize) -> bool) -> Option<usize> {
        let lengths = self.lengths.range(..=window.count).rev();
        lengths.filter_map(|length| Some((*length, window.start_of(*length)?))).find_map(
            |(length, start)| {
                let known = || {
                    let runs = self.runs.get(length)?;
                    runs.binary_search(&last(window.symbols, length)).ok()
                };
                (counts(start) && known().is_some()).then_some(start)
            },
        )
    }
}

/// Runs of one kind of symbols.
pub(super) struct Lane {
    anywhere: Table,
    /// Beginnings of secrets, which count where a text breaks off.
    beginnings: Table,
    /// Ends of secrets, which count where a text begins anew.
    ends: Table,
    /// Symbols of which no run holds one end every run.
    present: [bool; 256],
    /// The longest run.
    pub(super) longest: usize,
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            anywhere: Table::default(),
            beginnings: Table::default(),
            ends: Table::default(),
            present: [false; 256],
            longest: 0,
        }
    }
}

impl Lane {
    /// Learns all runs of `length` symbols, and those at the ends from `at_a_cut` on.
    fn learn(&mut self, symbols: &[u8], length: usize, at_a_cut: usize, plain: &[u128]) {
        let length = length.min(symbols.len());
        if length == 0 {
            return;
        }
        self.longest = self.longest.max(length);
        for symbol in symbols {
            if let Some(present) = self.present.get_mut(usize::from(*symbol)) {
                *present = true;
            }
        }
        let secret = |run: &&[u8]| plain.binary_search(&packed(run)).is_err();
        symbols.windows(length).filter(secret).for_each(|run| self.anywhere.push(run));
        for length in at_a_cut..length {
            if let Some(beginning) = symbols.get(..length) {
                self.beginnings.push(beginning);
            }
            if let Some(end) = symbols.get(symbols.len() - length..) {
                self.ends.push(end);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.longest == 0
    }

    /// Whether some run holds the symbol.
    pub(super) fn knows(&self, symbol: u8) -> bool {
        self.present.get(usize::from(symbol)).is_some_and(|present| *present)
    }

    /// Where a run begins that the window ends in. `breaks_off`: the text ends there; `begins`:
    /// whether it begins somewhere.
    pub(super) fn find(
        &self,
        window: &Window,
        breaks_off: impl FnOnce() -> bool,
        begins: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let anywhere = self.anywhere.find(window, |_| true);
        let shorter = |table: &Table| !table.lengths.is_empty();
        let end = || self.ends.find(window, begins);
        let beginning = || self.beginnings.find(window, |_| true);
        anywhere
            .or_else(|| shorter(&self.ends).then(end).flatten())
            .or_else(|| (shorter(&self.beginnings) && breaks_off()).then(beginning).flatten())
    }
}

/// The symbols of a run in one number, as a [`Window`] has them.
fn packed(run: &[u8]) -> u128 {
    run.iter().fold(0, |all, symbol| all << 8 | u128::from(*symbol))
}

fn symbols(text: &str, fold: bool) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(text.chars().map(|character| symbol(character, fold)).collect())
}

/// Texts that are no secret, nor are their runs. A version may have thousands of leaves beside long
/// texts of this kind: what they are asked for is made once.
#[derive(Default)]
pub(super) struct Plain {
    texts: Vec<String>,
    lowercase: HashSet<String>,
    /// Sorted, by their length and whether case means nothing.
    runs: BTreeMap<(usize, bool), Vec<u128>>,
}

impl Plain {
    pub(super) fn new(texts: Vec<String>) -> Self {
        let lowercase = texts.iter().map(|text| text.to_lowercase()).collect();
        Self { texts, lowercase, runs: BTreeMap::new() }
    }

    /// Whether one of them is this text, in either case.
    pub(super) fn is(&self, text: &str) -> bool {
        self.lowercase.contains(&text.to_lowercase())
    }

    fn runs(&mut self, length: usize, fold: bool) -> &[u128] {
        let texts = &self.texts;
        self.runs.entry((length, fold)).or_insert_with(|| {
            let each = texts.iter().map(|text| symbols(text, fold));
            let mut runs: Vec<u128> = each
                .flat_map(|text| text.windows(length.max(1)).map(packed).collect::<Vec<_>>())
                .collect();
            runs.sort_unstable();
            runs.dedup();
            runs
        })
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.texts.zeroize();
        self.lowercase.drain().for_each(|mut text| text.zeroize());
    }
}

/// The runs of many secrets.
#[derive(Default)]
pub(super) struct Runs {
    /// Of short secrets, as they are written.
    pub(super) exact: Lane,
    /// Of long ones, in either case.
    pub(super) folded: Lane,
    pub(super) bytes: Lane,
    sorted: bool,
}

impl Runs {
    /// Learns all runs of a secret, but for those of what is `plain`.
    pub(super) fn learn(&mut self, secret: &str, kind: Kind, plain: &mut Plain) {
        self.sorted = false;
        let length = secret.chars().count();
        let fold = length >= FOLDED;
        let reversed = |text: &str| Zeroizing::new(text.chars().rev().collect::<String>());
        let json = Zeroizing::new(Value::from(secret).to_string());
        let json = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or(&json);
        let backwards = reversed(secret);
        let (anywhere, at_a_cut) = (kind.anywhere(length), kind.at_a_cut(length));
        let plain = plain.runs(anywhere, fold);
        let lane = if fold { &mut self.folded } else { &mut self.exact };
        // Escaped, and then turned around: every other escaped form is one of `spelling`.
        for text in [secret, &backwards, &reversed(json)] {
            lane.learn(&symbols(text, fold), anywhere, at_a_cut, plain);
        }
        let mut bytes = vec![secret.as_bytes().to_vec(), backwards.as_bytes().to_vec()];
        if json != secret {
            bytes.push(json.as_bytes().to_vec());
        }
        for order in [u16::to_le_bytes, u16::to_be_bytes] {
            bytes.push(secret.encode_utf16().flat_map(order).collect());
        }
        for bytes in bytes.into_iter().map(Zeroizing::new) {
            let length = kind.of_bytes(length);
            self.bytes.learn(&bytes, length, length, &[]);
        }
    }

    /// Learns a secret that has no run of its own, in either case: only the whole of it is found.
    pub(super) fn learn_whole(&mut self, secret: &str) {
        self.sorted = false;
        let json = Zeroizing::new(Value::from(secret).to_string());
        let inside = json.strip_prefix('"').and_then(|json| json.strip_suffix('"'));
        for text in [secret, inside.unwrap_or(&json)] {
            let backwards = Zeroizing::new(text.chars().rev().collect::<String>());
            for text in [text, &backwards] {
                let symbols = symbols(text, true);
                self.folded.learn(&symbols, LONGEST_RUN, LONGEST_RUN, &[]);
                self.bytes.learn(text.as_bytes(), LONGEST_RUN, LONGEST_RUN, &[]);
            }
        }
        for order in [u16::to_le_bytes, u16::to_be_bytes] {
            let bytes: Zeroizing<Vec<u8>> =
                Zeroizing::new(secret.encode_utf16().flat_map(order).collect());
            self.bytes.learn(&bytes, LONGEST_RUN, LONGEST_RUN, &[]);
        }
    }

    /// Whether nothing was learnt.
    pub(super) fn is_empty(&self) -> bool {
        [&self.exact, &self.folded, &self.bytes].iter().all(|lane| lane.is_empty())
    }

    /// The memory of all tables.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let lanes = [&self.exact, &self.folded, &self.bytes];
        let tables = lanes.iter().flat_map(|lane| [&lane.anywhere, &lane.beginnings, &lane.ends]);
        tables.flat_map(|table| &table.runs).map(|runs| runs.capacity() * size_of::<u128>()).sum()
    }

    /// Makes them ready to be found.
    pub(super) fn sort(&mut self) {
        if self.sorted {
            return;
        }
        for lane in [&mut self.exact, &mut self.folded, &mut self.bytes] {
            for table in [&mut lane.anywhere, &mut lane.beginnings, &mut lane.ends] {
                table.sort();
            }
        }
        self.sorted = true;
    }
}

/// A character in a table; `fold`: in either case. Some rare ones share a symbol, by which a text
/// may be masked that only resembles a secret: never the other way around.
pub(super) fn symbol(character: char, fold: bool) -> u8 {
    /// The largest prime of eight bits: no two of a script's letters that stand together collide.
    const SYMBOLS: u32 = 251;
    let folded =
        if fold { character.to_lowercase().next().unwrap_or(character) } else { character };
    u8::try_from(u32::from(folded) % SYMBOLS).unwrap_or(0)
}
