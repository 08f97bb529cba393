//! The plugin against real servers: MariaDB, and MySQL where it can be had.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test reports")]

mod by_admin;
mod dual;
mod marks;
mod matrix;
mod pairs;
mod password;
mod world;
