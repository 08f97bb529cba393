//! How a conversation of a corpus ends. A seed says it beside its bytes, so that one that stopped
//! early, because the plugin asks something else by now, fails a test instead of finding nothing
//! ever after.

use windlass_sdk::{Assessment, Failure, FailureKind, PairState};

use crate::Seed;

/// What a call returns: what an assessment found, nothing of any other.
pub(crate) type Outcome = Result<Option<Assessment>, Failure>;

/// How it ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ends {
    /// In success.
    Done,
    /// In an assessment with so many findings of what is lacking, and so many differences.
    Finds(Option<PairState>, usize, usize),
    /// In a failure of this kind, with this in its message.
    Fails(FailureKind, &'static str),
}

/// A seed, and how it ends.
#[derive(Debug)]
pub(crate) struct Conversation {
    pub(crate) seed: Seed,
    ends: Ends,
}

impl Conversation {
    pub(crate) fn new(name: &'static str, ends: Ends, input: Vec<u8>) -> Self {
        Self { seed: Seed::new(name, input), ends }
    }

    /// The seeds of a corpus.
    pub(crate) fn seeds(all: Vec<Self>) -> Vec<Seed> {
        all.into_iter().map(|one| one.seed).collect()
    }
}

/// Has every conversation, and says which did not end as it should: each by its name. `converse`
/// returns besides how much of it was never said, of which nothing may be left.
pub(crate) fn wrong(
    all: &[Conversation],
    converse: impl Fn(&[u8]) -> (Outcome, usize),
) -> Vec<String> {
    let judge = |Conversation { seed, ends }: &Conversation| {
        let (outcome, unsaid) = converse(&seed.input);
        let as_said = match (ends, &outcome) {
            (Ends::Done, Ok(None)) => true,
            (Ends::Finds(pair, lacks, differences), Ok(Some(found))) => {
                (*pair, *lacks, *differences)
                    == (found.pair, found.lacks.len(), found.differences.len())
            }
            (Ends::Fails(kind, part), Err(failure)) => {
                failure.kind == *kind && failure.message.contains(part)
            }
            _ => false,
        };
        let text = format!("{}: {outcome:?} and {unsaid} bytes unsaid, not {ends:?}", seed.name);
        (!as_said || unsaid > 0).then_some(text)
    };
    all.iter().filter_map(judge).collect()
}

/// For a target without conversations: its seeds end in nothing but that the target returns.
pub(crate) fn none_wrong() -> Vec<String> {
    Vec::new()
}
