//! The three faults of a certificate that school sites show, on loopback.
//!
//! The private key lies in the repository on purpose: its certificates are signed by themselves, name only
//! `loopback.example`, `localhost` and `127.0.0.1`, and stand in no store, so the key protects nothing.

use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

const KEY: &str = include_str!("certificates/demo.key.pem");

/// What a visitor dislikes about the certificate of a demonstration server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    /// It ended on 1 January 2021.
    Expired,
    /// It names another school.
    OtherName,
    /// It is valid and names this server, but nobody vouches for it.
    Untrusted,
}

impl Certificate {
    /// The certificate as PEM text, for a client that is told to trust it.
    #[must_use]
    pub const fn pem(self) -> &'static str {
        match self {
            Self::Expired => include_str!("certificates/expired.crt.pem"),
            Self::OtherName => include_str!("certificates/other-name.crt.pem"),
            Self::Untrusted => include_str!("certificates/untrusted.crt.pem"),
        }
    }

    pub(super) fn acceptor(self) -> std::io::Result<TlsAcceptor> {
        let certificate = CertificateDer::from_pem_slice(self.pem().as_bytes()).map_err(std::io::Error::other)?;
        let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).map_err(std::io::Error::other)?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(std::io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .map_err(std::io::Error::other)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}
