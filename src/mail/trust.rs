//! Whose certificates we believe: the machine's, and those of an extra bundle.

use std::sync::Arc;

use lettre::transport::smtp::client::{Certificate, TlsParameters};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;

use super::smtp::SmtpSettings;
use crate::message::Problem;

/// Parameters for STARTTLS. Nothing here is read or checked before a protected connection is really opened: a machine
/// without any root certificate still writes letters to files and talks to a server on loopback.
pub(super) fn starttls(settings: &SmtpSettings) -> Result<TlsParameters, Problem> {
    let mut builder = TlsParameters::builder(settings.host.clone());
    for root in extra_roots(settings)? {
        let root = Certificate::from_der(root.to_vec()).map_err(|error| unprotected(settings, error))?;
        builder = builder.add_root_certificate(root);
    }
    builder.build().map_err(|error| unprotected(settings, error))
}

/// The connector for TLS from the first byte.
pub(super) fn connector(settings: &SmtpSettings) -> Result<tokio_rustls::TlsConnector, Problem> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::new_with_extra_roots(extra_roots(settings)?, Arc::clone(&provider))
        .map_err(|error| unprotected(settings, error))?;
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unprotected(settings, error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(tokio_rustls::TlsConnector::from(Arc::new(config)))
}

/// No protected connection, and trying again changes nothing.
pub(super) fn unprotected(settings: &SmtpSettings, cause: impl std::fmt::Display) -> Problem {
    Problem::new("MSK-MAIL-08")
        .arg("server", settings.server())
        .because(cause)
}

fn extra_roots(settings: &SmtpSettings) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let Some(bundle) = &settings.ca_bundle else {
        return Ok(Vec::new());
    };
    let none = || Problem::new("MSK-MAIL-09").arg("server", settings.server());
    let roots: Vec<_> = CertificateDer::pem_slice_iter(bundle)
        .collect::<Result<_, _>>()
        .map_err(|error| none().because(error))?;
    // An empty list would silently mean "the machine's roots only".
    if roots.is_empty() { Err(none()) } else { Ok(roots) }
}
