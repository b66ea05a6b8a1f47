//! Which addresses may be dialled. What is checked is the address that is
//! dialled, not the name that resolved to it.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::LazyLock;

use ipnet::IpNet;

/// IPv4 networks that are not public: the registry of special-purpose addresses
/// (RFC 6890 and its updates), multicast and the reserved rest.
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

/// The public part of IPv6 is global unicast...
const PUBLIC_V6: &str = "2000::/3";

/// ...without protocol assignments and tunnels, which may lead back to any IPv4
/// address, and without documentation.
const NOT_PUBLIC_V6: [&str; 4] = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

static NOT_PUBLIC: LazyLock<Vec<IpNet>> =
    LazyLock::new(|| NOT_PUBLIC_V4.iter().chain(&NOT_PUBLIC_V6).filter_map(|net| net.parse().ok()).collect());

static GLOBAL_V6: LazyLock<Option<IpNet>> = LazyLock::new(|| PUBLIC_V6.parse().ok());

/// Whether `address` belongs to the public internet: not to this machine, not to
/// a private or shared network, not link-local (where clouds serve credentials),
/// and none that may be translated into one of these on the way. An IPv4-mapped
/// IPv6 address is treated as the IPv4 address.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let unicast = address.is_ipv4() || GLOBAL_V6.is_some_and(|net| net.contains(&address));
    unicast && !NOT_PUBLIC.iter().any(|net| net.contains(&address))
}

/// Which addresses may be dialled besides public ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AddressPolicy {
    /// None.
    #[default]
    Public,
    /// Those in these networks.
    PublicAnd(Vec<IpNet>),
    /// All: whoever chose the policy named the server.
    Any,
}

/// What a policy says about an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Allowed, as it is public.
    Public,
    /// Allowed, as an operator listed it.
    Listed,
    /// Not to be dialled.
    Refused,
}

impl AddressPolicy {
    /// The decision about `address`. An IPv4-mapped IPv6 address is treated as the
    /// IPv4 address.
    #[must_use]
    pub fn check(&self, address: IpAddr) -> Decision {
        let address = address.to_canonical();
        let listed = match self {
            Self::Public => false,
            Self::PublicAnd(nets) => nets.iter().any(|net| net.contains(&address)),
            Self::Any => true,
        };
        match (listed, is_public(address)) {
            (true, _) => Decision::Listed,
            (false, true) => Decision::Public,
            (false, false) => Decision::Refused,
        }
    }
}

impl FromStr for AddressPolicy {
    type Err = String;

    /// `true` (any address), `false` (public addresses), or networks to allow in
    /// addition, such as `10.0.0.0/8,fd00::/8`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "true" => return Ok(Self::Any),
            "false" => return Ok(Self::Public),
            _ => {}
        }
        let net = |part: &str| {
            let part = part.trim();
            let single = || part.parse::<IpAddr>().map(IpNet::from);
            part.parse::<IpNet>().or_else(|_| single()).map_err(|_| {
                format!("`{part}` is no network; use true, or networks such as 10.0.0.0/8,fd00::/8")
            })
        };
        text.split(',').map(net).collect::<Result<_, _>>().map(Self::PublicAnd)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(policy: &AddressPolicy, address: &str) -> Decision {
        policy.check(address.parse().unwrap())
    }

    #[test]
    fn by_default_only_public_addresses_are_allowed() {
        for address in ["127.0.0.1", "10.1.2.3", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "fd12::1"] {
            assert_eq!(decision(&AddressPolicy::Public, address), Decision::Refused, "{address}");
        }
        for address in ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"] {
            assert_eq!(decision(&AddressPolicy::Public, address), Decision::Public, "{address}");
        }
    }

    #[test]
    fn listed_networks_are_allowed_and_no_others() {
        let some: AddressPolicy = "10.0.0.0/8, fd00::/8,127.0.0.1".parse().unwrap();
        for address in ["10.9.9.9", "fd01::2", "127.0.0.1", "::ffff:10.0.0.1"] {
            assert_eq!(decision(&some, address), Decision::Listed, "{address}");
        }
        assert_eq!(decision(&some, "127.0.0.2"), Decision::Refused);
        assert_eq!(decision(&some, "1.1.1.1"), Decision::Public);
        assert_eq!(decision(&"true".parse().unwrap(), "127.0.0.2"), Decision::Listed);
        assert_eq!("false".parse(), Ok(AddressPolicy::Public));
        let error = "10.0.0.0/33".parse::<AddressPolicy>().unwrap_err();
        assert!(error.contains("`10.0.0.0/33` is no network"), "{error}");
        assert!("yes".parse::<AddressPolicy>().is_err());
    }

    #[test]
    fn every_network_of_the_lists_is_one() {
        for net in NOT_PUBLIC_V4.iter().chain(&NOT_PUBLIC_V6).chain([&PUBLIC_V6]) {
            let net: IpNet = net.parse().unwrap();
            assert_eq!(net, net.trunc());
        }
    }

    #[test]
    fn special_addresses_are_recognised_in_every_notation() {
        let special = [
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
        for address in special {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in
            ["1.1.1.1", "93.184.215.14", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1"]
        {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }
}
