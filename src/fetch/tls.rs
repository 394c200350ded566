//! The clients: one that checks certificates, one that does not.

use std::sync::OnceLock;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Proxy};
use rustls::{ClientConfig, RootCertStore};

use crate::message::Problem;

use super::address::{Allowed, Guard};
use super::options::{HttpOptions, Trust};

/// Makes ring the one provider of TLS for everything in this process; may be called any number of times.
///
/// Without it building a client panics, so every start of the program and every test binary goes through here.
pub fn install_tls_provider() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        // An error means that somebody installed one before us, which serves as well.
        drop(rustls::crypto::ring::default_provider().install_default());
    });
}

/// The clients of one fetcher.
pub(super) struct Clients {
    pub(super) strict: Client,
    pub(super) lax: Option<Client>,
    /// No authority is known: every certificate will be called unknown, and the reason is this machine.
    pub(super) rootless: bool,
}

impl Clients {
    pub(super) fn build(options: &HttpOptions, allowed: &Allowed) -> Result<Self, Problem> {
        install_tls_provider();
        let wrong = |error: reqwest::Error| Problem::new("MSK-FET-26").because(error);
        let base = || base(options, allowed);
        let lax = if options.allow_invalid_tls.is_empty() {
            None
        } else {
            Some(base()?.tls_danger_accept_invalid_certs(true).build().map_err(wrong)?)
        };
        let (strict, rootless) = match &options.trust {
            Trust::System => match base()?.build() {
                Ok(client) => (client, false),
                // A machine without a CA store: plain HTTP goes on, HTTPS gets its own message.
                Err(_) => (
                    base()?.tls_backend_preconfigured(no_roots()).build().map_err(wrong)?,
                    true,
                ),
            },
            Trust::SystemAnd(pem) => {
                let built = base()?.tls_certs_merge(certificates(pem)?).build();
                (built.map_err(|error| bundle_problem(&error))?, false)
            }
            Trust::Only(pem) => {
                let built = base()?.tls_certs_only(certificates(pem)?).build();
                (built.map_err(|error| bundle_problem(&error))?, false)
            }
        };
        Ok(Self { strict, lax, rootless })
    }
}

fn base(options: &HttpOptions, allowed: &Allowed) -> Result<ClientBuilder, Problem> {
    let wrong = |error: reqwest::Error| Problem::new("MSK-FET-26").because(error);
    let agent = format!("msoko/{} (+{})", env!("CARGO_PKG_VERSION"), options.contact);
    let builder = Client::builder()
        .user_agent(agent)
        .connect_timeout(options.connect)
        .read_timeout(options.idle)
        .redirect(Policy::none())
        .no_proxy()
        // Inflating is ours: the library has no cap on what comes out.
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .dns_resolver(Guard::new(Allowed::clone(allowed)));
    match &options.proxy {
        None => Ok(builder),
        Some(proxy) => Ok(builder.proxy(Proxy::all(proxy).map_err(wrong)?)),
    }
}

/// Reads a PEM bundle. The library takes a file without certificates for an empty list, which would trust nobody
/// silently.
fn certificates(pem: &[u8]) -> Result<Vec<Certificate>, Problem> {
    let found = Certificate::from_pem_bundle(pem).map_err(|error| bundle_problem(&error))?;
    if found.is_empty() {
        return Err(Problem::new("MSK-FET-25"));
    }
    Ok(found)
}

fn bundle_problem(error: &reqwest::Error) -> Problem {
    Problem::new("MSK-FET-25").because(error)
}

fn no_roots() -> ClientConfig {
    ClientConfig::builder()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth()
}
