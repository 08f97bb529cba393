//! What goes wrong with a step, and which errors that explains.
//!
//! An error that no fault of its own step explains ends the soak: that is how a mistake shows that
//! a retry would hide.

use std::time::Duration;

use windlass_harness::{Direction, FunctionError, Moment, ServiceFault};

use super::random::Random;

/// More calls than a step makes, so that some orders come too late for it: nothing happens then.
const CALLS: u32 = 6;

/// More turns of one side than signing in and changing a password take…
const TURNS: u32 = 8;

/// …and of both.
const TURNS_OF_BOTH: u32 = 14;

/// The SDK tries a call three times: some of these are overcome, some are not.
const REPEATS: u32 = 5;

/// One fault, in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The function is killed at its n-th call of Secrets Manager.
    KillAtCall(usize, Moment),
    /// The function is killed when so many turns went between it and the database.
    KillInConversation(u32),
    /// The connection to the database is cut at this turn.
    Cut(Direction, u32),
    /// The database never answers.
    Silence,
    /// The answer to the n-th call of Secrets Manager is lost.
    LostAnswer(usize),
    /// Secrets Manager answers the first calls with this.
    Refusals(ServiceFault, usize),
    /// The same event goes to two functions at once.
    Duplicate,
    /// Secrets Manager's answers lag behind its writes, for the whole rotation.
    Lag(u32),
    /// An event of a rotation that is over arrives late.
    Late,
}

impl Trouble {
    /// For a step; only some of them connect to the database.
    pub(super) fn choose(random: &mut Random, step: &str) -> Option<Self> {
        let connects = u32::from(step == "setSecret" || step == "testSecret");
        let call = 1 + random.below(CALLS) as usize;
        let turn = 1 + random.below(TURNS);
        let turns = 1 + random.below(TURNS_OF_BOTH);
        let repeats = 1 + random.below(REPEATS) as usize;
        let moment = if random.chance(50) { Moment::Before } else { Moment::After };
        let direction = if random.chance(50) { Direction::ToServer } else { Direction::ToClient };
        random.weighted(&[
            (6, Self::KillAtCall(call, moment)),
            (4, Self::LostAnswer(call)),
            (2, Self::Refusals(ServiceFault::Throttled, repeats)),
            (2, Self::Refusals(ServiceFault::InternalError, repeats)),
            (2, Self::Refusals(ServiceFault::Unavailable, repeats)),
            (4, Self::Duplicate),
            (6 * connects, Self::KillInConversation(turns)),
            (6 * connects, Self::Cut(direction, turn)),
            // Each costs the seconds of the function's own limit, so there are few.
            (connects, Self::Silence),
        ])
    }

    /// What it is counted as.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::KillAtCall(_, Moment::Before) => "killed before a call of Secrets Manager",
            Self::KillAtCall(_, Moment::After) => "killed after a call of Secrets Manager",
            Self::KillInConversation(_) => "killed in the middle of the database's conversation",
            Self::Cut(..) => "database connection cut",
            Self::Silence => "database connection silent",
            Self::LostAnswer(_) => "answer of Secrets Manager lost",
            Self::Refusals(ServiceFault::Throttled, _) => "throttled by Secrets Manager",
            Self::Refusals(..) => "5xx of Secrets Manager",
            Self::Duplicate => "step sent twice at once",
            Self::Lag(_) => "rotation with lagging answers",
            Self::Late => "step of a rotation that is over, sent late",
        }
    }

    /// Whether this error may come of it.
    pub(super) fn explains(self, error: &FunctionError) -> bool {
        let kinds: &[&str] = match self {
            Self::KillAtCall(..) | Self::KillInConversation(_) => &["Runtime.ExitError"],
            Self::Cut(..) => &["Windlass.Service.Unreachable"],
            Self::Silence => &["Windlass.Service.Unreachable", "Windlass.Operator.OutOfTime"],
            Self::LostAnswer(_) | Self::Refusals(..) => &["Windlass.Aws.Unavailable"],
            // Two that change one account at once: the database lets one of them through.
            Self::Duplicate => &["Windlass.Service.Unreachable"],
            Self::Lag(_) => &[
                "Windlass.Aws.Unavailable",
                "Windlass.Operator.RotationState",
                "Windlass.Operator.Mismatch",
            ],
            Self::Late => &["Windlass.Operator.RotationState"],
        };
        kinds.contains(&error.kind.as_str())
    }
}

/// How much each piece is delayed in a conversation in which the function is to be killed: enough
/// to find the moment.
pub(super) const KILLING_PACE: Duration = Duration::from_millis(2);
