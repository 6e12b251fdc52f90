//! Every parser of bytes from outside, driven by libFuzzer: `cargo xtask fuzz`.
//!
//! One program holds all targets, so that it is linked once; `PGKEEP_FUZZ_TARGET` names the one to
//! run. Beside not to panic, each asserts what else must hold of what it reads.

#![cfg_attr(fuzzing, no_main)]
#![cfg_attr(
    fuzzing,
    allow(
        clippy::expect_used,
        clippy::panic,
        reason = "a panic is how a target says that something does not hold"
    )
)]

#[cfg(fuzzing)]
mod targets;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(init: targets::choose(), |bytes: &[u8]| targets::run(bytes));

#[cfg(not(fuzzing))]
fn main() {
    eprintln!("there are no targets in this build: type cargo xtask fuzz");
    std::process::exit(2);
}
