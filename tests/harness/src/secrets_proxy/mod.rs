//! A Secrets Manager that fails: an HTTP proxy between a function and the real endpoint.
//!
//! Each call is numbered by its arrival, from 1, and decided in this order:
//! 1. After a stop nothing passes any more: the function is as good as dead ([`SecretsProxy::stop_at`]).
//! 2. The stop itself, before or after the call takes effect; the test is notified, the call is never
//!    answered.
//! 3. An answer that gets lost: the call takes effect and the connection is closed.
//! 4. A fault in place of the service's answer; the call does not take effect.
//! 5. An answer that lags: what the service would have said before its latest write.
//! 6. Otherwise the call passes.
//!
//! [`SecretsProxy::reset`] takes all orders back and numbers from 1 again.

mod call;
mod faults;
mod lag;
mod orders;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::SecretsManager;
use crate::http::{self, Answer, HangUp, Server};
use crate::sync::lock;
use call::{Call, respond};
pub use faults::ServiceFault;
use faults::Share;
use lag::{Lags, Snapshot};
use orders::{Order, State};

/// The service answers from memory or a file of this machine.
const FORWARD_LIMIT: Duration = Duration::from_secs(30);

/// Whether a call that is stopped at has taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It has not.
    Before,
    /// It has, and nobody learns of it.
    After,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// It has not ended.
    Open,
    /// The service's own answer was passed on, with this HTTP status.
    Answered(u16),
    /// It was answered as the service would have before its latest write.
    Lagged,
    /// It did not take effect and was answered with a fault.
    Failed(ServiceFault),
    /// It took effect and its answer was lost.
    Lost,
    /// The caller was stopped here, or had been stopped before.
    Stopped,
}

/// One call, as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxiedCall {
    /// Counted from 1, since the start or the last reset.
    pub number: usize,
    /// Such as `GetSecretValue`.
    pub action: String,
    /// What became of it.
    pub end: CallEnd,
}

/// The listening proxy. Dropping it closes its connections.
#[derive(Debug)]
pub struct SecretsProxy {
    server: Server,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    upstream: String,
    state: Mutex<State>,
    stopped: watch::Sender<Option<ProxiedCall>>,
}

impl SecretsProxy {
    /// Passes calls on to `upstream`, from a free port of 127.0.0.1.
    ///
    /// # Errors
    /// If no port can be listened on.
    pub async fn start(upstream: &SecretsManager) -> Result<Self> {
        let shared = Arc::new(Shared {
            upstream: upstream.endpoint().to_owned(),
            state: Mutex::default(),
            stopped: watch::Sender::new(None),
        });
        let handler = Arc::clone(&shared);
        let server = Server::start(move |request| {
            let shared = Arc::clone(&handler);
            async move { shared.handle(request).await }
        });
        Ok(Self { server: server.await?, shared })
    }

    /// The Secrets Manager that callers see.
    #[must_use]
    pub fn secrets(&self) -> SecretsManager {
        SecretsManager::new(self.endpoint())
    }

    /// Its URL, for `SECRETS_MANAGER_ENDPOINT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// The calls since the start or the last reset, by their numbers.
    #[must_use]
    pub fn calls(&self) -> Vec<ProxiedCall> {
        lock(&self.shared.state).calls().to_vec()
    }

    /// Takes all orders back, forgets the calls and what lags, and numbers from 1 again. What is
    /// still stopped stays so.
    pub fn reset(&self) {
        lock(&self.shared.state).reset();
        self.shared.stopped.send_replace(None);
    }

    /// Stops at call `number`: it is never answered, and from then on no call passes. The test
    /// waits with [`SecretsProxy::stopped`], and kills the caller.
    pub fn stop_at(&self, number: usize, moment: Moment) {
        lock(&self.shared.state).stop = Some((number, moment));
    }

    /// Waits until the call of [`SecretsProxy::stop_at`] is there and, for [`Moment::After`], has
    /// taken effect. May wait for ever: the call may never come.
    pub async fn stopped(&self) -> ProxiedCall {
        let mut stopped = self.shared.stopped.subscribe();
        loop {
            if let Some(call) = &*stopped.borrow_and_update() {
                return call.clone();
            }
            if stopped.changed().await.is_err() {
                // Not while `self` is borrowed.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Lets call `number` take effect and closes its connection without an answer.
    pub fn lose_answer(&self, number: usize) {
        lock(&self.shared.state).lost.insert(number);
    }

    /// Answers the next `count` calls with a fault; called again, the ones after them.
    pub fn fail_next(&self, fault: ServiceFault, count: usize) {
        lock(&self.shared.state).next.extend(std::iter::repeat_n(fault, count));
    }

    /// Answers every call of one action with a fault: a right that the function's role lacks.
    pub fn fail_action(&self, fault: ServiceFault, action: &str) {
        lock(&self.shared.state).actions.insert(action.to_owned(), fault);
    }

    /// Answers about `percent` of all calls with a fault. The same seed chooses the same numbers.
    pub fn fail_share(&self, fault: ServiceFault, percent: u8, seed: u64) {
        lock(&self.shared.state).share = Some(Share::new(fault, percent, seed));
    }

    /// After each write of a secret (PutSecretValue, UpdateSecretVersionStage, RotateSecret), the
    /// next `answers` of DescribeSecret and GetSecretValue of that secret are those from before the
    /// write. The proxy asks the service for them, so the service sees more calls than the caller
    /// makes. Only writes that pass here are known: see [`SecretsProxy::secrets`].
    pub fn lag(&self, answers: u32) {
        lock(&self.shared.state).lags = Some(Lags::new(answers));
    }
}

impl Shared {
    async fn handle(&self, request: Request<Bytes>) -> Result<Response<Full<Bytes>>, HangUp> {
        let call = Call::new(request);
        let Some(action) = call.action() else {
            // One of the server's own pages: not a call of Secrets Manager.
            return Ok(respond(self.forward(&call).await?));
        };
        let (ticket, order) = lock(&self.state).admit(action);
        match order {
            Order::Hold => {
                lock(&self.state).end(ticket, CallEnd::Stopped);
                std::future::pending().await
            }
            Order::Stop(moment) => {
                if moment == Moment::After {
                    self.perform(&call, action).await?;
                }
                let stopped = lock(&self.state).end(ticket, CallEnd::Stopped);
                self.stopped.send_replace(stopped);
                std::future::pending().await
            }
            Order::Fail(fault) => {
                lock(&self.state).end(ticket, CallEnd::Failed(fault));
                Ok(fault.answer(action))
            }
            Order::Lose => {
                let done = self.perform(&call, action).await;
                lock(&self.state).end(ticket, CallEnd::Lost);
                done.and(Err(HangUp))
            }
            Order::Pass => {
                let earlier = lock(&self.state)
                    .lags
                    .as_mut()
                    .and_then(|lags| lags.earlier_answer(action, &call.input));
                let (answer, end) = match earlier {
                    Some(answer) => (answer, CallEnd::Lagged),
                    None => {
                        let answer = self.perform(&call, action).await?;
                        let status = answer.status.as_u16();
                        (answer, CallEnd::Answered(status))
                    }
                };
                lock(&self.state).end(ticket, end);
                Ok(respond(answer))
            }
        }
    }

    /// Has the service do it, with what it says before kept for those who will read late.
    async fn perform(&self, call: &Call, action: &str) -> Result<Answer, HangUp> {
        let lagging = lock(&self.state).lags.is_some() && lag::WRITES.contains(&action);
        let before = if lagging { self.snapshot(call).await } else { None };
        let answer = self.forward(call).await?;
        if let (Some(before), true) = (before, answer.status.is_success())
            && let Some(lags) = &mut lock(&self.state).lags
        {
            lags.hold(before);
        }
        Ok(answer)
    }

    /// What the service says of the call's secret now. `None`: it knows no such secret.
    async fn snapshot(&self, write: &Call) -> Option<Snapshot> {
        let secret = write.input.get("SecretId")?.clone();
        let describe = write.reading("DescribeSecret", &json!({ "SecretId": secret }));
        let described = self.forward(&describe).await.ok()?;
        let mut snapshot = Snapshot::new(described, write.token())?;
        for selection in snapshot.selections() {
            let mut input = selection.input();
            input.insert("SecretId".to_owned(), secret.clone());
            let read = write.reading("GetSecretValue", &Value::Object(input));
            snapshot.keep(selection, self.forward(&read).await.ok()?);
        }
        Some(snapshot)
    }

    async fn forward(&self, call: &Call) -> Result<Answer, HangUp> {
        let headers: Vec<_> =
            call.headers.iter().map(|(name, value)| (name.clone(), value.as_str())).collect();
        let body = call.body.clone();
        let sent = http::send(
            call.method.clone(),
            &self.upstream,
            &call.path,
            &headers,
            body,
            FORWARD_LIMIT,
        );
        // A service that is not there is, to the caller, a connection that breaks.
        sent.await.map_err(|_| HangUp)
    }
}
