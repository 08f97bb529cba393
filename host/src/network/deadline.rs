//! How long an operation may take: its usual time, and never longer than the step has.
//!
//! A step that runs out of time in the middle of an operation could only say so. With its time cut
//! to what is left, the operation itself fails, and says at which address and in which layer.

use std::time::{Duration, Instant};

/// When the step's network operations have to be over. The default is never.
#[derive(Debug, Clone, Copy, Default)]
pub struct Deadline {
    until: Option<Instant>,
}

impl Deadline {
    /// Nothing lasts beyond this moment.
    pub fn until(until: Option<Instant>) -> Self {
        Self { until }
    }

    /// The time for an operation that usually gets this long.
    pub(super) fn at_most(self, usual: Duration) -> Duration {
        self.until.map_or(usual, |until| usual.min(until.saturating_duration_since(Instant::now())))
    }
}

/// A duration in a message: whole seconds where it is long, else tenths.
pub(crate) fn seconds(time: Duration) -> String {
    if time.subsec_millis() == 0 {
        format!("{} s", time.as_secs())
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_gets_its_usual_time_or_what_is_left() {
        let usual = Duration::from_secs(5);
        assert_eq!(Deadline::default().at_most(usual), usual);
        let in_an_hour = Instant::now() + Duration::from_hours(1);
        assert_eq!(Deadline::until(Some(in_an_hour)).at_most(usual), usual);
        assert_eq!(Deadline::until(Some(Instant::now())).at_most(usual), Duration::ZERO);
    }

    #[test]
    fn times_are_written_as_people_say_them() {
        assert_eq!(seconds(Duration::from_secs(5)), "5 s");
        assert_eq!(seconds(Duration::from_millis(2340)), "2.3 s");
    }
}
