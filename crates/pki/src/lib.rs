//! pgkeep pki.
