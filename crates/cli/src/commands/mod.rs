//! One file a command.

mod authority;
mod bundle;
mod doctor;
mod documents;
mod engines;
pub(crate) mod env;
mod if_forced;
mod in_view;
mod logs;
mod ls;
mod probe;
mod psql;
mod quickstart;
mod rehearse;
mod run_on_request;
mod serve;
mod snippets;
mod tls;

use std::process::ExitCode;

use nix::sys::stat::Mode;

use crate::args::Command;

/// Runs a command to its end. `umask` is the one that the process was started with, for programs
/// that take its place.
pub(crate) fn run(command: Command, umask: Mode) -> anyhow::Result<ExitCode> {
    let done = |()| ExitCode::SUCCESS;
    match command {
        Command::Serve(args) => serve::run(&args).map(done),
        Command::Quickstart(args) => quickstart::run(args).map(done),
        Command::Env(args) => env::run(&args).map(done),
        Command::Bundle(args) => bundle::run(&args).map(done),
        Command::Authority(args) => authority::run(args).map(done),
        Command::Ls(args) => ls::run(&args).map(done),
        Command::Tls(args) if args.if_forced => if_forced::run(&args),
        Command::Tls(args) => tls::run(&args),
        Command::Psql(args) => match psql::run(args, umask)? {},
        Command::Snippets(args) => snippets::run(&args).map(done),
        Command::Logs(args) => logs::run(&args).map(done),
        Command::Engines(args) => engines::run(&args).map(done),
        Command::Probe(args) => probe::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Rehearse(args) => rehearse::run(&args, umask),
        Command::RunOnRequest(args) => run_on_request::run(&args, umask).map(done),
        Command::Documents(args) => documents::run(&args).map(done),
        Command::InView(args) => match in_view::run(&args)? {},
    }
}
