//! Policies that somebody else wrote, read as IAM reads them.
//!
//! Also as AWS's commands print them: `aws iam get-role`, `get-role-policy`, `get-policy-version` and
//! `aws lambda get-policy` wrap the document, the last one as a text.

use serde_json::{Map, Value};

use super::document::{Condition, Effect, Kind, Principal, Statement};

/// Why a file is no policy that can be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyProblem {
    /// Not JSON.
    #[error("not JSON: line {line}, column {column}")]
    NotJson {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// No statements.
    #[error("no policy: it has no `Statement`")]
    NoStatement,
    /// A field of a statement is missing or of another type.
    #[error("statement {number}: `{field}` {what}")]
    Field {
        /// Which statement, from 1.
        number: usize,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// Where AWS's commands have the document.
const WRAPPERS: [&[&str]; 4] = [
    &["PolicyDocument"],
    &["Policy"],
    &["Role", "AssumeRolePolicyDocument"],
    &["PolicyVersion", "Document"],
];

/// A policy with what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Foreign {
    /// What its statements say that it is: who configures and who triggers is not to be seen.
    pub(super) kind: Kind,
    pub(super) statements: Vec<Statement>,
    /// Statements that say what they are not about (`NotAction` and the like), from 1.
    pub(super) inverted: Vec<usize>,
}

/// Reads a policy.
pub(super) fn read(text: &str) -> Result<Foreign, PolicyProblem> {
    let document = unwrapped(parse(text)?)?;
    let listed = match document.get("Statement") {
        Some(Value::Array(all)) => all.clone(),
        Some(one @ Value::Object(_)) => vec![one.clone()],
        _ => return Err(PolicyProblem::NoStatement),
    };
    let (mut statements, mut inverted) = (Vec::new(), Vec::new());
    for (index, value) in listed.iter().enumerate() {
        let number = index + 1;
        let fields = value.as_object().ok_or(PolicyProblem::Field {
            number,
            field: "Statement",
            what: "must be an object",
        })?;
        if ["NotAction", "NotResource", "NotPrincipal"].iter().any(|key| fields.contains_key(*key))
        {
            inverted.push(number);
        } else {
            statements.push(statement(fields, number)?);
        }
    }
    if statements.is_empty() && inverted.is_empty() {
        return Err(PolicyProblem::NoStatement);
    }
    Ok(Foreign { kind: kind(&statements), statements, inverted })
}

fn parse(text: &str) -> Result<Value, PolicyProblem> {
    serde_json::from_str(text)
        .map_err(|error| PolicyProblem::NotJson { line: error.line(), column: error.column() })
}

fn unwrapped(value: Value) -> Result<Value, PolicyProblem> {
    for path in WRAPPERS {
        let inner = path.iter().try_fold(&value, |at, key| at.get(key));
        match inner {
            Some(Value::String(text)) => return parse(text),
            Some(inner @ Value::Object(_)) => return Ok(inner.clone()),
            _ => {}
        }
    }
    Ok(value)
}

fn kind(statements: &[Statement]) -> Kind {
    if statements.iter().all(|one| one.principal.is_none()) {
        return Kind::Permissions;
    }
    let assumes = |one: &Statement| one.actions.iter().any(|action| action.starts_with("sts:"));
    if statements.iter().any(assumes) { Kind::Trust } else { Kind::Function }
}

fn statement(fields: &Map<String, Value>, number: usize) -> Result<Statement, PolicyProblem> {
    let wrong = |field, what| PolicyProblem::Field { number, field, what };
    let effect = match fields.get("Effect").and_then(Value::as_str) {
        Some("Allow") => Effect::Allow,
        Some("Deny") => Effect::Deny,
        _ => return Err(wrong("Effect", "must be `Allow` or `Deny`")),
    };
    let list = |field: &'static str| match fields.get(field) {
        None => Ok(Vec::new()),
        Some(value) => texts(value).ok_or(wrong(field, "must be a text or a list of texts")),
    };
    let actions = list("Action")?;
    if actions.is_empty() {
        return Err(wrong("Action", "is missing"));
    }
    let sid = fields.get("Sid").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Statement {
        sid: if sid.is_empty() { format!("statement {number}") } else { sid },
        why: String::new(),
        effect,
        principal: fields.get("Principal").map(principal),
        actions,
        resources: list("Resource")?,
        conditions: conditions(fields.get("Condition"))
            .ok_or(wrong("Condition", "must hold operators with keys and texts"))?,
    })
}

fn principal(value: &Value) -> Principal {
    match value.as_object() {
        Some(only) if only.len() == 1 => match only.get("Service").and_then(Value::as_str) {
            Some(service) => Principal::Service(service.to_owned()),
            None => Principal::Other(value.to_string()),
        },
        _ => Principal::Other(value.to_string()),
    }
}

fn conditions(value: Option<&Value>) -> Option<Vec<Condition>> {
    let Some(value) = value else { return Some(Vec::new()) };
    let mut all = Vec::new();
    for (operator, keys) in value.as_object()? {
        for (key, values) in keys.as_object()? {
            let values = texts(values)?;
            all.push(Condition { operator: operator.clone(), key: key.clone(), values });
        }
    }
    Some(all)
}

/// IAM takes a text or a list of texts, and truth values in conditions.
fn texts(value: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match value {
        Value::Array(all) => all.iter().map(text).collect(),
        one => Some(vec![text(one)?]),
    }
}
