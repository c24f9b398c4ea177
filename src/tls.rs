//! Certificate authorities that the operator trusts besides the system's, for every TLS connection that this server opens.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::setting::ConfigError;

/// Certificates of additional authorities, as DER. Clones share them.
#[derive(Clone, Default)]
pub struct ExtraRoots(Arc<Vec<CertificateDer<'static>>>);

impl ExtraRoots {
    /// Loads the certificates of PEM files, each with the variable that names it. Fails if a file cannot be read or has no
    /// certificate of an authority.
    pub fn load<'a>(files: impl IntoIterator<Item = (&'static str, &'a Path)>) -> Result<Self, ConfigError> {
        let mut all = Vec::new();
        for (variable, file) in files {
            let problem = |problem: String| {
                let shown = file.display();
                ConfigError::new(
                    variable,
                    format!("{shown} {problem}; expected a file of PEM certificates"),
                )
            };
            let pem = std::fs::read(file).map_err(|error| problem(format!("cannot be read ({error})")))?;
            let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
            let certificates = certificates.map_err(|error| problem(format!("is not PEM ({error})")))?;
            let before = all.len();
            all.extend(certificates.into_iter().filter(is_root));
            if all.len() == before {
                return Err(problem("has no certificate".to_owned()));
            }
        }
        Ok(Self(Arc::new(all)))
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the certificates as DER.
    pub fn ders(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// Returns the certificates as one PEM document.
    #[must_use]
    pub fn pem(&self) -> String {
        let mut pem = String::new();
        for der in self.ders() {
            pem.push_str("-----BEGIN CERTIFICATE-----\n");
            let mut text = BASE64_STANDARD.encode(der);
            while text.len() > LINE {
                let rest = text.split_off(LINE);
                pem.push_str(&text);
                pem.push('\n');
                text = rest;
            }
            pem.push_str(&text);
            pem.push_str("\n-----END CERTIFICATE-----\n");
        }
        pem
    }
}

/// Characters of a line of PEM.
const LINE: usize = 64;

/// Whether TLS clients take the certificate as an authority. The AWS SDK panics if it does not.
fn is_root(certificate: &CertificateDer<'static>) -> bool {
    RootCertStore::empty().add(certificate.clone()).is_ok()
}

impl fmt::Debug for ExtraRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExtraRoots({})", self.0.len())
    }
}
