//! What cargo and the test programs print, counted.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

/// The sum of all test programs' results.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
    /// Tests that found that this machine lacks what they need, by the reason. They count as passed
    /// where they are counted first.
    skipped: BTreeMap<String, u64>,
    /// The programs as cargo names them, in the order in which they run.
    programs: Vec<String>,
    /// How long each took, likewise.
    seconds: Vec<f64>,
}

impl Tally {
    /// Takes a line of cargo's messages.
    pub(super) fn read_message(&mut self, line: &str) {
        let line = line.trim_start();
        let program = line.strip_prefix("Running ").map(in_short);
        let program = program.or_else(|| Some(format!("doc {}", line.strip_prefix("Doc-tests ")?)));
        self.programs.extend(program);
    }

    /// Takes a line of the programs' output.
    pub(super) fn read_output(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return };
        for part in result.split([';', '.']) {
            let mut words = part.split_whitespace();
            let (Some(number), Some(what)) = (words.next(), words.next()) else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
        let time = result.rsplit_once("finished in ").and_then(|(_, time)| time.strip_suffix('s'));
        self.seconds.push(time.and_then(|time| time.parse().ok()).unwrap_or_default());
    }

    /// Takes the notes of skipped tests: a name, a tab, a reason. A test that gives several reasons is
    /// one test.
    pub(super) fn read_skipped(&mut self, notes: &str) {
        let tests: BTreeMap<&str, &str> =
            notes.lines().rev().filter_map(|line| line.split_once('\t')).collect();
        for why in tests.into_values() {
            *self.skipped.entry(why.to_owned()).or_default() += 1;
        }
        let skipped: u64 = self.skipped.values().sum();
        self.passed = self.passed.saturating_sub(skipped);
    }

    /// The programs that took longest, longest first.
    fn longest(&self) -> Vec<(&str, f64)> {
        // A program that broke off has no result: then nobody knows which is whose.
        if self.programs.len() != self.seconds.len() {
            return Vec::new();
        }
        let names = self.programs.iter().map(String::as_str);
        let mut times: Vec<_> = names.zip(self.seconds.iter().copied()).collect();
        times.retain(|(_, seconds)| *seconds >= 1.0);
        times.sort_by(|one, other| other.1.total_cmp(&one.1));
        times
    }
}

/// `unittests src/lib.rs (target/debug/deps/windlass-0123456789abcdef)`: the program's name.
fn in_short(running: &str) -> String {
    let (what, path) = running.rsplit_once(" (").unwrap_or((running, ""));
    let file = path.trim_end_matches(')').rsplit('/').next().unwrap_or_default();
    let name = file.rsplit_once('-').map_or(file, |(name, _)| name);
    format!("{name} {}", what.strip_prefix("unittests ").unwrap_or(what))
}

impl Display for Tally {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (program, seconds) in self.longest() {
            writeln!(f, "    {seconds:>7.1} s  {program}")?;
        }
        for (why, tests) in &self.skipped {
            writeln!(f, "    skipped: {tests} tests: {why}")?;
        }
        let skipped: u64 = self.skipped.values().sum();
        let Self { passed, failed, ignored, seconds, .. } = self;
        write!(
            f,
            "all tests: {passed} passed, {failed} failed, {skipped} skipped, {ignored} ignored in {} \
             programs",
            seconds.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read() -> Tally {
        let mut tally = Tally::default();
        for line in [
            "     Running unittests src/lib.rs (target/debug/deps/windlass-29b1052280b0b383)",
            "   Doc-tests windlass_sdk",
        ] {
            tally.read_message(line);
        }
        for line in [
            "test result: ok. 9 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.11s",
            "test some::test ... ok",
            "test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.26s",
        ] {
            tally.read_output(line);
        }
        tally
    }

    #[test]
    fn results_add_up_and_name_what_took_long() {
        assert_eq!(
            read().to_string(),
            "        1.3 s  doc windlass_sdk\nall tests: 19 passed, 2 failed, 0 skipped, 1 ignored in 2 programs"
        );
    }

    #[test]
    fn a_skipped_test_is_not_a_passed_one() {
        let mut tally = read();
        tally.read_skipped("a::b\tno MySQL\na::b\tno MariaDB\na::c\tno MySQL\n");
        assert!(
            tally.to_string().ends_with(
                "    skipped: 2 tests: no MySQL\nall tests: 17 passed, 2 failed, 2 skipped, 1 ignored in 2 programs"
            ),
            "{tally}"
        );
    }

    #[test]
    fn where_a_program_broke_off_no_time_is_given_to_the_wrong_one() {
        let mut tally = read();
        tally.read_message("     Running tests/it.rs (target/debug/deps/it-29b1052280b0b383)");
        assert!(tally.longest().is_empty());
        assert_eq!(tally.programs[2], "it tests/it.rs");
    }
}
