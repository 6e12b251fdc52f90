//! pgkeep store.
