//! What tests of pgkeep share: a moved clock, and a whole control plane that is started, asked,
//! killed and cleared away.
//!
//! A [`ControlPlane`] is the built binary in folders of its own, so that tests run side by side,
//! and it fails its test when anything of it is left behind. What is asked of it goes the way that
//! clients go: the API over signed HTTP, PostgreSQL through `psql`. A program that a test needs and
//! the machine lacks fails that test by name; nothing is skipped. Here a panic is how a test fails.
//!
//! Deliberately absent: knowledge of pgkeep's own state. What a test may know of an instance is
//! what the API, the hosts file, the process table and the server itself say.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a panic fails the test that called"
)]

/// Makes a test of each major version, which calls a function with its number.
#[macro_export]
macro_rules! for_each_major {
    ($call:ident) => {
        $crate::for_each_major! { $call:
            postgres_10: 10, postgres_11: 11, postgres_12: 12, postgres_13: 13, postgres_14: 14,
            postgres_15: 15, postgres_16: 16, postgres_17: 17, postgres_18: 18,
        }
    };
    ($call:ident: $($name:ident: $major:literal,)+) => {
        $(#[test] fn $name() { $call($major); })+
    };
}

mod api;
mod clients;
mod clock;
mod control_plane;
mod disk;
mod instance;
mod openssl;
mod page;
mod processes;
mod program;
mod psql;
mod roots;
mod secrets;
mod wait;
mod witness;
mod world;
mod xml;

pub use api::{Api, Refusal, read_answer};
pub use clock::ManualClock;
pub use control_plane::{ControlPlane, Options};
pub use disk::Disk;
pub use instance::{
    Instance, MASTER_PASSWORD, MASTER_USERNAME, distant_maintenance_window, maintenance_window,
};
pub use openssl::{Served, openssl};
pub use page::{hold_page, page_path};
pub use processes::{Paused, kill_process, processes_under};
pub use program::{Outcome, program, run};
pub use psql::{Psql, Session};
pub use wait::wait_until;
pub use witness::Witness;
pub use xml::Xml;
