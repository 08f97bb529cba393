//! An Amazon RDS and an Amazon Redshift that are tables: what they list, and what they were asked.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::host_port::HostPort;
use crate::inventory::Action;
use crate::inventory::api::{Cluster, DatabaseApis, Instance, Workgroup};
use crate::inventory::failure::failed_call;
use crate::rotation::ports::{InventoryError, InventoryErrorKind};

/// Where RDS's names end.
const ZONE: &str = "c1a2.eu-west-1.rds.example";

#[derive(Default)]
pub(super) struct FakeInventory {
    instances: BTreeMap<String, Instance>,
    clusters: BTreeMap<String, Cluster>,
    redshift: BTreeMap<String, Option<HostPort>>,
    namespaces: BTreeMap<String, Vec<Workgroup>>,
    asked: Mutex<Vec<String>>,
    broken: Option<InventoryErrorKind>,
}

fn place(host: String) -> Option<HostPort> {
    Some(HostPort { host, port: 7 })
}

impl FakeInventory {
    /// An instance called `id`, at `{id}.{ZONE}:7`, of the plugin's engine.
    pub(super) fn instance(mut self, id: &str, adjust: impl FnOnce(&mut Instance)) -> Self {
        let mut instance = Instance {
            id: id.to_owned(),
            endpoint: place(format!("{id}.{ZONE}")),
            engine: "fake".into(),
            replica_of: None,
            cluster: None,
        };
        adjust(&mut instance);
        self.instances.insert(id.to_owned(), instance);
        self
    }

    /// A cluster called `id`, whose writer listens at `{id}.cluster-{ZONE}:7`.
    pub(super) fn cluster(mut self, id: &str) -> Self {
        let cluster = Cluster {
            id: id.to_owned(),
            endpoint: place(format!("{id}.cluster-{ZONE}")),
            reader_endpoint: place(format!("{id}.cluster-ro-{ZONE}")),
            engine: "fake".into(),
        };
        self.clusters.insert(id.to_owned(), cluster);
        self
    }

    /// A member of a cluster.
    pub(super) fn member(self, id: &str, cluster: &str) -> Self {
        self.instance(id, |own| own.cluster = Some(cluster.to_owned()))
    }

    /// A read replica.
    pub(super) fn replica(self, id: &str, of: &str) -> Self {
        self.instance(id, |own| own.replica_of = Some(of.to_owned()))
    }

    /// A Redshift cluster with this ARN, at `{host}:7`, or being made.
    pub(super) fn redshift(mut self, arn: &str, host: Option<&str>) -> Self {
        let endpoint = host.and_then(|host| place(host.to_owned()));
        self.redshift.insert(arn.to_owned(), endpoint);
        self
    }

    /// A serverless namespace with this ARN, whose workgroups listen at these hosts, or are being
    /// made.
    pub(super) fn namespace(mut self, arn: &str, hosts: &[Option<&str>]) -> Self {
        let workgroups = hosts.iter().enumerate().map(|(number, host)| Workgroup {
            name: format!("wg-{number}"),
            endpoint: host.and_then(|host| place(host.to_owned())),
        });
        self.namespaces.insert(arn.to_owned(), workgroups.collect());
        self
    }

    /// Every call fails in this way.
    pub(super) fn broken(self, kind: InventoryErrorKind) -> Self {
        Self { broken: Some(kind), ..self }
    }

    /// Everything that it was asked, in any order.
    pub(super) fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.lock().unwrap().clone();
        asked.sort();
        asked
    }

    fn answer<T: Clone>(
        &self,
        action: Action,
        id: &str,
        name: &str,
        listed: &BTreeMap<String, T>,
    ) -> Result<T, InventoryError> {
        self.asked.lock().unwrap().push(format!("{action} {id}"));
        let failed = |kind| failed_call(kind, action, id, "Code: as told".into());
        if let Some(kind) = self.broken {
            return Err(failed(kind));
        }
        listed.get(name).cloned().ok_or_else(|| failed(InventoryErrorKind::NotFound))
    }
}

impl DatabaseApis for FakeInventory {
    fn may_name(&self, host: &str) -> bool {
        host.split('.').any(|label| label == "rds")
    }

    async fn instance(&self, id: &str) -> Result<Instance, InventoryError> {
        self.answer(Action::DescribeDbInstances, id, last(id), &self.instances)
    }

    async fn cluster(&self, id: &str) -> Result<Cluster, InventoryError> {
        self.answer(Action::DescribeDbClusters, id, last(id), &self.clusters)
    }

    async fn redshift_cluster(&self, arn: &str) -> Result<Option<HostPort>, InventoryError> {
        self.answer(Action::DescribeClusters, arn, arn, &self.redshift)
    }

    async fn redshift_workgroups(&self, arn: &str) -> Result<Vec<Workgroup>, InventoryError> {
        self.answer(Action::ListNamespaces, arn, arn, &self.namespaces)
    }
}

/// The identifier in an ARN of RDS's.
fn last(id: &str) -> &str {
    id.rsplit(':').next().unwrap_or(id)
}
