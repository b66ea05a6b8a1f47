//! Which addresses webhooks may go to. A user names the URL, and this server
//! stands where users don't: what is not on the public internet is refused,
//! unless an operator has listed it.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;
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

/// Which addresses are allowed beside public ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Allowed {
    /// None.
    #[default]
    Public,
    /// These.
    Also(Vec<IpNet>),
    /// Every one.
    All,
}

/// What is thought of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// On the public internet: only over TLS.
    Public,
    /// Listed by an operator.
    Listed,
    /// Not to be called.
    Refused,
}

impl Allowed {
    /// What is thought of `address`. One of IPv4 in the clothes of IPv6 is
    /// judged as what it is.
    #[must_use]
    pub fn judge(&self, address: IpAddr) -> Standing {
        let address = address.to_canonical();
        let listed = match self {
            Self::Public => false,
            Self::Also(nets) => nets.iter().any(|net| net.contains(&address)),
            Self::All => true,
        };
        match (listed, is_public(address)) {
            (true, _) => Standing::Listed,
            (false, true) => Standing::Public,
            (false, false) => Standing::Refused,
        }
    }
}

fn is_public(address: IpAddr) -> bool {
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

impl FromStr for Allowed {
    type Err = String;

    /// `true`, `false`, or networks such as `10.0.0.0/8,fd00::/8`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "true" => return Ok(Self::All),
            "false" => return Ok(Self::Public),
            _ => {}
        }
        let net = |part: &str| {
            let part = part.trim();
            let alone = || part.parse::<IpAddr>().map(IpNet::from);
            part.parse::<IpNet>().or_else(|_| alone()).map_err(|_| {
                format!("`{part}` is no network; say true, or networks such as 10.0.0.0/8,fd00::/8")
            })
        };
        text.split(',').map(net).collect::<Result<_, _>>().map(Self::Also)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(allowed: &Allowed, address: &str) -> Standing {
        allowed.judge(address.parse().unwrap())
    }

    #[test]
    fn every_network_of_the_lists_is_one() {
        for net in NOT_PUBLIC_V4.iter().chain(&NOT_PUBLIC_V6).chain([&PUBLIC_V6]) {
            let net: IpNet = net.parse().unwrap();
            assert_eq!(net, net.trunc());
        }
    }

    #[test]
    fn what_is_not_public_is_refused() {
        let refused = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.31.255.255",
            "192.168.0.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        for address in refused {
            assert_eq!(judged(&Allowed::Public, address), Standing::Refused, "{address}");
        }
        for address in ["1.1.1.1", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1"] {
            assert_eq!(judged(&Allowed::Public, address), Standing::Public, "{address}");
        }
    }

    #[test]
    fn what_is_listed_is_allowed_and_nothing_beside_it() {
        let some: Allowed = "10.0.0.0/8, fd00::/8,127.0.0.1".parse().unwrap();
        for address in ["10.9.9.9", "fd01::2", "127.0.0.1", "::ffff:10.0.0.1"] {
            assert_eq!(judged(&some, address), Standing::Listed, "{address}");
        }
        assert_eq!(judged(&some, "127.0.0.2"), Standing::Refused);
        assert_eq!(judged(&some, "1.1.1.1"), Standing::Public);
        assert_eq!(judged(&"true".parse().unwrap(), "127.0.0.2"), Standing::Listed);
        assert_eq!("false".parse(), Ok(Allowed::Public));
        assert!("10.0.0.0/33".parse::<Allowed>().unwrap_err().contains("`10.0.0.0/33` is no network"));
        assert!("yes".parse::<Allowed>().is_err());
    }
}
