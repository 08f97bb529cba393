//! Servers that play false, in the place of each engine: what they do, by engine. What becomes of a
//! step is in the tests and their golden files.

pub(crate) mod mysql;
pub(crate) mod postgres;

use std::time::Duration;

use windlass_harness::Behaviour;

/// The function's timeout where a server keeps silent: shorter than our own time limits, so that what
/// waits is cut off by it.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(4);

/// The timeout of AWS's own functions, for what has to be computed or read first: no time limit may
/// be what ends it.
pub(crate) const PATIENT: Duration = Duration::from_secs(30);

/// One server.
pub struct Case {
    /// Its sin.
    pub what: &'static str,
    /// What it does.
    pub behaviour: Behaviour,
    /// The function's timeout.
    pub timeout: Duration,
    /// Whether the secret wants TLS; and if so, how it begins where the server grants it and
    /// misbehaves within.
    pub tls: Option<Option<Opening>>,
}

/// How TLS begins.
pub struct Opening {
    /// What the server says first.
    pub greeting: Vec<u8>,
    /// How long the request for TLS is.
    pub request: usize,
    /// The answer to it.
    pub answer: &'static [u8],
}
