//! Which addresses webhooks may go to. A user names the URL, and this server
//! stands where users don't: what is not on the public internet is refused,
//! unless an operator has listed it.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use untxt_plugins::http::is_public;

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
    fn nothing_but_public_addresses_is_allowed_unasked() {
        for address in ["127.0.0.1", "10.1.2.3", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "fd12::1"] {
            assert_eq!(judged(&Allowed::Public, address), Standing::Refused, "{address}");
        }
        for address in ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"] {
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
