//! SSRF protection: the addresses to which no request is sent whose host a token names. These are the loopback interface,
//! private networks, and the metadata services that vend the server's own credentials (169.254.169.254, 169.254.170.2,
//! `fd00:ec2::254`).
//!
//! The resolved address is checked when the client connects, so that a second DNS answer cannot replace it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Occurs when a host that a token names resolves to refused addresses only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the host resolves to no public address")]
pub(super) struct RefusedAddress;

/// Whether no request may be sent to this address.
pub(super) fn is_refused(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_refused_v4(v4),
        IpAddr::V6(v6) => is_refused_v6(v6),
    }
}

fn is_refused_v4(v4: Ipv4Addr) -> bool {
    let [a, b, ..] = v4.octets();
    v4.is_loopback()
        || v4.is_private()
        || v4.is_link_local()
        || v4.is_broadcast()
        || v4.is_multicast()
        || a == 0
        // Carrier-grade NAT (RFC 6598) and benchmarking (RFC 2544) are internal networks as well.
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (18..20).contains(&b))
        || a >= 240
}

fn is_refused_v6(v6: Ipv6Addr) -> bool {
    let [first, second, third, _, _, _, seventh, eighth] = v6.segments();
    // IPv4 in IPv6: mapped and compatible (`to_ipv4`), NAT64 (RFC 6052) and 6to4 (RFC 3056).
    let inside = |high: u16, low: u16| Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low));
    let is_nat64 = first == 0x64 && second == 0xff9b;
    v6.is_loopback()
        || v6.is_unspecified()
        || v6.is_multicast()
        || v6.is_unique_local()
        || v6.is_unicast_link_local()
        || v6.to_ipv4().is_some_and(is_refused_v4)
        || (is_nat64 && is_refused_v4(inside(seventh, eighth)))
        || (first == 0x2002 && is_refused_v4(inside(second, third)))
}

/// Resolves names to public addresses only.
#[derive(Debug, Clone, Copy)]
pub(super) struct PublicAddresses;

impl Resolve for PublicAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| !is_refused(address.ip())).collect();
            if public.is_empty() {
                return Err(RefusedAddress.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_private_and_own_addresses_are_refused_in_every_spelling() {
        for bad in [
            "127.0.0.1",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "169.254.170.2",
            "100.64.0.1",
            "255.255.255.255",
            "224.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00:ec2::254",
            "fc00::1",
            "ff02::1",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
        ] {
            assert!(is_refused(bad.parse().unwrap()), "{bad}");
        }
        for good in [
            "8.8.8.8",
            "52.94.236.248",
            "100.63.0.1",
            "172.32.0.1",
            "2600:1f18::1",
            "64:ff9b::808:808",
        ] {
            assert!(!is_refused(good.parse().unwrap()), "{good}");
        }
    }
}
