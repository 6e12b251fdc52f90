//! The figures side by side, as one Markdown table for the screen and for the page.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;

use super::growth::Growth;

/// One comparison, or one figure with a target of its own.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) ours: String,
    pub(super) other: String,
    pub(super) ratio: String,
    pub(super) target: String,
    /// None where there is no target.
    pub(super) met: Option<bool>,
}

impl Row {
    /// How much longer ours takes than the other, at most `target` times.
    pub(super) fn slower(
        name: &str,
        ours: Duration,
        other: (&str, Duration),
        target: Option<f64>,
    ) -> Self {
        let ratio = ours.as_secs_f64() / other.1.as_secs_f64();
        Self {
            name: name.to_owned(),
            ours: milliseconds(ours),
            other: format!("{}: {}", other.0, milliseconds(other.1)),
            ratio: format!("{ratio:.2} × as long"),
            target: target.map_or_else(String::new, |target| format!("at most {target} ×")),
            met: target.map(|target| ratio <= target),
        }
    }

    /// How much faster ours is than the other, at least `target` times.
    pub(super) fn faster(
        name: &str,
        ours: Duration,
        other: (&str, Duration),
        target: Option<f64>,
    ) -> Self {
        let ratio = other.1.as_secs_f64() / ours.as_secs_f64();
        Self {
            ratio: format!("{ratio:.0} × faster"),
            target: target.map_or_else(String::new, |target| format!("at least {target} ×")),
            met: target.map(|target| ratio >= target),
            ..Self::slower(name, ours, other, None)
        }
    }

    /// How much time ours takes on top of the other's, at most `bound`.
    pub(super) fn added(
        name: &str,
        ours: Duration,
        other: (&str, Duration),
        bound: Duration,
    ) -> Self {
        let added = (ours.as_secs_f64() - other.1.as_secs_f64()) * 1000.0;
        Self {
            ratio: format!("{added:+.1} ms"),
            target: format!("at most +{} ms", bound.as_millis()),
            met: Some(ours <= other.1 + bound),
            ..Self::slower(name, ours, other, None)
        }
    }

    /// How often ours does a thing in a second, at least `target` times as often as the other.
    pub(super) fn rate(name: &str, ours: f64, other: (&str, f64), target: Option<f64>) -> Self {
        let ratio = ours / other.1;
        Self {
            name: name.to_owned(),
            ours: format!("{ours:.0} / s"),
            other: format!("{}: {:.0} / s", other.0, other.1),
            ratio: format!("{ratio:.2} ×"),
            target: target.map_or_else(String::new, |target| format!("at least {target} ×")),
            met: target.map(|target| ratio >= target),
        }
    }

    /// A count of which ours is to be at most the other's.
    pub(super) fn fewer(name: &str, ours: usize, other: (&str, usize)) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "counts are small")]
        let ratio = ours as f64 / other.1 as f64;
        Self {
            name: name.to_owned(),
            ours: ours.to_string(),
            other: format!("{}: {}", other.0, other.1),
            ratio: format!("{ratio:.2} × as many"),
            target: "at most 1 ×".to_owned(),
            met: Some(ratio <= 1.0),
        }
    }

    /// A figure that is to stay below a bound.
    pub(super) fn bounded(name: &str, value: f64, bound: f64, unit: &str) -> Self {
        Self {
            name: name.to_owned(),
            ours: format!("{value:.1} {unit}"),
            other: String::new(),
            ratio: String::new(),
            target: format!("at most {bound} {unit}"),
            met: Some(value <= bound),
        }
    }

    /// Whether there is a target and it is not met.
    pub(super) fn misses_target(&self) -> bool {
        self.met == Some(false)
    }

    fn cells(&self) -> [&str; 6] {
        let met = match self.met {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "",
        };
        [&self.name, &self.ours, &self.other, &self.ratio, &self.target, met]
    }
}

/// What a bench has measured.
#[derive(Default)]
pub(super) struct Figures {
    pub(super) rows: Vec<Row>,
    pub(super) growths: Vec<Growth>,
}

impl Figures {
    pub(super) fn extend(&mut self, more: Self) {
        self.rows.extend(more.rows);
        self.growths.extend(more.growths);
    }
}

impl From<Vec<Row>> for Figures {
    fn from(rows: Vec<Row>) -> Self {
        Self { rows, ..Self::default() }
    }
}

/// All figures of a run.
pub(super) struct Report {
    pub(super) figures: Figures,
    pub(super) repetitions: usize,
}

const HEAD: [&str; 6] = ["measured", "pgkeep", "beside it", "ratio", "target", "met"];

impl Report {
    /// The tables, one below the other.
    pub(super) fn render_tables(&self) -> String {
        let Figures { rows, growths } = &self.figures;
        let head = [HEAD].into_iter().filter(|_| !rows.is_empty());
        let lines = head.chain(rows.iter().map(Row::cells));
        let lines: Vec<_> = lines.map(|line| line.map(str::to_owned).to_vec()).collect();
        let tables = [align(&lines)].into_iter().chain(growths.iter().map(Growth::render_table));
        tables.filter(|table| !table.is_empty()).collect::<Vec<_>>().join("\n")
    }

    /// The page of the documentation.
    pub(super) fn render_page(&self) -> Result<String> {
        Ok(format!(
            "# Figures\n\n\
             Written by `cargo xtask bench --write`; medians of {} measurements taken in turns on \
             {}.\nOnly the ratios carry over to another machine.\n\n{}\n{}",
            self.repetitions,
            machine()?,
            self.render_tables(),
            NOTES,
        ))
    }
}

/// A table of a head and lines, its columns aligned.
pub(super) fn align(lines: &[Vec<String>]) -> String {
    let Some(head) = lines.first() else { return String::new() };
    let width = |column: usize| {
        lines.iter().filter_map(|line| Some(line.get(column)?.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    let rule = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut table = String::new();
    for line in lines[..1].iter().chain([&rule]).chain(&lines[1..]) {
        for (cell, width) in line.iter().zip(&widths) {
            let _ = write!(table, "| {cell:width$} ");
        }
        table.push_str("|\n");
    }
    table
}

/// What stands beside the figures: what exactly was measured.
const NOTES: &str = "\
- *Create* runs from sending `CreateDBInstance` to the answer of `SELECT 1` for the master user, \
over TLS verified as `sslmode=verify-full` does. Until the status is `available`, \
`DescribeDBInstances` is asked every 2 ms. *Warm*: a prepared instance and a key were in stock. \
*Cold*: `pgkeep serve --pool 0`, so initdb and the making of the key are part of it.
- *initdb + pg_ctl start* has the options of pgkeep's own initdb, a certificate that is there \
already, and `pg_ctl -W`: the client tries every millisecond instead of pg_ctl's ten times a \
second. *Bare start* starts `postgres` itself on such a directory, made beforehand and never \
started yet. Both end with the same verified `SELECT 1`, run by the same user on the same engine.
- *DescribeDBInstances* returns all of 100 instances, to the same client with signed requests; \
moto's server is used as it ships, with 100 instances made through its API.
- *To proved in-sync* runs from sending `ModifyDBParameterGroup` with `rds.force_ssl=1` to the \
`ParameterApplyStatus` `in-sync`, for which `DescribeDBInstances` is asked every millisecond. \
*pg_ctl reload* makes the same change by hand: the line in `pg_hba.conf`, `pg_ctl reload`, and \
connections without TLS every millisecond until the first is refused.
- *DescribeDBParameters* reads all pages of a group of the newest family. moto has no list of \
parameters and answers with what was set: its group was given a value for each name of that list.
- *Connections* are those of `pgbench --connect` with `verify-full` and `SELECT 1`. The server by \
hand has a self-signed RSA-2048 certificate and logs nothing, or each connection. Clients \
trust it, or the root of the authority, alone; with the bundle of three, libpq parses two more \
each time.
- *Another authority* is given to all of 100 instances by `ModifyDBInstance`, until the last \
certificate is proved, while one pgbench of each goes on over the connection it has; the bench \
fails if a connection or a query of theirs does, or if a new connection does not verify with \
the bundle of before. *By hand* are 100 times `openssl req` with a P-384 key, `pg_ctl reload`, \
and connections every millisecond until one verifies, on one server, under the same load.
- *A scan* is of one server by hand, to its end, through a relay that counts connections. Each \
scanner runs with its own defaults; nmap's `ssl-enum-ciphers` looks for protocols and suites only. \
testssl.sh, which takes minutes, runs once.
- *Memory* is `VmRSS` of `pgkeep serve` alone, with its 100 servers running, after those requests. \
*Idle* is its user and system time in the second minute after a start: in the first it reads what \
the start left in the servers' logs.
- *Instances whose servers run*: one control plane that grows. At each size pgkeep alone is killed \
with SIGKILL and started again: *the API answers* when `DescribeCertificates` does, and *all \
servers are adopted* when pgkeep has looked at the last instance and found it as wanted. Idle \
time is that of the second minute after that; then come the requests, *all* in pages of 100, and \
the look at the memory. Another authority is as above, without clients. The exponent is the b of \
y = a · nᵇ that fits the figures best (least squares of the logarithms): 1 is as many times as \
much, 0 is no growth.
- *Of 10000 instances*: the same requests to two control planes in turns, with 100 and with 10000 \
rows in the state file. One row is of an instance made and stopped through the API, the others \
are copies of it, with an event each. A stopped instance needs no server, so nothing is simulated \
but the data directories of the copies, which nothing reads. What is refused or found there is \
about the instance in the middle of the list; the new instance is a real one, whose server starts.
";

fn machine() -> Result<String> {
    let processors = std::thread::available_parallelism()?;
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("");
    let model = model.trim_start_matches([' ', '\t', ':']);
    Ok(format!("{processors} processors ({model})"))
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_judged_in_their_own_direction() {
        let (one, three) = (Duration::from_millis(100), Duration::from_millis(300));
        assert!(Row::slower("a", one, ("b", three), Some(2.0)).met == Some(true));
        assert!(Row::slower("a", three, ("b", one), Some(2.0)).misses_target());
        assert!(Row::faster("a", one, ("b", three), Some(2.0)).met == Some(true));
        assert!(Row::faster("a", three, ("b", one), Some(2.0)).misses_target());
        assert!(Row::faster("a", three, ("b", one), None).met.is_none());
        let more = Row::added("a", three, ("b", one), Duration::from_millis(200));
        assert_eq!((&*more.ratio, more.met), ("+200.0 ms", Some(true)));
        assert!(Row::added("a", three, ("b", one), Duration::from_millis(199)).misses_target());
        assert_eq!(Row::added("a", one, ("b", three), Duration::ZERO).ratio, "-200.0 ms");
        assert!(Row::bounded("a", 2.0, 1.0, "MB").misses_target());
        assert!(Row::rate("a", 1.0, ("b", 2.0), Some(1.0)).misses_target());
    }

    #[test]
    fn the_page_has_every_table() {
        let mut growth = Growth::new("instances", &[("memory", "MB")]);
        growth.add(10, vec![2.0]);
        let rows = vec![Row::bounded("a", 2.0, 1.0, "MB")];
        let figures = Figures { rows, growths: vec![growth] };
        let page = Report { figures, repetitions: 3 }.render_page().unwrap();
        let begins = |text: &str| page.split("\n\n").any(|part| part.starts_with(text));
        for part in ["# Figures", "Written by", "| measured", "| instances", "- *Create*"] {
            assert!(begins(part), "{part}: {page}");
        }
    }

    #[test]
    fn columns_line_up() {
        let (one, three) = (Duration::from_millis(1), Duration::from_millis(3));
        let rows = vec![Row::slower("a", three, ("b", one), Some(4.0))];
        let table = Report { figures: rows.into(), repetitions: 1 }.render_tables();
        assert!(table.contains("| 3.00 × as long | at most 4 × | yes |"), "{table}");
        let widths: Vec<_> = table.lines().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{table}");
    }
}
