//! Tasks of the project's developers: `cargo xtask codegen|test|bench|tidy`.
fn main() {}
