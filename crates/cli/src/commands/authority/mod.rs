//! `pgkeep authority`: what signs certificates, looked at and looked after, whether pgkeep runs or
//! not.

mod ls;
mod revoke;
mod running;
mod show;

use crate::args::{AuthorityArgs, AuthorityCommand, AuthorityExportArgs};
use crate::authorities::find;
use crate::data_directory::DataDirectory;
use crate::output;

pub(super) fn run(AuthorityArgs { data, command }: AuthorityArgs) -> anyhow::Result<()> {
    let data = DataDirectory::open(&data)?;
    match command {
        AuthorityCommand::Ls(args) => ls::run(&data, &args),
        AuthorityCommand::Show(args) => show::run(&data, &args),
        AuthorityCommand::Export(args) => export(&data, &args),
        AuthorityCommand::Revoke(args) => revoke::run(&data, &args),
    }
}

fn export(data: &DataDirectory, args: &AuthorityExportArgs) -> anyhow::Result<()> {
    let authority = find(data.authorities()?, &args.authority)?;
    let chain = if args.chain { authority.signer_pem } else { String::new() };
    output::write(chain + &authority.root_pem)
}
