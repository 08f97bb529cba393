//! The grammar of grants: `scheme://host[:port]`.
//!
//! | form | matches |
//! |---|---|
//! | `tcp://db.example:5432` | that name (any case), that port |
//! | `tcp://*.rds.amazonaws.com:5432` | names below that suffix, not the suffix itself |
//! | `tcp://10.1.2.3:5432`, `tcp://[2001:db8::1]:5432` | that address, where it is written as one; never a name |
//! | `tcp://10.0.0.0/16:5432`, `tcp://[2001:db8::]/32:5432` | places written as an address in that network; never a name |
//! | `tcp://{host}:{port}` | the host and port of the secret that is being rotated |
//! | `tcp://{replicaHost}:{replicaPort}` | what the secret's keys of those names hold; nothing where it has none |
//! | `…:5432-5440` | ports of a range, both ends included |
//! | `…:*` | every port |
//! | `…` without a port | the secret's port, as `:{port}` |
//!
//! A pattern never covers more than it says to a reader: a bare `*`, a prefix length of 0, an
//! address with bits beyond its prefix (`10.0.0.5/8`) and a name that a resolver takes for an
//! address (`10.1`, `0x7f.1`) are refused. The only scheme so far is `tcp`. `Display` prints what
//! parses back to the same pattern.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::request::{Request, SecretPlace, number};

/// The longest name of a key in `{…}`. Keys of secrets are words.
const FIELD_BYTES: usize = 64;

/// The longest name that DNS carries (RFC 1035, section 2.3.4), in characters as people write it.
const NAME_BYTES: usize = 253;

/// The longest label of a name (ibid.).
const LABEL_BYTES: usize = 63;

/// One grant, or one thing that a plugin asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantPattern {
    host: HostPattern,
    port: PortPattern,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum HostPattern {
    /// What the secret's key of this name holds.
    Field(String),
    /// A name, lower-case.
    Name(String),
    /// Names that end with `.` and this, lower-case.
    Below(String),
    /// An address or a network.
    Network { address: IpAddr, prefix: u8 },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum PortPattern {
    /// What the secret's key of this name holds.
    Field(String),
    Any,
    Range(u16, u16),
}

impl GrantPattern {
    /// The usual grant: the host and port of the secret.
    pub fn for_secret() -> Self {
        Self {
            host: HostPattern::Field(SecretPlace::HOST.to_owned()),
            port: PortPattern::Field(SecretPlace::PORT.to_owned()),
        }
    }

    /// Whether a place is covered.
    pub(super) fn covers(&self, request: &Request<'_>) -> bool {
        let host = request.host;
        let host_matches = match &self.host {
            HostPattern::Field(key) => {
                request.secret.host(key).is_some_and(|own| host.eq_ignore_ascii_case(own))
            }
            HostPattern::Name(name) => host.eq_ignore_ascii_case(name),
            HostPattern::Below(suffix) => {
                is_name(host)
                    && host
                        .to_ascii_lowercase()
                        .strip_suffix(suffix.as_str())
                        .is_some_and(|label| label.len() > 1 && label.ends_with('.'))
            }
            // A name never matches: what it resolves to is not the operator's to foresee.
            HostPattern::Network { address, prefix } => {
                host.parse().is_ok_and(|host| in_network(host, *address, *prefix))
            }
        };
        host_matches && self.allows_port(request)
    }

    /// Whether the operator wrote a loopback place by its own name or address. `{…}` does not
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
            HostPattern::Field(_) | HostPattern::Below(_) => false,
        }
    }

    /// Whether the port is covered, whatever the host.
    pub(super) fn allows_port(&self, request: &Request<'_>) -> bool {
        match &self.port {
            PortPattern::Field(key) => request.secret.port(key) == Some(request.port),
            PortPattern::Any => true,
            PortPattern::Range(first, last) => (*first..=*last).contains(&request.port),
        }
    }

    /// Whether this loopback grant covers a resolved address: a network by its range, the name
    /// `localhost` by any loopback address.
    pub(super) fn covers_loopback(&self, resolved: IpAddr) -> bool {
        match &self.host {
            HostPattern::Name(name) => name == "localhost",
            HostPattern::Network { address, prefix } => in_network(resolved, *address, *prefix),
            HostPattern::Field(_) | HostPattern::Below(_) => false,
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
            None => PortPattern::Field(SecretPlace::PORT.to_owned()),
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
    if text.starts_with('{') {
        let key = field(text).ok_or("`{…}` holds the name of one of the secret's keys")?;
        return Ok(HostPattern::Field(key));
    }
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    // Brackets are for IPv6 and IPv6 needs them: its colons would be taken for a port's.
    let bracketed = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match bracketed {
        Some(address) => address.parse::<Ipv6Addr>().map(IpAddr::from).ok(),
        None => address.parse::<Ipv4Addr>().map(IpAddr::from).ok(),
    };
    if let Some(address) = address {
        let widest: u8 = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => widest,
            Some(text) => number(text).ok_or("the prefix length is not a number")?,
        };
        if prefix > widest {
            return Err("the prefix length is too large");
        }
        if prefix == 0 {
            return Err("a prefix length of 0 would grant every address");
        }
        if has_bits_beyond(address, prefix) {
            return Err("the address has bits beyond its prefix length; write the network's own");
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
    let valid = is_name(name);
    if valid && looks_like_an_address(name) {
        return Err("resolvers take this name for an address; write the address in full");
    }
    match (valid, below) {
        (true, true) => Ok(HostPattern::Below(name.to_ascii_lowercase())),
        (true, false) => Ok(HostPattern::Name(name.to_ascii_lowercase())),
        (false, _) if text == "*" => Err("`*` alone would grant every host"),
        (false, _) => Err("the host is a name, `*.suffix`, an address, a network or `{host}`"),
    }
}

/// `{key}`.
fn field(text: &str) -> Option<String> {
    let key = text.strip_prefix('{')?.strip_suffix('}')?;
    let valid = !key.is_empty()
        && key.len() <= FIELD_BYTES
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    valid.then(|| key.to_owned())
}

/// Whether a text is made like a host name (letters, digits, `-`, and `_`, which some zones use).
fn is_name(text: &str) -> bool {
    text.len() <= NAME_BYTES
        && text.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= LABEL_BYTES
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        })
}

/// Whether a resolver would read this name as an IPv4 address in one of its old spellings (`10.1`,
/// `0x7f.1`, `2130706433`): it goes by the last label, as WHATWG's URL standard does, section 3.5.
fn looks_like_an_address(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let hexadecimal = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    last.bytes().all(|b| b.is_ascii_digit())
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn has_bits_beyond(address: IpAddr, prefix: u8) -> bool {
    match address {
        IpAddr::V4(address) => {
            u32::from(address) & u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0) != 0
        }
        IpAddr::V6(address) => {
            u128::from(address) & u128::MAX.checked_shr(u32::from(prefix)).unwrap_or(0) != 0
        }
    }
}

fn port_pattern(text: &str) -> Option<PortPattern> {
    if text == "*" {
        return Some(PortPattern::Any);
    }
    if text.starts_with('{') {
        return field(text).map(PortPattern::Field);
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (number::<u16>(first)?, number(last)?);
    (first > 0 && first <= last).then_some(PortPattern::Range(first, last))
}

impl fmt::Display for GrantPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tcp://")?;
        match &self.host {
            HostPattern::Field(key) => write!(f, "{{{key}}}")?,
            HostPattern::Name(name) => f.write_str(name)?,
            HostPattern::Below(suffix) => write!(f, "*.{suffix}")?,
            HostPattern::Network { address: IpAddr::V4(address), prefix: 32 } => {
                write!(f, "{address}")?;
            }
            HostPattern::Network { address: IpAddr::V4(address), prefix } => {
                write!(f, "{address}/{prefix}")?;
            }
            HostPattern::Network { address: IpAddr::V6(address), prefix: 128 } => {
                write!(f, "[{address}]")?;
            }
            HostPattern::Network { address: IpAddr::V6(address), prefix } => {
                write!(f, "[{address}]/{prefix}")?;
            }
        }
        match &self.port {
            PortPattern::Field(key) => write!(f, ":{{{key}}}"),
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
            "tcp://{replica-host}:{replica_port}",
            "tcp://{host}",
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
            ("tcp://{us er}", "one of the secret's keys"),
            ("tcp://{}", "one of the secret's keys"),
            ("tcp://{host", "one of the secret's keys"),
            ("tcp://{host}.example", "one of the secret's keys"),
            ("tcp://db:{}", "the port"),
            ("tcp://10.0.0.5/8", "bits beyond"),
            ("tcp://[2001:db8::1]/32", "bits beyond"),
            ("tcp://10.0.0.0/+8", "not a number"),
            ("tcp://10.1", "take this name for an address"),
            ("tcp://2130706433:80", "take this name for an address"),
            ("tcp://a.0x7F", "take this name for an address"),
            ("tcp://*.0", "take this name for an address"),
            ("tcp://[10.0.0.1]:80", "the host"),
            ("tcp://::1", "the host"),
        ] {
            let error = text.parse::<GrantPattern>().expect_err(text).to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn a_pattern_covers_what_it_reads_and_no_more() {
        let covers = |pattern: &str, host: &str, port: u16| {
            let mut secret = SecretPlace::new("secret.example", 5432);
            secret.fields.push(("replica".into(), "second.example".into()));
            secret.fields.push(("replicaPort".into(), "5433".into()));
            secret.fields.push(("empty".into(), String::new()));
            secret.fields.push(("signed".into(), "+5432".into()));
            let request = Request { host, port, secret: &secret };
            pattern.parse::<GrantPattern>().unwrap().covers(&request)
        };
        for (pattern, host, port, expected) in [
            ("tcp://db.example:5432", "DB.example", 5432, true),
            ("tcp://db.example:5432", "db.example", 5433, false),
            ("tcp://db.example:5432", "db.example.evil", 5432, false),
            ("tcp://db.example", "db.example", 5432, true),
            ("tcp://db.example", "db.example", 5433, false),
            ("tcp://*.example:*", "a.b.example", 1, true),
            ("tcp://*.example:*", "example", 1, false),
            ("tcp://*.example:*", ".example", 1, false),
            ("tcp://*.example:*", "badexample", 1, false),
            ("tcp://*.example:*", "evil.com/.example", 1, false),
            ("tcp://*.example:*", "a\0.example", 1, false),
            ("tcp://10.0.0.0/8:*", "10.200.3.4", 1, true),
            ("tcp://10.0.0.0/8:*", "11.0.0.1", 1, false),
            ("tcp://10.0.0.0/8:*", "ten.example", 1, false),
            ("tcp://10.0.0.0/8:*", "167772161", 1, false),
            ("tcp://10.0.0.0/8:*", "::ffff:10.0.0.1", 1, false),
            ("tcp://[2001:db8::]/32:*", "2001:db8:1::1", 1, true),
            ("tcp://db:10-12", "db", 12, true),
            ("tcp://db:10-12", "db", 13, false),
            ("tcp://{host}:{port}", "secret.example", 5432, true),
            ("tcp://{host}:{port}", "secret.example", 5433, false),
            ("tcp://{host}:{port}", "other.example", 5432, false),
            ("tcp://{replica}:{replicaPort}", "SECOND.example", 5433, true),
            ("tcp://{replica}:{replicaPort}", "second.example", 5432, false),
            ("tcp://{replica}:{port}", "second.example", 5432, true),
            ("tcp://{replica}:{replica}", "second.example", 5432, false),
            ("tcp://{replica}:{signed}", "second.example", 5432, false),
            ("tcp://{missing}:*", "second.example", 5433, false),
            ("tcp://{empty}:*", "", 5433, false),
        ] {
            assert_eq!(covers(pattern, host, port), expected, "{pattern} {host}:{port}");
        }
    }
}
