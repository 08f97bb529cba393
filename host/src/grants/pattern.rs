//! The grammar of grants: `scheme://host[:port]`.
//!
//! | form | matches |
//! |---|---|
//! | `tcp://db.example:5432` | that name (any case), that port |
//! | `tcp://*.rds.amazonaws.com:5432` | names below that suffix, not the suffix itself |
//! | `tcp://10.0.0.0/16:5432` | places written as an address in that network; never a name |
//! | `tcp://[2001:db8::1]:5432`, `tcp://[2001:db8::]/32:5432` | the same for IPv6 |
//! | `tcp://db.example:5432-5440` | ports of a range, both ends included |
//! | `tcp://db.example:*`, `tcp://db.example` | every port |
//! | `tcp://{host}:{port}` | the host and port of the secret that is being rotated |
//!
//! The only scheme so far is `tcp`. A bare `*` for the host is refused: it would switch the
//! sandbox's network off. `Display` prints what parses back to the same pattern.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::Request;

/// One grant, or one thing that a plugin asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantPattern {
    host: HostPattern,
    port: PortPattern,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum HostPattern {
    /// The secret's host.
    OfSecret,
    /// A name, lower-case.
    Name(String),
    /// Names that end with `.` and this, lower-case.
    Below(String),
    /// An address or a network.
    Network { address: IpAddr, prefix: u8 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PortPattern {
    /// The secret's port.
    OfSecret,
    Any,
    Range(u16, u16),
}

impl GrantPattern {
    /// The usual grant: the host and port of the secret.
    pub fn of_secret() -> Self {
        Self { host: HostPattern::OfSecret, port: PortPattern::OfSecret }
    }

    /// Whether a place is covered.
    pub(super) fn covers(&self, request: &Request<'_>) -> bool {
        let Request { host, secret_host, .. } = *request;
        let host_matches = match &self.host {
            HostPattern::OfSecret => host.eq_ignore_ascii_case(secret_host),
            HostPattern::Name(name) => host.eq_ignore_ascii_case(name),
            HostPattern::Below(suffix) => host
                .to_ascii_lowercase()
                .strip_suffix(suffix.as_str())
                .is_some_and(|label| label.len() > 1 && label.ends_with('.')),
            // A name never matches: what it resolves to is not the operator's to foresee.
            HostPattern::Network { address, prefix } => {
                host.parse().is_ok_and(|host| in_network(host, *address, *prefix))
            }
        };
        host_matches && self.allows_port(request)
    }

    /// Whether the operator wrote a loopback place by its own name or address. `{host}` does not
    /// count: whoever writes the secret must not be able to grant it.
    pub(super) fn names_loopback(&self) -> bool {
        match &self.host {
            HostPattern::Name(name) => name == "localhost",
            HostPattern::Network { address: IpAddr::V4(address), prefix } => {
                address.is_loopback() && *prefix >= 8
            }
            HostPattern::Network { address: IpAddr::V6(address), prefix } => {
                address.is_loopback() && *prefix == 128
            }
            HostPattern::OfSecret | HostPattern::Below(_) => false,
        }
    }

    /// Whether the port is covered, whatever the host.
    pub(super) fn allows_port(&self, request: &Request<'_>) -> bool {
        match self.port {
            PortPattern::OfSecret => request.port == request.secret_port,
            PortPattern::Any => true,
            PortPattern::Range(first, last) => (first..=last).contains(&request.port),
        }
    }

    /// Whether this loopback grant covers a resolved address: a network by its range, the name
    /// `localhost` by any loopback address.
    pub(super) fn covers_loopback(&self, resolved: IpAddr) -> bool {
        match &self.host {
            HostPattern::Name(name) => name == "localhost",
            HostPattern::Network { address, prefix } => in_network(resolved, *address, *prefix),
            HostPattern::OfSecret | HostPattern::Below(_) => false,
        }
    }
}

fn in_network(host: IpAddr, network: IpAddr, prefix: u8) -> bool {
    match (host, network) {
        (IpAddr::V4(host), IpAddr::V4(network)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            u32::from(host) & mask == u32::from(network) & mask
        }
        (IpAddr::V6(host), IpAddr::V6(network)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            u128::from(host) & mask == u128::from(network) & mask
        }
        _ => false,
    }
}

impl FromStr for GrantPattern {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let wrong = |reason| GrantError { pattern: text.to_owned(), reason };
        let (scheme, place) = text.split_once("://").ok_or_else(|| wrong("it has no scheme"))?;
        if scheme != "tcp" {
            return Err(wrong("the only scheme is tcp"));
        }
        let (host, port) = split_port(place).ok_or_else(|| wrong("a `[` is not closed"))?;
        let host = host_pattern(host).map_err(wrong)?;
        let port = match port {
            None => PortPattern::Any,
            Some(port) => port_pattern(port).ok_or_else(|| {
                wrong("the port is a number, a range such as 5432-5440, `*` or `{port}`")
            })?,
        };
        Ok(Self { host, port })
    }
}

/// Splits `host:port`, `[v6]:port`, `[v6]/prefix:port`; the port may be absent.
fn split_port(place: &str) -> Option<(&str, Option<&str>)> {
    let after_bracket = if place.starts_with('[') { place.find(']')? } else { 0 };
    let colon = place.get(after_bracket..)?.find(':').map(|at| at + after_bracket);
    match colon {
        None => Some((place, None)),
        Some(at) => Some((place.get(..at)?, Some(place.get(at + 1..)?))),
    }
}

fn host_pattern(text: &str) -> Result<HostPattern, &'static str> {
    if text == "{host}" {
        return Ok(HostPattern::OfSecret);
    }
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
    if let Ok(address) = bare.parse::<IpAddr>() {
        let widest: u8 = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => widest,
            Some(text) => text.parse().map_err(|_| "the prefix length is not a number")?,
        };
        if prefix > widest {
            return Err("the prefix length is too large");
        }
        if prefix == 0 {
            return Err("a prefix length of 0 would grant every address");
        }
        return Ok(HostPattern::Network { address, prefix });
    }
    if prefix.is_some() {
        return Err("only an address can have a prefix length");
    }
    let (below, name) = match text.strip_prefix("*.") {
        Some(suffix) => (true, suffix),
        None => (false, text),
    };
    let valid = !name.is_empty()
        && name.len() <= 253
        && name.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        });
    match (valid, below) {
        (true, true) => Ok(HostPattern::Below(name.to_ascii_lowercase())),
        (true, false) => Ok(HostPattern::Name(name.to_ascii_lowercase())),
        (false, _) if text == "*" => Err("`*` alone would grant every host"),
        (false, _) => Err("the host is a name, `*.suffix`, an address, a network or `{host}`"),
    }
}

fn port_pattern(text: &str) -> Option<PortPattern> {
    match text {
        "{port}" => return Some(PortPattern::OfSecret),
        "*" => return Some(PortPattern::Any),
        _ => {}
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| {
        text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u16>().ok()).flatten()
    };
    let (first, last) = (number(first)?, number(last)?);
    (first > 0 && first <= last).then_some(PortPattern::Range(first, last))
}

impl fmt::Display for GrantPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tcp://")?;
        match &self.host {
            HostPattern::OfSecret => f.write_str("{host}")?,
            HostPattern::Name(name) => f.write_str(name)?,
            HostPattern::Below(suffix) => write!(f, "*.{suffix}")?,
            HostPattern::Network { address: IpAddr::V4(address), prefix } => {
                write!(f, "{address}/{prefix}")?;
            }
            HostPattern::Network { address: IpAddr::V6(address), prefix } => {
                write!(f, "[{address}]/{prefix}")?;
            }
        }
        match self.port {
            PortPattern::OfSecret => f.write_str(":{port}"),
            PortPattern::Any => f.write_str(":*"),
            PortPattern::Range(first, last) if first == last => write!(f, ":{first}"),
            PortPattern::Range(first, last) => write!(f, ":{first}-{last}"),
        }
    }
}

/// A text that is no grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is not a grant: {reason}; grants look like `tcp://db.example:5432`")]
pub struct GrantError {
    pattern: String,
    reason: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_display_prints_parses_back_to_the_same() {
        for text in [
            "tcp://db.example:5432",
            "tcp://DB.Example",
            "tcp://*.rds.amazonaws.com:5432-5440",
            "tcp://10.0.0.0/16:*",
            "tcp://127.0.0.1:5432",
            "tcp://[2001:db8::]/32:5432",
            "tcp://[::1]:1",
            "tcp://{host}:{port}",
        ] {
            let pattern: GrantPattern = text.parse().expect(text);
            assert_eq!(pattern.to_string().parse(), Ok(pattern), "{text}");
        }
    }

    #[test]
    fn what_is_no_grant_is_refused_with_its_reason() {
        for (text, reason) in [
            ("db:5432", "no scheme"),
            ("http://db", "only scheme"),
            ("tcp://*:5432", "every host"),
            ("tcp://0.0.0.0/0:5432", "every address"),
            ("tcp://db.example/8", "only an address"),
            ("tcp://10.0.0.0/33", "too large"),
            ("tcp://[::1:5432", "not closed"),
            ("tcp://db:0", "the port"),
            ("tcp://db:9-5", "the port"),
            ("tcp://db:+5", "the port"),
            ("tcp://db:65536", "the port"),
            ("tcp://:5432", "the host"),
            ("tcp://a..b", "the host"),
            ("tcp://a*.b", "the host"),
            ("tcp://{user}", "the host"),
        ] {
            let error = text.parse::<GrantPattern>().expect_err(text).to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn a_pattern_covers_what_it_reads_and_no_more() {
        let covers = |pattern: &str, host: &str, port: u16| {
            let request = Request { host, port, secret_host: "secret.example", secret_port: 5432 };
            pattern.parse::<GrantPattern>().unwrap().covers(&request)
        };
        for (pattern, host, port, expected) in [
            ("tcp://db.example:5432", "DB.example", 5432, true),
            ("tcp://db.example:5432", "db.example", 5433, false),
            ("tcp://db.example:5432", "db.example.evil", 5432, false),
            ("tcp://*.example", "a.b.example", 1, true),
            ("tcp://*.example", "example", 1, false),
            ("tcp://*.example", ".example", 1, false),
            ("tcp://*.example", "badexample", 1, false),
            ("tcp://10.0.0.0/8", "10.200.3.4", 1, true),
            ("tcp://10.0.0.0/8", "11.0.0.1", 1, false),
            ("tcp://10.0.0.0/8", "ten.example", 1, false),
            ("tcp://[2001:db8::]/32", "2001:db8:1::1", 1, true),
            ("tcp://db:10-12", "db", 12, true),
            ("tcp://db:10-12", "db", 13, false),
            ("tcp://{host}:{port}", "secret.example", 5432, true),
            ("tcp://{host}:{port}", "secret.example", 5433, false),
            ("tcp://{host}:{port}", "other.example", 5432, false),
        ] {
            assert_eq!(covers(pattern, host, port), expected, "{pattern} {host}:{port}");
        }
    }
}
