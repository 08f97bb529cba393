//! Policy documents, as far as they are needed here.

use serde_json::{Map, Value, json};

/// Which of the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The function's resource policy: who may invoke it.
    Function,
    /// The role's trust policy: who may assume it.
    Trust,
    /// The role's permission policy: what the function may do.
    Permissions,
    /// What a person needs to attach rotation to secrets.
    Configure,
    /// What a person needs to have a secret rotated.
    Trigger,
}

impl Kind {
    /// All of them, in the order in which they are needed.
    pub const ALL: [Self; 5] =
        [Self::Function, Self::Trust, Self::Permissions, Self::Configure, Self::Trigger];

    /// Its name on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Trust => "trust",
            Self::Permissions => "permissions",
            Self::Configure => "configure",
            Self::Trigger => "trigger",
        }
    }

    /// What it is, for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Function => "resource policy of the function: who may invoke it",
            Self::Trust => "trust policy of the execution role: who may assume it",
            Self::Permissions => {
                "permission policy of the execution role: what the function may do"
            }
            Self::Configure => "policy for whoever configures rotation of a secret",
            Self::Trigger => "policy for whoever has a secret rotated",
        }
    }
}

/// A policy document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Which.
    pub kind: Kind,
    /// Its statements.
    pub statements: Vec<Statement>,
}

impl Document {
    /// As IAM reads it.
    pub fn to_json(&self) -> Value {
        let statements: Vec<Value> = self.statements.iter().map(Statement::to_json).collect();
        json!({ "Version": "2012-10-17", "Statement": statements })
    }
}

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It allows.
    Allow,
    /// It denies, whatever others allow.
    Deny,
}

/// To whom a statement of a resource or trust policy applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// A service of AWS.
    Service(String),
    /// Somebody else, as JSON.
    Other(String),
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its name within the document.
    pub sid: String,
    /// Why it is there, for people.
    pub why: String,
    /// Allow or deny.
    pub effect: Effect,
    /// Of resource and trust policies.
    pub principal: Option<Principal>,
    /// Actions, such as `secretsmanager:GetSecretValue`.
    pub actions: Vec<String>,
    /// ARNs, with `*` and `?`; none in a trust policy.
    pub resources: Vec<String>,
    /// All of which must hold.
    pub conditions: Vec<Condition>,
}

/// A condition: the request's value of `key` is one of `values`, in the sense of `operator`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Such as `StringEquals`.
    pub operator: String,
    /// Such as `aws:SourceAccount`.
    pub key: String,
    /// Any of them.
    pub values: Vec<String>,
}

impl Condition {
    /// A condition with one value.
    pub fn new(operator: &str, key: &str, value: impl Into<String>) -> Self {
        Self { operator: operator.to_owned(), key: key.to_owned(), values: vec![value.into()] }
    }
}

impl Statement {
    /// Allows these actions on these resources.
    pub fn allow(sid: &str, actions: &[&str], resources: Vec<String>, why: &str) -> Self {
        Self {
            sid: sid.to_owned(),
            why: why.to_owned(),
            effect: Effect::Allow,
            principal: None,
            actions: actions.iter().map(|&action| action.to_owned()).collect(),
            resources,
            conditions: Vec::new(),
        }
    }

    /// The same, under one more condition.
    #[must_use]
    pub fn only_if(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    fn to_json(&self) -> Value {
        let effect = if self.effect == Effect::Allow { "Allow" } else { "Deny" };
        let mut statement = json!({ "Sid": self.sid, "Effect": effect });
        let fields = statement.as_object_mut();
        let Some(fields) = fields else { return statement };
        match &self.principal {
            Some(Principal::Service(name)) => {
                fields.insert("Principal".to_owned(), json!({ "Service": name }));
            }
            Some(Principal::Other(text)) => {
                fields.insert("Principal".to_owned(), Value::from(text.as_str()));
            }
            None => {}
        }
        fields.insert("Action".to_owned(), one_or_all(&self.actions));
        if !self.resources.is_empty() {
            fields.insert("Resource".to_owned(), one_or_all(&self.resources));
        }
        if !self.conditions.is_empty() {
            let mut operators = Map::new();
            for Condition { operator, key, values } in &self.conditions {
                let keys = operators.entry(operator.as_str()).or_insert_with(|| json!({}));
                if let Some(keys) = keys.as_object_mut() {
                    keys.insert(key.clone(), one_or_all(values));
                }
            }
            fields.insert("Condition".to_owned(), Value::Object(operators));
        }
        statement
    }
}

/// As people write it: one by itself, several as a list.
fn one_or_all(texts: &[String]) -> Value {
    match texts {
        [one] => Value::from(one.as_str()),
        several => Value::from(several),
    }
}
