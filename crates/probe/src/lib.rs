//! pgkeep probe.
