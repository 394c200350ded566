//! How a source may be fetched: limits, trust, manners.

use std::time::Duration;

use secrecy::SecretString;

/// Redirects followed (school-sites 4.6): http to https, with or without `www`, a new home page.
const MAX_REDIRECTS: usize = 5;

/// Whose certificates are believed. Bundles are PEM text with at least one certificate.
#[derive(Debug, Clone, Default)]
pub enum Trust {
    /// The authorities this machine knows.
    #[default]
    System,
    /// Those and the bundle's: for the national root certificates, which no usual store has.
    SystemAnd(Vec<u8>),
    /// The bundle's alone.
    Only(Vec<u8>),
}

/// Whether robots.txt binds us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Robots {
    /// `Disallow` and `Crawl-delay` are followed.
    Obey,
    /// Not asked for: feeds that the office itself provides.
    Ignore,
}

/// Everything a [`super::Fetcher`] has to know. Start from [`HttpOptions::pages`] or [`HttpOptions::feed`].
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// Who we are, for the site's owner: an address of mail or of a page, in Latin letters.
    pub contact: String,
    /// Longest wait for a connection, name look-up and handshake included.
    pub connect: Duration,
    /// Longest silence, before the answer and in the middle of it.
    pub idle: Duration,
    /// Longest time for the whole answer, redirects included and waiting for the pace not.
    pub total: Option<Duration>,
    /// Cap on the bytes of the wire.
    pub max_bytes: u64,
    /// Cap on the unpacked bytes.
    pub max_inflated: u64,
    /// Cap on how many times a packed body may grow.
    pub max_ratio: u64,
    /// Cap on redirects.
    pub max_redirects: usize,
    /// Whose certificates are believed.
    pub trust: Trust,
    /// Hosts whose faulty certificates are noted and forgiven.
    pub allow_invalid_tls: Vec<String>,
    /// Hosts, by the name or address in the URL, that may lead to private addresses.
    pub allow_private: Vec<String>,
    /// `http://host:port`; the proxies of the environment are never used. A proxy resolves names itself, so behind one
    /// only literal private addresses are refused here.
    pub proxy: Option<String>,
    /// The value of the `Authorization` header, sent to the scheme, host and port of the
    /// first address only.
    pub authorization: Option<SecretString>,
    /// Pause between two requests to one host.
    pub apart: Duration,
    /// Further attempts after a failure that may mend itself.
    pub retries: usize,
    /// Pause before the first further attempt; it doubles, with jitter.
    pub first_pause: Duration,
    /// Longest pause between attempts; a server that asks for more is left for the next run.
    pub longest_pause: Duration,
    /// Whether robots.txt binds us.
    pub robots: Robots,
}

impl HttpOptions {
    /// Pages of school sites: 60 s, 2 MiB, robots.txt obeyed, 1.5 s between requests to a host.
    #[must_use]
    pub fn pages(contact: &str) -> Self {
        Self {
            contact: contact.to_owned(),
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            total: Some(Duration::from_secs(60)),
            max_bytes: 2 << 20,
            max_inflated: 8 << 20,
            max_ratio: 100,
            max_redirects: MAX_REDIRECTS,
            trust: Trust::System,
            allow_invalid_tls: Vec::new(),
            allow_private: Vec::new(),
            proxy: None,
            authorization: None,
            apart: Duration::from_millis(1500),
            retries: 2,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            robots: Robots::Obey,
        }
    }

    /// Feeds and files: twelve hours, 2 GiB, robots.txt not asked for.
    #[must_use]
    pub fn feed(contact: &str) -> Self {
        Self {
            // A server that trickles must not hold a pull over the next night.
            total: Some(Duration::from_secs(12 * 3600)),
            max_bytes: 2 << 30,
            max_inflated: 8 << 30,
            robots: Robots::Ignore,
            ..Self::pages(contact)
        }
    }
}
