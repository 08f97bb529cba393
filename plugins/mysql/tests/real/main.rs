//! The plugin against real servers: MariaDB, and MySQL where it can be had.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test reports")]

mod assess;
mod blocked;
mod by_admin;
mod dual;
mod marks;
mod matrix;
mod methods;
mod pairs;
mod password;
mod policies;
mod remedies;
mod turned_away;
mod world;
