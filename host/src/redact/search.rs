//! The search: which places of a text are parts of secrets.

use std::collections::BTreeMap;
use std::ops::Range;

use super::numbers::{self, Radix, Written};
use super::runs::{Lane, Runs, Window, symbol};
use super::spelling::{self, breaks_off};

/// What one search through a text may cost, in readings followed, each of which takes about 0.2 µs.
/// The longest text that is looked at has 64 KiB and takes one for each character, twice where some
/// secrets are short. A text that is all escapes, of a password that is all escapes, would take for
/// ever.
const STEPS: usize = 192 << 10;

/// What was found.
pub(super) struct Found {
    /// What is to be masked, in order; no two touch.
    pub(super) masks: Vec<Range<usize>>,
    /// How far the text could be searched; what is behind must not be shown.
    pub(super) searched: usize,
}

/// Looks for every run of every secret.
pub(super) fn search(text: &str, runs: &Runs) -> Found {
    let mut steps = STEPS;
    let mut masks = Vec::new();
    let mut searched = text.len();
    for (lane, fold) in [(&runs.exact, false), (&runs.folded, true)] {
        if !lane.is_empty() {
            searched = searched.min(spelled(text, lane, fold, &mut steps, &mut masks));
        }
    }
    if !runs.bytes.is_empty() {
        let mut mask = |start, end| masks.push(start..end);
        for radix in [Radix::Hexadecimal, Radix::Decimal] {
            numbers::numbers(text, radix, |written| slide(written, &runs.bytes, &mut mask));
        }
        numbers::base64(text, |written| {
            slide(written, &runs.bytes, |start, end| {
                let (start, end) = numbers::with_neighbours(text, start, end);
                mask(start, end);
            });
        });
    }
    Found { masks: merged(masks), searched }
}

/// Masks runs of bytes, in a sequence of them.
fn slide(written: &[Written], lane: &Lane, mut mask: impl FnMut(usize, usize)) {
    let mut window = Window::default();
    for Written { byte, start, end } in written {
        if !lane.knows(*byte) {
            window = Window::default();
            continue;
        }
        window = window.and(*byte, *start, lane.longest);
        if let Some(start) = lane.find(&window, || false, |_| false) {
            mask(start, *end);
        }
    }
}

/// Masks runs of characters, in any spelling: all ways to read the text are followed at once. Tells
/// how far it came.
fn spelled(
    text: &str,
    lane: &Lane,
    fold: bool,
    steps: &mut usize,
    masks: &mut Vec<Range<usize>>,
) -> usize {
    // What was read when a place of the text is reached, in every way that there is.
    let mut read: BTreeMap<usize, Vec<Window>> = BTreeMap::new();
    let begins = |at: usize| begins_anew(text, at);
    for (at, _) in text.char_indices() {
        let mut here = read.remove(&at).unwrap_or_default();
        // UTF-16 that was taken for bytes has a NUL beside every letter.
        if !here.is_empty()
            && let Some(after) = after_nul(text, at)
        {
            here.iter().for_each(|window| arrive(&mut read, after, *window, steps));
        }
        if here.is_empty() {
            here.push(Window::default());
        }
        spelling::meanings(text, at, |character, end| {
            let symbol = symbol(character, fold);
            if !lane.knows(symbol) {
                return;
            }
            for window in &here {
                let window = window.and(symbol, at, lane.longest);
                if let Some(start) = lane.find(&window, || breaks_off(text, end), begins) {
                    masks.push(start..with_cut_escape(text, end));
                }
                arrive(&mut read, end, window, steps);
            }
        });
        if *steps == 0 {
            // No run that had begun gets out.
            let begun = read.values().flatten().filter_map(Window::start);
            return begun.min().unwrap_or(at).min(at);
        }
    }
    text.len()
}

fn arrive(read: &mut BTreeMap<usize, Vec<Window>>, at: usize, window: Window, steps: &mut usize) {
    let there = read.entry(at).or_default();
    *steps = steps.saturating_sub(1 + there.len());
    if !there.iter_mut().any(|known| known.absorb(&window)) {
        there.push(window);
    }
}

/// Whether `at` is where a text begins or goes on after an ellipsis.
fn begins_anew(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    before.is_empty() || before.ends_with('…') || before.ends_with("...")
}

/// Where a run ends that goes to `end`: a cut-off escape goes, too; an ellipsis stays.
fn with_cut_escape(text: &str, end: usize) -> usize {
    let ellipsis = text.get(end..).is_some_and(|rest| rest.starts_with(['…', '.']));
    if !ellipsis && breaks_off(text, end) { text.len() } else { end }
}

fn after_nul(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at..).filter(|rest| rest.starts_with('\\'))?;
    let nul = [r"\u{0}", r"\u0000", r"\x00", r"\0"].into_iter().find(|nul| rest.starts_with(nul));
    nul.map(|nul| at + nul.len())
}

/// In order, and what overlaps or touches as one.
fn merged(mut masks: Vec<Range<usize>>) -> Vec<Range<usize>> {
    masks.sort_unstable_by_key(|mask| mask.start);
    let mut merged: Vec<Range<usize>> = Vec::new();
    for mask in masks {
        match merged.last_mut() {
            Some(last) if mask.start <= last.end => last.end = last.end.max(mask.end),
            _ => merged.push(mask),
        }
    }
    merged
}
