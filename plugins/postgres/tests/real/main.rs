//! The plugin against a real PostgreSQL. (Whole rotations are the end-to-end suite's.)

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test reports")]

mod marks;
mod world;
