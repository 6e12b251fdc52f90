//! The AWS SDK for JavaScript, unchanged: `clients/js_story.mjs` says what it must find.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test that called")]

use pgkeep_testkit::{ControlPlane, program, run};

#[test]
fn a_life_in_javascript() {
    let plane = ControlPlane::start();
    let mut node = program("PGKEEP_NODE", "node");
    plane.lead(&mut node);
    let story = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/js_story.mjs");
    let outcome = run(node.arg(story), "");
    assert!(
        !outcome.stderr.contains("Cannot find module '@aws-sdk/client-rds'"),
        "this test needs npm's @aws-sdk/client-rds in the folder PGKEEP_NODE_PATH: {outcome:?}"
    );
    outcome.success();
    plane.assert_clean();
}
