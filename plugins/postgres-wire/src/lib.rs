//! The PostgreSQL protocol, for the plugins of services that speak it.
//!
//! What holds for every service:
//!
//! - A password leaves in clear in one case only: the server asks for it inside TLS.
//! - A sign-in counts when the server asked for the password.
//! - What a server sends is bounded before it is stored, and each of its texts is cut and cleaned.
//! - The words of a message that is sent are quoted here and nowhere else.
//!
//! What differs from service to service is a [`Product`]; methods of signing in that only one of
//! them has are its [`Methods`]. This is a library: it is part of the plugins' components and none
//! itself.
//!
//! Rooms: `product` (what differs), `startup` (TLS and the first packet), `auth` (the methods that
//! all have), `wire` and `session` (messages and statements), `errors` (SQLSTATE to failure),
//! `quote` (names and values in SQL), `pair` (of alternating users), `settings` (of an account, read
//! and written), `expiry` (of a password).

mod attempt;
mod auth;
mod errors;
mod expiry;
mod pair;
mod product;
mod quote;
mod session;
mod settings;
mod startup;
#[cfg(feature = "testing")]
pub mod testing;
mod wire;

pub use attempt::Attempt;
pub use auth::{Answered, Method, Methods, check_password, unexpected};
pub use errors::ServerError;
pub use expiry::is_longer;
pub use product::{Dialect, Product, Remedies, SignInError, Stage};
pub use quote::{is_one_line, literal, printable};
pub use session::{Answer, Session, Value};
pub use settings::Settings;
pub use wire::{Wire, parse};
