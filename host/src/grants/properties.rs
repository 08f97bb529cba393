//! What holds of every grant, whatever its text: it covers what it says and no more, and what
//! `Display` prints reads as the same grant.
//!
//! The reading that the parser is held to is another one, made from the text's parts: from what a
//! person would take them for.

use std::net::IpAddr;

use proptest::prelude::*;

use super::{GrantPattern, Request, SecretPlace};

/// Hosts that lie near the ones that patterns speak of.
const HOSTS: [&str; 26] = [
    "db.example",
    "DB.EXAMPLE",
    "second.example",
    "a.b.example",
    "example",
    ".example",
    "xexample",
    "db.example.",
    "db.example.evil",
    "10.0.0.5",
    "10.1.2.3",
    "11.0.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "2001:db8::1",
    "2001:db9::1",
    "::1",
    "::ffff:10.0.0.5",
    "167772165",
    "10.5",
    "0xa.0.0.5",
    "localhost",
    "",
    "{host}",
    "a\0.example",
    "a/.example",
];

/// Ports at and beside the ends of what patterns speak of.
const PORTS: [u16; 6] = [0, 1, 5431, 5432, 5433, 65535];

/// A request that a pattern may be asked about.
#[derive(Debug, Clone, Copy)]
struct Asked<'a> {
    host: &'a str,
    port: u16,
}

/// Every request near the patterns, and one from anywhere.
fn each<'a>(other: &'a (String, u16)) -> impl Iterator<Item = Asked<'a>> {
    let near = HOSTS.iter().flat_map(|host| PORTS.map(|port| Asked { host, port }));
    near.chain([Asked { host: &other.0, port: other.1 }])
}

/// A request from anywhere.
fn other() -> impl Strategy<Value = (String, u16)> {
    let address = any::<u32>().prop_map(|bits| std::net::Ipv4Addr::from(bits).to_string());
    (prop_oneof!["[a-z0-9.:*-]{0,20}", address], any::<u16>())
}

fn secret() -> SecretPlace {
    let mut secret = SecretPlace::new("db.example", 5432);
    secret.fields.push(("replica".into(), "second.example".into()));
    secret.fields.push(("replicaPort".into(), "5433".into()));
    secret
}

/// Texts that are grants, nearly are, or are anything.
fn text() -> impl Strategy<Value = String> {
    let hosts = [
        "db.example",
        "*.example",
        "*",
        "*.*",
        "*.",
        "10.0.0.5",
        "10.0.0.0/8",
        "10.0.0.5/8",
        "10.0.0.4/31",
        "0.0.0.0/0",
        "10.0.0.0/+8",
        "[2001:db8::1]",
        "[2001:db8::]/32",
        "[::]/0",
        "[::1]",
        "::1",
        "[10.0.0.5]",
        "{host}",
        "{replica}",
        "{host}.example",
        "*.{host}",
        "{}",
        "10.5",
        "0x7f.1",
        "a..b",
        "-",
        "_",
        "",
        "db.example/8",
        "localhost",
        "127.0.0.0/8",
    ];
    let ports = [
        "",
        ":5432",
        ":5432-5433",
        ":5433-5432",
        ":*",
        ":**",
        ":{port}",
        ":{replicaPort}",
        ":0",
        ":0-5432",
        ":+5432",
        ":65536",
        ":",
        "::5432",
        ":5432-",
        ":-5432",
        ":{host}",
        ":5432:5433",
    ];
    let schemes = ["tcp://", "tcp:/", "http://", "TCP://", "tcp://tcp://", ""];
    let made = (
        proptest::sample::select(schemes.to_vec()),
        proptest::sample::select(hosts.to_vec()),
        proptest::sample::select(ports.to_vec()),
    );
    let made = made.prop_map(|(scheme, host, port)| format!("{scheme}{host}{port}"));
    let usual =
        (proptest::sample::select(hosts.to_vec()), proptest::sample::select(ports.to_vec()));
    let usual = usual.prop_map(|(host, port)| format!("tcp://{host}{port}"));
    prop_oneof![
        4 => usual,
        2 => made,
        1 => "tcp://[a-z0-9.*:/{}\\[\\]-]{0,24}",
        1 => any::<String>(),
    ]
}

/// What a person reads: the most that a grant of this text may cover.
fn reads(text: &str, asked: Asked<'_>) -> bool {
    let Some(place) = text.strip_prefix("tcp://") else { return false };
    // The last colon outside of brackets parts host and port.
    let colon = place.rfind(':').filter(|at| !place[*at..].contains(']'));
    let (host, port) = colon.map_or((place, "{port}"), |at| (&place[..at], &place[at + 1..]));
    reads_host(host, asked.host) && reads_port(port, asked.port)
}

fn reads_host(pattern: &str, host: &str) -> bool {
    let own = |key: &str| match key {
        "host" => Some("db.example"),
        "replica" => Some("second.example"),
        "replicaPort" => Some("5433"),
        _ => None,
    };
    if let Some(key) = pattern.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        return own(key).is_some_and(|own| own.eq_ignore_ascii_case(host));
    }
    if let Some(suffix) = pattern.strip_prefix("*.") {
        let plain = host.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        let (host, suffix) = (host.to_ascii_lowercase(), suffix.to_ascii_lowercase());
        return plain
            && !suffix.is_empty()
            && host.len() > suffix.len() + 1
            && host.ends_with(&format!(".{suffix}"));
    }
    let bare = |text: &str| text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    if let Some((network, bits)) = pattern.split_once('/') {
        let (Ok(network), Ok(host), Ok(bits)) = (bare(network), bare(host), bits.parse::<usize>())
        else {
            return false;
        };
        let (network, host) = (binary(network), binary(host));
        // The network as it is written is the first of its addresses, and not all of them.
        return bits > 0
            && network.len() == host.len()
            && network.get(..bits) == host.get(..bits)
            && !network[bits..].contains('1');
    }
    match (bare(pattern), bare(host)) {
        (Ok(pattern), Ok(host)) => pattern == host,
        _ => pattern.eq_ignore_ascii_case(host),
    }
}

fn binary(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("{:032b}", u32::from(address)),
        IpAddr::V6(address) => format!("{:0128b}", u128::from(address)),
    }
}

fn reads_port(pattern: &str, port: u16) -> bool {
    match pattern {
        "*" => true,
        "{port}" => port == 5432,
        "{replicaPort}" => port == 5433,
        _ => match pattern.split_once('-') {
            Some((first, last)) => match (first.parse::<u16>(), last.parse::<u16>()) {
                (Ok(first), Ok(last)) => first <= port && port <= last,
                _ => false,
            },
            None => pattern.parse() == Ok(port),
        },
    }
}

/// A fixed seed: a run that fails can be repeated, and one that passed passes again. `cargo xtask
/// fuzz` looks for what these many cases do not meet.
fn config() -> ProptestConfig {
    ProptestConfig { cases: 12_000, failure_persistence: None, ..ProptestConfig::default() }
}

fn run<S: Strategy>(values: S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let random = proptest::test_runner::TestRng::deterministic_rng(
        proptest::test_runner::RngAlgorithm::ChaCha,
    );
    proptest::test_runner::TestRunner::new_with_rng(config(), random).run(&values, test).unwrap();
}

#[test]
fn a_grant_covers_what_its_text_reads_and_no_more() {
    let covered = std::cell::Cell::new(0_u32);
    run((text(), other()), |(text, other)| {
        let Ok(pattern) = text.parse::<GrantPattern>() else { return Ok(()) };
        for asked in each(&other) {
            let request = Request { host: asked.host, port: asked.port, secret: &secret() };
            let covers = pattern.covers(&request);
            prop_assert_eq!(covers, reads(&text, asked), "`{}` and {:?}", text, asked);
            covered.set(covered.get() + u32::from(covers));
        }
        Ok(())
    });
    // Else nothing was shown.
    assert!(covered.get() > 1_000, "{covered:?}");
}

#[test]
fn what_display_prints_parses_back_and_prints_the_same() {
    run(text(), |text| {
        let Ok(pattern) = text.parse::<GrantPattern>() else { return Ok(()) };
        let printed = pattern.to_string();
        prop_assert_eq!(printed.parse(), Ok(pattern), "{} printed as {}", text, printed);
        let again = printed.parse::<GrantPattern>().map(|pattern| pattern.to_string());
        prop_assert_eq!(again, Ok(printed));
        Ok(())
    });
}
