//! `pgkeep documents`: what a package has beside the program, from the same definitions.

use std::fs::File;

use anyhow::Context as _;
use clap::{CommandFactory as _, ValueEnum as _};
use clap_complete::Shell;

use crate::args::{Cli, DocumentsArgs};

pub(super) fn run(args: &DocumentsArgs) -> anyhow::Result<()> {
    let folder = &args.folder;
    let written = || format!("cannot write into {}", folder.display());
    clap_mangen::generate_to(Cli::command(), folder).with_context(written)?;
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        let name = shell.to_possible_value().context("the shell has no name")?;
        let mut file = File::create(folder.join(format!("completions.{}", name.get_name())))
            .with_context(written)?;
        clap_complete::generate(shell, &mut Cli::command(), "pgkeep", &mut file);
    }
    Ok(())
}
