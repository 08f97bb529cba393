//! The little HTTP that the harness needs: a server on 127.0.0.1 and one request at a time.
//!
//! Every request has a limit in time and size. Dropping a [`Server`] closes its connections.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{HOST, HeaderMap, HeaderName};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::listener::Listener;

/// Lambda's own limit on an event is 6 MB, Secrets Manager's on a value 64 kB.
const BODY_LIMIT: usize = 8 << 20;

/// What a handler says to close the connection without an answer.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the connection is closed without an answer")]
pub(crate) struct HangUp;

/// A listening server.
#[derive(Debug)]
pub(crate) struct Server {
    listener: Listener,
}

impl Server {
    /// Serves `handler` on a free port of 127.0.0.1.
    pub(crate) async fn start<H, F>(handler: H) -> Result<Self>
    where
        H: Fn(Request<Bytes>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Response<Full<Bytes>>, HangUp>> + Send + 'static,
    {
        let listener = Listener::start(move |stream| serve(stream, handler.clone())).await?;
        Ok(Self { listener })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.address()
    }
}

async fn serve<H, F>(stream: TcpStream, handler: H)
where
    H: Fn(Request<Bytes>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response<Full<Bytes>>, HangUp>> + Send + 'static,
{
    // Answers are small and awaited: Nagle's delay would be measured as ours.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request: Request<Incoming>| {
        let handler = handler.clone();
        async move {
            let (head, body) = request.into_parts();
            match Limited::new(body, BODY_LIMIT).collect().await {
                Ok(body) => handler(Request::from_parts(head, body.to_bytes())).await,
                Err(_) => Ok(answer(StatusCode::PAYLOAD_TOO_LARGE, Bytes::new())),
            }
        }
    });
    // A client that goes away in the middle is that client's business.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// A JSON response.
pub(crate) fn answer(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        hyper::header::CONTENT_TYPE,
        hyper::header::HeaderValue::from_static("application/json"),
    );
    response
}

/// What a server answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Sends one request to `endpoint` (`http://127.0.0.1:PORT`) and reads the whole answer.
pub(crate) async fn send(
    method: Method,
    endpoint: &str,
    path: &str,
    headers: &[(HeaderName, &str)],
    body: Bytes,
    limit: Duration,
) -> Result<Answer> {
    let exchange = exchange(method.clone(), endpoint, path, headers, body);
    match tokio::time::timeout(limit, exchange).await {
        Ok(answer) => answer.with_context(|| format!("{method} {endpoint}{path}")),
        Err(_) => bail!("{method} {endpoint}{path}: no answer within {} s", limit.as_secs()),
    }
}

async fn exchange(
    method: Method,
    endpoint: &str,
    path: &str,
    headers: &[(HeaderName, &str)],
    body: Bytes,
) -> Result<Answer> {
    let authority = endpoint
        .strip_prefix("http://")
        .map(|rest| rest.trim_end_matches('/'))
        .context("an endpoint of the harness begins with http://")?;
    let stream = TcpStream::connect(authority).await.context("connecting")?;
    stream.set_nodelay(true).context("setting TCP_NODELAY")?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.context("HTTP")?;
    let driver = tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path).header(HOST, authority);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let request = request.body(Full::new(body)).context("building the request")?;
    let response = sender.send_request(request).await.context("sending the request")?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, BODY_LIMIT)
        .collect()
        .await
        .map_err(|error| anyhow::anyhow!("reading the answer: {error}"))?
        .to_bytes();
    driver.abort();
    Ok(Answer { status: head.status, headers: head.headers, body })
}
