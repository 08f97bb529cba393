//! The services that are asked about databases, and what they are asked: their names in messages,
//! in policies and in the environment.

use std::fmt;

use crate::aws::connect_error::AwsService;

/// A service of AWS that has databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseService {
    /// Amazon RDS, Aurora included.
    Rds,
    /// Amazon Redshift's provisioned clusters.
    Redshift,
    /// Amazon Redshift Serverless.
    RedshiftServerless,
}

/// A call. Each only reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// RDS's `DescribeDBInstances`.
    DescribeDbInstances,
    /// RDS's `DescribeDBClusters`.
    DescribeDbClusters,
    /// Redshift's `DescribeClusters`.
    DescribeClusters,
    /// Redshift Serverless' `ListNamespaces`.
    ListNamespaces,
    /// Redshift Serverless' `ListWorkgroups`.
    ListWorkgroups,
}

impl DatabaseService {
    /// Its name, for people.
    pub fn name(self) -> &'static str {
        self.in_messages().name
    }

    /// The AWS SDKs' own variable for its endpoint.
    pub fn endpoint_variable(self) -> &'static str {
        self.in_messages().variable
    }

    /// Its endpoint, where it is not AWS's own.
    pub(crate) fn endpoint(self) -> Option<String> {
        std::env::var(self.endpoint_variable()).ok().filter(|url| !url.is_empty())
    }

    /// What messages need to know of it.
    pub(crate) fn in_messages(self) -> AwsService<'static> {
        let (name, vpc_endpoint, variable) = match self {
            Self::Rds => ("Amazon RDS", "rds", "AWS_ENDPOINT_URL_RDS"),
            Self::Redshift => ("Amazon Redshift", "redshift", "AWS_ENDPOINT_URL_REDSHIFT"),
            Self::RedshiftServerless => (
                "Amazon Redshift Serverless",
                "redshift-serverless",
                "AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS",
            ),
        };
        AwsService { name, vpc_endpoint, variable }
    }
}

impl Action {
    /// Whose it is.
    pub fn service(self) -> DatabaseService {
        match self {
            Self::DescribeDbInstances | Self::DescribeDbClusters => DatabaseService::Rds,
            Self::DescribeClusters => DatabaseService::Redshift,
            Self::ListNamespaces | Self::ListWorkgroups => DatabaseService::RedshiftServerless,
        }
    }

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::DescribeDbInstances => "DescribeDBInstances",
            Self::DescribeDbClusters => "DescribeDBClusters",
            Self::DescribeClusters => "DescribeClusters",
            Self::ListNamespaces => "ListNamespaces",
            Self::ListWorkgroups => "ListWorkgroups",
        }
    }

    /// What a policy has to allow so that the question can be answered, and of what.
    pub(super) fn permissions(self, asked: &str) -> (&'static [&'static str], String) {
        let of_rds = |kind: &str| match asked.starts_with("arn:") {
            true => asked.to_owned(),
            false => format!("arn:aws:rds:*:*:{kind}:{asked}"),
        };
        match self {
            Self::DescribeDbInstances => (&["rds:DescribeDBInstances"], of_rds("db")),
            Self::DescribeDbClusters => (&["rds:DescribeDBClusters"], of_rds("cluster")),
            // For most of its life the action could not be limited to a cluster, and `*` serves
            // wherever it still can't.
            Self::DescribeClusters => (&["redshift:DescribeClusters"], "*".to_owned()),
            // Neither can be limited, and the one is of no use without the other.
            Self::ListNamespaces | Self::ListWorkgroups => (
                &["redshift-serverless:ListNamespaces", "redshift-serverless:ListWorkgroups"],
                "*".to_owned(),
            ),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
