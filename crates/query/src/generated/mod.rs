//! What `cargo xtask codegen` writes from the checked-in model; only this file is by hand.
#![allow(clippy::match_same_arms, reason = "an operation has its own arm")]
#![allow(clippy::struct_field_names, reason = "the names are the API's")]
#![allow(clippy::too_many_lines, reason = "a member has its own line")]
#![allow(clippy::wildcard_imports, reason = "simplest to generate")]

pub(crate) mod errors;
pub(crate) mod inputs;
pub(crate) mod operations;
pub(crate) mod outputs;
