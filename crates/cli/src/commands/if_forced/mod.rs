//! `pgkeep tls ID --if-forced`: who would be refused under `rds.force_ssl=1`.
//!
//! What `pgkeep serve` recorded, with the log since then and the sessions of this moment, so that
//! the answer is whole whether pgkeep runs or not. Nothing is written.

mod report;

use std::process::ExitCode;

use pgkeep_model::{ClientWatch, Clock as _, DbInstance, Sightings};
use pgkeep_postgres::{Admin, InstanceFiles, Layout, Session, read_connections};
use pgkeep_store::Store;
use time::{Duration, OffsetDateTime};

use crate::args::TlsArgs;
use crate::clock::SystemClock;
use crate::data_directory::DataDirectory;
use crate::failure::render_chain;
use crate::instances::find;
use crate::plane::runtime;
use crate::{output, table};
use report::Report;

/// For a server that does not answer.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(5);

pub(super) fn run(args: &TlsArgs) -> anyhow::Result<ExitCode> {
    let data = DataDirectory::open(&args.data)?;
    let state = data.state()?;
    let instance = find(&state, &args.instance)?;
    let files = Layout::ensure(data.path())?.instance(&instance.resource_id);
    let now = SystemClock.now();
    let from = args.since.map(|days| now - Duration::days(days.into()));
    let known = Known::gather(&state, &instance, &files, from, now)?;
    let report = Report::of(&instance, known, from);
    if args.json.json {
        table::print_json(&report)?;
    } else {
        output::write(report.render())?;
    }
    Ok(if report.would_be_refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// All that is known of an instance's clients.
struct Known {
    watch: ClientWatch,
    seen: Sightings,
    sessions: Result<Vec<Session>, String>,
    is_logged: bool,
    now: OffsetDateTime,
}

impl Known {
    fn gather(
        state: &Store,
        instance: &DbInstance,
        files: &InstanceFiles,
        from: Option<OffsetDateTime>,
        now: OffsetDateTime,
    ) -> anyhow::Result<Self> {
        let from = from.unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let id = &instance.resource_id;
        // Of one moment: what was read, and how far.
        let (watch, mut seen) =
            state.read(|state| Ok((state.client_watch(id)?, state.sightings(id, from)?)))?;
        let mut watch = watch.unwrap_or_else(|| ClientWatch::new(instance.created_at));
        let major = instance.desired.engine_version.major;
        let is_logged = instance.applied.logs_plaintext(major);
        watch.note_logging(is_logged, None, now);
        loop {
            let reading = read_connections(files, watch.read_to.as_ref(), true, now)?;
            watch.note_reading(reading.read_to, reading.lost, now);
            let recent = reading.seen.iter().filter(|(_, _, tally)| tally.last_seen >= from);
            recent.for_each(|(client, tls, tally)| seen.add(client.clone(), tls, tally));
            if !reading.more {
                break;
            }
        }
        let port = instance.desired.port;
        let sessions =
            Admin::ask(files, port, LIMIT, |admin| async move { admin.sessions().await });
        let sessions = runtime()?.block_on(sessions);
        let sessions = sessions.map_err(|error| render_chain(&error));
        Ok(Self { watch, seen, sessions, is_logged, now })
    }
}
