//! Amazon Redshift: a provisioned cluster, or the workgroups of a serverless namespace.
//!
//! Redshift is asked by names, which another account or region may have as well, and the ARN is the
//! whole of what the rotation knows: an answer counts only if it is of the ARN's own account and
//! region.

use aws_sdk_redshiftserverless::types::{Namespace, Workgroup as Listed};

use super::{AwsApis, client, failed, not_in_answer, place};
use crate::aws::connect_error::BadTls;
use crate::host_port::HostPort;
use crate::inventory::action::Action;
use crate::inventory::api::Workgroup;
use crate::inventory::failure::failed_call;
use crate::rotation::ports::{InventoryError, InventoryErrorKind};

/// How many entries a page may have at most.
const PAGE: i32 = 100;

/// How many pages are read of a list. An account has 25 namespaces and workgroups in a region until
/// AWS gives it more; two thousand are read in some two seconds, of which a step has about thirty.
const PAGES: usize = 20;

impl AwsApis {
    pub(super) async fn provisioned(&self, arn: &str) -> Result<Option<HostPort>, InventoryError> {
        const ACTION: Action = Action::DescribeClusters;
        let client = client!(self, redshift, aws_sdk_redshift, ACTION, arn)?;
        let (owner, name) = (owner(arn), arn.rsplit(':').next().unwrap_or_default());
        let answer = client.describe_clusters().cluster_identifier(name).send().await;
        let clusters = answer.map_err(|error| failed(ACTION, arn, &error))?.clusters;
        let found = clusters.unwrap_or_default().into_iter().find(|one| {
            let named = one.cluster_identifier.as_deref() == Some(name);
            // The one ARN in the answer is that of the cluster's namespace. Redshift always tells it.
            named
                && one.cluster_namespace_arn.as_deref().is_none_or(|own| self::owner(own) == owner)
        });
        let found = found.ok_or_else(|| not_in_answer(ACTION, arn))?;
        Ok(found.endpoint.and_then(|at| place(at.address, at.port)))
    }

    pub(super) async fn workgroups(&self, arn: &str) -> Result<Vec<Workgroup>, InventoryError> {
        // Neither list is asked with anything out of the other.
        let (name, listed) = tokio::join!(self.namespace(arn), self.all_workgroups(arn));
        let (name, listed) = (name?, listed?);
        let own = listed.into_iter().filter(|one| one.namespace_name.as_ref() == Some(&name));
        Ok(own.map(Workgroup::from).collect())
    }

    /// The name of a namespace.
    async fn namespace(&self, arn: &str) -> Result<String, InventoryError> {
        const ACTION: Action = Action::ListNamespaces;
        let client = client!(self, serverless, aws_sdk_redshiftserverless, ACTION, arn)?;
        let asked = |one: &Namespace| one.namespace_arn.as_deref() == Some(arn);
        let mut next = None;
        for _ in 0..PAGES {
            let call = client.list_namespaces().max_results(PAGE).set_next_token(next);
            let answer = call.send().await.map_err(|error| failed(ACTION, arn, &error))?;
            let found = answer.namespaces.into_iter().find(asked);
            if let Some(name) = found.and_then(|one| one.namespace_name) {
                return Ok(name);
            }
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Err(not_in_answer(ACTION, arn));
            }
        }
        Err(too_many(ACTION, arn))
    }

    async fn all_workgroups(&self, arn: &str) -> Result<Vec<Listed>, InventoryError> {
        const ACTION: Action = Action::ListWorkgroups;
        let client = client!(self, serverless, aws_sdk_redshiftserverless, ACTION, arn)?;
        let (mut all, mut next) = (Vec::new(), None);
        for _ in 0..PAGES {
            let call = client.list_workgroups().max_results(PAGE).set_next_token(next);
            let answer = call.send().await.map_err(|error| failed(ACTION, arn, &error))?;
            all.extend(answer.workgroups);
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(all);
            }
        }
        Err(too_many(ACTION, arn))
    }
}

/// Partition, region and account of an ARN: `arn:PARTITION:SERVICE:REGION:ACCOUNT:…`.
fn owner(arn: &str) -> Option<(&str, &str, &str)> {
    let mut parts = arn.split(':').skip(1);
    let (partition, _service) = (parts.next()?, parts.next()?);
    Some((partition, parts.next()?, parts.next()?))
}

fn too_many(action: Action, arn: &str) -> InventoryError {
    let message = format!(
        "the list has more than {PAGES} pages, the most that are read; use an admin secret that has \
         `engine` and `host`"
    );
    failed_call(InventoryErrorKind::Other, action, arn, message)
}

impl From<Listed> for Workgroup {
    fn from(answer: Listed) -> Self {
        Self {
            name: answer.workgroup_name.unwrap_or_default(),
            endpoint: answer.endpoint.and_then(|at| place(at.address, at.port)),
        }
    }
}
