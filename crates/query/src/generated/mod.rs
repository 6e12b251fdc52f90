//! What `cargo xtask codegen` writes from the checked-in model; only this file is by hand.
#![allow(
    clippy::too_many_lines,
    reason = "a structure of the API has as many lines as members"
)]
#![allow(
    clippy::wildcard_imports,
    reason = "the generator need not know who uses what"
)]
#![expect(
    clippy::large_enum_variant,
    reason = "there is one request at a time, moved once or twice"
)]

pub(crate) mod errors;
pub(crate) mod inputs;
pub(crate) mod operations;
pub(crate) mod outputs;
