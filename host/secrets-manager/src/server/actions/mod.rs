//! The actions by name: each takes its fields, calls the store and writes the answer.
//!
//! A function here parses and renders. What is allowed is decided in the store.

mod lists;
mod policies;
mod render;
mod replication;
mod rotation;
mod secrets;
mod values;

use std::sync::Arc;

use serde_json::Value;

use super::fields::Fields;
use super::rejection::Rejection;
use super::scheduler::Scheduler;
use crate::EmbeddedStore;

/// What an action may use.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) store: EmbeddedStore,
    pub(super) scheduler: Arc<Scheduler>,
}

/// May block on the disk.
type Run = fn(&Context, Fields) -> Result<Value, Rejection>;

/// One action.
#[derive(Clone, Copy)]
pub(super) struct Action {
    pub(super) name: &'static str,
    pub(super) run: Run,
}

const ACTIONS: &[Action] = &[
    Action { name: "BatchGetSecretValue", run: values::batch_get },
    Action { name: "CancelRotateSecret", run: rotation::cancel },
    Action { name: "CreateSecret", run: secrets::create },
    Action { name: "DeleteResourcePolicy", run: policies::delete },
    Action { name: "DeleteSecret", run: secrets::delete },
    Action { name: "DescribeSecret", run: secrets::describe },
    Action { name: "GetRandomPassword", run: values::random_password },
    Action { name: "GetResourcePolicy", run: policies::get },
    Action { name: "GetSecretValue", run: values::get },
    Action { name: "ListSecretVersionIds", run: lists::version_ids },
    Action { name: "ListSecrets", run: lists::secrets },
    Action { name: "PutResourcePolicy", run: policies::put },
    Action { name: "PutSecretValue", run: values::put },
    Action { name: "RemoveRegionsFromReplication", run: replication::remove },
    Action { name: "ReplicateSecretToRegions", run: replication::add },
    Action { name: "RestoreSecret", run: secrets::restore },
    Action { name: "RotateSecret", run: rotation::rotate },
    Action { name: "StopReplicationToReplica", run: replication::stop },
    Action { name: "TagResource", run: secrets::tag },
    Action { name: "UntagResource", run: secrets::untag },
    Action { name: "UpdateSecret", run: secrets::update },
    Action { name: "UpdateSecretVersionStage", run: values::update_stage },
    Action { name: "ValidateResourcePolicy", run: policies::validate },
];

/// What the header `X-Amz-Target` begins with.
const SERVICE: &str = "secretsmanager.";

/// The action that a request's target names.
pub(super) fn find(target: Option<&str>) -> Result<Action, Rejection> {
    let Some(target) = target else {
        return Err(Rejection::unknown_operation(
            "the header X-Amz-Target is missing, such as `secretsmanager.GetSecretValue`: this is \
             Secrets Manager's JSON protocol",
        ));
    };
    let named = target.strip_prefix(SERVICE);
    if let Some(action) = named.and_then(|name| ACTIONS.iter().find(|action| action.name == name)) {
        return Ok(*action);
    }
    // The target itself is not repeated: it came from outside, and answers are logged.
    let known = ACTIONS.iter().map(|action| action.name).collect::<Vec<_>>().join(", ");
    Err(Rejection::unknown_operation(format!(
        "the embedded Secrets Manager serves these actions only: {known}"
    )))
}
