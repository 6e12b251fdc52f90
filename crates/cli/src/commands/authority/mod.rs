//! `pgkeep authority`: what signs certificates, looked at and looked after, whether pgkeep runs or
//! not.

mod import;
mod ls;
mod passphrase;
mod revoke;
mod running;
mod show;

use crate::args::{AuthorityArgs, AuthorityCommand, AuthorityExportArgs};
use crate::authorities::find;
use crate::data_directory::DataDirectory;
use crate::output;

pub(super) fn run(AuthorityArgs { data, command }: AuthorityArgs) -> anyhow::Result<()> {
    let open = || DataDirectory::open(&data);
    match command {
        AuthorityCommand::Ls(args) => ls::run(&open()?, &args),
        AuthorityCommand::Show(args) => show::run(&open()?, &args),
        AuthorityCommand::Export(args) => export(&open()?, &args),
        AuthorityCommand::Revoke(args) => revoke::run(&open()?, &args),
        AuthorityCommand::Import(args) => {
            let given = import::Given::read(&args)?;
            import::run(&open()?, &args, &given)
        }
        AuthorityCommand::Passphrase(args) => {
            let given = passphrase::Given::read(args)?;
            passphrase::run(&open()?, &given)
        }
    }
}

fn export(data: &DataDirectory, args: &AuthorityExportArgs) -> anyhow::Result<()> {
    let authority = find(data.authorities()?, &args.authority)?;
    let chain = if args.chain { authority.signer_pem } else { String::new() };
    output::write(chain + &authority.root_pem)
}
