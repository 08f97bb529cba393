//! Answers from before a write, for those who read too soon after it.
//!
//! Before a write, everything that a rotation may ask of the secret is asked of the service and
//! kept. Afterwards a bounded number of readers get that instead.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::http::Answer;

/// The calls after which readers may get the previous state.
pub(super) const WRITES: [&str; 3] = ["PutSecretValue", "UpdateSecretVersionStage", "RotateSecret"];

/// The labels by which values are read.
const STAGES: [&str; 3] = ["AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"];

/// Which version's value is read, as the request says it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Selection {
    Stage(String),
    Version(String),
}

impl Selection {
    /// What a GetSecretValue selects. `None`: by both, which no rotation does.
    fn from_input(input: &Value) -> Option<Self> {
        let text = |key| input.get(key).and_then(Value::as_str).map(str::to_owned);
        match (text("VersionId"), text("VersionStage")) {
            (Some(_), Some(_)) => None,
            (Some(version), None) => Some(Self::Version(version)),
            (None, stage) => Some(Self::Stage(stage.unwrap_or_else(|| "AWSCURRENT".to_owned()))),
        }
    }

    /// As members of a request.
    pub(super) fn input(&self) -> Map<String, Value> {
        let (key, text) = match self {
            Self::Stage(stage) => ("VersionStage", stage),
            Self::Version(version) => ("VersionId", version),
        };
        Map::from_iter([(key.to_owned(), Value::from(text.as_str()))])
    }
}

/// What the service said of one secret at one moment.
#[derive(Debug)]
pub(super) struct Snapshot {
    names: [String; 2],
    versions: Vec<String>,
    described: Answer,
    values: HashMap<Selection, Answer>,
}

impl Snapshot {
    /// From the answer to DescribeSecret; `coming` is the version that the write is about to make.
    pub(super) fn new(described: Answer, coming: Option<&str>) -> Option<Self> {
        let body: Value = serde_json::from_slice(&described.body).ok()?;
        let text = |key| body.get(key).and_then(Value::as_str).map(str::to_owned);
        let names = [text("ARN")?, text("Name")?];
        let labelled = body.get("VersionIdsToStages").and_then(Value::as_object);
        let mut versions: Vec<_> =
            labelled.into_iter().flat_map(Map::keys).map(String::to_owned).collect();
        versions.extend(coming.map(str::to_owned));
        Some(Self { names, versions, described, values: HashMap::new() })
    }

    /// The values that are to be kept.
    pub(super) fn selections(&self) -> Vec<Selection> {
        let stages = STAGES.iter().map(|&stage| Selection::Stage(stage.to_owned()));
        stages.chain(self.versions.iter().cloned().map(Selection::Version)).collect()
    }

    /// Keeps one of them, or the refusal in its place.
    pub(super) fn keep(&mut self, selection: Selection, answer: Answer) {
        self.values.insert(selection, answer);
    }

    fn is_of(&self, input: &Value) -> bool {
        let id = input.get("SecretId").and_then(Value::as_str);
        id.is_some_and(|id| self.names.iter().any(|name| name == id))
    }
}

/// The secrets whose readers are behind.
#[derive(Debug)]
pub(super) struct Lags {
    answers: u32,
    held: Vec<(Snapshot, u32)>,
}

impl Lags {
    /// Each write is followed by so many late answers.
    pub(super) fn new(answers: u32) -> Self {
        Self { answers, held: Vec::new() }
    }

    /// Begins to lag behind a write.
    pub(super) fn hold(&mut self, before: Snapshot) {
        self.held.retain(|(older, left)| *left > 0 && older.names != before.names);
        self.held.push((before, self.answers));
    }

    /// The answer from before the write, if this reader is to get it.
    pub(super) fn earlier_answer(&mut self, action: &str, input: &Value) -> Option<Answer> {
        let (snapshot, left) = self.held.iter_mut().find(|(held, _)| held.is_of(input))?;
        let answer = match action {
            "DescribeSecret" => &snapshot.described,
            "GetSecretValue" => snapshot.values.get(&Selection::from_input(input)?)?,
            _ => return None,
        };
        *left = left.checked_sub(1)?;
        Some(answer.clone())
    }
}
