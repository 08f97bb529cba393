//! AWS's APIs: the clients, with one trust store, one timeout policy and no plain HTTP to another
//! machine, and what a call that was not answered means.

pub mod client;
pub(crate) mod connect_error;
pub(crate) mod json;
pub(crate) mod plain;
pub(crate) mod query;
pub(crate) mod signed;
pub(crate) mod variants;
