//! The step machine against the embedded store and a database that is a table of passwords.
//!
//! What a real server, the sandbox and the wire add is tested in `tests/suite`; here it is about
//! order, candidates, guards and retries, where every state can be made at will.

#![cfg(feature = "cli")]

mod adopt;
mod alternating;
mod answers;
mod bad_input;
mod enumeration;
mod fake_inventory;
mod hostile_writer;
mod likeliest;
mod managed;
mod parity;
mod redshift;
mod rejected;
mod repair;
mod replica;
mod send_text;
mod sign_in;
mod single_user;
mod store_answers;
mod world;
