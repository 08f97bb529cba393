//! What libFuzzer says about a run.

use std::fmt;

/// One target's run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Run {
    target: String,
    executions: u64,
    per_second: u64,
    features: u64,
    new_units: u64,
    /// Where the input is that found something.
    pub(super) finding: Option<String>,
    /// Whether it came to its end.
    pub(super) succeeded: bool,
}

impl Run {
    pub(super) fn new(target: &str) -> Self {
        Self { target: target.to_owned(), ..Self::default() }
    }

    /// Takes a line; says whether it was one of progress.
    pub(super) fn read(&mut self, line: &str) -> bool {
        if let Some(statistic) = line.strip_prefix("stat::") {
            let Some((name, value)) = statistic.split_once(':') else { return false };
            let Ok(value) = value.trim().parse() else { return false };
            match name {
                "number_of_executed_units" => self.executions = value,
                "average_exec_per_sec" => self.per_second = value,
                "new_units_added" => self.new_units = value,
                _ => {}
            }
            return false;
        }
        if let Some((_, path)) = line.split_once("Test unit written to ") {
            self.finding = Some(path.trim().to_owned());
        }
        let Some(progress) = line.strip_prefix('#') else { return false };
        let mut words = progress.split_whitespace();
        let Some(Ok(executions)) = words.next().map(str::parse) else { return false };
        self.executions = executions;
        while let Some(word) = words.next() {
            let number = match word {
                "ft:" => &mut self.features,
                "exec/s:" => &mut self.per_second,
                _ => continue,
            };
            *number = words.next().and_then(|value| value.parse().ok()).unwrap_or(*number);
        }
        true
    }
}

impl fmt::Display for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { executions, per_second, features, .. } = self;
        write!(formatter, "{executions} executions, {per_second} a second, {features} features")
    }
}

/// All runs.
pub(super) fn table(runs: &[Run]) -> String {
    let mut table = format!(
        "{:<10} {:>12} {:>10} {:>10} {:>10}  findings",
        "target", "executions", "a second", "features", "new units"
    );
    for run in runs {
        let Run { target, executions, per_second, features, new_units, finding, .. } = run;
        let finding = finding.as_deref().unwrap_or("none");
        table.push_str(&format!(
            "\n{target:<10} {executions:>12} {per_second:>10} {features:>10} {new_units:>10}  {finding}"
        ));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_says_is_read() {
        let mut run = Run::new("event");
        let progress = "#2075951\tREDUCE cov: 561 ft: 2406 corp: 845/150Kb lim: 4096 exec/s: 138384 rss: 29Mb L: 120/4054 MS: 1 EraseBytes-";
        assert!(run.read(progress));
        assert_eq!(run.to_string(), "2075951 executions, 138384 a second, 2406 features");
        for line in [
            "stat::number_of_executed_units: 2075960",
            "stat::average_exec_per_sec:     129746",
            "stat::new_units_added:          6056",
            "artifact_prefix='x/'; Test unit written to x/crash-1",
            "\"Step\" # Uses: 285",
        ] {
            assert!(!run.read(line), "{line}");
        }
        let row = "event           2075960     129746       2406       6056  x/crash-1";
        assert_eq!(table(&[run]).lines().nth(1), Some(row));
    }
}
