//! What the end-to-end tests share; the tests themselves are in `tests/suite`, one binary. And
//! [`soak`], which `cargo xtask soak` runs for longer than a test may.
//!
//! 1. **One server of each engine for all** ([`Engine`]; [`Database`] for what is PostgreSQL's own):
//!    it costs seconds to make. A test uses accounts of its own, counts its connections at a
//!    [`Proxy`](windlass_harness::Proxy) of its own, and looks for its own account's name in the
//!    server's log.
//! 2. **Everything else is a test's own** ([`World`]): Secrets Manager, Lambda, the function.
//! 3. **The product is only ever run, never linked**: what is tested is what is deployed.
//! 4. **No password in any output**: every world is searched when it ends (see [`leaks`]).

pub mod cost;
mod database;
mod engine;
pub mod enumeration;
mod golden;
pub mod hostile;
pub mod leaks;
mod login;
mod programs;
mod rotation;
pub mod soak;
mod world;

pub use database::Database;
pub use engine::{
    Connected, Depth, Engine, EngineSpec, NewAccount, RealServer, Server, Task, Tls, Witness,
};
pub use golden::{golden, tell, within};
pub use login::{Login, made_up_password};
pub use programs::{Ran, guests, plugins_with, python, typed, windlass};
pub use rotation::{STEPS, error_of};
pub use windlass_harness::skip;
pub use world::{Managed, Options, Rotations, World, with_all_logged};
