//! Write Windlass plugins in Rust.
//!
//! A plugin says what it is ([`Plugin::describe`]), checks that a password signs in
//! ([`Plugin::verify`]) and changes one ([`Plugin::change`]). The host does the rest: which
//! password is tried when, Secrets Manager, TLS, time limits, what happens after a crash.
//!
//! A complete plugin for a made-up line protocol (`AUTH name password`, `PASSWD name password`):
//!
//! ```
//! use std::io::{BufRead, BufReader, Write};
//! use windlass_sdk::{
//!     ChangeRequest, CharacterClasses, Connection, Description, During, Failure, Features, Login, NameLength,
//!     PasswordRules, Plugin, TlsMode, UsernameRules,
//! };
//!
//! struct Lines;
//!
//! impl Plugin for Lines {
//!     fn describe() -> Description {
//!         Description {
//!             name: "lines".into(),
//!             version: "1.0.0".into(),
//!             engines: vec!["lines".into()],
//!             default_port: 7777,
//!             network: vec!["tcp://{host}:{port}".into()],
//!             fields: Vec::new(), // keys of the secret that it needs besides the usual ones
//!             password_rules: PasswordRules {
//!                 max_length: Some(64),
//!                 default_length: 32,
//!                 excluded_characters: " ".into(), // it separates the words of a command
//!                 default_excluded_characters: r#"/@"'\"#.into(),
//!                 required_classes: CharacterClasses { digit: true, ..CharacterClasses::default() },
//!             },
//!             username_rules: UsernameRules {
//!                 max_length: NameLength::Bytes(32),
//!                 clone_suffix: "_clone".into(),
//!                 excluded_characters: " ".into(),
//!             },
//!             features: Features { self_change: true, admin_change: true, ..Features::default() },
//!         }
//!     }
//!
//!     fn verify(login: &Login) -> Result<(), Failure> {
//!         sign_in(login).map(drop)
//!     }
//!
//!     fn change(request: &ChangeRequest) -> Result<(), Failure> {
//!         let mut session = sign_in(&request.actor)?;
//!         let answer = ask(&mut session, &format!("PASSWD {} {}", request.username, request.new_password))
//!             .during("changing the password")?;
//!         match answer.split_once(' ') {
//!             None if answer == "OK" => Ok(()),
//!             Some(("NO", code)) => Err(Failure::declined("changing the password").with_code(code)),
//!             _ => Err(Failure::protocol("unexpected answer to PASSWD")),
//!         }
//!     }
//! }
//!
//! fn sign_in(login: &Login) -> Result<BufReader<Connection>, Failure> {
//!     let mut connection = login.server.connect()?;
//!     if login.tls == TlsMode::Required {
//!         connection.start_tls()?;
//!     }
//!     if login.server_must_prove_itself() {
//!         return Err(Failure::unproven("the password")); // as this protocol has nothing else
//!     }
//!     let mut session = BufReader::new(connection);
//!     match ask(&mut session, &format!("AUTH {} {}", login.username, login.password))?.as_str() {
//!         "OK" => Ok(session),
//!         "NO 1" => Err(Failure::refused("wrong name or password").with_code("1")),
//!         _ => Err(Failure::protocol("unexpected answer to AUTH")),
//!     }
//! }
//!
//! fn ask(session: &mut BufReader<Connection>, command: &str) -> Result<String, Failure> {
//!     session.get_mut().write_all(format!("{command}\n").as_bytes())?;
//!     let mut line = String::new();
//!     session.read_line(&mut line)?;
//!     if line.is_empty() { Err(Failure::unreachable("connection closed")) } else { Ok(line.trim_end().into()) }
//! }
//!
//! windlass_sdk::export!(Lines);
//!
//! // And its test, natively, against a server that the test scripts:
//! use windlass_sdk::{FailureKind, testing};
//! let (endpoint, server) = testing::scripted(|mut peer| {
//!     peer.accept_tls(None);
//!     peer.expect(b"AUTH app wrong\n");
//!     peer.send(b"NO 1\n");
//!     peer.expect_close();
//! });
//! let failure = Lines::verify(&testing::login(endpoint, "app", "wrong")).unwrap_err();
//! assert_eq!(failure.kind, FailureKind::Refused);
//! server.finish();
//! ```
//!
//! `windlass build` turns such a crate (`crate-type = ["cdylib", "rlib"]`) into a component.

mod adapter;
mod assess;
pub mod bindings;
mod failure;
mod network;
mod pair;
mod plugin;
mod system;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod text;

pub use adapter::Adapter;
pub use assess::{Assess, AssessRequest, Assessment, FINDINGS_MAX, Finding, PairState};
pub use failure::{During, Failure, FailureKind};
pub use network::{Connection, Endpoint, TlsInfo};
pub use pair::{CLONE_SUFFIX, Pair, Turn};
pub use plugin::{
    ChangeRequest, CharacterClasses, Description, Features, Login, NameLength, PasswordRules,
    Plugin, Proof, TlsMode, UsernameRules,
};
pub use system::{LogLevel, fill_random, log, now};
pub use text::{TEXT_MAX, clean};

/// Exports a type that implements [`Plugin`] as this crate's component. With `assessment` behind it, a
/// type that implements [`Assess`], too.
///
/// Does nothing in a native build, so that tests may link several plugins.
#[macro_export]
macro_rules! export {
    ($plugin:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::Adapter<$plugin>;
    $crate::bindings::export_password_plugin!(Exported with_types_in $crate::bindings);
        };
    };
    ($plugin:ty, assessment) => {
        $crate::export!($plugin);
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::Adapter<$plugin>;
            $crate::bindings::assessor::export_assessor!(
                Exported with_types_in $crate::bindings::assessor
            );
        };
    };
}
