//! The evaluator of IAM's rules, which is not ours.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use windlass_harness::process::Launch;
use windlass_harness::{Artifact, WorkDir};
use windlass_suite::skip;

/// Holds the function that a secret is attached to.
pub(crate) const ATTACHED: &str = "secretsmanager:resource/AllowRotationLambdaArn";

/// Some tens of requests on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// A request that AWS would decide.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    action: String,
    resource: String,
    context: BTreeMap<String, String>,
    principal: Option<String>,
}

impl Request {
    pub(crate) fn new(action: &str, resource: &str) -> Self {
        Self {
            action: action.to_owned(),
            resource: resource.to_owned(),
            context: BTreeMap::new(),
            principal: None,
        }
    }

    /// With what AWS knows about it.
    pub(crate) fn with(mut self, key: &str, value: &str) -> Self {
        self.context.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Not by the function's role.
    pub(crate) fn by(self, principal: &str) -> Self {
        Self { principal: Some(principal.to_owned()), ..self }
    }

    pub(crate) fn action(&self) -> &str {
        &self.action
    }

    pub(crate) fn is_about(&self, resource: &str) -> bool {
        self.resource == resource
    }
}

/// Whether this machine has no evaluator, which counts the test as skipped.
pub(crate) fn missing() -> bool {
    let missing = Artifact::Judge.optional().is_none();
    if missing {
        skip("judges of policies: there is no npm to fetch them with");
    }
    missing
}

/// What becomes of each request by an identity's policy. A key's own policy leaves it to those of its
/// account, as keys are made by default.
pub(crate) async fn decide(policy: &Value, requests: &[Request]) -> Result<Vec<String>> {
    decided("identity", policy, requests).await
}

/// What becomes of each by a resource's policy.
pub(crate) async fn of_resource(policy: &Value, requests: &[Request]) -> Result<Vec<String>> {
    decided("resource_policy", policy, requests).await
}

async fn decided(role: &str, policy: &Value, requests: &[Request]) -> Result<Vec<String>> {
    let asked: Vec<Value> = requests
        .iter()
        .map(|Request { action, resource, context, principal }| {
            let of_key = action.starts_with("kms:").then(|| {
                let account = "arn:aws:iam::123456789012:root";
                json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "kms:*",
                    "Principal": { "AWS": account }, "Resource": "*" } })
            });
            json!({
                "resource_policy": of_key,
                role: policy,
                "action": action,
                "resource": resource,
                "context": context,
                "principal": principal,
            })
        })
        .collect();
    let printed = run("iam.mjs", "requests.json", &Value::from(asked).to_string()).await?;
    let decisions: Vec<String> = serde_json::from_str(&printed).context("decisions")?;
    ensure!(decisions.len() == requests.len(), "{} decisions: {printed}", decisions.len());
    Ok(decisions)
}

/// Runs one of the judges on a file with this content, and returns what it prints.
pub(crate) async fn run(judge: &str, file: &str, content: &str) -> Result<String> {
    let folder = Artifact::Judge.path()?;
    let work = WorkDir::new()?;
    let file = work.path().join(file);
    fs::write(&file, content)?;
    let node = Launch::new("node").args([folder.join(judge), file]).finish(LIMIT).await?;
    let error = String::from_utf8_lossy(&node.stderr);
    ensure!(node.status.success(), "{judge}: {error}");
    Ok(String::from_utf8(node.stdout)?)
}
