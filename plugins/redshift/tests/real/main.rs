//! The plugin against PostgreSQL 15, which stands in for Redshift: passwords in MD5, and a catalog
//! with the same names.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test reports")]

mod adopt;
mod matrix;
mod pairs;
mod password;
mod world;
