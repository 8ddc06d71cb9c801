//! TLS, with a certificate that is read again when it is replaced.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tracing::{info, warn};

use crate::stamp::Stamp;

/// The files of a certificate, in PEM: the chain with the server's own first, and its private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The chain.
    pub chain: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the certificate in {} cannot be used: {cause}", chain.display())]
pub struct CertificateError {
    chain: PathBuf,
    cause: String,
}

impl Certificate {
    /// TLS 1.2 and 1.3 with this certificate.
    pub fn config(self) -> Result<ServerConfig, CertificateError> {
        let provider = Arc::new(ring::default_provider());
        let failed = |cause: rustls::Error| CertificateError { chain: self.chain.clone(), cause: cause.to_string() };
        let config = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let config = config.map_err(failed)?.with_no_client_auth();
        let (changed, held) = (self.stamps(), self.read(&provider)?);
        let held = RwLock::new((changed, held));
        Ok(config.with_cert_resolver(Arc::new(Renewed { files: self, provider, held })))
    }

    fn read(&self, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, CertificateError> {
        let failed = |cause: String| CertificateError { chain: self.chain.clone(), cause };
        let chain: Vec<_> = CertificateDer::pem_file_iter(&self.chain)
            .and_then(Iterator::collect)
            .map_err(|cause| failed(cause.to_string()))?;
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|cause| failed(format!("its key in {}: {cause}", self.key.display())))?;
        let certified = CertifiedKey::from_der(chain, key, provider).map_err(|cause| failed(cause.to_string()))?;
        Ok(Arc::new(certified))
    }

    /// By which it is seen whether a file was replaced.
    fn stamps(&self) -> [Option<Stamp>; 2] {
        [&self.chain, &self.key].map(|file| Stamp::of(file))
    }
}

/// A certificate that is looked at for changes when somebody connects, which costs two microseconds beside a handshake.
#[derive(Debug)]
struct Renewed {
    files: Certificate,
    provider: Arc<CryptoProvider>,
    held: RwLock<([Option<Stamp>; 2], Arc<CertifiedKey>)>,
}

impl ResolvesServerCert for Renewed {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let now = self.files.stamps();
        let (changed, held) = self.held.read().unwrap_or_else(PoisonError::into_inner).clone();
        if now == changed {
            return Some(held);
        }
        let read = self.files.read(&self.provider);
        let mut kept = self.held.write().unwrap_or_else(PoisonError::into_inner);
        kept.0 = now;
        match read {
            Ok(certified) => {
                info!("the certificate was read again");
                kept.1 = certified;
            }
            // One of two files may be new and the other not yet.
            Err(why) => warn!(%why, "the certificate was not read again, the old one stays"),
        }
        Some(kept.1.clone())
    }
}
