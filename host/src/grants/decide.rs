//! The one decision: may this call reach that place, and at which address?
//!
//! In this order, and the name is not even resolved before the second holds: a resolver carries a
//! name to whoever owns its zone, and a plugin could put a password into one.
//! 1. the plugin asked for the place;
//! 2. the operator granted it (default: the secret's own host and port);
//! 3. the name resolved to an address that is not forbidden for everybody;
//! 4. it is not the address of the Lambda runtime API;
//! 5. a loopback address is granted by its own name, and this is not Lambda.
//!
//! Every resolved address that passes may be connected to, in the order of the answer. A name that
//! resolves to a forbidden address as well is refused as a whole: such an answer is not an honest
//! one. A loopback address that is not granted is left out, as long as another one passes:
//! `localhost` honestly has two.

use std::net::{IpAddr, SocketAddr};

use super::address::{AddressKind, carried_v4, kind};
use super::pattern::GrantPattern;
use super::reason::DenyReason;
use super::request::Request;

/// What one call may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grants {
    /// What the plugin asks for.
    pub asked: Vec<GrantPattern>,
    /// What the operator granted.
    pub granted: Granted,
    /// Where the Lambda runtime API listens.
    pub runtime_api: Vec<SocketAddr>,
    /// Whether this process runs on Lambda.
    pub on_lambda: bool,
}

/// What the operator granted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Granted {
    /// Nothing was configured: the secret's own host and port.
    #[default]
    OwnPlace,
    /// Exactly these; none at all, if the list is empty. The secret's own place is among them only
    /// where one of them covers it.
    Only(Vec<GrantPattern>),
}

impl Granted {
    /// What was written.
    fn patterns(&self) -> &[GrantPattern] {
        match self {
            Self::OwnPlace => &[],
            Self::Only(patterns) => patterns,
        }
    }

    /// Grants more.
    pub fn add(&mut self, more: impl IntoIterator<Item = GrantPattern>) {
        let mut more = more.into_iter().peekable();
        if more.peek().is_none() {
            return;
        }
        match self {
            Self::Only(patterns) => patterns.extend(more),
            Self::OwnPlace => *self = Self::Only(more.collect()),
        }
    }

    fn covers(&self, request: &Request<'_>) -> bool {
        match self {
            Self::OwnPlace => GrantPattern::for_secret().covers(request),
            Self::Only(patterns) => patterns.iter().any(|pattern| pattern.covers(request)),
        }
    }
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Connect to one of exactly these addresses, in this order.
    Allow(Vec<SocketAddr>),
    /// Don't.
    Deny(DenyReason),
}

impl Grants {
    /// The first half of the decision: whether the place may be reached by its name, whatever it
    /// resolves to.
    ///
    /// # Errors
    /// Why not.
    pub fn permit(&self, request: &Request<'_>) -> Result<(), DenyReason> {
        if !self.asked.iter().any(|pattern| pattern.covers(request)) {
            return Err(DenyReason::NotAsked);
        }
        if self.granted.covers(request) { Ok(()) } else { Err(DenyReason::NotGranted) }
    }

    /// Decides on a place and the addresses that its name resolved to.
    pub fn decide(&self, request: &Request<'_>, resolved: &[IpAddr]) -> Decision {
        if let Err(reason) = self.permit(request) {
            return Decision::Deny(reason);
        }
        let mut addresses = Vec::with_capacity(resolved.len());
        for address in resolved {
            match self.judge(*address, request) {
                Ok(()) => addresses.push(SocketAddr::new(*address, request.port)),
                Err(DenyReason::Loopback) => {}
                Err(reason) => return Decision::Deny(reason),
            }
        }
        if addresses.is_empty() && !resolved.is_empty() {
            return Decision::Deny(DenyReason::Loopback);
        }
        Decision::Allow(addresses)
    }

    fn judge(&self, address: IpAddr, request: &Request<'_>) -> Result<(), DenyReason> {
        let carried = match address {
            IpAddr::V4(_) => [None; 4],
            IpAddr::V6(address) => carried_v4(address),
        };
        // Whoever listens on this machine may do so on all of its loopback addresses.
        let same = |api: &SocketAddr, form: IpAddr| {
            api.ip() == form || (api.ip().is_loopback() && form.is_loopback())
        };
        let mut forms = carried.into_iter().flatten().map(IpAddr::from).chain([address]);
        let of_api =
            |form| self.runtime_api.iter().any(|api| api.port() == request.port && same(api, form));
        if forms.any(of_api) {
            return Err(DenyReason::RuntimeApi);
        }
        match kind(address) {
            AddressKind::Ordinary => Ok(()),
            AddressKind::Forbidden(reason) => Err(reason),
            AddressKind::Loopback if self.on_lambda => Err(DenyReason::LoopbackOnLambda),
            AddressKind::Loopback => {
                let granted = self.granted.patterns().iter().any(|pattern| {
                    pattern.names_loopback()
                        && pattern.covers_loopback(address)
                        && pattern.allows_port(request)
                });
                if granted { Ok(()) } else { Err(DenyReason::Loopback) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::request::SecretPlace;
    use super::*;

    fn patterns(texts: &[&str]) -> Vec<GrantPattern> {
        texts.iter().map(|text| text.parse().expect(text)).collect()
    }

    fn decide(granted: &[&str], on_lambda: bool, host: &str, resolved: &[&str]) -> Decision {
        let mut by_operator = Granted::default();
        by_operator.add(patterns(granted));
        let grants = Grants {
            asked: patterns(&["tcp://{host}:{port}", "tcp://*.cluster.example:5432"]),
            granted: by_operator,
            runtime_api: vec!["127.0.0.1:9001".parse().unwrap()],
            on_lambda,
        };
        let secret = SecretPlace::new("db.example", 5432);
        let request = Request { host, port: 5432, secret: &secret };
        let resolved: Vec<IpAddr> = resolved.iter().map(|text| text.parse().unwrap()).collect();
        grants.decide(&request, &resolved)
    }

    #[test]
    fn without_a_configuration_the_secrets_own_place_is_granted_and_nothing_else() {
        let allowed = decide(&[], false, "db.example", &["10.0.0.5"]);
        assert_eq!(allowed, Decision::Allow(vec!["10.0.0.5:5432".parse().unwrap()]));
        for (host, reason) in
            [("other.example", DenyReason::NotAsked), ("a.cluster.example", DenyReason::NotGranted)]
        {
            assert_eq!(decide(&[], false, host, &["10.0.0.5"]), Decision::Deny(reason), "{host}");
        }
    }

    #[test]
    fn each_reason_has_a_label_that_stays_and_says_what_is_wrong() {
        use DenyReason as Reason;
        for (reason, label, said) in [
            (Reason::NotAsked, "not-asked", "does not request this host and port"),
            (Reason::NotGranted, "not-granted", "grant it in WINDLASS_GRANTS"),
            (Reason::LinkLocal, "link-local", "metadata addresses are never reachable"),
            (Reason::NotOneHost, "not-one-host", "multicast and broadcast"),
            (Reason::Unspecified, "unspecified", "names no host"),
            (Reason::Disguised, "disguised", "another kind of address"),
            (Reason::RuntimeApi, "runtime-api", "the Lambda runtime API is never"),
            (Reason::Loopback, "loopback", "needs a grant that names it"),
            (Reason::LoopbackOnLambda, "loopback-on-lambda", "never reachable on Lambda"),
        ] {
            assert_eq!(reason.as_str(), label);
            assert!(reason.explanation().contains(said), "{label}: {}", reason.explanation());
        }
    }

    #[test]
    fn an_empty_list_grants_nothing() {
        let grants = Grants {
            asked: patterns(&["tcp://{host}:{port}"]),
            granted: Granted::Only(Vec::new()),
            runtime_api: Vec::new(),
            on_lambda: false,
        };
        let secret = SecretPlace::new("db.example", 5432);
        let request = Request { host: "db.example", port: 5432, secret: &secret };
        assert_eq!(grants.permit(&request), Err(DenyReason::NotGranted));
    }

    #[test]
    fn an_address_that_anybody_resolved_to_does_not_open_forbidden_places() {
        for resolved in [&["169.254.169.254"][..], &["10.0.0.5", "169.254.169.254"]] {
            let denied = decide(&[], false, "db.example", resolved);
            assert_eq!(denied, Decision::Deny(DenyReason::LinkLocal), "{resolved:?}");
        }
    }

    #[test]
    fn loopback_needs_its_own_grant_and_never_works_on_lambda() {
        let local = &["127.0.0.1"][..];
        let deny = Decision::Deny;
        assert_eq!(decide(&[], false, "db.example", local), deny(DenyReason::Loopback));
        let granted = &["tcp://127.0.0.0/8:5432", "tcp://{host}:{port}"][..];
        assert!(matches!(decide(granted, false, "db.example", local), Decision::Allow(_)));
        assert_eq!(decide(granted, true, "db.example", local), deny(DenyReason::LoopbackOnLambda));
        let two = decide(granted, false, "db.example", &["::1", "127.0.0.1"]);
        assert_eq!(two, Decision::Allow(vec!["127.0.0.1:5432".parse().unwrap()]));
        let other_port = &["tcp://127.0.0.1:5433", "tcp://{host}:{port}"][..];
        assert_eq!(decide(other_port, false, "db.example", local), deny(DenyReason::Loopback));
        let by_suffix = &["tcp://*.example:*"][..];
        assert_eq!(decide(by_suffix, false, "db.example", local), deny(DenyReason::Loopback));
    }

    /// Such a list once opened the secret's own place as well, for comfort: whoever wrote a secret
    /// then chose where the plugin went.
    #[test]
    fn a_list_of_loopback_places_grants_those_and_nothing_else() {
        let loopback = &["tcp://127.0.0.1:*", "tcp://localhost:*", "tcp://[::1]:*"][..];
        let denied = Decision::Deny(DenyReason::NotGranted);
        assert_eq!(decide(loopback, false, "db.example", &["10.0.0.5"]), denied);
        assert_eq!(decide(loopback, false, "db.example", &["127.0.0.1"]), denied);
    }

    #[test]
    fn the_runtime_api_stays_out_of_reach_even_where_loopback_is_granted() {
        let grants = Grants {
            asked: patterns(&["tcp://{host}:{port}"]),
            granted: Granted::Only(patterns(&[
                "tcp://127.0.0.0/8:*",
                "tcp://[::1]:*",
                "tcp://{host}:{port}",
            ])),
            runtime_api: vec!["127.0.0.1:9001".parse().unwrap()],
            on_lambda: false,
        };
        let written = ["127.0.0.1", "127.0.0.2", "::1"];
        let disguised =
            ["::ffff:127.0.0.1", "::ffff:127.0.0.2", "64:ff9b::7f00:1", "2002:7f00:1::"];
        let secret = SecretPlace::new("db.example", 9001);
        let request = Request { host: "db.example", port: 9001, secret: &secret };
        for form in written.iter().chain(&disguised) {
            let decision = grants.decide(&request, &[form.parse().unwrap()]);
            assert_eq!(decision, Decision::Deny(DenyReason::RuntimeApi), "{form}");
        }
        for host in written {
            let secret = SecretPlace::new(host, 9001);
            let request = Request { host, port: 9001, secret: &secret };
            let decision = grants.decide(&request, &[host.parse().unwrap()]);
            assert_eq!(decision, Decision::Deny(DenyReason::RuntimeApi), "{host}");
        }
    }

    /// The API may be elsewhere than on loopback, and a database may have its port.
    #[test]
    fn the_runtime_api_is_its_own_address_and_port_and_no_other() {
        let decide = |api: &str, resolved: &str, port: u16| {
            let grants = Grants {
                asked: patterns(&["tcp://{host}:{port}"]),
                granted: Granted::Only(patterns(&["tcp://127.0.0.0/8:*", "tcp://{host}:{port}"])),
                runtime_api: vec![api.parse().unwrap()],
                on_lambda: false,
            };
            let secret = SecretPlace::new("db.example", port);
            let request = Request { host: "db.example", port, secret: &secret };
            grants.decide(&request, &[resolved.parse().unwrap()])
        };
        let allowed = |address: &str| Decision::Allow(vec![address.parse().unwrap()]);
        let denied = Decision::Deny(DenyReason::RuntimeApi);
        for (api, resolved, port, expected) in [
            ("127.0.0.1:9001", "10.0.0.5", 9001, allowed("10.0.0.5:9001")),
            ("127.0.0.1:9001", "127.0.0.1", 5432, allowed("127.0.0.1:5432")),
            ("127.0.0.1:9001", "127.0.0.9", 9001, denied.clone()),
            ("10.1.2.3:9001", "10.1.2.3", 9001, denied.clone()),
            ("10.1.2.3:9001", "::ffff:10.1.2.3", 9001, denied),
            ("10.1.2.3:9001", "10.1.2.4", 9001, allowed("10.1.2.4:9001")),
            ("10.1.2.3:9001", "10.1.2.3", 5432, allowed("10.1.2.3:5432")),
            ("10.1.2.3:9001", "127.0.0.1", 9001, allowed("127.0.0.1:9001")),
        ] {
            assert_eq!(decide(api, resolved, port), expected, "{api} {resolved}:{port}");
        }
    }
}
