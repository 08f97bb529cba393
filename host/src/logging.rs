//! Logs: JSON lines where a machine reads them (Lambda), plain text on a terminal.
//!
//! Only this crate logs below `warn`: at finer levels the AWS SDK describes requests and answers,
//! and secret values are in them.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

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
    let registry = tracing_subscriber::registry();
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    if reader == Reader::Machine {
        crate::metrics::write_for_cloudwatch();
    }
    // Already set up: the first call counts.
    let _ = match reader {
        Reader::Machine => registry
            .with(
                layer
                    .json()
                    .flatten_event(true)
                    .with_current_span(true)
                    .with_span_list(false)
                    .with_filter(filter),
            )
            .try_init(),
        Reader::Watcher | Reader::Caller => registry
            .with(layer.without_time().with_target(false).with_ansi(false).with_filter(filter))
            .try_init(),
    };
}

/// Which lines are let through.
fn filter(reader: Reader, chosen: Option<LevelFilter>, usual: LevelFilter) -> Targets {
    let level = chosen.unwrap_or(usual);
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target(env!("CARGO_CRATE_NAME"), level);
    if reader == Reader::Caller && chosen.is_none() {
        return filter.with_target(crate::handler::LOG_TARGET, LevelFilter::OFF);
    }
    filter
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn at_the_finest_level_other_crates_say_no_more_than_warnings() {
        for reader in [Reader::Machine, Reader::Watcher, Reader::Caller] {
            let filter = filter(reader, Some(LevelFilter::TRACE), LevelFilter::INFO);
            assert!(filter.would_enable("windlass::imports::system", &Level::TRACE));
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
