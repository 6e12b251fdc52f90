//! The targets, and which of them runs.

mod api;
mod certificates;
mod engines;
mod logs;
mod parameters;
mod probe;

use std::sync::OnceLock;

type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 11] = [
    ("aws-query", api::aws_query),
    ("sigv4", api::sigv4),
    ("arn", api::arn),
    ("formula", parameters::formula),
    ("parameter-value", parameters::value),
    ("engine-archive", engines::archive),
    ("server-log", logs::connections),
    ("certificates", certificates::import),
    ("server-flight", probe::server_flight),
    ("first-message", probe::first_message),
    ("served-certificate", probe::served_certificate),
];

static CHOSEN: OnceLock<Target> = OnceLock::new();

/// Takes the target that the environment names; with none it lists all of them.
pub(crate) fn choose() {
    let name = std::env::var("PGKEEP_FUZZ_TARGET").unwrap_or_default();
    match TARGETS.iter().find(|(known, _)| *known == name) {
        Some((_, target)) => {
            CHOSEN.get_or_init(|| *target);
        }
        None => {
            TARGETS.iter().for_each(|(name, _)| println!("{name}"));
            std::process::exit(0);
        }
    }
}

/// Runs the chosen target once.
pub(crate) fn run(bytes: &[u8]) {
    CHOSEN.get().expect("a target was chosen")(bytes);
}

/// The input as text; most parsers take nothing else.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}
