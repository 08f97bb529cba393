//! Everything that one call of a plugin sends and receives: counted, decided and reported here. The
//! host functions look up their handles and ask; nothing here knows the WebAssembly runtime.
//!
//! - A place is decided twice: by its name before it is resolved, and by the addresses that it resolved to.
//!   What is connected to is an address of the second decision, never the name.
//! - A name is resolved once a step, whatever its spelling, so that a name that changes its address in
//!   between opens nothing.
//! - Connections and redirects, bytes sent and bytes received are counted over the whole call.
//! - Texts that a plugin chose (the host of a redirect) are sanitized before they are logged or reported.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use super::limits;
use crate::grants::{Decision, DenyReason, Grants, Request, SecretPlace};
use crate::host_port::HostPort;
use crate::network::{self, Deadline, NetworkError, NetworkErrorKind, Stream, Tls};
use crate::redact::Redactor;

/// A place that a plugin may ask to connect to. The decision is made when it does.
#[derive(Debug)]
pub struct Endpoint {
    /// The name or address, and the port.
    pub place: HostPort,
}

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    /// The bytes.
    pub(super) stream: Stream,
    /// The name that TLS verifies.
    pub(super) host: String,
}

/// What the host itself reports of how the network failed. It has no password, so it is shown also
/// where a plugin's words can't be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastWords {
    pub(super) text: String,
    /// Whether the plugin has the text, too, and has passed on what it finds worth reporting.
    pub(super) plugin_knows: bool,
}

/// What names resolved to. Kept for one step, so that its calls all talk to the same machine.
#[derive(Debug, Default)]
pub struct ResolvedNames(Mutex<HashMap<String, Vec<IpAddr>>>);

/// What a call may reach, and with what.
pub struct Reach {
    /// What the plugin requested and what the operator granted.
    pub(super) grants: Arc<Grants>,
    /// TLS, with its roots.
    pub(super) tls: Tls,
    /// When the step's network operations have to be over.
    pub(super) deadline: Deadline,
    /// The place of the credential that this call signs in with: the secret's own, or that of an
    /// administrator that the rotation found to be of the same database.
    pub(super) secret: SecretPlace,
    /// What names resolved to in this step.
    pub(super) names: Arc<ResolvedNames>,
}

/// What a call may still do on the network, and what came of it.
pub struct Egress {
    reach: Reach,
    /// The plugin's name, for the log.
    plugin: String,
    redactor: Arc<Redactor>,
    connections_left: u32,
    send_left: usize,
    receive_left: usize,
    /// What the host refused last for want of a grant, for the operator: the plugin's own words
    /// can't be relied on for that.
    pub(super) denied: Option<String>,
    /// What the network came to last, if it was no success.
    pub(super) last_words: Option<LastWords>,
    /// Whether a handshake was begun: then the server has TLS, whatever came of it.
    pub(super) tls_begun: bool,
    /// Whether a handshake ended well: then the server proved itself by its certificate.
    pub(super) tls_up: bool,
}

impl Egress {
    /// With all of the limits left.
    pub(super) fn new(plugin: &str, reach: Reach, redactor: Arc<Redactor>) -> Self {
        Self {
            reach,
            plugin: plugin.to_owned(),
            redactor,
            connections_left: limits::CONNECTIONS,
            send_left: limits::NETWORK_BYTES,
            receive_left: limits::NETWORK_BYTES,
            denied: None,
            last_words: None,
            tls_begun: false,
            tls_up: false,
        }
    }

    /// Makes sure that a place may be reached, judging by its name. Counts as a connection, so that
    /// nobody asks without end.
    pub(super) fn permit(&mut self, place: HostPort) -> Result<HostPort, NetworkError> {
        let Some(left) = self.connections_left.checked_sub(1) else {
            let message = format!(
                "this call opened {} connections and redirects already",
                limits::CONNECTIONS
            );
            return Err(NetworkError::new(NetworkErrorKind::Limit, message));
        };
        self.connections_left = left;
        let permitted = self.reach.grants.permit(&self.request(&place));
        permitted.map_err(|reason| self.deny(&place, reason))?;
        Ok(place)
    }

    /// Opens a connection to a place that may be reached.
    pub(super) async fn open(&mut self, place: HostPort) -> Result<Connection, NetworkError> {
        self.last_words = None;
        let place = self.permit(place)?;
        let addresses = self.addresses(&place).await?;
        let stream = network::connect(&place.host, &addresses, self.reach.deadline).await?;
        tracing::debug!(
            plugin = self.plugin,
            place = self.sanitized(&place),
            address = %stream.peer(),
            "connected"
        );
        Ok(Connection { stream, host: place.host })
    }

    /// How many bytes may be read now, of those that are asked for.
    pub(super) fn may_receive(&self, asked: u32) -> Result<usize, NetworkError> {
        if self.receive_left == 0 {
            return Err(too_many_bytes("received"));
        }
        Ok((asked as usize).min(limits::READ_BYTES).min(self.receive_left))
    }

    /// Counts what was read, and keeps how the connection ended, where it did without a word.
    pub(super) fn received(&mut self, bytes: usize, silent_end: Option<String>) {
        self.receive_left = self.receive_left.saturating_sub(bytes);
        if let Some(text) = silent_end.filter(|_| bytes == 0) {
            self.last_words = Some(LastWords { text, plugin_knows: false });
        }
    }

    /// Counts what is about to be sent.
    pub(super) fn send(&mut self, bytes: usize) -> Result<(), NetworkError> {
        let left = self.send_left.checked_sub(bytes);
        self.send_left = left.ok_or_else(|| too_many_bytes("sent"))?;
        Ok(())
    }

    /// TLS for a handshake that begins now.
    pub(super) fn begin_tls(&mut self) -> Tls {
        self.tls_begun = true;
        self.reach.tls.clone()
    }

    /// Notes how a handshake ended.
    pub(super) fn end_tls(&mut self, succeeded: bool) {
        self.tls_up |= succeeded;
    }

    /// Keeps the host's own report of an error that the plugin gets. A name that the plugin chose, in a
    /// redirect, is searched for secrets as everything else that it says.
    pub(super) fn reported(&mut self, error: NetworkError, host: &str) -> NetworkError {
        let text = if host == self.reach.secret.host {
            error.own_words.clone()
        } else {
            self.redactor.scrub(&error.own_words, limits::MESSAGE_BYTES)
        };
        self.last_words = Some(LastWords { text, plugin_knows: true });
        error
    }

    /// The addresses that may be connected to for this place.
    async fn addresses(&mut self, place: &HostPort) -> Result<Vec<SocketAddr>, NetworkError> {
        let resolved = self.resolve(&place.host).await?;
        match self.reach.grants.decide(&self.request(place), &resolved) {
            Decision::Allow(addresses) => Ok(addresses),
            Decision::Deny(reason) => Err(self.deny(place, reason)),
        }
    }

    /// What a name resolves to, once a step.
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, NetworkError> {
        let names = &self.reach.names.0;
        // As grants and DNS do: a name in capitals is the same name, and no way to ask again.
        let name = host.to_ascii_lowercase();
        if let Some(known) = names.lock().unwrap_or_else(PoisonError::into_inner).get(&name) {
            return Ok(known.clone());
        }
        let resolved = network::resolve(host, self.reach.deadline).await?;
        let mut names = names.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(names.entry(name).or_insert(resolved).clone())
    }

    fn request<'a>(&'a self, place: &'a HostPort) -> Request<'a> {
        Request { host: &place.host, port: place.port, secret: &self.reach.secret }
    }

    /// Refuses a place: to the plugin, in the log, and for the operator who has to grant it.
    fn deny(&mut self, place: &HostPort, reason: DenyReason) -> NetworkError {
        let place = self.sanitized(place);
        let plugin = self.plugin.as_str();
        tracing::warn!(plugin, reason = reason.as_str(), "refused a connection to {place}");
        let message = format!("connecting to {place} is not allowed: {}", reason.explanation());
        self.denied = Some(message.clone());
        NetworkError::new(NetworkErrorKind::NotGranted, message)
    }

    /// A place as it may be shown: a plugin names it, in a redirect, and may name it after a password.
    fn sanitized(&self, place: &HostPort) -> String {
        self.redactor.scrub(&place.to_string(), limits::LOG_LINE_BYTES)
    }
}

fn too_many_bytes(done: &str) -> NetworkError {
    let limit = limits::NETWORK_BYTES >> 20;
    NetworkError::new(NetworkErrorKind::Limit, format!("this call {done} more than {limit} MiB"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grants::{GrantPattern, Granted};
    use crate::secret::Secret;

    /// A call of a plugin that requests everything of `db.example`, where the operator grants the
    /// secret's own place.
    fn egress(redactor: Redactor) -> Egress {
        let grants = Grants {
            asked: vec!["tcp://db.example:*".parse().unwrap(), GrantPattern::for_secret()],
            granted: Granted::OwnPlace,
            runtime_api: Vec::new(),
            on_lambda: false,
        };
        let reach = Reach {
            grants: Arc::new(grants),
            tls: Tls::new(None),
            deadline: Deadline::default(),
            secret: SecretPlace::new("db.example", 5432),
            names: Arc::default(),
        };
        Egress::new("postgres", reach, Arc::new(redactor))
    }

    fn place(host: &str, port: u16) -> HostPort {
        HostPort { host: host.to_owned(), port }
    }

    #[test]
    fn a_place_is_refused_by_its_name_and_the_operator_gets_the_reason() {
        let mut egress = egress(Redactor::default());
        assert!(egress.permit(place("db.example", 5432)).is_ok());
        assert_eq!(egress.denied, None);
        let error = egress.permit(place("db.example", 5433)).unwrap_err();
        assert_eq!(error.kind, NetworkErrorKind::NotGranted);
        assert!(error.message.contains("did not grant this host and port"), "{}", error.message);
        assert_eq!(egress.denied, Some(error.message));
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_a_forbidden_address_opens_nothing() {
        let mut egress = egress(Redactor::default());
        let metadata = "169.254.169.254".parse().unwrap();
        egress.reach.names.0.lock().unwrap().insert("db.example".into(), vec![metadata]);
        let error = egress.open(place("DB.example", 5432)).await.unwrap_err();
        assert_eq!(error.kind, NetworkErrorKind::NotGranted);
        assert!(error.message.contains("link-local"), "{}", error.message);
    }

    #[test]
    fn connections_and_redirects_are_counted_together() {
        let mut egress = egress(Redactor::default());
        for _ in 0..limits::CONNECTIONS {
            egress.permit(place("db.example", 5432)).unwrap();
        }
        let error = egress.permit(place("db.example", 5432)).unwrap_err();
        assert_eq!(error.kind, NetworkErrorKind::Limit);
        let limit = format!("opened {} connections", limits::CONNECTIONS);
        assert!(error.message.contains(&limit), "{}", error.message);
    }

    #[test]
    fn bytes_are_counted_each_way_over_the_whole_call() {
        let mut egress = egress(Redactor::default());
        egress.send(limits::NETWORK_BYTES).unwrap();
        assert_eq!(egress.send(1).unwrap_err().kind, NetworkErrorKind::Limit);
        assert!(egress.send(0).is_ok(), "what was refused is not counted");
        assert_eq!(egress.may_receive(u32::MAX).unwrap(), limits::READ_BYTES);
        egress.received(limits::NETWORK_BYTES - 3, None);
        assert_eq!(egress.may_receive(u32::MAX).unwrap(), 3);
        egress.received(3, None);
        assert_eq!(egress.may_receive(1).unwrap_err().kind, NetworkErrorKind::Limit);
    }

    #[test]
    fn how_a_connection_ended_without_a_word_is_kept_where_nothing_came() {
        let mut egress = egress(Redactor::default());
        egress.received(1, Some("closed".to_owned()));
        assert_eq!(egress.last_words, None);
        egress.received(0, Some("closed".to_owned()));
        let words = LastWords { text: "closed".to_owned(), plugin_knows: false };
        assert_eq!(egress.last_words, Some(words));
    }

    #[test]
    fn a_place_named_after_a_password_is_shown_without_it() {
        let redactor = Redactor::default();
        redactor.learn(&Secret::new("hunter2-and-more".to_owned()));
        let mut egress = egress(redactor);
        let place = place("HUNTER2-AND-MORE.elsewhere.example", 53);
        assert_eq!(egress.sanitized(&place), "[redacted].elsewhere.example:53");
        let refused = egress.permit(place).unwrap_err().message;
        assert!(refused.starts_with("connecting to [redacted].elsewhere"), "{refused}");
        assert_eq!(egress.denied, Some(refused), "the operator gets the same");
        let error = NetworkError::new(NetworkErrorKind::Other, "hunter2-and-more".to_owned());
        egress.reported(error, "hunter2-and-more");
        let words = egress.last_words.map(|words| words.text);
        assert!(!words.unwrap_or_default().contains("hunter2"));
    }
}
