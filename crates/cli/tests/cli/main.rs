//! The command line as people and scripts meet it: real processes, real servers, and psql and
//! openssl as judges.
#![expect(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

mod help;
mod quickstart;
mod serve;
mod support;
