//! pgkeep query.
