//! pgkeep testkit.
