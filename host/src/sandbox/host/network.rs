//! `windlass:plugin/network`: endpoints and connections.

use std::net::{IpAddr, SocketAddr};
use std::sync::PoisonError;
use std::time::Instant;

use wasmtime::component::{Resource, ResourceTableError};
use zeroize::Zeroizing;

use crate::grants::{Decision, DenyReason, Request};
use crate::host_port::HostPort;
use crate::network::{self, NetworkError, NetworkErrorKind, Stream};
use crate::sandbox::interface::network as wire;
use crate::sandbox::limits::{self, LimitReached};
use crate::sandbox::{CallState, LastWords, NetworkState, SystemState};

/// A place that a plugin may ask to connect to. The decision is made when it does.
#[derive(Debug)]
pub struct Endpoint {
    /// The name or address, and the port.
    pub place: HostPort,
}

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    /// The name that TLS verifies.
    host: String,
}

/// An answer of the interface; the outer error traps.
type Answer<T> = wasmtime::Result<Result<T, wire::NetworkError>>;

impl wire::Host for CallState {}

impl wire::HostEndpoint for CallState {
    async fn host(&mut self, endpoint: Resource<Endpoint>) -> wasmtime::Result<String> {
        Ok(self.table.get(&endpoint)?.place.host.clone())
    }

    async fn port(&mut self, endpoint: Resource<Endpoint>) -> wasmtime::Result<u16> {
        Ok(self.table.get(&endpoint)?.place.port)
    }

    async fn connect(&mut self, endpoint: Resource<Endpoint>) -> Answer<Resource<Connection>> {
        let place = self.table.get(&endpoint)?.place.clone();
        let since = Instant::now();
        self.network.last_words = None;
        let opened = self.open(place.clone()).await;
        self.waited(since);
        match opened {
            Ok(connection) => Ok(Ok(push(&mut self.table, connection)?)),
            Err(error) => Ok(Err(self.told_to_plugin(error, &place.host))),
        }
    }

    async fn redirect(
        &mut self,
        endpoint: Resource<Endpoint>,
        host: String,
        port: u16,
    ) -> Answer<Resource<Endpoint>> {
        self.table.get(&endpoint)?;
        match self.permit(HostPort { host, port }) {
            Ok(place) => Ok(Ok(push(&mut self.table, Endpoint { place })?)),
            Err(error) => Ok(Err(error.into())),
        }
    }

    async fn drop(&mut self, endpoint: Resource<Endpoint>) -> wasmtime::Result<()> {
        self.table.delete(endpoint)?;
        Ok(())
    }
}

impl wire::HostConnection for CallState {
    async fn read(&mut self, connection: Resource<Connection>, limit: u32) -> Answer<Vec<u8>> {
        let limit = (limit as usize).min(limits::READ_BYTES).min(self.network.receive_left);
        if self.network.receive_left == 0 {
            return Ok(Err(too_many_bytes("received").into()));
        }
        let connection = self.table.get_mut(&connection)?;
        if limit == 0 {
            return Ok(Ok(Vec::new()));
        }
        let since = Instant::now();
        let answer = connection.stream.read(limit).await;
        let host = connection.host.clone();
        let silent_end = connection.stream.closed_without_a_word();
        self.waited(since);
        if let Ok(data) = &answer {
            self.network.receive_left = self.network.receive_left.saturating_sub(data.len());
            if let Some(text) = silent_end.filter(|_| data.is_empty()) {
                self.network.last_words = Some(LastWords { text, plugin_knows: false });
            }
        }
        Ok(answer.map_err(|error| self.told_to_plugin(error, &host)))
    }

    async fn write(&mut self, connection: Resource<Connection>, data: Vec<u8>) -> Answer<()> {
        let Some(left) = self.network.send_left.checked_sub(data.len()) else {
            return Ok(Err(too_many_bytes("sent").into()));
        };
        self.network.send_left = left;
        // It may be a password, on its way into TLS.
        let data = Zeroizing::new(data);
        let connection = self.table.get_mut(&connection)?;
        let since = Instant::now();
        let answer = connection.stream.write(&data).await;
        let host = connection.host.clone();
        self.waited(since);
        Ok(answer.map_err(|error| self.told_to_plugin(error, &host)))
    }

    async fn start_tls(&mut self, connection: Resource<Connection>) -> Answer<wire::TlsInfo> {
        let tls = self.network.tls.clone();
        self.network.tls_begun = true;
        let connection = self.table.get_mut(&connection)?;
        let since = Instant::now();
        let session = connection.stream.start_tls(&tls, &connection.host).await;
        let host = connection.host.clone();
        self.network.tls_up |= session.is_ok();
        self.waited(since);
        Ok(session
            .map(|session| wire::TlsInfo { tls_server_end_point: session.tls_server_end_point })
            .map_err(|error| self.told_to_plugin(error, &host)))
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

impl CallState {
    /// A place that may be reached, going by its name. Counts as a connection, so that nobody asks
    /// without end.
    fn permit(&mut self, place: HostPort) -> Result<HostPort, NetworkError> {
        let Some(left) = self.network.connections_left.checked_sub(1) else {
            return Err(NetworkError::new(
                NetworkErrorKind::Limit,
                format!(
                    "this call opened {} connections and redirects already",
                    limits::CONNECTIONS
                ),
            ));
        };
        self.network.connections_left = left;
        let permitted = self.network.grants.permit(&request(&self.network, &place));
        permitted.map_err(|reason| denied(&mut self.network, &self.system, &place, reason))?;
        Ok(place)
    }

    async fn open(&mut self, place: HostPort) -> Result<Connection, NetworkError> {
        let place = self.permit(place)?;
        let addresses = addresses(&mut self.network, &self.system, &place).await?;
        let stream = network::connect(&place.host, &addresses, self.network.deadline).await?;
        tracing::debug!(
            plugin = self.system.plugin,
            place = told(&self.system, &place),
            address = %stream.peer(),
            "connected"
        );
        Ok(Connection { stream, host: place.host })
    }

    /// Hands an error to the plugin, and keeps the host's own words of it. A name that the plugin chose,
    /// in a redirect, is searched for secrets as whatever else it says.
    fn told_to_plugin(&mut self, error: NetworkError, host: &str) -> wire::NetworkError {
        let text = if host == self.network.secret.host {
            error.own_words.clone()
        } else {
            self.system.redactor.scrub(&error.own_words, limits::MESSAGE_BYTES)
        };
        self.network.last_words = Some(LastWords { text, plugin_knows: true });
        error.into()
    }

    /// Waits for the network; a plugin that waits does not compute.
    fn waited(&mut self, since: Instant) {
        if since.elapsed() >= limits::TICK {
            self.waited = true;
        }
    }
}

/// The addresses that may be connected to for this place.
async fn addresses(
    network: &mut NetworkState,
    system: &SystemState,
    place: &HostPort,
) -> Result<Vec<SocketAddr>, NetworkError> {
    let resolved = resolve(network, &place.host).await?;
    match network.grants.decide(&request(network, place), &resolved) {
        Decision::Allow(addresses) => Ok(addresses),
        Decision::Deny(reason) => Err(denied(network, system, place, reason)),
    }
}

fn request<'a>(network: &'a NetworkState, place: &'a HostPort) -> Request<'a> {
    Request { host: &place.host, port: place.port, secret: &network.secret }
}

/// Says no: to the plugin, to the log, and to whoever has to grant it.
fn denied(
    network: &mut NetworkState,
    system: &SystemState,
    place: &HostPort,
    reason: DenyReason,
) -> NetworkError {
    let place = told(system, place);
    let plugin = system.plugin.as_str();
    tracing::warn!(plugin, reason = reason.as_str(), "refused a connection to {place}");
    let message = format!("connecting to {place} is not allowed: {}", reason.explanation());
    network.denied = Some(message.clone());
    NetworkError::new(NetworkErrorKind::NotGranted, message)
}

/// A place as it may be told: a plugin names it, in a redirect, and may name it after a password.
fn told(system: &SystemState, place: &HostPort) -> String {
    system.redactor.scrub(&place.to_string(), limits::LOG_LINE_BYTES)
}

/// What a name resolves to, once a step.
async fn resolve(network: &NetworkState, host: &str) -> Result<Vec<IpAddr>, NetworkError> {
    let names = &network.names.0;
    // As grants and DNS do: a name in capitals is the same name, and no way to ask again.
    let name = host.to_ascii_lowercase();
    if let Some(known) = names.lock().unwrap_or_else(PoisonError::into_inner).get(&name) {
        return Ok(known.clone());
    }
    let resolved = network::resolve(host, network.deadline).await?;
    let mut names = names.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(names.entry(name).or_insert(resolved).clone())
}

fn push<T: Send + 'static>(
    table: &mut wasmtime::component::ResourceTable,
    entry: T,
) -> wasmtime::Result<Resource<T>> {
    table.push(entry).map_err(|error| match error {
        ResourceTableError::Full => LimitReached::Handles.into(),
        other => other.into(),
    })
}

fn too_many_bytes(done: &str) -> NetworkError {
    let limit = limits::NETWORK_BYTES >> 20;
    NetworkError::new(NetworkErrorKind::Limit, format!("this call {done} more than {limit} MiB"))
}

impl From<NetworkError> for wire::NetworkError {
    fn from(error: NetworkError) -> Self {
        use NetworkErrorKind as Own;
        use wire::NetworkErrorKind as Wire;
        Self {
            kind: match error.kind {
                Own::NameNotFound => Wire::NameNotFound,
                Own::Refused => Wire::Refused,
                Own::TimedOut => Wire::TimedOut,
                Own::Closed => Wire::Closed,
                Own::Tls => Wire::Tls,
                Own::NotGranted => Wire::NotGranted,
                Own::Limit => Wire::Limit,
                Own::InvalidState => Wire::InvalidState,
                Own::Other => Wire::Other,
            },
            message: error.message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Redactor;
    use crate::secret::Secret;

    /// Behind the limit of connections no plugin comes this far.
    #[test]
    fn handles_are_bounded_whatever_they_are_of() {
        let mut state = CallState::without_network("greedy");
        let endpoint = || Endpoint { place: HostPort { host: "db".into(), port: 1 } };
        for _ in 0..limits::HANDLES {
            push(&mut state.table, endpoint()).unwrap();
        }
        let full = push(&mut state.table, endpoint()).unwrap_err();
        assert_eq!(full.downcast_ref(), Some(&LimitReached::Handles));
    }

    #[test]
    fn a_place_named_after_a_password_is_told_without_it() {
        let redactor = Redactor::default();
        redactor.learn(&Secret::new("hunter2-and-more".to_owned()));
        let mut state = CallState::without_network("postgres");
        state.system.redactor = redactor.into();
        let host = "HUNTER2-AND-MORE.elsewhere.example".to_owned();
        let place = HostPort { host, port: 53 };
        assert_eq!(told(&state.system, &place), "[redacted].elsewhere.example:53");
        let refused =
            denied(&mut state.network, &state.system, &place, DenyReason::NotGranted).message;
        assert!(refused.starts_with("connecting to [redacted].elsewhere"), "{refused}");
        assert_eq!(state.network.denied, Some(refused), "the operator is told the same");
    }
}
