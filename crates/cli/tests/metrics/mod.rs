//! Readers of metrics that are not pgkeep's: Prometheus, and its library for Python.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use pgkeep_testkit::{ControlPlane, Outcome, program, run, wait_until};
use serde_json::Value;

const LIMIT: Duration = Duration::from_mins(1);

/// What one scrape says, as the library reads it.
#[derive(Debug)]
pub(crate) struct Scrape(Vec<Value>);

impl Scrape {
    #[track_caller]
    pub(crate) fn of(plane: &ControlPlane) -> Self {
        let (status, exposition) = plane.api().fetch("/metrics");
        let exposition = String::from_utf8(exposition).unwrap();
        assert_eq!(status, 200, "{exposition}");
        let read = run(&mut python("exposition.py"), &exposition);
        Self(serde_json::from_str(&read.success()).unwrap())
    }

    /// The value of the series with these labels and no others.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels: serde_json::Map<_, _> =
            labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        let mut samples = self.0.iter().flat_map(|family| family["samples"].as_array().unwrap());
        let found =
            samples.find(|it| it["name"] == name && it["labels"].as_object() == Some(&labels));
        found.map(|sample| sample["value"].as_f64().unwrap())
    }

    /// Rows of a table: name, type, labels and meaning.
    pub(crate) fn rows(&self) -> Vec<String> {
        let row = |family: &Value| {
            let text = |name: &str| family[name].as_str().unwrap();
            let total = if text("type") == "counter" { "_total" } else { "" };
            let sample = &family["samples"][0]["labels"];
            let mut labels: Vec<_> =
                sample.as_object().unwrap().keys().filter(|it| *it != "le").collect();
            labels.sort();
            let labels: Vec<_> = labels.into_iter().map(|label| format!("`{label}`")).collect();
            let (name, kind, help) = (text("name"), text("type"), text("help"));
            format!("| `{name}{total}` | {kind} | {} | {help} |", labels.join(", "))
        };
        let mut rows: Vec<_> = self.0.iter().map(row).collect();
        rows.sort();
        rows
    }
}

/// A Prometheus that scrapes a control plane.
pub(crate) struct Prometheus {
    server: Child,
    url: String,
}

impl Prometheus {
    #[track_caller]
    pub(crate) fn start(plane: &ControlPlane) -> Self {
        let folder = plane.desk().join("prometheus");
        fs::create_dir(&folder).unwrap();
        let api = &plane.environment()["AWS_ENDPOINT_URL_RDS"];
        let target = api.trim_start_matches("http://").trim_end_matches('/');
        let configuration = format!(
            "global: {{scrape_interval: 1s}}\n\
             scrape_configs:\n\
             - job_name: pgkeep\n  \
               static_configs: [{{targets: [\"{target}\"]}}]\n"
        );
        fs::write(folder.join("prometheus.yml"), configuration).unwrap();
        let log = File::create(folder.join("log")).unwrap();
        let mut command = program("PGKEEP_PROMETHEUS", "prometheus");
        command.args(["--config.file=prometheus.yml", "--web.listen-address=127.0.0.1:0"]);
        command.current_dir(&folder).stdout(log.try_clone().unwrap()).stderr(log);
        let server = command.spawn().expect("PGKEEP_PROMETHEUS, or prometheus, is a program");
        let mut prometheus = Self { server, url: String::new() };
        prometheus.url = wait_until("Prometheus listens", LIMIT, || {
            let log = fs::read_to_string(folder.join("log")).unwrap();
            let mut lines = log.lines().filter(|line| line.contains("msg=\"Listening on\""));
            let address = lines.find_map(|line| line.rsplit_once("address="));
            address.map(|(_, address)| format!("http://{address}")).ok_or(log)
        });
        prometheus
    }

    /// Asks every question of a dashboard.
    pub(crate) fn check_dashboard(&self, dashboard: &str) -> Outcome {
        run(python("dashboard.py").arg(&self.url), dashboard)
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.server.kill().and_then(|()| self.server.wait());
    }
}

fn python(name: &str) -> Command {
    let mut python = program("PGKEEP_PYTHON", "python3");
    python.arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name));
    python
}
