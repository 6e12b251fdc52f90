//! The parts of the test of `docs/wire.md`.

#![allow(dead_code, reason = "another test uses a part")]

pub(crate) mod openssl;
pub(crate) mod page;
pub(crate) mod reference;
pub(crate) mod seen;

use std::fs;

pub(crate) const SYSTEM_ENGINES: &str = "/usr/lib/postgresql";

pub(crate) fn newest_system_engine() -> u16 {
    let folders = fs::read_dir(SYSTEM_ENGINES).expect("this test needs PostgreSQL's server");
    let folders = folders.map(|entry| entry.unwrap().path());
    let majors = folders.filter(|path| path.join("bin/postgres").is_file()).filter_map(|path| {
        path.file_name()?.to_str()?.parse().ok().filter(|major| (10..=18).contains(major))
    });
    majors.max().expect("this test needs PostgreSQL's server")
}
