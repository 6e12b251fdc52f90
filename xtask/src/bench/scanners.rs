//! `pgkeep probe` beside the scanners that people use, on one server: time and connections.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::task::JoinHandle;

use super::create::newest_system_engine;
use super::median;
use super::report::Row;
use super::server::Workbench;
use crate::os_user::OsUser;
use crate::tools;

/// nmap speaks PostgreSQL's way into TLS on this port only.
const PORT: u16 = 5432;

pub(super) async fn run(pgkeep: &Path, repetitions: usize) -> Result<Vec<Row>> {
    let sslyze = tools::ensure_scanners()?;
    let user = OsUser::find()?;
    let (major, bin) = newest_system_engine()?;
    eprintln!("== probe: PostgreSQL {major} of {}, {repetitions} times", bin.display());
    let workbench = Workbench::new(&user, &bin)?;
    let mut server = workbench.init()?;
    server.start_bare().await?;
    let (endpoint, roots) = workbench.public();
    let relay = Relay::start(SocketAddr::new(endpoint.address, PORT)).await?;
    let (host, target) = (relay.addr.ip().to_string(), relay.addr.to_string());

    let roots = roots.to_string_lossy();
    let probe = ["probe", &target, "--server-name", &endpoint.host, "--bundle", &roots];
    let fast = [&probe[..], &["--fast"]].concat();
    let port = PORT.to_string();
    let nmap = ["-Pn", "-n", "-p", &port, "--script", "ssl-enum-ciphers", &host];
    let testssl = ["--warnings=off", "--starttls=postgres", &target];
    let scans: [(&str, &Path, &[&str], usize); 6] = [
        ("pgkeep probe", pgkeep, &probe, repetitions),
        ("pgkeep probe --fast", pgkeep, &fast, repetitions),
        ("sslscan", "sslscan".as_ref(), &["--starttls-psql", &target], repetitions),
        ("nmap", "nmap".as_ref(), &nmap, repetitions),
        ("sslyze", &sslyze, &["--starttls=postgres", &target], repetitions.min(3)),
        ("testssl.sh", "testssl".as_ref(), &testssl, 1),
    ];
    let mut figures = Vec::new();
    for (name, program, arguments, times) in scans {
        let mut samples = Vec::new();
        relay.count.store(0, Ordering::Relaxed);
        for _ in 0..times {
            let sample = time(program, arguments).await;
            samples.push(sample.with_context(|| format!("cannot run {name}"))?);
        }
        let connections = relay.count.load(Ordering::Relaxed) / times;
        let time = median(samples);
        eprintln!("{name}: {:.2} s, {connections} connections", time.as_secs_f64());
        figures.push((name, time, connections));
    }
    let (_, ours, connections) = figures[0];
    let (_, fast, few) = figures[1];
    let mut rows = vec![Row::slower("a fast scan of an endpoint", fast, ("in full", ours), None)];
    rows.push(Row::fewer("connections of a fast scan", few, ("allowed", 12)));
    for (name, time, count) in &figures[2..] {
        rows.push(Row::faster("a scan of an endpoint", ours, (name, *time), Some(1.0)));
        rows.push(Row::fewer("connections of a scan", connections, (name, *count)));
    }
    Ok(rows)
}

/// Runs a scanner to its end. What it thinks of the server is no failure of its own.
async fn time(program: &Path, arguments: &[&str]) -> Result<Duration> {
    let mut command = Command::new(program);
    command.args(arguments).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    command.status().await?;
    Ok(begun.elapsed())
}

/// Passes connections on to a server, and counts them; it ends with this.
struct Relay {
    addr: SocketAddr,
    count: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Relay {
    async fn start(server: SocketAddr) -> Result<Self> {
        let [.., high, low] = std::process::id().to_be_bytes();
        let addr = SocketAddr::from((Ipv4Addr::new(127, 79, high, low | 1), PORT));
        let listener = TcpListener::bind(addr).await.context("cannot relay")?;
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        let accepting = tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(server).await?;
                    copy_bidirectional(&mut client, &mut server).await
                });
            }
        });
        Ok(Self { addr, count, accepting })
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
