//! Renders `docs/reference-page.md`: what the page shows, as data, and why something differs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

pub(crate) const MAJORS: [u16; 4] = [10, 13, 16, 18];

/// What one major version showed.
pub(crate) struct Seen {
    pub(crate) banner: String,
    pub(crate) refusal: String,
    pub(crate) extension: String,
    pub(crate) is_used: String,
    /// Name, value, description.
    pub(crate) settings: Vec<Vec<String>>,
    /// Database, user, ssl, address, application, kind.
    pub(crate) sessions: Vec<Vec<String>>,
    pub(crate) cipher: String,
    pub(crate) pages_cipher: String,
}

const INTRODUCTION: &str = "\
# The reference page, command by command

Every command of the RDS User Guide's page *Using SSL with a PostgreSQL DB instance*, typed on DB
instances of pgkeep as their master user; endpoint, names and passwords aside. The DB instances were
created with a DB parameter group in which `rds.force_ssl` is 1. A test types them, writes this
page, and fails at a difference that is not explained here:

```sh
PGKEEP_UPDATE=1 cargo xtask test --test e2e_reference_page
```

The column *page* is what the page shows. A dash is a row that is not there, `''` an empty value.

";

/// The page's rows of `pg_settings`.
const SETTINGS: [(&str, &str, &str); 14] = [
    ("ssl", "on", "Enables SSL connections."),
    (
        "ssl_ca_file",
        "/rdsdbdata/rds-metadata/ca-cert.pem",
        "Location of the SSL certificate authority file.",
    ),
    (
        "ssl_cert_file",
        "/rdsdbdata/rds-metadata/server-cert.pem",
        "Location of the SSL server certificate file.",
    ),
    ("ssl_ciphers", "HIGH:!aNULL:!3DES", "Sets the list of allowed SSL ciphers."),
    ("ssl_crl_file", "", "Location of the SSL certificate revocation list file."),
    ("ssl_dh_params_file", "", "Location of the SSL DH parameters file."),
    ("ssl_ecdh_curve", "prime256v1", "Sets the curve to use for ECDH."),
    (
        "ssl_key_file",
        "/rdsdbdata/rds-metadata/server-key.pem",
        "Location of the SSL server private key file.",
    ),
    ("ssl_library", "OpenSSL", "Name of the SSL library."),
    ("ssl_max_protocol_version", "", "Sets the maximum SSL/TLS protocol version to use."),
    ("ssl_min_protocol_version", "TLSv1.2", "Sets the minimum SSL/TLS protocol version to use."),
    ("ssl_passphrase_command", "", "Command to obtain passphrases for SSL."),
    (
        "ssl_passphrase_command_supports_reload",
        "off",
        "Also use ssl_passphrase_command during server reload.",
    ),
    ("ssl_prefer_server_ciphers", "on", "Give priority to server ciphersuite order."),
];

/// The page's kinds of processes, and whether they are encrypted.
const SESSIONS: [(&str, &str); 7] = [
    ("autovacuum launcher", "not encrypted"),
    ("background writer", "not encrypted"),
    ("checkpointer", "not encrypted"),
    ("client backend of rdsadmin", "encrypted"),
    ("client backend of the master user", "encrypted"),
    ("logical replication launcher", "not encrypted"),
    ("walwriter", "not encrypted"),
];

const CLIENTS_ONLY: &str = "From 12 on pg_stat_ssl has rows of clients only.";

/// Why a row of that name is not as on the page.
const EXPLANATIONS: &[(&str, &str)] = &[
    (
        "banner",
        "The page's psql is 10.3. A newer one names the protocol, and with TLS 1.3 a server \
                and a client of today agree on another suite.",
    ),
    ("refusal", "PostgreSQL's words up to 13 are those of the page; from 14 on they are others."),
    (
        "ssl_cipher",
        "As for the banner. A client that offers the page's suite alone gets it: last row.",
    ),
    (
        "rds.force_ssl",
        "A parameter of the service, which its server shows too; the page leaves it out.",
    ),
    (
        "ssl_ciphers",
        "10 and 11 have an older default by the page's own table. 18 tells what the \
                     parameter governs.",
    ),
    ("ssl_crl_dir", "New in 14."),
    ("ssl_dh_params_file", "PostgreSQL's description is another from 11 on."),
    ("ssl_ecdh_curve", "Its name is ssl_groups from 18 on."),
    ("ssl_groups", "New in 18, in place of ssl_ecdh_curve."),
    ("ssl_library", "New in 12."),
    ("ssl_max_protocol_version", "New in 12."),
    ("ssl_min_protocol_version", "New in 12."),
    ("ssl_passphrase_command", "New in 11."),
    ("ssl_passphrase_command_supports_reload", "New in 11."),
    ("ssl_tls13_ciphers", "New in 18."),
    ("logical replication launcher", "10 calls it a background worker; from 12 on as below."),
    ("background worker", "10's name of the logical replication launcher."),
    ("autovacuum launcher", CLIENTS_ONLY),
    ("background writer", CLIENTS_ONLY),
    ("checkpointer", CLIENTS_ONLY),
    ("walwriter", CLIENTS_ONLY),
];

/// A row's name, what the page shows, what each major version shows.
type Row = (String, String, Vec<String>);

pub(crate) fn render(seen: &[Seen]) -> String {
    let row = |name: &str, page: &str, field: fn(&Seen) -> &String| -> Row {
        (name.to_owned(), page.to_owned(), seen.iter().map(|it| field(it).clone()).collect())
    };
    let mut page = Page { text: INTRODUCTION.to_owned(), unexplained: Vec::new() };
    page.command(
        "Connecting",
        "psql \"host=… port=5432 dbname=… user=… sslrootcert=rds-ca-rsa2048-g1.pem \\\n      \
         sslmode=verify-full\"",
    );
    let banner = "SSL connection (cipher: DHE-RSA-AES256-SHA, …)";
    page.table("Of what psql says first:", vec![row("banner", banner, |it| &it.banner)]);

    page.command(
        "Without TLS",
        "psql \"host=… port=5432 dbname=testDB user=testuser sslmode=disable\"",
    );
    let refusal = "FATAL: no pg_hba.conf entry for host \"w.x.y.z\", user \"testuser\", database \
                   \"testDB\", SSL off";
    page.table(
        "The page's own line lacks `sslmode=disable`, without which psql connects with TLS; and \
         after\nits `-h …`, psql takes `dbname=testDB` for a user name.",
        vec![row("refusal", refusal, |it| &it.refusal)],
    );

    page.command(
        "sslinfo",
        "CREATE EXTENSION sslinfo;\nSELECT ssl_is_used();\nSELECT ssl_cipher();",
    );
    page.table(
        "Results:",
        vec![
            row("CREATE EXTENSION", "CREATE EXTENSION", |it| &it.extension),
            row("ssl_is_used", "t", |it| &it.is_used),
            row("ssl_cipher", "DHE-RSA-AES256-SHA", |it| &it.cipher),
            row("the same, offered alone", "DHE-RSA-AES256-SHA", |it| &it.pages_cipher),
        ],
    );

    page.command(
        "pg_settings",
        "SELECT name as \"Parameter name\", setting as value, short_desc\n\
         FROM pg_settings WHERE name LIKE '%ssl%';",
    );
    page.table("Values:", settings(seen, 1));
    page.rows("Descriptions, all of them PostgreSQL's own, by release:", &settings(seen, 2));

    page.command(
        "pg_stat_ssl",
        "SELECT datname as \"Database name\", usename as \"User name\", ssl, client_addr,\n       \
         application_name, backend_type\n\
         FROM pg_stat_ssl JOIN pg_stat_activity ON pg_stat_ssl.pid = pg_stat_activity.pid\n\
         ORDER BY ssl;",
    );
    page.table("By `backend_type`:", sessions(seen));

    let Page { text, unexplained } = page;
    assert!(unexplained.is_empty(), "no explanation of {unexplained:#?}");
    text.trim_end().to_owned() + "\n"
}

fn absent(seen: &[Seen]) -> (String, Vec<String>) {
    ("–".to_owned(), vec!["–".to_owned(); seen.len()])
}

fn settings(seen: &[Seen], column: usize) -> Vec<Row> {
    let mut rows: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    let shown = |value: &str| if value.is_empty() { "''".to_owned() } else { value.to_owned() };
    for (name, value, description) in SETTINGS {
        let cell = if column == 1 { value } else { description };
        rows.entry(name.to_owned()).or_insert_with(|| absent(seen)).0 = shown(cell);
    }
    for (place, one) in seen.iter().enumerate() {
        for row in &one.settings {
            let cells = rows.entry(row[0].clone()).or_insert_with(|| absent(seen));
            cells.1[place] = shown(&row[column]);
        }
    }
    rows.into_iter().map(|(name, (page, seen))| (name, page, seen)).collect()
}

fn sessions(seen: &[Seen]) -> Vec<Row> {
    let mut rows: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    for (name, cell) in SESSIONS {
        rows.entry(name.to_owned()).or_insert_with(|| absent(seen)).0 = cell.into();
    }
    for (place, one) in seen.iter().enumerate() {
        for row in &one.sessions {
            let [_, user, ssl, _, _, kind] = row.as_slice() else { panic!("{row:?}") };
            let name = match (kind.as_str(), user.as_str()) {
                // Comes and goes.
                ("autovacuum worker", _) => continue,
                ("client backend", "rdsadmin") => "client backend of rdsadmin".to_owned(),
                ("client backend", _) => "client backend of the master user".to_owned(),
                _ => kind.clone(),
            };
            let cell = if ssl == "t" { "encrypted" } else { "not encrypted" };
            rows.entry(name).or_insert_with(|| absent(seen)).1[place] = cell.into();
        }
    }
    rows.into_iter().map(|(name, (page, seen))| (name, page, seen)).collect()
}

struct Page {
    text: String,
    unexplained: Vec<Row>,
}

impl Page {
    fn command(&mut self, title: &str, command: &str) {
        let language = if command.starts_with("psql") { "sh" } else { "sql" };
        let _ = write!(self.text, "## {title}\n\n```{language}\n{command}\n```\n\n");
    }

    /// The rows, and below them why they differ from the page.
    fn table(&mut self, words: &str, rows: Vec<Row>) {
        self.rows(words, &rows);
        let mut reasons = Vec::new();
        for row in rows {
            let (name, page, seen) = &row;
            if seen.iter().all(|it| it == page) {
                continue;
            }
            match EXPLANATIONS.iter().find(|(known, _)| known == name) {
                Some((_, reason)) => reasons.push(format!("- {name}: {reason}\n")),
                None => self.unexplained.push(row),
            }
        }
        if !reasons.is_empty() {
            let _ = writeln!(self.text, "{}", reasons.concat());
        }
    }

    fn rows(&mut self, words: &str, rows: &[Row]) {
        let majors = MAJORS.map(|major| major.to_string()).join(" | ");
        let _ = write!(self.text, "{words}\n\n| | page | {majors} |\n|---|---|---|---|---|---|\n");
        for (name, page, seen) in rows {
            let cells: Vec<_> = [page].into_iter().chain(seen).map(|it| cell(it)).collect();
            let _ = writeln!(self.text, "| {name} | {} |", cells.join(" | "));
        }
        self.text.push('\n');
    }
}

fn cell(text: &str) -> String {
    let is_word = text.chars().any(|it| it.is_ascii_alphanumeric() || it == '\'');
    if is_word { format!("`{text}`") } else { text.to_owned() }
}
