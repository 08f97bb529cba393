//! Panics: a fault of ours, reported by its place alone.
//!
//! Nothing here should panic (see the lints), but if something does, its words may hold whatever it
//! stumbled over, a password included. So the words go nowhere: neither the hook nor who catches a
//! panic looks at them. The place is a line of our own source, or of a library's.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;

use crate::error_type::ErrorType;

/// Where the last panic happened.
static PLACE: Mutex<Option<String>> = Mutex::new(None);

/// A panic that was caught.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a fault in Windlass itself, at {place}; the step is safe to run again; report this, with \
     the version and the function's log"
)]
pub struct Panicked {
    /// File and line.
    pub place: String,
}

impl Panicked {
    /// The stable name of this kind of failure.
    pub fn error_type(&self) -> ErrorType {
        ErrorType::Panic
    }

    fn here() -> Self {
        let place = PLACE.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Self { place: place.unwrap_or_else(|| "an unknown place".to_owned()) }
    }
}

/// From now on panics of this process are reported without their words, in its log.
pub fn report_places_only() {
    set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        PLACE.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&place);
        let panicked = Panicked::here();
        tracing::error!(error_type = panicked.error_type().as_str(), "{panicked}");
    }));
}

/// What a future comes to, or where it panicked.
///
/// # Errors
/// If it panicked.
pub async fn caught<T>(future: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut future = pin!(future);
    // What the future worked on goes with it, and nothing of it is looked at again.
    std::future::poll_fn(move |context| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        match polled {
            Ok(poll) => poll.map(Ok),
            Err(words) => {
                // Dropping them may panic as well.
                std::mem::forget(words);
                Poll::Ready(Err(Panicked::here()))
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Names the process that really panics; there are others in this one, whose words count.
    const INSIDE: &str = "WINDLASS_TEST_PANICS";

    #[tokio::test]
    async fn a_panic_is_told_by_its_place_and_not_by_its_words() {
        if std::env::var_os(INSIDE).is_some() {
            crate::logging::init(
                crate::logging::Reader::Machine,
                None,
                tracing::level_filters::LevelFilter::INFO,
            );
            report_places_only();
            let panicked = caught(async { panic!("the password is hunter2") }).await.unwrap_err();
            println!("caught: {panicked}");
            assert_eq!(caught(async { 5 }).await, Ok(5), "the next one is served");
            panic!("nor is that of a thread: hunter2");
        }
        let name = "panics::tests::a_panic_is_told_by_its_place_and_not_by_its_words";
        let ran = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(INSIDE, "1")
            .env("RUST_BACKTRACE", "full")
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&ran.stdout);
        let err = String::from_utf8_lossy(&ran.stderr);
        assert!(!ran.status.success(), "it panicked: {out}");
        assert!(
            out.contains("caught: a fault in Windlass itself, at host/src/panics.rs:"),
            "{out}"
        );
        assert_eq!(err.matches("\"error_type\":\"Windlass.Internal.Panic\"").count(), 2, "{err}");
        for text in [out, err] {
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}
