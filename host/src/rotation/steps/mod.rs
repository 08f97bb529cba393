//! The four steps. The fields of each step's type say what it may use.

mod create;
mod finish;
mod set;
mod test;

pub(super) use create::{CreateStep, NewVersions};
pub(super) use finish::FinishStep;
pub(super) use set::SetStep;
pub(super) use test::TestStep;
