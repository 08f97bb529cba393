//! Points in time, and the clock that gives them: injected, so that a test can let a day pass.

#[cfg(test)]
use std::sync::Arc;
#[cfg(test)]
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970: what the state file stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(u64);

impl Moment {
    /// Seconds since 1970 with a fraction: what Secrets Manager's JSON carries.
    pub fn as_epoch_seconds(self) -> f64 {
        Duration::from_millis(self.0).as_secs_f64()
    }

    pub(super) fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
    }

    pub(super) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl From<Moment> for SystemTime {
    fn from(moment: Moment) -> Self {
        UNIX_EPOCH + Duration::from_millis(moment.0)
    }
}

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// Where the store's times come from.
#[derive(Clone)]
pub(super) enum Clock {
    System,
    #[cfg(test)]
    Manual(Arc<AtomicU64>),
}

impl Clock {
    pub(super) fn now(&self) -> Moment {
        match self {
            Self::System => Moment::from(SystemTime::now()),
            #[cfg(test)]
            Self::Manual(millis) => Moment(millis.load(Ordering::SeqCst)),
        }
    }
}

#[cfg(test)]
impl Clock {
    pub(super) fn advance(&self, span: Duration) {
        if let Self::Manual(millis) = self {
            millis.fetch_add(u64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
        }
    }
}
