//! pgkeep server.
