//! The parts of the test of `docs/clients.md`.

#![allow(dead_code, reason = "another test uses a part")]

pub(crate) mod cells;
pub(crate) mod clients;
pub(crate) mod page;
pub(crate) mod record;
pub(crate) mod servers;
pub(crate) mod snippets;
pub(crate) mod stripped;
