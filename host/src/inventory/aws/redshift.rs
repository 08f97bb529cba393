//! Amazon Redshift: a provisioned cluster, or the workgroups of a serverless namespace.
//!
//! Redshift is asked by names, which another account or region may have as well, and the ARN is the
//! whole of what the rotation knows: an answer counts only if it is of the ARN's own account and
//! region.

use serde::{Deserialize, Serialize};

use super::rds::Endpoint;
use super::{AwsApis, not_in_answer, place};
use crate::aws::{json, query};
use crate::host_port::HostPort;
use crate::inventory::action::Action;
use crate::inventory::api::Workgroup;
use crate::inventory::failure::failed_call;
use crate::rotation::ports::{InventoryError, InventoryErrorKind};

/// The version of the API of provisioned clusters.
const VERSION: &str = "2012-12-01";

/// What Redshift Serverless is called in its protocol.
const SERVICE: &str = "RedshiftServerless";

/// How many entries a page may have at most.
const PAGE: i32 = 100;

/// How many pages are read of a list. An account has 25 namespaces and workgroups in a region until
/// AWS gives it more; two thousand are read in some two seconds, of which a step has about thirty.
const PAGES: usize = 20;

impl AwsApis {
    pub(super) async fn provisioned(&self, arn: &str) -> Result<Option<HostPort>, InventoryError> {
        const ACTION: Action = Action::DescribeClusters;
        let (owner, name) = (owner(arn), arn.rsplit(':').next().unwrap_or_default());
        let asked = query::request(ACTION.name(), VERSION, &[("ClusterIdentifier", name)]);
        let answer: DescribeClustersResponse = self.ask(ACTION, arn, asked, query::read).await?;
        let clusters = answer.result.clusters.unwrap_or_default().clusters;
        let found = clusters.into_iter().find(|one| {
            // The one ARN in the answer is that of the cluster's namespace. Redshift always has it.
            one.id.as_deref() == Some(name)
                && one.namespace.as_deref().is_none_or(|own| self::owner(own) == owner)
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
        let mut next = None;
        for _ in 0..PAGES {
            let answer: Namespaces = self.page(ACTION, arn, next).await?;
            let asked = |one: &Namespace| one.arn.as_deref() == Some(arn);
            let found = answer.namespaces.into_iter().find(asked);
            if let Some(name) = found.and_then(|one| one.name) {
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
        let (mut all, mut next) = (Vec::new(), None);
        for _ in 0..PAGES {
            let answer: Workgroups = self.page(ACTION, arn, next).await?;
            all.extend(answer.workgroups);
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(all);
            }
        }
        Err(too_many(ACTION, arn))
    }

    async fn page<T: serde::de::DeserializeOwned>(
        &self,
        action: Action,
        arn: &str,
        next: Option<String>,
    ) -> Result<T, InventoryError> {
        let input = PageRequest { next_token: next, max_results: PAGE };
        let asked = json::request(SERVICE, action.name(), &input).map_err(|error| {
            failed_call(InventoryErrorKind::Other, action, arn, error.to_string())
        })?;
        self.ask(action, arn, asked, json::read).await
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    max_results: i32,
}

#[derive(Deserialize)]
struct DescribeClustersResponse {
    #[serde(rename = "DescribeClustersResult")]
    result: DescribeClustersResult,
}

#[derive(Deserialize)]
struct DescribeClustersResult {
    #[serde(rename = "Clusters")]
    clusters: Option<Clusters>,
}

#[derive(Default, Deserialize)]
struct Clusters {
    #[serde(rename = "Cluster", default)]
    clusters: Vec<Provisioned>,
}

#[derive(Deserialize)]
struct Provisioned {
    #[serde(rename = "ClusterIdentifier")]
    id: Option<String>,
    #[serde(rename = "ClusterNamespaceArn")]
    namespace: Option<String>,
    #[serde(rename = "Endpoint")]
    endpoint: Option<Endpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Namespaces {
    #[serde(default)]
    namespaces: Vec<Namespace>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
struct Namespace {
    #[serde(rename = "namespaceName")]
    name: Option<String>,
    #[serde(rename = "namespaceArn")]
    arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Workgroups {
    #[serde(default)]
    workgroups: Vec<Listed>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    workgroup_name: Option<String>,
    namespace_name: Option<String>,
    endpoint: Option<ServerlessEndpoint>,
}

/// Where a workgroup listens.
#[derive(Deserialize)]
struct ServerlessEndpoint {
    address: Option<String>,
    port: Option<i32>,
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
