//! The end-to-end tests: the real binaries, real servers, their own clients and boto3 as witnesses.
//!
//! What holds for every engine is in `conformance` and `enumeration`; the others use PostgreSQL.
//! Every test makes a world of its own beside the shared servers (see `windlass_suite`). Names
//! of accounts and secrets begin with the test's own word, so that no test meets another's.

#![expect(
    clippy::indexing_slicing,
    reason = "a panic is how a test reports, in its helper functions as well"
)]

mod alternating;
mod authors;
mod bad_admins;
mod bad_input;
mod channel_binding;
mod cli;
mod conformance;
mod contract;
mod cost;
mod crash;
mod createrole;
mod desk;
mod docs;
mod echoes;
mod edited;
mod enumeration;
mod foreseen;
mod grants;
mod guests;
mod hostile_servers;
mod keys;
mod local;
mod many;
mod md5;
mod network;
mod on_the_way;
mod plaintext;
mod plugins;
mod policy;
mod rds;
mod redshift;
mod remedies;
mod repair;
mod rows;
mod seals;
mod secrets_manager;
mod single_user;
mod soak;
mod vetting;
