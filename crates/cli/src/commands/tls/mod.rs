//! `pgkeep tls`: the certificate that is recorded, what the endpoint serves, the policy that the
//! server runs with, and who is connected under which TLS.
//!
//! The recorded facts come from the instance's folder; what is served is asked of the endpoint as
//! any client would ask it, and the rest of the server itself, over the Unix socket. None of it
//! needs `pgkeep serve`.

mod facts;
mod sessions;

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, stdout};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use pgkeep_model::{Clock as _, DbInstance, InstanceStatus};
use pgkeep_postgres::{Admin, InstanceFiles, Layout, Session};
use pgkeep_probe::{Handshake, PlaintextAnswer, Trust, Versions, handshake, plaintext};
use time::OffsetDateTime;

use crate::args::TlsArgs;
use crate::clock::SystemClock;
use crate::data_directory::DataDirectory;
use crate::failure::render_chain;
use crate::instances::{database, find};
use crate::output;
use crate::plane::runtime;
use crate::table::render_json;
use facts::Facts;

/// On loopback an answer takes milliseconds.
const LIMIT: Duration = Duration::from_secs(5);

pub(super) fn run(args: &TlsArgs) -> anyhow::Result<ExitCode> {
    let data = DataDirectory::open(&args.data)?;
    let runtime = runtime()?;
    let is_terminal = stdout().is_terminal();
    for is_first in std::iter::once(true).chain(std::iter::repeat(false)) {
        let facts = runtime.block_on(look(&data, args))?;
        let text = if args.json.json { render_json(&facts)? } else { facts.render() };
        let Some(seconds) = args.watch else {
            output::write(text)?;
            return Ok(facts.exit_code());
        };
        output::write(frame(&text, is_terminal, is_first))?;
        runtime.block_on(async { tokio::time::sleep(Duration::from_secs(seconds.into())).await });
    }
    Ok(ExitCode::SUCCESS)
}

/// One of many looks. A terminal shows it in the place of the last one, written over it so that
/// it does not flicker; elsewhere it stands below it.
fn frame(text: &str, is_terminal: bool, is_first: bool) -> String {
    const CLEAR: &str = "\x1b[2J";
    const HOME: &str = "\x1b[H";
    const CLEAR_LINE: &str = "\x1b[K\n";
    const CLEAR_BELOW: &str = "\x1b[J";
    if is_terminal {
        let clear = if is_first { CLEAR } else { "" };
        format!("{clear}{HOME}{}{CLEAR_BELOW}", text.replace('\n', CLEAR_LINE))
    } else if is_first {
        text.to_owned()
    } else {
        format!("\n{text}")
    }
}

async fn look(data: &DataDirectory, args: &TlsArgs) -> anyhow::Result<Facts> {
    let instance = find(&data.state()?, &args.instance)?;
    let files = Layout::ensure(data.path())?.instance(&instance.resource_id);
    let roots = std::fs::read_to_string(data.bundle_pem()).context("cannot read the bundle")?;
    let now = SystemClock.now();
    let (served, inside) =
        tokio::join!(Served::ask(&instance, &roots, now), inside(&instance, &files));
    Facts::of(&instance, &files, served, inside, now)
}

/// What a client sees.
struct Served {
    handshake: Result<Handshake, String>,
    plaintext: Result<PlaintextAnswer, String>,
}

impl Served {
    async fn ask(instance: &DbInstance, roots_pem: &str, judged_at: OffsetDateTime) -> Self {
        let desired = &instance.desired;
        let address = SocketAddr::new(desired.address, desired.port);
        let trust = Some(Trust { roots_pem, judged_at });
        let (name, user) = (&desired.endpoint, &desired.master_username);
        let (handshake, plaintext) = tokio::join!(
            handshake(address, name, trust, Versions::default(), LIMIT),
            plaintext(address, user, database(instance), LIMIT),
        );
        Self {
            handshake: handshake.map_err(|error| render_chain(&error)),
            plaintext: plaintext.map_err(|error| render_chain(&error)),
        }
    }
}

/// What the server says itself.
struct Inside {
    settings: BTreeMap<String, String>,
    sessions: Vec<Session>,
}

async fn inside(instance: &DbInstance, files: &InstanceFiles) -> Result<Inside, String> {
    if instance.status == InstanceStatus::Stopped {
        return Err(format!("{} is stopped", instance.desired.identifier));
    }
    let question = |admin: Admin| async move {
        let settings = admin.tls_settings().await?;
        Ok(Inside { settings, sessions: admin.sessions().await? })
    };
    let answer = Admin::ask(files, instance.desired.port, LIMIT, question).await;
    answer.map_err(|error| render_chain(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_written_over_and_a_file_is_not() {
        let frames = |is_terminal| [true, false].map(|first| frame("a\nb\n", is_terminal, first));
        assert_eq!(frames(false), ["a\nb\n", "\na\nb\n"]);
        let over = "\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J";
        assert_eq!(frames(true), [format!("\x1b[2J{over}"), over.to_owned()]);
    }
}
