//! The harness, tested: a witness that errs is worse than none.

#![expect(
    clippy::unwrap_used,
    reason = "a panic is how a test reports, in its helper functions as well"
)]

mod mariadb;
mod peer;
mod postgres;
mod proxy;
mod runtime_api;
