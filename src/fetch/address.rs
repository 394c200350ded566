//! Which addresses may be called: the check that keeps a foreign site from steering us into the inner network.
//!
//! Names are resolved by [`Guard`] at connect time and only checked addresses are handed to the connection, so a name
//! that answers differently a moment later gains nothing. Literal addresses never reach a resolver and are checked in
//! the address itself, where the URL parser has already turned odd spellings (`0x7f.1`, `2130706433`) into plain ones.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Name, Resolve, Resolving};

use crate::message::Problem;

use super::fault::{self, shown};

/// Hosts that may be called although their addresses are private, in lower case.
pub(super) type Allowed = Arc<BTreeSet<String>>;

/// Hosts as the configuration names them, in the spelling that addresses are compared in.
pub(super) fn names(hosts: &[String]) -> BTreeSet<String> {
    let spelled = |host: &String| {
        let url = Url::parse(&format!("http://{}/", host.trim())).ok();
        plain(url.as_ref().and_then(Url::host_str).unwrap_or(host))
    };
    hosts.iter().map(spelled).collect()
}

/// A host without the marks that addresses put around it.
pub(super) fn plain(host: &str) -> String {
    host.trim_end_matches('.').trim_matches(['[', ']']).to_lowercase()
}

/// Refuses what must not be called at all: other schemes, credentials in the address, private literal addresses.
pub(super) fn check_url(url: &Url, allowed: &Allowed) -> Result<(), Problem> {
    let (true, Some(host)) = (matches!(url.scheme(), "http" | "https"), url.host_str()) else {
        return Err(fault::unusable(url.as_str()));
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Problem::new("MSK-FET-02").arg("host", fault::host(url)));
    }
    let host = plain(host);
    match host.parse::<IpAddr>() {
        Ok(address) if !is_public(address) && !allowed.contains(&host) => Err(private(url, address)),
        _ => Ok(()),
    }
}

pub(super) fn private(url: &Url, address: IpAddr) -> Problem {
    Problem::new("MSK-FET-03")
        .arg("url", shown(url))
        .arg("host", fault::host(url))
        .arg("address", address)
}

/// True for an address of the public internet.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    // IANA special-purpose registry (RFC 6890 and its updates).
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18..=19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = embedded_v4(address) {
        return is_public_v4(inner);
    }
    let [first, second, ..] = address.segments();
    // Only 2000::/3 is given out as public unicast; Teredo, ORCHID and documentation ranges lie inside it.
    first & 0xe000 == 0x2000
        && !(first == 0x2001 && second < 0x0200)
        && !(first == 0x2001 && second == 0x0db8)
        && !(first == 0x3fff && second < 0x1000)
}

/// The IPv4 address that an IPv6 one leads to: mapped, compatible, NAT64, 6to4.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = address.segments();
    let pair = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0, 0, 0, 0, 0, 0, high, low] => Some(pair(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(pair(high, low)),
        [0x2002, high, low, ..] => Some(pair(high, low)),
        _ => None,
    }
}

/// Every address of the name is private; carries one of them.
#[derive(Debug)]
pub(super) struct PrivateName(pub(super) IpAddr);

/// The name has no address, or the resolver did not answer.
#[derive(Debug)]
pub(super) struct UnknownName(String);

impl fmt::Display for PrivateName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "private address {}", self.0)
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl Error for PrivateName {}
impl Error for UnknownName {}

/// The resolver of our clients: hands over checked addresses only.
pub(super) struct Guard {
    allowed: Allowed,
}

impl Guard {
    pub(super) const fn new(allowed: Allowed) -> Self {
        Self { allowed }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let private_too = self.allowed.contains(&plain(name.as_str()));
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let found = found.map_err(|error| UnknownName(error.to_string()))?;
            let (open, closed): (Vec<SocketAddr>, Vec<SocketAddr>) =
                found.partition(|address| private_too || is_public(address.ip()));
            match (open.is_empty(), closed.first()) {
                (false, _) => Ok(Box::new(open.into_iter()) as reqwest::dns::Addrs),
                (true, Some(address)) => Err(PrivateName(address.ip()).into()),
                (true, None) => Err(UnknownName("the name has no address".to_owned()).into()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(url: &str) -> Option<&'static str> {
        let url = Url::parse(url).expect("an address");
        check_url(&url, &Arc::new(names(&["10.1.2.3".to_owned()])))
            .err()
            .map(|problem| problem.code())
    }

    #[test]
    fn private_addresses_are_refused_in_every_spelling() {
        for url in [
            "http://127.0.0.1/",
            "http://0x7f.1/",
            "http://2130706433/",
            "http://017700000001/",
            "http://127.1/",
            "http://0/",
            "http://10.0.0.1/",
            "http://172.31.255.1/",
            "http://192.168.1.1/",
            "http://100.64.0.1/",
            "http://169.254.169.254/latest",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://[::1]/",
            "http://[::]/",
            "http://[fe80::1]/",
            "http://[fd00::1]/",
            "http://[ff02::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[64:ff9b::10.0.0.1]/",
            "http://[2002:7f00:1::]/",
            "http://１２７.0.0.1/",
        ] {
            assert_eq!(verdict(url), Some("MSK-FET-03"), "{url}");
        }
    }

    #[test]
    fn public_addresses_and_names_allowed_by_the_source_pass() {
        for url in [
            "https://school-1.example/",
            "http://8.8.8.8/",
            "http://172.32.0.1/",
            "http://[2a02:6b8::1]/",
            "http://10.1.2.3/",
        ] {
            assert_eq!(verdict(url), None, "{url}");
        }
    }

    #[test]
    fn names_are_compared_in_one_spelling() {
        let names = names(&[
            "Школа-1.РФ".to_owned(),
            "FEED.example.".to_owned(),
            "::1".to_owned(),
            "[fd00::1]".to_owned(),
        ]);
        let spelled: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(spelled, ["::1", "fd00::1", "feed.example", "xn---1-6kc3bfr2e.xn--p1ai"]);
    }

    #[test]
    fn other_schemes_and_passwords_in_the_address_are_refused() {
        assert_eq!(verdict("file:///etc/passwd"), Some("MSK-FET-01"));
        assert_eq!(verdict("ftp://a.example/"), Some("MSK-FET-01"));
        assert_eq!(verdict("https://user:secret@a.example/"), Some("MSK-FET-02"));
    }
}
