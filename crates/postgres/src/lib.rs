//! pgkeep postgres.
