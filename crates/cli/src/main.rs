//! The command `pgkeep`.
fn main() {}
