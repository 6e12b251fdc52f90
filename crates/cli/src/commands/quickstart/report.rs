//! What quickstart shows: what was seen, and how to go on.

use std::net::SocketAddr;
use std::path::PathBuf;

use pgkeep_model::DbInstance;
use pgkeep_probe::Certificate;
use pgkeep_query::Secret;

use super::session::Session;
use crate::commands::env::quote;
use crate::instances::{database, render_time};

/// From this version on psql's banner names the ALPN protocol.
const ALPN_SINCE: u16 = 17;

/// Everything that was seen.
#[expect(clippy::struct_excessive_bools, reason = "independent observations")]
pub(super) struct Report {
    pub(super) instance: DbInstance,
    pub(super) session: Session,
    pub(super) certificate: Certificate,
    pub(super) days_left: i64,
    pub(super) alpn: bool,
    pub(super) force_ssl: bool,
    pub(super) plaintext_refused: bool,
    /// The server's answer to a client without TLS.
    pub(super) plaintext: String,
    pub(super) password: Secret,
    pub(super) api: SocketAddr,
    pub(super) names_published: bool,
    pub(super) bundle: PathBuf,
    pub(super) data: PathBuf,
}

impl Report {
    /// What was not as it must be. That the session is there has proved the chain and the name.
    pub(super) fn failure(&self) -> Option<String> {
        let endpoint = &self.instance.desired.endpoint;
        if self.certificate.common_name.as_ref() != Some(endpoint) {
            let name = self.certificate.common_name.as_deref().unwrap_or("nobody");
            return Some(format!("the certificate is for {name}, not {endpoint}"));
        }
        (self.force_ssl && !self.plaintext_refused)
            .then(|| format!("a client without TLS was {}", self.plaintext))
    }

    /// The text for the terminal; the password only while there is a server to use it on.
    pub(super) fn render(&self, with_password: bool) -> String {
        let mut text = self.render_seen() + &self.render_ways();
        if with_password {
            let user = &self.instance.desired.master_username;
            text += &["\nPassword of ", user, ", shown this once:\n  "].concat();
            text += self.password.expose();
            text.push('\n');
        }
        text
    }

    fn render_seen(&self) -> String {
        let desired = &self.instance.desired;
        let (host, port, address) = (&desired.endpoint, desired.port, desired.address);
        let Session { server_version, protocol, cipher, bits } = &self.session;
        let alpn = if desired.engine_version.major < ALPN_SINCE {
            ""
        } else if self.alpn {
            ", ALPN: postgresql"
        } else {
            ", ALPN: none"
        };
        let certificate = &self.certificate;
        let name = certificate.common_name.as_deref().unwrap_or("-");
        let ends = render_time(certificate.not_after);
        format!(
            "PostgreSQL {server_version} is DB instance {id} at {host}:{port} ({address})\n\
             \n\
             SSL connection (protocol: {protocol}, cipher: {cipher}, bits: {bits}, \
             compression: off{alpn})\n\
             \n\
             Certificate CN      {name}\n\
             Certificate issuer  {issuer}\n\
             Certificate ends    {ends} ({days} days left)\n\
             sslmode=verify-full connected: issued by the bundle's roots, for this name\n\
             sslmode=disable     {plaintext}\n",
            id = desired.identifier,
            issuer = certificate.issuer,
            days = self.days_left,
            plaintext = self.plaintext,
        )
    }

    fn render_ways(&self) -> String {
        let desired = &self.instance.desired;
        let (host, port, user) = (&desired.endpoint, desired.port, &desired.master_username);
        let (database, bundle) = (database(&self.instance), self.bundle.display());
        let conninfo = format!(
            "host={host} hostaddr={address} port={port} user={user} dbname={database} \
             sslmode=verify-full sslrootcert={bundle}",
            address = desired.address,
        );
        let data = quote(&self.data.to_string_lossy());
        let names = if self.names_published {
            String::new()
        } else {
            format!("  (the name is not in the hosts file; add: {} {host})\n", desired.address)
        };
        format!(
            "\npsql\n  psql {conninfo}\n\
             \nJDBC\n  jdbc:postgresql://{host}:{port}/{database}?user={user}&ssl=true\
             &sslmode=verify-full&sslrootcert={bundle}\n{names}\
             \nAWS CLI, in another terminal; the API is at http://{api}\n  \
             eval \"$(pgkeep env --data-dir {data})\"\n  \
             aws rds describe-db-instances --endpoint-url \"$AWS_ENDPOINT_URL_RDS\"\n  \
             aws rds delete-db-instance --endpoint-url \"$AWS_ENDPOINT_URL_RDS\" \
             --db-instance-identifier {id} --skip-final-snapshot\n",
            conninfo = quote(&conninfo),
            api = self.api,
            id = desired.identifier,
        )
    }
}
