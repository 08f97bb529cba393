//! Secrets Manager over HTTP, for this machine.
//!
//! It speaks Secrets Manager's JSON 1.1 protocol, so that SDKs and the `aws` command work with it
//! by an endpoint URL, and answers from [`EmbeddedStore`]. **Whoever reaches the port reads the
//! secrets**: signatures are not checked. Hence it listens on loopback addresses only and answers
//! only requests that name this machine.
//!
//! RotateSecret runs the rotation in the background through a [`StepInvoker`]: in this process, or
//! a Lambda function behind the Invoke API ([`LambdaEndpoint`]). Without one, the rotation is
//! registered and whoever runs the steps finds it waiting. With one, `RotationLambdaARN` may be left
//! out, and where it is given it is kept and reported, but does not choose what is called.
//! Nothing happens on a schedule.
//!
//! Two things that depend on identities and keys, which are not here, can be acted out:
//! - a secret with the tag `windlass-local:rotation-role` is rotated as by a role that the function
//!   assumes: PutSecretValue over the API needs the `RotationToken` of its rotation's latest event
//!   (a rotation in this process does not go through the API, and is not asked);
//! - some names of KMS keys stand for keys that can't be used: see `store/keys.rs`.
//!
//! Besides the API, for tools (JSON, no secret values):
//! - `GET /windlass/health`: answers as soon as the server does.
//! - `GET /windlass/calls`: `counts` by action, and `log`, each call with its times in microseconds;
//!   `POST /windlass/calls/reset` forgets them.
//! - `GET /windlass/rotations`: the latest rotations, step by step, with what failed and why.

mod actions;
mod calls;
mod fields;
mod front;
mod history;
mod lambda_endpoint;
mod redact;
mod rejection;
mod rotator;
mod scheduler;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use lambda_endpoint::{BadEndpoint, LambdaEndpoint};
pub use redact::Redact;
pub use rotator::{InvokeError, StepInvoker};
pub use scheduler::Retries;

use crate::{EmbeddedStore, TemporaryValue};
use actions::Context;
use calls::CallLog;
use front::Front;
use scheduler::Scheduler;

/// How long open connections and running rotations may take to end after `shutdown` completed.
const FAREWELL: Duration = Duration::from_secs(5);

/// A client that takes longer to send its headers has stopped. Also how long an idle connection is
/// kept: AWS's SDKs hold on to theirs between calls.
const HEADER_WAIT: Duration = Duration::from_mins(2);

/// A pause after a failed accept: the usual reason, too many open files, does not go away at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What a server is given.
pub struct Settings {
    /// What runs the steps of a rotation.
    pub invoker: Option<Arc<dyn StepInvoker>>,
    /// What keeps secret values out of what the rotation function says when it fails.
    pub redact: Arc<dyn Redact>,
    /// How persistently a failed rotation is attempted again.
    pub retries: Retries,
    /// What the temporary version of `RotateImmediately=false` holds.
    pub temporary_value: TemporaryValue,
}

impl Settings {
    /// The usual ones.
    pub fn new(redact: Arc<dyn Redact>, invoker: Option<Arc<dyn StepInvoker>>) -> Self {
        Self {
            invoker,
            redact,
            retries: Retries::default(),
            temporary_value: TemporaryValue::CopyOfCurrent,
        }
    }
}

/// Serves the store until `shutdown` completes; then requests and rotations that are under way get
/// a few seconds to end.
///
/// # Errors
/// If the listener's address is not a loopback address.
pub async fn serve(
    listener: TcpListener,
    store: &EmbeddedStore,
    settings: Settings,
    shutdown: impl Future,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "refusing to serve secrets without authentication on {address}: listen on a \
                 loopback address such as 127.0.0.1"
            ),
        ));
    }
    let scheduler = Arc::new(Scheduler::new(store.clone(), settings));
    let context = Context { store: store.clone(), scheduler: Arc::clone(&scheduler) };
    let front = Arc::new(Front { context, calls: CallLog::new() });
    let (closing, closed) = watch::channel(());
    let mut connections = JoinSet::new();

    // Rotations end first: the function that runs their steps calls this server.
    let end = async {
        shutdown.await;
        scheduler.stop(FAREWELL).await;
    };
    let mut end = std::pin::pin!(end);
    loop {
        tokio::select! {
            () = &mut end => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, Arc::clone(&front), closed.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "failed to accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    drop(closing);
    let all = async { while connections.join_next().await.is_some() {} };
    // What is still open after that is cut off when the set is dropped.
    let _ = tokio::time::timeout(FAREWELL, all).await;
    Ok(())
}

/// One connection, until either side ends it.
async fn converse(stream: TcpStream, front: Arc<Front>, mut closed: watch::Receiver<()>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "failed to turn off delays on a connection");
    }
    let service = service_fn(move |request| {
        let front = Arc::clone(&front);
        async move { front.answer(request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WAIT)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        _ = closed.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended early");
    }
}
