//! The plugin against a real PostgreSQL. (Whole rotations are the end-to-end suite's.)

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test reports")]

mod adopt;
mod checks;
mod encryption;
mod marks;
mod settings;
mod sign_ins;
mod world;
