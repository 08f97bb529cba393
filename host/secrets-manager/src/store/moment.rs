//! Points in time, and the clock that gives them: injected, so that a test can let a day pass.

#[cfg(test)]
use std::sync::Arc;
#[cfg(test)]
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Milliseconds since 1970: what the database stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

impl Moment {
    /// Seconds since 1970 with a fraction: what Secrets Manager's JSON carries.
    pub fn as_epoch_seconds(self) -> f64 {
        Duration::from_millis(self.0).as_secs_f64()
    }

    /// As people read it: `2026-01-02T03:04:05.678Z` (RFC 3339).
    pub fn to_rfc3339(self) -> String {
        let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000);
        let text = moment.ok().and_then(|moment| moment.format(&Rfc3339).ok());
        text.unwrap_or_else(|| format!("{} ms after 1970", self.0))
    }

    pub(super) fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    pub(super) fn as_millis(self) -> u64 {
        self.0
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

impl ToSql for Moment {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(i64::try_from(self.0).unwrap_or(i64::MAX)))
    }
}

impl FromSql for Moment {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let millis = value.as_i64()?;
        u64::try_from(millis).map(Self).map_err(|_| FromSqlError::OutOfRange(millis))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_for_people() {
        assert_eq!(Moment(1_700_000_000_123).to_rfc3339(), "2023-11-14T22:13:20.123Z");
        assert_eq!(Moment(u64::MAX).to_rfc3339(), "18446744073709551615 ms after 1970");
    }
}
