//! pgkeep workflow.
