//! Which addresses belong to everybody. What is decided here is the address
//! that is dialled, not the name that stood for it.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::LazyLock;

use ipnet::IpNet;

/// What is not public of IPv4: the registry of special-purpose addresses (RFC
/// 6890 and what followed), multicast and the reserved rest.
const NOT_PUBLIC_V4: [&str; 16] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
];

/// What is public of IPv6: global unicast...
const PUBLIC_V6: &str = "2000::/3";

/// ...but for protocols and tunnels, which may lead back to any address of IPv4,
/// and documentation.
const NOT_PUBLIC_V6: [&str; 4] = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

/// Whether `address` is one of the public internet: not of this machine, not of
/// a private or shared network, not link-local (where clouds keep their
/// credentials), and none that may be translated into one of these on the way.
/// One of IPv4 in the clothes of IPv6 is judged as what it is.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    let address = address.to_canonical();
    static NOT_PUBLIC: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
        let nets = NOT_PUBLIC_V4.iter().chain(&NOT_PUBLIC_V6);
        nets.filter_map(|net| net.parse().ok()).collect()
    });
    static GLOBAL_V6: LazyLock<Option<IpNet>> = LazyLock::new(|| PUBLIC_V6.parse().ok());
    let global = |address: Ipv6Addr| GLOBAL_V6.is_some_and(|net| net.contains(&IpAddr::V6(address)));
    let unicast = match address {
        IpAddr::V4(_) => true,
        IpAddr::V6(address) => global(address),
    };
    unicast && !NOT_PUBLIC.iter().any(|net| net.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_of_the_lists_is_one() {
        for net in NOT_PUBLIC_V4.iter().chain(&NOT_PUBLIC_V6).chain([&PUBLIC_V6]) {
            let net: IpNet = net.parse().unwrap();
            assert_eq!(net, net.trunc());
        }
    }

    #[test]
    fn what_is_not_everybodys_is_told_whatever_it_wears() {
        let inside = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.31.196.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.19.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::10.0.0.1",
            "64:ff9b::1.1.1.1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:101:101::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        for address in inside {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in
            ["1.1.1.1", "93.184.215.14", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1"]
        {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }
}
