//! Grants: what is printed parses back to the same, and a grant opens what its text says by a model
//! that is written from the grammar, no more and no less, and never an address that nobody may
//! reach.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use windlass::grants::{Decision, GrantPattern, Granted, Grants, Request, SecretPlace};

use crate::Seed;

/// Where the Lambda runtime API listens.
const RUNTIME_API: &str = "127.0.0.1:9001";

/// One line each: the grant, the host asked for, the secret's host, the ports (asked for, the
/// secret's), what the name resolves to; `lambda` behind the addresses is a place to run.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (pattern, host, secret_host, ports) = (line(), line(), line(), line());
    let mut words = line().split(' ').peekable();
    let resolved: Vec<IpAddr> =
        words.by_ref().map_while(|word| word.parse().ok()).take(4).collect();
    let on_lambda = text.ends_with("lambda");
    let mut ports = ports.split(' ').map(|port| port.parse().unwrap_or(5432));
    let (port, secret_port) = (ports.next().unwrap_or(5432), ports.next().unwrap_or(5432));

    let parsed: GrantPattern = match pattern.parse() {
        Ok(parsed) => parsed,
        Err(_) => return,
    };
    let printed = parsed.to_string();
    assert_eq!(printed.parse(), Ok(parsed.clone()), "{pattern:?} prints {printed:?}");
    assert!(printed.bytes().all(|byte| byte.is_ascii_graphic() && byte != b','), "{printed:?}");

    let mut secret = SecretPlace::new(secret_host, secret_port);
    secret.fields.push(("replica".to_owned(), host.to_owned()));
    secret.fields.push(("replicaPort".to_owned(), port.to_string()));
    let request = Request { host, port, secret: &secret };
    let Ok(runtime_api) = RUNTIME_API.parse::<SocketAddr>() else { return };
    let grants = Grants {
        asked: vec![parsed.clone()],
        granted: Granted::Only(vec![parsed]),
        runtime_api: vec![runtime_api],
        on_lambda,
    };
    // What is printed is the same grant, so the model is held to both spellings.
    for pattern in [pattern, &printed] {
        let Some(covers) = covers(pattern, &request) else { return };
        let expected = covers.then(|| addresses(pattern, port, on_lambda, &resolved)).flatten();
        match grants.decide(&request, &resolved) {
            Decision::Allow(allowed) => {
                assert_eq!(Some(allowed), expected, "{pattern:?} {request:?} {resolved:?}");
            }
            Decision::Deny(reason) => {
                assert_eq!(expected, None, "{reason:?}: {pattern:?} {request:?} {resolved:?}");
            }
        }
    }
}

/// Whether the text of a grant covers a place; absent for what this model does not know.
fn covers(pattern: &str, request: &Request<'_>) -> Option<bool> {
    let (host, port) = split(pattern)?;
    let port_covered = match port {
        Some("*") | Some("{replicaPort}") => true,
        // A host that is a number could be a port.
        Some("{replica}") => {
            let digits = request.host.bytes().all(|byte| byte.is_ascii_digit());
            digits && request.host.parse() == Ok(request.port)
        }
        None | Some("{port}") => request.port == request.secret.port,
        // Of another key of the secret, which it does not have.
        Some(key) if key.starts_with('{') => false,
        Some(port) => {
            let (first, last) = port.split_once('-').unwrap_or((port, port));
            let number = |text: &str| text.parse::<u32>().ok();
            (number(first)?..=number(last)?).contains(&u32::from(request.port))
        }
    };
    let asked = request.host.to_ascii_lowercase();
    let host_covered = if host == "{host}" {
        !asked.is_empty() && asked == request.secret.host.to_ascii_lowercase()
    } else if host == "{replica}" {
        !asked.is_empty()
    } else if host.contains('{') {
        false
    } else if let Some((network, bits)) = network(host) {
        request.host.parse().is_ok_and(|asked| same_beginning(asked, network, bits))
    } else if let Some(suffix) = host.strip_prefix('*') {
        // A name, and not what a resolver may read as something else.
        let mut labels = asked.split('.');
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        asked.len() <= 253
            && labels.all(|label| (1..=63).contains(&label.len()) && label.chars().all(plain))
            && asked.ends_with(&suffix.to_ascii_lowercase())
            && asked.len() > suffix.len()
    } else {
        asked == host.to_ascii_lowercase()
    };
    Some(port_covered && host_covered)
}

/// Host and port of a grant's text.
fn split(pattern: &str) -> Option<(&str, Option<&str>)> {
    let place = pattern.strip_prefix("tcp://")?;
    let port_at = place.rfind(':').filter(|at| !place[*at..].contains(']'));
    Some(match port_at {
        Some(at) => (&place[..at], Some(&place[at + 1..])),
        None => (place, None),
    })
}

/// An address, and how many bits of it count.
fn network(host: &str) -> Option<(IpAddr, u32)> {
    let (address, bits) = host.split_once('/').unwrap_or((host, ""));
    let address: IpAddr = address.trim_matches(['[', ']']).parse().ok()?;
    Some((address, bits.parse().unwrap_or(if address.is_ipv4() { 32 } else { 128 })))
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// Bit by bit.
fn same_beginning(one: IpAddr, other: IpAddr, bits: u32) -> bool {
    let (one, other) = (octets(one), octets(other));
    one.len() == other.len()
        && (0..bits as usize).all(|bit| {
            let of = |octets: &[u8]| octets[bit / 8] >> (7 - bit % 8) & 1;
            of(&one) == of(&other)
        })
}

/// The addresses that may be connected to, or that none may.
fn addresses(
    pattern: &str,
    port: u16,
    on_lambda: bool,
    resolved: &[IpAddr],
) -> Option<Vec<SocketAddr>> {
    let mut allowed = Vec::new();
    for address in resolved {
        let place = SocketAddr::new(*address, port);
        let own_machine = address.is_loopback() && RUNTIME_API.ends_with(&format!(":{port}"));
        if own_machine || is_forbidden(*address) {
            return None;
        }
        if !address.is_loopback() {
            allowed.push(place);
        } else if on_lambda {
            return None;
        } else if grants_loopback(pattern, *address) {
            allowed.push(place);
        }
    }
    (!allowed.is_empty() || resolved.is_empty()).then_some(allowed)
}

fn grants_loopback(pattern: &str, address: IpAddr) -> bool {
    let Some((host, _)) = split(pattern) else { return false };
    match network(host) {
        Some((of, bits)) => {
            let narrow = if of.is_ipv4() { bits >= 8 } else { bits == 128 };
            of.is_loopback() && narrow && same_beginning(address, of, bits)
        }
        None => host.eq_ignore_ascii_case("localhost"),
    }
}

/// From the registries of special addresses: what is nobody's service, and IPv6 that stands for it.
fn is_forbidden(address: IpAddr) -> bool {
    let v4 = |octets: [u8; 4]| {
        let address = Ipv4Addr::from(octets);
        address.is_link_local()
            || octets[0] == 0
            || (224..240).contains(&octets[0])
            || octets == [255; 4]
    };
    let octets = match address {
        IpAddr::V4(address) => return v4(address.octets()),
        IpAddr::V6(address) => address.octets(),
    };
    if address.is_loopback() {
        return false;
    }
    if octets == [0; 16]
        || octets[0] == 0xff
        || (octets[0] == 0xfe && octets[1] & 0xc0 == 0x80)
        || octets[..4] == [0xfd, 0, 0x0e, 0xc2]
    {
        return true;
    }
    let tail = [octets[12], octets[13], octets[14], octets[15]];
    let carried = match octets {
        [0x20, 0x02, a, b, c, d, ..] => Some([a, b, c, d]),
        [0x20, 0x01, 0, 0, ..] => Some(tail.map(|octet| !octet)),
        // Where in it the address is, only the network's translator knows (RFC 6052, section 2.2).
        [0, 0x64, 0xff, 0x9b, 0, 1, a, b, _, c, d, e, f, ..] => {
            let readings = [[a, b, c, d], [b, c, d, e], [c, d, e, f], tail];
            return readings.iter().any(|of| of[0] == 127 || (of[0] != 0 && v4(*of)));
        }
        _ if octets[..12] == [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0] => Some(tail),
        // Compatible, mapped, translated.
        _ if octets[..8] == [0; 8]
            && [[0, 0, 0, 0], [0, 0, 0xff, 0xff], [0xff, 0xff, 0, 0]]
                .contains(&[octets[8], octets[9], octets[10], octets[11]]) =>
        {
            Some(tail)
        }
        _ => None,
    };
    carried.is_some_and(|carried| carried[0] == 127 || v4(carried))
}

/// Each form of the grammar, with a place that it covers or just doesn't.
pub fn seeds() -> Vec<Seed> {
    vec![
        Seed::new("field", "tcp://{replica}:{replicaPort}\nany.example\ndb.example\n1 2\n10.0.0.5"),
        Seed::new("another-field", "tcp://{nowhere}:{host}\ndb.example\ndb.example\n1 1\n10.0.0.5"),
        Seed::new("without-a-port", "tcp://db.example\ndb.example\nx\n5433 5433\n10.0.0.5"),
        Seed::new("nat64-of-a-network", "tcp://db\ndb\ndb\n1 1\n64:ff9b:1:a9fe:a9:fe00::"),
        Seed::new("name", "tcp://db.example:5432\nDB.example\ndb.example\n5432 5432\n10.0.0.5"),
        Seed::new(
            "below",
            "tcp://*.rds.amazonaws.com:5432-5440\na.rds.amazonaws.com\nx\n5440 1\n10.0.0.5 2001:db8::1",
        ),
        Seed::new("suffix-itself", "tcp://*.example\nexample\nexample\n1 1\n10.0.0.5"),
        Seed::new("network", "tcp://10.0.0.0/9:*\n10.127.3.4\nx\n1 1\n10.127.3.4"),
        Seed::new(
            "network-6",
            "tcp://[2001:db8::]/33:5432\n2001:db8:7fff::1\nx\n5432 1\n2001:db8:7fff::1",
        ),
        Seed::new("secret", "tcp://{host}:{port}\ndb.example\ndb.example\n5432 5432\n10.0.0.5"),
        Seed::new("loopback", "tcp://127.0.0.0/8:*\n127.0.0.1\nx\n5432 1\n127.0.0.1"),
        Seed::new("loopback-6", "tcp://[::1]:5432\n::1\nx\n5432 1\n::1"),
        Seed::new("localhost", "tcp://localhost\nlocalhost\nx\n5432 1\n::1 127.0.0.1"),
        Seed::new("runtime-api", "tcp://127.0.0.1:*\n127.0.0.1\nx\n9001 1\n127.0.0.1"),
        Seed::new("on-lambda", "tcp://localhost:*\nlocalhost\nx\n5432 1\n127.0.0.1 lambda"),
        Seed::new("metadata", "tcp://db.example\ndb.example\nx\n80 1\n10.0.0.5 169.254.169.254"),
        Seed::new("disguised", "tcp://db.example\ndb.example\nx\n80 1\n::ffff:127.0.0.1"),
        Seed::new("nat64", "tcp://db.example\ndb.example\nx\n80 1\n64:ff9b::169.254.169.254"),
        Seed::new("bare-star", "tcp://*:5432\nanything\nx\n5432 1\n10.0.0.5"),
    ]
}
