//! Amazon RDS, as far as a rotation asks it: what instances there are and where they listen.
//!
//! The answers have the form of RDS's own, with what a rotation reads in them; nothing is checked of
//! whoever asks. What is asked is recorded.

use std::sync::{Arc, Mutex};

use anyhow::Result;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, StatusCode};

use crate::http::{self, Server};
use crate::sync::lock;

/// A DB instance, as RDS would list it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DbInstance {
    /// Its identifier.
    pub id: String,
    /// Its endpoint's host: `localhost` or an address, where RDS has a name of its own.
    pub host: String,
    /// Its endpoint's port.
    pub port: u16,
    /// The instance of which it is a read replica.
    pub replica_of: Option<String>,
}

impl DbInstance {
    /// A PostgreSQL.
    pub fn new(id: &str, host: &str, port: u16) -> Self {
        Self { id: id.to_owned(), host: host.to_owned(), port, replica_of: None }
    }

    /// The same, as a read replica.
    #[must_use]
    pub fn replica_of(mut self, source: &str) -> Self {
        self.replica_of = Some(source.to_owned());
        self
    }

    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        format!("arn:aws:rds:us-east-1:123456789012:db:{}", self.id)
    }

    fn xml(&self) -> String {
        let Self { id, host, port, replica_of } = self;
        let source = replica_of.as_ref().map_or(String::new(), |source| {
            format!(
                "<ReadReplicaSourceDBInstanceIdentifier>{source}\
                 </ReadReplicaSourceDBInstanceIdentifier>"
            )
        });
        format!(
            "<DescribeDBInstancesResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\">\
             <DescribeDBInstancesResult><DBInstances><DBInstance>\
             <DBInstanceIdentifier>{id}</DBInstanceIdentifier><Engine>postgres</Engine>\
             <DBInstanceStatus>available</DBInstanceStatus>\
             <Endpoint><Address>{host}</Address><Port>{port}</Port></Endpoint>{source}\
             <DBInstanceArn>{}</DBInstanceArn>\
             </DBInstance></DBInstances></DescribeDBInstancesResult>\
             <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\
             </DescribeDBInstancesResponse>",
            self.arn()
        )
    }
}

/// A listening RDS. Dropping it ends it.
#[derive(Debug)]
pub struct Rds {
    server: Server,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Rds {
    /// Lists these instances.
    ///
    /// # Errors
    /// If nothing can listen.
    pub async fn start(instances: Vec<DbInstance>) -> Result<Self> {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (instances, record) = (Arc::new(instances), Arc::clone(&asked));
        let server = Server::start(move |request: Request<Bytes>| {
            let (instances, record) = (Arc::clone(&instances), Arc::clone(&record));
            async move {
                let form = String::from_utf8_lossy(request.body()).into_owned();
                let field = |name: &str| {
                    form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
                };
                // Colons are all that an ARN has to be written otherwise.
                let id = field("DBInstanceIdentifier").unwrap_or_default().replace("%3A", ":");
                let action = field("Action").unwrap_or_default();
                lock(&record).push(format!("{action} {id}"));
                let mut found = instances.iter().filter(|one| one.id == id || one.arn() == id);
                Ok(match found.next() {
                    Some(instance) => xml(StatusCode::OK, instance.xml()),
                    None => xml(StatusCode::NOT_FOUND, not_found(&id)),
                })
            }
        })
        .await?;
        Ok(Self { server, asked })
    }

    /// Its endpoint, for `AWS_ENDPOINT_URL_RDS`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// What it was asked so far: actions and identifiers, sorted.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        let mut asked = lock(&self.asked).clone();
        asked.sort();
        asked
    }
}

fn not_found(id: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><Error>\
         <Type>Sender</Type><Code>DBInstanceNotFound</Code>\
         <Message>DBInstance {id} not found.</Message></Error><RequestId>r</RequestId>\
         </ErrorResponse>"
    )
}

fn xml(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = http::answer(status, text);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    response
}
