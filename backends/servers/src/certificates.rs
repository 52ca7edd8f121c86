//! Certificates for servers that are reached over TLS.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::ServerError;

/// An authority made for one test.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate for `localhost` and `127.0.0.1`, in files that a server reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The certificate of the authority, in PEM.
    pub authority: PathBuf,
    /// The certificate of the server, in PEM.
    pub certificate: PathBuf,
    /// The key of the server, in PEM.
    pub key: PathBuf,
}

impl Authority {
    /// A fresh authority, which nobody trusts yet.
    ///
    /// # Errors
    /// When no key could be made.
    pub fn new() -> Result<Self, ServerError> {
        let key = KeyPair::generate().map_err(refused)?;
        let mut params = CertificateParams::new(Vec::new()).map_err(refused)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).map_err(refused)?;
        Ok(Self {
            pem: certificate.pem(),
            issuer: Issuer::new(params, key),
        })
    }

    /// Its own certificate, in PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Writes a certificate for this machine into the folder.
    ///
    /// # Errors
    /// When no key could be made or the folder refuses.
    pub fn issue(&self, folder: &Path) -> Result<Certificate, ServerError> {
        let key = KeyPair::generate().map_err(refused)?;
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let params = CertificateParams::new(names).map_err(refused)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(refused)?;
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            let written = std::fs::write(&path, text);
            written.map_err(ServerError::io(format!("writing {}", path.display())))?;
            Ok::<_, ServerError>(path)
        };
        Ok(Certificate {
            authority: write("authority.pem", &self.pem)?,
            certificate: write("server.pem", &certificate.pem())?,
            key: write("server.key", &key.serialize_pem())?,
        })
    }
}

fn refused(error: rcgen::Error) -> ServerError {
    ServerError::io("making a certificate")(std::io::Error::other(error))
}
