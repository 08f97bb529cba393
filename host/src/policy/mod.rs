//! IAM policies for a rotation, and no more than it needs: the documents, and the comparison of others'
//! with them.
//!
//! Nothing here calls AWS. What a rotation needs ([`Needs`]) comes from the secret or from the operator's
//! words; each statement says why it is there. Facts are from the user guide of AWS Secrets Manager
//! (rotation permissions), the service authorization reference (actions, resources, condition keys), and
//! the calls that the host makes: a test has an independent evaluator judge every one of them.

mod arn;
pub mod check;
mod covers;
mod document;
mod foreign;
mod needed;
pub mod render;

pub use arn::{ArnProblem, FunctionArn, KeyArn};
pub use document::{Condition, Document, Effect, Kind, Principal, Statement};
pub use needed::{AdminSecret, Api, Needs, RotatedSecret, documents};
