//! The roots that a report judges by.

use std::path::Path;

use anyhow::Context as _;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::failure::Hint as _;

/// The name that stands for the machine's own roots, as in libpq.
pub(super) const SYSTEM: &str = "system";

/// The certificates of a file in PEM.
pub(super) fn of_file(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read = || {
        let bytes = std::fs::read(path)?;
        let all: Vec<_> = CertificateDer::pem_slice_iter(&bytes).collect::<Result<_, _>>()?;
        anyhow::ensure!(!all.is_empty(), "there is no certificate in it");
        Ok(all)
    };
    read()
        .with_context(|| format!("cannot use {} as roots", path.display()))
        .hint(|| "name a file of certificates in PEM".to_owned())
}

/// The roots of the machine; none where it has none.
pub(super) fn of_system() -> Vec<CertificateDer<'static>> {
    rustls_native_certs::load_native_certs().certs
}
