//! Replication: regions are kept and reported as failed, because nothing is copied.

use serde_json::Value;

use super::super::fields::Fields;
use super::super::rejection::Rejection;
use super::{Context, render};
use crate::Description;

pub(super) fn add(context: &Context, mut fields: Fields) -> Result<Value, Rejection> {
    let id = fields.required_text("SecretId")?;
    let regions = fields.regions("AddReplicaRegions")?;
    if regions.is_empty() {
        return Err(Rejection::missing("AddReplicaRegions"));
    }
    Ok(status(&context.store.replicate(&id, regions)?))
}

pub(super) fn remove(context: &Context, mut fields: Fields) -> Result<Value, Rejection> {
    let id = fields.required_text("SecretId")?;
    let regions = fields.texts("RemoveReplicaRegions")?;
    let regions = regions.ok_or_else(|| Rejection::missing("RemoveReplicaRegions"))?;
    Ok(status(&context.store.remove_replicas(&id, &regions)?))
}

/// There are no replicas here, which alone could be made secrets of their own.
pub(super) fn stop(context: &Context, mut fields: Fields) -> Result<Value, Rejection> {
    context.store.describe_secret(&fields.required_text("SecretId")?)?;
    Err(Rejection::request(
        "You can't stop replication to this secret because it is not a replica. The embedded Secrets \
         Manager has one region.",
    ))
}

fn status(secret: &Description) -> Value {
    render::Answer::default()
        .with("ARN", secret.arn.as_str())
        .with("ReplicationStatus", render::replication(&secret.replicas))
        .done()
}
