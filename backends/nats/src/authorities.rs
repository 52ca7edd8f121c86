//! Whom TLS trusts.

use std::fmt::Display;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};

use crate::config::Tls;
use crate::error::LinkError;

/// Trusts the configured authorities, or else those of the machine.
pub(crate) async fn connector(tls: &Tls) -> Result<TlsConnector, LinkError> {
    let mut roots = RootCertStore::empty();
    match &tls.authorities {
        Some(file) => {
            let unusable = |error: &dyn Display| unusable(&format!("{}: {error}", file.display()));
            let pem = tokio::fs::read(file).await;
            let pem = pem.map_err(|error| unusable(&error))?;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let certificate = certificate.map_err(|error| unusable(&error))?;
                roots.add(certificate).map_err(|error| unusable(&error))?;
            }
        }
        None => {
            let native = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(native.certs);
        }
    }
    if roots.is_empty() {
        return Err(unusable(&"there is none"));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn unusable(why: &dyn Display) -> LinkError {
    LinkError::Authorities(why.to_string())
}
