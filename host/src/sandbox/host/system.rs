//! `windlass:plugin/system`: the log, randomness and the time.

use std::time::{SystemTime, UNIX_EPOCH};

use ring::rand::{SecureRandom, SystemRandom};

use crate::sandbox::CallState;
use crate::sandbox::interface::{credentials, system};
use crate::sandbox::limits::{self, LimitReached};

impl system::Host for CallState {
    async fn log(&mut self, level: system::LogLevel, message: String) -> wasmtime::Result<()> {
        let Some(left) = self.system.log_lines_left.checked_sub(1) else { return Ok(()) };
        self.system.log_lines_left = left;
        let line = self.system.redactor.scrub(&message, limits::LOG_LINE_BYTES);
        let plugin = self.system.plugin.as_str();
        match level {
            system::LogLevel::Debug => tracing::debug!(plugin, "{line}"),
            system::LogLevel::Info => tracing::info!(plugin, "{line}"),
            system::LogLevel::Warn => tracing::warn!(plugin, "{line}"),
            system::LogLevel::Error => tracing::error!(plugin, "{line}"),
        }
        if left == 0 {
            tracing::warn!(plugin, "the plugin's log is full; further lines are dropped");
        }
        Ok(())
    }

    async fn random_bytes(&mut self, length: u32) -> wasmtime::Result<Vec<u8>> {
        if length > limits::RANDOM_BYTES_AT_ONCE {
            return Err(LimitReached::Random.into());
        }
        let left = self.system.random_left.checked_sub(length).ok_or(LimitReached::Random)?;
        self.system.random_left = left;
        let mut bytes = vec![0; length as usize];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| wasmtime::Error::msg("the operating system has no randomness"))?;
        Ok(bytes)
    }

    async fn now_seconds(&mut self) -> wasmtime::Result<f64> {
        Ok(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64())
    }
}

/// The interface has types only.
impl credentials::Host for CallState {}
