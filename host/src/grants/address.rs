//! Addresses that no grant opens, whatever it says.
//!
//! IPv6 forms that carry an IPv4 address (mapped, compatible, 6to4, NAT64) are judged by the
//! address that they carry, so none of them is a way around.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::reason::DenyReason;

/// What kind of place an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressKind {
    /// An ordinary address, private ranges included.
    Ordinary,
    /// This machine; reachable by an explicit grant, and never on Lambda.
    Loopback,
    /// Never reachable.
    Forbidden(DenyReason),
}

/// Judges an address.
pub fn kind(address: IpAddr) -> AddressKind {
    match address {
        IpAddr::V4(address) => kind_v4(address),
        IpAddr::V6(address) => kind_v6(address),
    }
}

fn kind_v4(address: Ipv4Addr) -> AddressKind {
    if address.is_loopback() {
        AddressKind::Loopback
    } else if address.is_link_local() {
        AddressKind::Forbidden(DenyReason::LinkLocal)
    } else if address.is_multicast() || address.is_broadcast() {
        AddressKind::Forbidden(DenyReason::NotOneHost)
    } else if matches!(address.octets(), [0, ..]) {
        AddressKind::Forbidden(DenyReason::Unspecified)
    } else {
        AddressKind::Ordinary
    }
}

fn kind_v6(address: Ipv6Addr) -> AddressKind {
    if address.is_loopback() {
        return AddressKind::Loopback;
    }
    if address.is_unspecified() {
        return AddressKind::Forbidden(DenyReason::Unspecified);
    }
    if address.is_multicast() {
        return AddressKind::Forbidden(DenyReason::NotOneHost);
    }
    // AWS's services of an instance (metadata, time, DNS, pod identity) are all in fd00:ec2::/32.
    if address.is_unicast_link_local() || matches!(address.segments(), [0xfd00, 0x0ec2, ..]) {
        return AddressKind::Forbidden(DenyReason::LinkLocal);
    }
    // An IPv4 address in IPv6 clothes: what is refused bare is refused dressed, and nobody needs to
    // reach loopback this way.
    let carried = carried_v4(address);
    let readings = carried.iter().flatten().count();
    for carried in carried.into_iter().flatten() {
        match kind_v4(carried) {
            AddressKind::Loopback => return AddressKind::Forbidden(DenyReason::Disguised),
            // Of several readings the wrong ones are mostly zeros.
            AddressKind::Forbidden(DenyReason::Unspecified) if readings > 1 => {}
            forbidden @ AddressKind::Forbidden(_) => return forbidden,
            AddressKind::Ordinary => {}
        }
    }
    AddressKind::Ordinary
}

/// The IPv4 addresses that an IPv6 address may stand for: mapped (RFC 4291), compatible (ibid.),
/// translated (RFC 2765), NAT64 (RFC 6052, 8215), 6to4 (RFC 3056), Teredo (RFC 4380).
pub(super) fn carried_v4(address: Ipv6Addr) -> [Option<Ipv4Addr>; 4] {
    let join = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    let one = |address| [Some(address), None, None, None];
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => one(join(high, low)),
        [0, 0, 0, 0, 0xffff, 0, high, low] => one(join(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => one(join(high, low)),
        // A prefix for each network's own use, of a length that only its translator knows.
        [0x64, 0xff9b, 1, ..] => {
            let [_, _, _, _, _, _, a, b, _, c, d, e, f, g, h, i] = address.octets();
            let each = [[a, b, c, d], [b, c, d, e], [c, d, e, f], [f, g, h, i]];
            each.map(|octets| Some(Ipv4Addr::from(octets)))
        }
        [0x2002, high, low, ..] => one(join(high, low)),
        // Written with every bit turned.
        [0x2001, 0, _, _, _, _, high, low] => one(join(!high, !low)),
        _ => [None; 4],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_forbidden_form_is_recognised() {
        for (text, expected) in [
            ("10.1.2.3", AddressKind::Ordinary),
            ("192.168.0.1", AddressKind::Ordinary),
            ("2001:db8::1", AddressKind::Ordinary),
            ("fd12::1", AddressKind::Ordinary),
            ("127.8.8.8", AddressKind::Loopback),
            ("::1", AddressKind::Loopback),
            ("169.254.169.254", AddressKind::Forbidden(DenyReason::LinkLocal)),
            ("fe80::1", AddressKind::Forbidden(DenyReason::LinkLocal)),
            ("fd00:ec2::254", AddressKind::Forbidden(DenyReason::LinkLocal)),
            ("::ffff:169.254.169.254", AddressKind::Forbidden(DenyReason::LinkLocal)),
            ("::169.254.169.254", AddressKind::Forbidden(DenyReason::LinkLocal)),
            ("64:ff9b::169.254.169.254", AddressKind::Forbidden(DenyReason::LinkLocal)),
            (
                "64:ff9b:1:102:304:506:169.254.169.254",
                AddressKind::Forbidden(DenyReason::LinkLocal),
            ),
            ("64:ff9b:1:a9fe:a9:fe00:0:0", AddressKind::Forbidden(DenyReason::LinkLocal)),
            ("64:ff9b:1:1a9:fe:a9fe:0:0", AddressKind::Forbidden(DenyReason::LinkLocal)),
            ("64:ff9b:1:101:a9:fea9:fe00:0", AddressKind::Forbidden(DenyReason::LinkLocal)),
            ("2002:a9fe:a9fe::1", AddressKind::Forbidden(DenyReason::LinkLocal)),
            ("fd00:ec2::23", AddressKind::Forbidden(DenyReason::LinkLocal)),
            ("::ffff:0:169.254.169.254", AddressKind::Forbidden(DenyReason::LinkLocal)),
            ("2001:0:1:2:3:4:5601:5601", AddressKind::Forbidden(DenyReason::LinkLocal)),
            // All bits count: 255.255.255.255.
            ("2001:0:1:2:3:4:0:0", AddressKind::Forbidden(DenyReason::NotOneHost)),
            ("64:ff9b:1::10.0.0.5", AddressKind::Ordinary),
            // One reading, and that one names no host.
            ("::ffff:0.1.2.3", AddressKind::Forbidden(DenyReason::Unspecified)),
            ("64:ff9b::0.0.0.0", AddressKind::Forbidden(DenyReason::Unspecified)),
            ("64:ff9b::10.0.0.5", AddressKind::Ordinary),
            ("::ffff:127.0.0.1", AddressKind::Forbidden(DenyReason::Disguised)),
            ("::ffff:10.0.0.1", AddressKind::Ordinary),
            ("0.0.0.0", AddressKind::Forbidden(DenyReason::Unspecified)),
            ("0.1.2.3", AddressKind::Forbidden(DenyReason::Unspecified)),
            ("::", AddressKind::Forbidden(DenyReason::Unspecified)),
            ("224.0.0.1", AddressKind::Forbidden(DenyReason::NotOneHost)),
            ("255.255.255.255", AddressKind::Forbidden(DenyReason::NotOneHost)),
            ("ff02::1", AddressKind::Forbidden(DenyReason::NotOneHost)),
        ] {
            assert_eq!(kind(text.parse().unwrap()), expected, "{text}");
        }
    }
}
