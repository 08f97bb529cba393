//! The PostgreSQL plugin's own code, run natively: changes a password and signs in with the new
//! one, again and again, without TLS. `cargo xtask bench` watches the connections from outside.
//!
//! Usage: `native-postgres PORT USER PASSWORD ROUNDS`, on 127.0.0.1 and for a throw-away user.

use std::process::ExitCode;

use windlass_plugin_postgres::Postgres;
use windlass_sdk::{ChangeRequest, Failure, Login, Plugin, TlsMode, testing};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, user, password, rounds] = arguments.as_slice() else {
        eprintln!("usage: native-postgres PORT USER PASSWORD ROUNDS");
        return ExitCode::from(2);
    };
    let (Ok(port), Ok(rounds)) = (port.parse(), rounds.parse()) else {
        eprintln!("PORT and ROUNDS are numbers");
        return ExitCode::from(2);
    };
    match run(port, user, password, rounds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(port: u16, user: &str, password: &str, rounds: u32) -> Result<(), Failure> {
    let login = |password: &str| Login {
        server: testing::tcp("127.0.0.1", port),
        username: user.to_owned(),
        password: password.to_owned(),
        database: Some("postgres".to_owned()),
        tls: TlsMode::Disabled,
        proof: windlass_sdk::Proof::Accepted,
        fields: Vec::new(),
    };
    let mut current = password.to_owned();
    for round in 0..rounds {
        // As long as a generated one.
        let next = format!("native-password-of-round-{round:07}");
        Postgres::change(&ChangeRequest {
            actor: login(&current),
            username: user.to_owned(),
            new_password: next.clone(),
            old_password: Some(current),
            clone_of: None,
            keep_old_valid: false,
            may_send_text: false,
        })?;
        Postgres::verify(&login(&next))?;
        current = next;
    }
    Ok(())
}
