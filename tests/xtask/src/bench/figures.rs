//! Figures, the goals beside them, and the two ways they are written.

use std::time::Duration;

use serde_json::{Map, Value, json};

/// What a figure counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Thousandths of a second.
    Milliseconds,
    /// Millions of bytes.
    Megabytes,
    /// Thousands of bytes.
    Kilobytes,
    /// Things.
    Count,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::Megabytes => "MB",
            Self::Kilobytes => "kB",
            Self::Count => "",
        }
    }
}

/// The most that a figure should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Goal {
    /// Reached below this.
    Under(f64),
    /// Reached up to this.
    AtMost(f64),
}

impl Goal {
    fn reached(self, value: f64) -> bool {
        match self {
            Self::Under(limit) => value < limit,
            Self::AtMost(limit) => value <= limit,
        }
    }
}

/// One measured thing. `value` is the middle of all runs, `least` the best.
#[derive(Clone, Debug)]
pub(super) struct Figure {
    name: String,
    unit: Unit,
    value: f64,
    least: Option<f64>,
    goal: Option<Goal>,
    aws: Option<f64>,
    minimum: Option<f64>,
    note: Option<&'static str>,
}

impl Figure {
    /// Something that is the same every time.
    pub(super) fn exact(name: impl Into<String>, unit: Unit, value: f64) -> Self {
        Self {
            name: name.into(),
            unit,
            value,
            least: None,
            goal: None,
            aws: None,
            minimum: None,
            note: None,
        }
    }

    /// A number of things.
    pub(super) fn count(name: impl Into<String>, count: usize) -> Self {
        // Counts here are far below the point where an f64 would round them.
        Self::exact(name, Unit::Count, count as f64)
    }

    /// Bytes, shown in megabytes.
    pub(super) fn bytes(name: impl Into<String>, bytes: u64) -> Self {
        Self::exact(name, Unit::Megabytes, bytes as f64 / 1e6)
    }

    /// Something timed several times.
    pub(super) fn timed(name: impl Into<String>, mut runs: Vec<Duration>) -> Self {
        runs.sort_unstable();
        let in_milliseconds = |duration: Option<&Duration>| {
            duration.map_or(f64::NAN, |duration| duration.as_secs_f64() * 1000.0)
        };
        let middle = in_milliseconds(runs.get(runs.len() / 2));
        let least = in_milliseconds(runs.first());
        Self { least: Some(least), ..Self::exact(name, Unit::Milliseconds, middle) }
    }

    /// With the most that it should be.
    pub(super) fn goal(self, goal: Goal) -> Self {
        Self { goal: Some(goal), ..self }
    }

    /// With what AWS's own function took, measured the same way on a machine of this kind.
    pub(super) fn aws(self, value: f64) -> Self {
        Self { aws: Some(value), ..self }
    }

    /// With the least that is possible at all, and what is behind the rest.
    pub(super) fn minimum(self, count: usize, beyond: Option<&'static str>) -> Self {
        let minimum = count as f64;
        Self { minimum: Some(minimum), note: beyond.filter(|_| self.value > minimum), ..self }
    }

    fn cell(&self, value: f64) -> String {
        match self.unit {
            Unit::Count => format!("{value:.0}"),
            Unit::Megabytes => format!("{value:.2} MB"),
            Unit::Kilobytes => format!("{value:.1} kB"),
            Unit::Milliseconds if value < 1.0 => format!("{value:.3} ms"),
            Unit::Milliseconds => format!("{value:.1} ms"),
        }
    }

    fn cells(&self) -> [String; 6] {
        let goal = match self.goal {
            None => String::new(),
            Some(goal) => {
                let mark = if goal.reached(self.value) { "ok" } else { "MISSED" };
                match goal {
                    Goal::Under(limit) => format!("< {limit} {} {mark}", self.unit.name()),
                    Goal::AtMost(limit) => format!("<= {limit} {} {mark}", self.unit.name()),
                }
                .replace("  ", " ")
            }
        };
        let optional = |value: Option<f64>| value.map(|value| self.cell(value)).unwrap_or_default();
        [
            self.name.clone(),
            self.cell(self.value),
            optional(self.least),
            goal,
            optional(self.minimum),
            optional(self.aws),
        ]
    }

    fn json(&self) -> Value {
        let mut members = Map::new();
        members.insert("name".to_owned(), json!(self.name));
        members.insert("unit".to_owned(), json!(self.unit.name()));
        members.insert("value".to_owned(), json!(self.value));
        if let Some(least) = self.least {
            members.insert("least".to_owned(), json!(least));
        }
        if let Some(goal) = self.goal {
            let (Goal::Under(limit) | Goal::AtMost(limit)) = goal;
            members.insert("goal".to_owned(), json!(limit));
            members.insert("reached".to_owned(), json!(goal.reached(self.value)));
        }
        if let Some(aws) = self.aws {
            members.insert("aws_function".to_owned(), json!(aws));
        }
        if let Some(minimum) = self.minimum {
            members.insert("minimum".to_owned(), json!(minimum));
        }
        if let Some(note) = self.note {
            members.insert("beyond_minimum".to_owned(), json!(note));
        }
        Value::Object(members)
    }
}

/// All figures, in sections.
#[derive(Debug, Default)]
pub(super) struct Table {
    sections: Vec<(String, Vec<Figure>)>,
}

impl Table {
    /// Adds figures to the section `title`.
    pub(super) fn add(&mut self, title: &str, figures: impl IntoIterator<Item = Figure>) {
        match self.sections.iter_mut().find(|(known, _)| known == title) {
            Some((_, known)) => known.extend(figures),
            None => self.sections.push((title.to_owned(), figures.into_iter().collect())),
        }
    }

    /// For a terminal.
    pub(super) fn text(&self) -> String {
        let row = |[name, middle, least, goal, minimum, aws]: [&str; 6]| {
            let line =
                format!("  {name:<46} {middle:>10} {least:>10}  {goal:<18} {minimum:>8} {aws:>10}");
            format!("{}\n", line.trim_end())
        };
        let mut text = row(["", "middle", "least", "goal", "minimum", "AWS's own"]);
        for (title, figures) in &self.sections {
            text.push_str(&format!("{title}\n"));
            for figure in figures {
                let cells = figure.cells();
                text.push_str(&row(cells.each_ref().map(String::as_str)));
                if let Some(note) = figure.note {
                    text.push_str(&format!("      beyond the minimum: {note}\n"));
                }
            }
        }
        text
    }

    /// For a program.
    pub(super) fn json(&self) -> Value {
        let sections = self.sections.iter().map(|(title, figures)| {
            let figures: Vec<_> = figures.iter().map(Figure::json).collect();
            json!({ "title": title, "figures": figures })
        });
        json!({ "sections": sections.collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn middle_least_and_goals() {
        let runs = [30, 10, 20].map(Duration::from_millis).to_vec();
        let start = Figure::timed("start", runs).goal(Goal::Under(20.0)).aws(310.0);
        assert_eq!(
            start.cells(),
            ["start", "20.0 ms", "10.0 ms", "< 20 ms MISSED", "", "310.0 ms"]
        );
        let calls = Figure::count("calls", 6).goal(Goal::AtMost(6.0));
        assert_eq!(calls.cells(), ["calls", "6", "", "<= 6 ok", "", ""]);
        let size = Figure::bytes("size", 9_400_000);
        assert_eq!(size.cells(), ["size", "9.40 MB", "", "", "", ""]);
        assert_eq!(
            calls.json(),
            json!({"name": "calls", "unit": "", "value": 6.0, "goal": 6.0, "reached": true})
        );
    }

    #[test]
    fn what_is_beyond_the_minimum_is_explained_and_only_that() {
        let trips = |count| Figure::count("trips", count).minimum(3, Some("a reason"));
        assert_eq!(trips(4).cells(), ["trips", "4", "", "", "3", ""]);
        assert_eq!(
            trips(4).json(),
            json!({
                "name": "trips", "unit": "", "value": 4.0, "minimum": 3.0,
                "beyond_minimum": "a reason",
            })
        );
        let mut table = Table::default();
        table.add("first", [trips(3)]);
        assert!(!table.text().contains("a reason"), "{}", table.text());
        table.add("second", [trips(4)]);
        assert!(table.text().contains("beyond the minimum: a reason\n"), "{}", table.text());
    }
}
