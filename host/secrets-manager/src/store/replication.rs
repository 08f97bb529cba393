//! Replication, as far as it goes here: which regions were asked for is kept, and each is reported as
//! failed, with why. No copy is made.

use super::error::{ServiceError, invalid_parameter};
use super::limits;
use super::record::SecretRecord;
use super::requests::ReplicaRegion;

/// What DescribeSecret says of every region.
pub const NOT_REPLICATED: &str =
    "The embedded Secrets Manager has one region and does not replicate secrets.";

/// `ReplicateSecretToRegions`, and `AddReplicaRegions` of CreateSecret.
pub(super) fn add(
    secret: &mut SecretRecord,
    regions: Vec<ReplicaRegion>,
) -> Result<(), ServiceError> {
    let own = secret.arn.split(':').nth(3).unwrap_or_default();
    for ReplicaRegion { region, kms_key_id } in regions {
        limits::region(&region)?;
        limits::details(None, kms_key_id.as_deref())?;
        if region == own {
            return Err(invalid_parameter(format!(
                "Invalid replica region. The secret is in region {own} already."
            )));
        }
        secret.replicas.insert(region, kms_key_id);
    }
    Ok(())
}

/// `RemoveRegionsFromReplication`.
pub(super) fn remove(secret: &mut SecretRecord, regions: &[String]) -> Result<(), ServiceError> {
    for region in regions {
        limits::region(region)?;
        if secret.replicas.remove(region).is_none() {
            return Err(invalid_parameter(format!(
                "The secret is not replicated to region {region}."
            )));
        }
    }
    Ok(())
}
