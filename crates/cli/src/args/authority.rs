//! What can be typed after `pgkeep authority`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use pgkeep_model::{DbInstanceIdentifier, KeyAlgorithm};

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
    /// Take an authority of your own: an intermediate, whose root you keep elsewhere
    ///
    /// It signs for DB instances that are created or modified with its identifier. Either give its
    /// key, or have one made here: --csr prints a request; have that signed elsewhere, and give
    /// the certificate. The same again replaces a certificate that comes to its end.
    Import(AuthorityImportArgs),
    /// Encrypt the authorities' keys under another passphrase
    ///
    /// While pgkeep does not run: it would go on with the one before. If this is interrupted, the
    /// same again finishes it.
    Passphrase(AuthorityPassphraseArgs),
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

#[derive(Debug, Args)]
pub(crate) struct AuthorityImportArgs {
    /// An identifier of your own, such as corp-ca
    #[arg(value_name = "ID")]
    pub(crate) authority: String,
    /// The intermediate's certificate with those above it in PEM, in any order
    #[arg(long, value_name = "F", required_unless_present = "csr", conflicts_with = "csr")]
    pub(crate) certificate: Option<PathBuf>,
    /// Its private key in PKCS#8 PEM [default: the one of --csr, or of the certificate before]
    #[arg(long, value_name = "F", requires = "certificate")]
    pub(crate) key: Option<PathBuf>,
    /// The root's certificate, where the other file does not have it
    #[arg(long, value_name = "F", requires = "certificate")]
    pub(crate) root: Option<PathBuf>,
    /// Make a key, which stays here, and print a request for its certificate
    #[arg(long)]
    pub(crate) csr: bool,
    /// The kind of that key
    #[arg(long, value_name = "K", value_enum, default_value = "rsa2048", requires = "csr")]
    pub(crate) key_type: KeyType,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AuthorityPassphraseArgs {
    #[command(flatten)]
    pub(crate) old: PassphraseArgs,
    /// The file with the new passphrase; only its owner may read it
    #[arg(long, value_name = "F", required_unless_present = "new_command")]
    pub(crate) new_file: Option<PathBuf>,
    /// A command for /bin/sh that prints the new passphrase
    #[arg(long, value_name = "CMD", conflicts_with = "new_file")]
    pub(crate) new_command: Option<String>,
}

/// A kind of key, as it is typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum KeyType {
    Rsa2048,
    Rsa4096,
    Ecc384,
}

impl From<KeyType> for KeyAlgorithm {
    fn from(typed: KeyType) -> Self {
        match typed {
            KeyType::Rsa2048 => Self::Rsa2048,
            KeyType::Rsa4096 => Self::Rsa4096,
            KeyType::Ecc384 => Self::EcdsaP384,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct PassphraseArgs {
    /// The file with the passphrase under which the authorities' keys are encrypted; only its owner
    /// may read it
    #[arg(long, env = "PGKEEP_CA_PASSPHRASE_FILE", value_name = "F")]
    pub(crate) ca_passphrase_file: Option<PathBuf>,
    /// A command for /bin/sh that prints this passphrase
    #[arg(
        long,
        env = "PGKEEP_CA_PASSPHRASE_COMMAND",
        value_name = "CMD",
        hide_env_values = true,
        conflicts_with = "ca_passphrase_file"
    )]
    pub(crate) ca_passphrase_command: Option<String>,
}
