//! What can be typed after `pgkeep authority`.

use clap::{Args, Subcommand};
use pgkeep_model::DbInstanceIdentifier;

use super::{DataDirArgs, JsonArg};

#[derive(Debug, Args)]
pub(crate) struct AuthorityArgs {
    #[command(flatten)]
    pub(crate) data: DataDirArgs,
    #[command(subcommand)]
    pub(crate) command: AuthorityCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuthorityCommand {
    /// List the authorities: what signs, until when, and for which DB instances
    Ls(AuthorityLsArgs),
    /// Show an authority's certificates, and what it revoked
    Show(AuthorityShowArgs),
    /// Print an authority's root as PEM; never a key
    Export(AuthorityExportArgs),
    /// Revoke the certificate of a DB instance, which gets another with a new key at once
    ///
    /// Revocation lists are beside the trust bundles: pgkeep bundle --crl. Sessions that are open
    /// stay open.
    Revoke(AuthorityRevokeArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AuthorityLsArgs {
    #[command(flatten)]
    pub(crate) json: JsonArg,
}

#[derive(Debug, Args)]
pub(crate) struct AuthorityShowArgs {
    /// The authority's identifier, such as rds-ca-rsa2048-g1
    #[arg(value_name = "ID")]
    pub(crate) authority: String,
    #[command(flatten)]
    pub(crate) json: JsonArg,
}

#[derive(Debug, Args)]
pub(crate) struct AuthorityExportArgs {
    /// The authority's identifier
    #[arg(value_name = "ID")]
    pub(crate) authority: String,
    /// With the subordinate that signs, before the root
    #[arg(long)]
    pub(crate) chain: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AuthorityRevokeArgs {
    /// The DB instance whose certificate to revoke
    #[arg(value_name = "INSTANCE", required_unless_present = "serial", conflicts_with = "serial")]
    pub(crate) instance: Option<DbInstanceIdentifier>,
    /// The certificate by its serial number instead
    #[arg(long, value_name = "HEX")]
    pub(crate) serial: Option<String>,
    /// The authority that issued it, where no DB instance has it in use
    #[arg(long, value_name = "ID", requires = "serial")]
    pub(crate) ca: Option<String>,
}
