//! An Amazon RDS that is a table: what it lists, and what it was asked.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::rds::{Cluster, Instance, Rds, RdsError, RdsErrorKind};
use crate::rotation::Place;

/// Where RDS's names end.
const ZONE: &str = "c1a2.eu-west-1.rds.example";

#[derive(Default)]
pub(super) struct FakeRds {
    instances: BTreeMap<String, Instance>,
    clusters: BTreeMap<String, Cluster>,
    asked: Mutex<Vec<String>>,
    broken: Option<RdsErrorKind>,
}

fn place(host: String) -> Option<Place> {
    Some(Place { host, port: 7 })
}

impl FakeRds {
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

    /// Every call fails in this way.
    pub(super) fn broken(self, kind: RdsErrorKind) -> Self {
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
        action: &'static str,
        id: &str,
        listed: &BTreeMap<String, T>,
    ) -> Result<T, RdsError> {
        self.asked.lock().unwrap().push(format!("{action} {id}"));
        let failed = |kind| RdsError {
            kind,
            action,
            resource: id.to_owned(),
            message: "Code: as told".into(),
        };
        if let Some(kind) = self.broken {
            return Err(failed(kind));
        }
        let name = id.rsplit(':').next().unwrap();
        listed.get(name).cloned().ok_or_else(|| failed(RdsErrorKind::NotFound))
    }
}

impl Rds for FakeRds {
    fn may_name(&self, host: &str) -> bool {
        host.split('.').any(|label| label == "rds")
    }

    async fn instance(&self, id: &str) -> Result<Instance, RdsError> {
        self.answer("DescribeDBInstances", id, &self.instances)
    }

    async fn cluster(&self, id: &str) -> Result<Cluster, RdsError> {
        self.answer("DescribeDBClusters", id, &self.clusters)
    }
}
