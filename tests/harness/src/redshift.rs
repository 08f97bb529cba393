//! Amazon Redshift and Redshift Serverless, as far as a rotation asks them: what clusters, namespaces
//! and workgroups there are, and where they listen.
//!
//! The answers have the form of the services' own, with what a rotation reads in them; nothing is
//! checked of whoever asks. Lists come in pages of one. What is asked is recorded.

use std::sync::{Arc, Mutex};

use anyhow::Result;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::http::{self, Server};
use crate::sync::lock;

/// What is listed, and where it listens: `localhost` or an address, where Redshift has a name of its
/// own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warehouse {
    /// The cluster's name, or the namespace's.
    pub name: String,
    /// Its endpoint's host.
    pub host: String,
    /// Its endpoint's port.
    pub port: u16,
}

impl Warehouse {
    /// One on this machine.
    pub fn new(name: &str, host: &str, port: u16) -> Self {
        Self { name: name.to_owned(), host: host.to_owned(), port }
    }

    /// Its ARN as a cluster.
    #[must_use]
    pub fn cluster_arn(&self) -> String {
        format!("arn:aws:redshift:us-east-1:123456789012:cluster:{}", self.name)
    }

    /// Its ARN as a namespace. The real ones end with a UUID; no rotation looks into it.
    #[must_use]
    pub fn namespace_arn(&self) -> String {
        format!("arn:aws:redshift-serverless:us-east-1:123456789012:namespace/id-of-{}", self.name)
    }

    fn cluster_xml(&self) -> String {
        let Self { name, host, port } = self;
        format!(
            "<DescribeClustersResponse xmlns=\"http://redshift.amazonaws.com/doc/2012-12-01/\">\
             <DescribeClustersResult><Clusters><Cluster>\
             <ClusterIdentifier>{name}</ClusterIdentifier><ClusterStatus>available</ClusterStatus>\
             <Endpoint><Address>{host}</Address><Port>{port}</Port></Endpoint>\
             <ClusterNamespaceArn>arn:aws:redshift:us-east-1:123456789012:namespace:0a1b\
             </ClusterNamespaceArn></Cluster></Clusters></DescribeClustersResult>\
             <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\
             </DescribeClustersResponse>"
        )
    }

    fn namespace(&self) -> Value {
        json!({
            "namespaceArn": self.namespace_arn(), "namespaceName": self.name, "status": "AVAILABLE",
        })
    }

    fn workgroup(&self) -> Value {
        json!({
            "namespaceName": self.name, "workgroupName": format!("{}-{}", self.name, self.port),
            "status": "AVAILABLE", "endpoint": { "address": self.host, "port": self.port },
        })
    }
}

/// Both services, listening. Dropping it ends them.
#[derive(Debug)]
pub struct Redshift {
    server: Server,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Redshift {
    /// Lists each of these as a cluster, and as a namespace with its workgroup.
    ///
    /// # Errors
    /// If nothing can listen.
    pub async fn start(listed: Vec<Warehouse>) -> Result<Self> {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (listed, record) = (Arc::new(listed), Arc::clone(&asked));
        let server = Server::start(move |request: Request<Bytes>| {
            let (listed, record) = (Arc::clone(&listed), Arc::clone(&record));
            async move {
                let (said, answer) = answer(&listed, &request);
                lock(&record).push(said);
                Ok(answer)
            }
        })
        .await?;
        Ok(Self { server, asked })
    }

    /// Its endpoint, for `AWS_ENDPOINT_URL_REDSHIFT` and `AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// What it was asked so far, sorted: clusters by their names, lists by their pages.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        let mut asked = lock(&self.asked).clone();
        asked.sort();
        asked
    }
}

/// What was asked, and the answer.
fn answer(listed: &[Warehouse], request: &Request<Bytes>) -> (String, Response<Full<Bytes>>) {
    let target = request.headers().get("x-amz-target").and_then(|value| value.to_str().ok());
    let Some((_, action)) = target.and_then(|target| target.split_once('.')) else {
        let form = String::from_utf8_lossy(request.body());
        let field = |name: &str| {
            form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        };
        let name = field("ClusterIdentifier").unwrap_or_default();
        let answer = match listed.iter().find(|one| one.name == name) {
            Some(cluster) => xml(StatusCode::OK, cluster.cluster_xml()),
            None => xml(StatusCode::NOT_FOUND, not_found(name)),
        };
        return (format!("{} {name}", field("Action").unwrap_or_default()), answer);
    };
    let question: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    let page: usize = match question.get("nextToken").and_then(Value::as_str) {
        None => 0,
        Some(token) => token.parse().unwrap_or(listed.len()),
    };
    let (list, entry): (_, fn(&Warehouse) -> Value) = match action {
        "ListNamespaces" => ("namespaces", Warehouse::namespace),
        _ => ("workgroups", Warehouse::workgroup),
    };
    let entries: Vec<_> = listed.get(page).into_iter().map(entry).collect();
    let next = (page + 1 < listed.len()).then(|| (page + 1).to_string());
    let answer = json!({ list: entries, "nextToken": next });
    (format!("{action} {page}"), http::answer(StatusCode::OK, answer.to_string()))
}

fn not_found(name: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"http://redshift.amazonaws.com/doc/2012-12-01/\"><Error>\
         <Type>Sender</Type><Code>ClusterNotFound</Code><Message>Cluster {name} not found.</Message>\
         </Error><RequestId>r</RequestId></ErrorResponse>"
    )
}

fn xml(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = http::answer(status, text);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    response
}
