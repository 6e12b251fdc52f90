//! The command `pgkeep`: the one place where settings, privileges, clock and randomness of the
//! real world come in.
//!
//! Everything that needs root is done before there is a second thread: the system's calls that
//! give privileges up work on threads, and a thread that kept them would keep them for all.
//! Deliberately absent: rules. What a command says about an instance, the other crates know.

mod api_client;
mod args;
mod authorities;
mod clock;
mod commands;
mod credentials;
mod data_directory;
mod failure;
mod instances;
mod lock;
mod machine;
mod os_user;
mod output;
mod passphrase;
mod plane;
mod progress;
mod published;
mod snippets;
mod startup;
mod table;

use std::process::ExitCode;

use args::Command;
use clap::Parser as _;
use nix::sys::stat::{Mode, umask};

fn main() -> ExitCode {
    let command = args::Cli::parse().command;
    if let Command::Serve(_) | Command::Quickstart(_) = command {
        machine::limit_arenas();
    }
    // Whatever is made without a mode of its own is for this user alone.
    let before = umask(Mode::S_IRWXG | Mode::S_IRWXO);
    match commands::run(command, before) {
        Ok(code) => code,
        Err(error) => failure::report(&error),
    }
}
