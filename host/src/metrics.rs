//! Numbers to set an alarm on, in CloudWatch's embedded metric format: a line of the log that
//! CloudWatch turns into a metric (namespace `Windlass`, dimension `FunctionName`). Other readers of
//! the log see the sentence beside it.
//!
//! The format: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use serde_json::{Value, json};

/// Whether the log is one that CloudWatch reads.
static CLOUDWATCH: AtomicBool = AtomicBool::new(false);

/// Something that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Sign-ins without TLS, in the compatible mode, because TLS could not be had.
    TlsDowngrades,
    /// Sign-ins without TLS, whatever permits them: a secret's `"ssl": false`, or the compatible mode.
    SignInsWithoutTls,
    /// Passwords that a service refused.
    RefusedSignIns,
}

impl Metric {
    /// The metric's name in CloudWatch.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TlsDowngrades => "TlsDowngrades",
            Self::SignInsWithoutTls => "SignInsWithoutTls",
            Self::RefusedSignIns => "RefusedSignIns",
        }
    }
}

/// From now on metrics are written, for CloudWatch to read.
pub(crate) fn write_for_cloudwatch() {
    CLOUDWATCH.store(true, Ordering::Relaxed);
}

/// Counts one. A line that can't be written is lost: no rotation fails for it.
pub fn count(metric: Metric) {
    if CLOUDWATCH.load(Ordering::Relaxed) {
        let function = std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default();
        let _ = writeln!(std::io::stdout(), "{}", line(metric, &function, SystemTime::now()));
    }
}

fn line(metric: Metric, function: &str, now: SystemTime) -> Value {
    let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let milliseconds = u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX);
    json!({
        "_aws": {
            "Timestamp": milliseconds,
            "CloudWatchMetrics": [{
                "Namespace": "Windlass",
                "Dimensions": [["FunctionName"]],
                "Metrics": [{ "Name": metric.as_str(), "Unit": "Count" }],
            }],
        },
        "FunctionName": function,
        metric.as_str(): 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_what_the_format_asks_for() {
        let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(1_700_000_000_123);
        let line = line(Metric::TlsDowngrades, "windlass", now);
        assert_eq!(line["_aws"]["Timestamp"], 1_700_000_000_123_u64);
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Windlass");
        let dimension = directive["Dimensions"][0][0].as_str().unwrap();
        assert_eq!(line[dimension], "windlass");
        let name = directive["Metrics"][0]["Name"].as_str().unwrap();
        assert_eq!(line[name], 1, "the value stands at the top, under the metric's name");
    }
}
