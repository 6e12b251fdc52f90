//! `postgresql.conf` from the instance's settings.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use pgkeep_model::EngineVersion;

use super::AuthenticationMethod;
use crate::layout::InstanceFiles;
use crate::view::RDSDBDATA;

/// What a server is to run with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The release of the server.
    pub version: EngineVersion,
    /// Where it listens.
    pub address: SocketAddr,
    /// Whether plaintext is refused (`rds.force_ssl`).
    pub force_ssl: bool,
    /// How passwords are checked.
    pub authentication: AuthenticationMethod,
    /// The operating system user that runs pgkeep and the server.
    pub os_user: String,
    /// Parameters of the group by name, formulas evaluated, in PostgreSQL's own base units.
    pub parameters: BTreeMap<String, String>,
    /// Where the instance's files are.
    pub files: InstanceFiles,
    /// Whether the server sees them as [`RDSDBDATA`].
    pub has_view: bool,
}

/// Renders `postgresql.conf`, and apart the lines that only a start reads.
pub(super) fn render_postgresql_conf(settings: &Settings) -> (String, String) {
    let mut values = settings.parameters.clone();
    values.entry("timezone".to_owned()).or_insert_with(|| "UTC".to_owned());
    values.extend(held(settings));
    // PostgreSQL applies a file from top to bottom. What is switched off goes first, so that it is
    // not in the way of what takes its place: `log_parser_stats` after `log_statement_stats`.
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by_key(|(_, value)| value != "off");
    let mut conf = String::from("# Written by pgkeep; changes are overwritten.\n");
    let mut start_lines = String::new();
    for (name, value) in &values {
        let line = format!("{name} = {}\n", quote(value));
        conf.push_str(&line);
        if START_ONLY.contains(&name.as_str()) {
            start_lines.push_str(&line);
        }
    }
    (conf, start_lines)
}

/// The settings below that have the context `postmaster` in `pg_settings`.
const START_ONLY: &[&str] = &[
    "hba_file",
    "ident_file",
    "listen_addresses",
    "logging_collector",
    "max_connections",
    "port",
    "shared_buffers",
    "unix_socket_directories",
    "unix_socket_permissions",
];

/// What pgkeep holds in its own hand: no parameter overrides it.
fn held(settings: &Settings) -> BTreeMap<String, String> {
    let files = &settings.files;
    let metadata = files.metadata();
    let metadata =
        if settings.has_view { Path::new(RDSDBDATA).join("rds-metadata") } else { metadata };
    let mut held = BTreeMap::new();
    let mut set = |name: &str, value: String| {
        held.insert(name.to_owned(), value);
    };
    set("listen_addresses", settings.address.ip().to_string());
    set("port", settings.address.port().to_string());
    set("unix_socket_directories", text(files.socket()));
    set("unix_socket_permissions", "0700".to_owned());
    set("hba_file", text(&files.pg_hba_conf()));
    set("ident_file", text(&files.pg_ident_conf()));
    set("ssl", "on".to_owned());
    set("ssl_cert_file", text(&metadata.join("server-cert.pem")));
    set("ssl_key_file", text(&metadata.join("server-key.pem")));
    set("ssl_ca_file", text(&metadata.join("ca-cert.pem")));
    set("rds.force_ssl", u8::from(settings.force_ssl).to_string());
    set("logging_collector", "on".to_owned());
    set("log_directory", text(&files.log().join("error")));
    set("log_filename", "postgresql.log.%Y-%m-%d-%H".to_owned());
    set("log_file_mode", "0600".to_owned());
    set("log_rotation_age", "60".to_owned());
    set("log_rotation_size", "0".to_owned());
    set("log_truncate_on_rotation", "off".to_owned());
    set("log_line_prefix", "%t:%r:%u@%d:[%p]:".to_owned());
    set("log_timezone", "UTC".to_owned());
    set("lc_messages", "C".to_owned());
    held
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A value between single quotes, as `guc-file.l` reads it: quotes and backslashes doubled. Line
/// ends cannot stand in the file raw, their escapes can.
pub(crate) fn quote(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('\'');
    for character in value.chars() {
        match character {
            '\'' => quoted.push_str("''"),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            control if control.is_ascii_control() => {
                let _ = write!(quoted, "\\{:03o}", u32::from(control));
            }
            plain => quoted.push(plain),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_keeps_a_value_on_its_line() {
        assert_eq!(quote("a'b\\c\nd\u{1}"), "'a''b\\\\c\\nd\\001'");
    }
}
