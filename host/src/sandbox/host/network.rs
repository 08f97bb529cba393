//! `windlass:plugin/network`: endpoints and connections.

use std::time::Instant;

use wasmtime::component::{Resource, ResourceTable, ResourceTableError};
use zeroize::Zeroizing;

use crate::host_port::HostPort;
use crate::network::{NetworkError, NetworkErrorKind};
use crate::sandbox::bindings::windlass::plugin::network as wit;
use crate::sandbox::call::CallState;
use crate::sandbox::egress::{Connection, Endpoint};
use crate::sandbox::limits::LimitReached;

/// An answer of the interface; the outer error traps.
type Answer<T> = wasmtime::Result<Result<T, wit::NetworkError>>;

impl wit::Host for CallState {}

impl wit::HostEndpoint for CallState {
    async fn host(&mut self, endpoint: Resource<Endpoint>) -> wasmtime::Result<String> {
        Ok(self.table.get(&endpoint)?.place.host.clone())
    }

    async fn port(&mut self, endpoint: Resource<Endpoint>) -> wasmtime::Result<u16> {
        Ok(self.table.get(&endpoint)?.place.port)
    }

    async fn connect(&mut self, endpoint: Resource<Endpoint>) -> Answer<Resource<Connection>> {
        let place = self.table.get(&endpoint)?.place.clone();
        let since = Instant::now();
        let opened = self.egress.open(place.clone()).await;
        self.waited(since);
        match opened {
            Ok(connection) => Ok(Ok(push(&mut self.table, connection)?)),
            Err(error) => Ok(Err(self.egress.reported(error, &place.host).into())),
        }
    }

    async fn redirect(
        &mut self,
        endpoint: Resource<Endpoint>,
        host: String,
        port: u16,
    ) -> Answer<Resource<Endpoint>> {
        self.table.get(&endpoint)?;
        match self.egress.permit(HostPort { host, port }) {
            Ok(place) => Ok(Ok(push(&mut self.table, Endpoint { place })?)),
            Err(error) => Ok(Err(error.into())),
        }
    }

    async fn drop(&mut self, endpoint: Resource<Endpoint>) -> wasmtime::Result<()> {
        self.table.delete(endpoint)?;
        Ok(())
    }
}

impl wit::HostConnection for CallState {
    async fn read(&mut self, connection: Resource<Connection>, limit: u32) -> Answer<Vec<u8>> {
        let limit = match self.egress.may_receive(limit) {
            Ok(limit) => limit,
            Err(error) => return Ok(Err(error.into())),
        };
        let connection = self.table.get_mut(&connection)?;
        if limit == 0 {
            return Ok(Ok(Vec::new()));
        }
        let since = Instant::now();
        let answer = connection.stream.read(limit).await;
        let host = connection.host.clone();
        let silent_end = connection.stream.closed_without_a_word();
        self.waited(since);
        match answer {
            Ok(data) => {
                self.egress.received(data.len(), silent_end);
                Ok(Ok(data))
            }
            Err(error) => Ok(Err(self.egress.reported(error, &host).into())),
        }
    }

    async fn write(&mut self, connection: Resource<Connection>, data: Vec<u8>) -> Answer<()> {
        if let Err(error) = self.egress.send(data.len()) {
            return Ok(Err(error.into()));
        }
        // It may be a password, on its way into TLS.
        let data = Zeroizing::new(data);
        let connection = self.table.get_mut(&connection)?;
        let since = Instant::now();
        let answer = connection.stream.write(&data).await;
        let host = connection.host.clone();
        self.waited(since);
        Ok(answer.map_err(|error| self.egress.reported(error, &host).into()))
    }

    async fn start_tls(&mut self, connection: Resource<Connection>) -> Answer<wit::TlsInfo> {
        let tls = self.egress.begin_tls();
        let connection = self.table.get_mut(&connection)?;
        let since = Instant::now();
        let session = connection.stream.start_tls(&tls, &connection.host).await;
        let host = connection.host.clone();
        self.waited(since);
        self.egress.end_tls(session.is_ok());
        Ok(session
            .map(|session| wit::TlsInfo { tls_server_end_point: session.tls_server_end_point })
            .map_err(|error| self.egress.reported(error, &host).into()))
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

fn push<T: Send + 'static>(table: &mut ResourceTable, entry: T) -> wasmtime::Result<Resource<T>> {
    table.push(entry).map_err(|error| match error {
        ResourceTableError::Full => LimitReached::Handles.into(),
        other => other.into(),
    })
}

impl From<NetworkError> for wit::NetworkError {
    fn from(error: NetworkError) -> Self {
        use NetworkErrorKind as Own;
        use wit::NetworkErrorKind as Wit;
        Self {
            kind: match error.kind {
                Own::NameNotFound => Wit::NameNotFound,
                Own::Refused => Wit::Refused,
                Own::TimedOut => Wit::TimedOut,
                Own::Closed => Wit::Closed,
                Own::Tls => Wit::Tls,
                Own::NotGranted => Wit::NotGranted,
                Own::Limit => Wit::Limit,
                Own::InvalidState => Wit::InvalidState,
                Own::Other => Wit::Other,
            },
            message: error.message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::limits;

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
}
