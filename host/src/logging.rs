//! Logs: JSON lines where a machine reads them (Lambda), plain text on a terminal.
//!
//! In this order, for every reader: Lambda's runtime never repeats a failed step, whatever the level;
//! what became of a step is a command's result, and logged by commands only where a level was asked
//! for; this crate logs at the level that was asked for, else at the usual one; libraries log only
//! where a level was asked for, and never below `warn`: at finer levels the AWS SDK describes requests
//! and answers, and secret values are in them.
//!
//! A line of the log is one line, whoever chose the texts in it: what would break it, steer a terminal
//! or turn the text around is escaped on its way out (see `text`).

use std::borrow::Cow;
use std::io::{self, Write};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

use crate::text;

/// Who reads the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// CloudWatch: a JSON object a line.
    Machine,
    /// A person who watches a server.
    Watcher,
    /// A person who called a command. What became of a step is the command's result and not
    /// logged as well.
    Caller,
}

/// Sets up the log on standard error with the level that was asked for, else that of
/// `WINDLASS_LOG` (error, warn, info, debug, trace), else the usual one. A second call changes
/// nothing.
pub fn init(reader: Reader, asked: Option<LevelFilter>, usual: LevelFilter) {
    let variable = || std::env::var("WINDLASS_LOG").ok()?.parse::<LevelFilter>().ok();
    let chosen = asked.or_else(variable);
    let filter = filter(reader, chosen, usual);
    if reader == Reader::Machine {
        crate::metrics::write_for_cloudwatch();
    }
    // Already set up: the first call counts.
    let _ = tracing_subscriber::registry().with(layer(reader, filter, io::stderr)).try_init();
}

/// What formats and writes.
fn layer<W: Write + 'static>(
    reader: Reader,
    filter: Targets,
    to: impl Fn() -> W + Send + Sync + 'static,
) -> Box<dyn Layer<Registry> + Send + Sync> {
    let escape = if reader == Reader::Machine { text::json_line } else { text::line };
    let layer = tracing_subscriber::fmt::layer().with_writer(move || Lines { to: to(), escape });
    match reader {
        Reader::Machine => layer
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .with_filter(filter)
            .boxed(),
        Reader::Watcher | Reader::Caller => {
            layer.without_time().with_target(false).with_ansi(false).with_filter(filter).boxed()
        }
    }
}

/// Writes lines that are handed over one at a time and whole, as the formatters do.
struct Lines<W> {
    to: W,
    escape: fn(&str) -> Cow<'_, str>,
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line));
        self.to.write_all(format!("{}\n", (self.escape)(&text)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Where Lambda's runtime logs the error that a step came to, in the form for debugging: that error is
/// logged by then, with its type, and an alarm would count it twice. A panic, which it logs there too,
/// never gets so far (see [`panics`](crate::panics)).
const REPEATED_FAILURES: &str = "lambda_runtime::layers::panic";

/// The target of the lines about what became of a step: those of [`handler`](crate::handler).
pub(crate) const OUTCOMES: &str = concat!(env!("CARGO_CRATE_NAME"), "::handler");

/// Which lines are let through. A library's warning is about a matter of its own, such as each address
/// that it tried in vain: what comes of it is in the error of whoever called it.
fn filter(reader: Reader, chosen: Option<LevelFilter>, usual: LevelFilter) -> Targets {
    let of_libraries = chosen.map_or(LevelFilter::OFF, |level| level.min(LevelFilter::WARN));
    let filter = Targets::new()
        .with_default(of_libraries)
        .with_target(REPEATED_FAILURES, LevelFilter::OFF)
        .with_target(env!("CARGO_CRATE_NAME"), chosen.unwrap_or(usual));
    if reader == Reader::Caller && chosen.is_none() {
        return filter.with_target(OUTCOMES, LevelFilter::OFF);
    }
    filter
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::Level;

    use super::*;

    /// What is written, for reading afterwards.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_one_line_whoever_chose_its_texts() {
        const HOSTILE: &str = "a\u{1b}[2J\n ERROR forged\u{202e}\u{2028}\u{9b}m";
        for (reader, expected) in [
            (Reader::Machine, r"\u202e"),
            (Reader::Watcher, r"\u{202e}"),
            (Reader::Caller, r"\u{202e}"),
        ] {
            let kept = Kept::default();
            let to = kept.clone();
            let filter = Targets::new().with_default(Level::INFO);
            let layer = layer(reader, filter, move || to.clone());
            let subscriber = tracing_subscriber::registry().with(layer);
            tracing::subscriber::with_default(subscriber, || {
                tracing::warn!(secret = HOSTILE, path = %HOSTILE, "failed: {HOSTILE}");
                tracing::warn!("another");
            });
            let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
            assert_eq!(text.lines().count(), 2, "{reader:?}: {text}");
            for line in text.lines() {
                assert!(!line.chars().any(text::steers), "{reader:?}: {line:?}");
                let json = serde_json::from_str::<serde_json::Value>(line);
                assert_eq!(json.is_ok(), reader == Reader::Machine, "{line}");
            }
            assert_eq!(text.matches(expected).count(), 3, "{reader:?}: {text}");
        }
    }

    #[test]
    fn libraries_log_only_where_a_level_was_asked_for() {
        for reader in [Reader::Machine, Reader::Watcher, Reader::Caller] {
            let unasked = filter(reader, None, LevelFilter::INFO);
            assert!(unasked.would_enable("windlass::store", &Level::INFO));
            for library in ["aws_config::imds::region", "lambda_runtime::runtime", "hyper::proto"] {
                assert!(!unasked.would_enable(library, &Level::ERROR), "{reader:?}: {library}");
                let asked = filter(reader, Some(LevelFilter::ERROR), LevelFilter::INFO);
                assert!(asked.would_enable(library, &Level::ERROR), "{reader:?}: {library}");
                assert!(!asked.would_enable(library, &Level::WARN), "{reader:?}: {library}");
            }
        }
    }

    #[test]
    fn the_runtime_repeats_no_failure_at_any_level() {
        for chosen in [None, Some(LevelFilter::ERROR), Some(LevelFilter::TRACE)] {
            let filter = filter(Reader::Machine, chosen, LevelFilter::INFO);
            assert!(!filter.would_enable(REPEATED_FAILURES, &Level::ERROR), "{chosen:?}");
        }
    }

    #[test]
    fn at_the_finest_level_other_crates_say_no_more_than_warnings() {
        for reader in [Reader::Machine, Reader::Watcher, Reader::Caller] {
            let filter = filter(reader, Some(LevelFilter::TRACE), LevelFilter::INFO);
            assert!(filter.would_enable("windlass::sandbox::host::system", &Level::TRACE));
            for library in [
                "aws_smithy_runtime::client::http::body",
                "aws_sdk_secretsmanager::operation",
                "hyper::proto",
                "hyper_util::client",
                "rustls::client",
                "wasmtime::runtime",
                "lambda_runtime::layers",
                "h2::codec",
                "log",
            ] {
                assert!(!filter.would_enable(library, &Level::INFO), "{library}");
                assert!(filter.would_enable(library, &Level::WARN), "{library}");
            }
        }
    }
}
