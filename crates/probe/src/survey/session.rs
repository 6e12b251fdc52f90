//! A session of its own, where credentials were given: what the server says of the connection.
//!
//! The password goes to a server inside TLS only, and never as it is: to a server that asks for
//! it in clear text it is not sent, for nothing here has verified who that is.

use tokio::net::TcpStream;
use tokio_postgres::config::{ChannelBinding, SslMode};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::line::{Line, explain};
use super::tunnel::{algorithms, config};
use super::{Asked, AuthAnswer, Session, Survey};
use crate::error::ProbeError;
use crate::names::Cipher;
use crate::packets::AuthMethod;
use crate::version::TlsVersion;
use crate::witness::{Witness, schemes};

const AWAITED: &str = "open a session";
const PLUS: &str = "SCRAM-SHA-256-PLUS";
const QUERY: &str = "SELECT current_setting('server_version'), ssl, version, cipher \
                     FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()";
/// The algorithms of signatures whose hash makes the binding (RFC 5929 §4.1) and that the client
/// knows: RSA with SHA-1, 256, 384 and 512, ECDSA with SHA-256 and 384.
const BINDABLE: [&str; 6] = [
    "1.2.840.113549.1.1.5",
    "1.2.840.113549.1.1.11",
    "1.2.840.113549.1.1.12",
    "1.2.840.113549.1.1.13",
    "1.2.840.10045.4.3.2",
    "1.2.840.10045.4.3.3",
];

/// Opens a session and asks it.
pub(super) fn session<'a>(
    line: &'a Line<'_>,
    seen: &Survey,
    agreed: Option<(TlsVersion, Cipher)>,
) -> impl Future<Output = Asked<Session>> + use<'a> {
    let given = line.plan.credentials;
    let method = match &seen.authentication {
        Asked::Answer(AuthAnswer::Method(method)) => Some(method.clone()),
        _ => None,
    };
    let leaf = seen.chains.first().and_then(|chain| chain.first()).cloned();
    async move {
        let (Some(agreed), true) =
            (agreed, given.password.or(given.certificate.map(|it| it.0)).is_some())
        else {
            return Asked::No;
        };
        let binds = match method {
            Some(AuthMethod::CleartextPassword) if given.password.is_some() => {
                let why = "the server asks for the password as it is; it was not sent";
                return Asked::Failed(why.to_owned());
            }
            Some(AuthMethod::Sasl(offered)) => {
                offered.iter().any(|it| it == PLUS) && leaf.is_some_and(|leaf| is_bindable(&leaf))
            }
            _ => false,
        };
        if !binds || given.password.is_none() {
            return asked(line, open(line, ChannelBinding::Prefer, agreed).await, Asked::No);
        }
        match open(line, ChannelBinding::Require, agreed).await {
            Ok(session) => asked(line, Ok(session), Asked::Answer(true)),
            Err(why) => {
                let session = open(line, ChannelBinding::Disable, agreed).await;
                asked(line, session, Asked::Failed(why))
            }
        }
    }
}

fn asked(
    line: &Line<'_>,
    opened: Result<Session, String>,
    channel_binding: Asked<bool>,
) -> Asked<Session> {
    match opened {
        Ok(session) => Asked::Answer(Session { channel_binding, ..session }),
        Err(why) => {
            line.note(why.clone());
            Asked::Failed(why)
        }
    }
}

fn is_bindable(leaf: &[u8]) -> bool {
    X509Certificate::from_der(leaf).is_ok_and(|(_, leaf)| {
        let algorithm = leaf.signature_algorithm.algorithm.to_id_string();
        BINDABLE.contains(&algorithm.as_str())
    })
}

async fn open(
    line: &Line<'_>,
    binding: ChannelBinding,
    agreed: (TlsVersion, Cipher),
) -> Result<Session, String> {
    let plan = line.plan;
    let witness = Witness::new(algorithms(), schemes(&algorithms()));
    let tls = config(witness, rustls::ALL_VERSIONS, plan.credentials.certificate)?;
    let mut tls = MakeRustlsConnect::new(tls);
    let name = plan.server_name;
    let tls = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls, name);
    let tls = tls.map_err(|error| explain(&error))?;
    let mut config = Config::new();
    config.user(plan.user).dbname(plan.database).application_name("pgkeep probe");
    config.ssl_mode(SslMode::Require).channel_binding(binding);
    if let Some(password) = plan.credentials.password {
        config.password(password);
    }
    let text = |error: ProbeError| explain(&error);
    let wire = line.open().await.map_err(text)?;
    let limit = wire.limit;
    let opened = limit.wait(AWAITED, config.connect_raw(wire.stream, tls)).await;
    let opened = line.settle(opened).map_err(text)?;
    let (client, connection) = opened.map_err(|error| explain(&error))?;
    let running = tokio::spawn(connection);
    let answer = limit.wait(AWAITED, ask(&client, agreed)).await;
    drop(client);
    // It ends with the client; what it says then is of no interest.
    let _ = limit.wait(AWAITED, running).await;
    line.settle(answer).map_err(text)?.map_err(|error| explain(&error))
}

async fn ask(
    client: &Client,
    agreed: (TlsVersion, Cipher),
) -> Result<Session, tokio_postgres::Error> {
    let row = client.query_one(QUERY, &[]).await?;
    Ok(Session {
        server_version: row.try_get(0)?,
        ssl: row.try_get(1)?,
        version: row.try_get(2)?,
        cipher: row.try_get(3)?,
        agreed,
        channel_binding: Asked::No,
    })
}
