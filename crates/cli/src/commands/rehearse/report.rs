//! What a rehearsal showed, as a table and JSON.

use pgkeep_model::{DbInstanceIdentifier, EngineVersion};
use serde::Serialize;

use super::runner::Run;
use super::scenario::Scenario;
use crate::table;

const HEADS: [&str; 5] = ["SCENARIO", "VERIFYING CLIENT", "COMMAND", "VERDICT", "LAST LINE"];

/// Names are stable: docs/api.md lists them.
#[derive(Serialize)]
pub(super) struct Report {
    pub(super) identifier: String,
    engine_version: String,
    pub(super) as_expected: bool,
    pub(super) scenarios: Vec<Line>,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the last line is no part of the name")]
pub(super) struct Line {
    pub(super) scenario: &'static str,
    /// Why it does not apply.
    pub(super) left_out: Option<String>,
    expected: Outcome,
    pub(super) outcome: Option<Outcome>,
    pub(super) as_expected: Option<bool>,
    pub(super) last_line: Option<String>,
    pub(super) runs: Vec<RunLine>,
}

#[derive(Serialize)]
pub(super) struct RunLine {
    moment: Moment,
    pub(super) outcome: Outcome,
    exit_code: Option<i32>,
    signal: Option<i32>,
    timed_out: bool,
    pub(super) seconds: f64,
    last_line: String,
    #[serde(skip)]
    pub(super) output: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    Passed,
    Failed,
}

/// When a run was, seen from the change of the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Moment {
    /// There was no change.
    Only,
    /// It had ended before clients saw the change.
    Before,
    /// It began before the change, and ended after clients saw it.
    Across,
    After,
}

impl Report {
    pub(super) fn of(
        identifier: &DbInstanceIdentifier,
        version: EngineVersion,
        scenarios: Vec<Line>,
    ) -> Self {
        Self {
            identifier: identifier.to_string(),
            engine_version: version.to_string(),
            as_expected: scenarios.iter().all(|line| line.as_expected != Some(false)),
            scenarios,
        }
    }

    pub(super) fn render(&self) -> String {
        let heads = HEADS.map(str::to_owned).to_vec();
        table::render(heads, self.scenarios.iter().map(Line::cells))
    }
}

impl Line {
    /// What came of a scenario.
    pub(super) fn of(scenario: Scenario, runs: Vec<(Moment, Run)>) -> Self {
        let runs: Vec<RunLine> = runs.into_iter().map(RunLine::of).collect();
        let telling = runs.iter().find(|run| run.outcome == Outcome::Failed).or(runs.last());
        let outcome = telling.map(|run| run.outcome);
        let expected = expected(scenario);
        Self {
            scenario: scenario.name(),
            left_out: None,
            expected,
            outcome,
            as_expected: outcome.map(|outcome| outcome == expected),
            last_line: telling.map(|run| run.last_line.clone()),
            runs,
        }
    }

    /// One that does not apply.
    pub(super) fn left_out(scenario: Scenario, reason: String) -> Self {
        Self {
            scenario: scenario.name(),
            left_out: Some(reason),
            expected: expected(scenario),
            outcome: None,
            as_expected: None,
            last_line: None,
            runs: Vec::new(),
        }
    }

    /// What a client that verifies must do.
    pub(super) fn must(&self) -> &'static str {
        match self.expected {
            Outcome::Passed => "must pass",
            Outcome::Failed => "must fail",
        }
    }

    /// What the command did.
    pub(super) fn did(&self) -> String {
        let did: Vec<String> = self.runs.iter().map(RunLine::render).collect();
        if did.is_empty() { "not run".to_owned() } else { did.join(", ") }
    }

    fn cells(&self) -> Vec<String> {
        let verdict = match self.as_expected {
            Some(true) => "right",
            Some(false) => "WRONG",
            None => "does not apply",
        };
        let last = self.left_out.as_ref().or(self.last_line.as_ref());
        vec![
            self.scenario.to_owned(),
            self.must().to_owned(),
            self.did(),
            verdict.to_owned(),
            last.cloned().unwrap_or_default(),
        ]
    }
}

impl RunLine {
    fn of((moment, run): (Moment, Run)) -> Self {
        let Run { ended, timed_out, seconds } = run;
        let passed = ended.exit_code == Some(0) && !timed_out;
        Self {
            moment,
            outcome: if passed { Outcome::Passed } else { Outcome::Failed },
            exit_code: ended.exit_code,
            signal: ended.signal,
            timed_out,
            seconds,
            last_line: last_line(&ended.output),
            output: ended.output,
        }
    }

    fn render(&self) -> String {
        let moment = match self.moment {
            Moment::Only => "",
            Moment::Before => " before",
            Moment::Across => " across",
            Moment::After => " after",
        };
        let why = match (self.timed_out, self.exit_code, self.signal) {
            (true, ..) => " (took too long)".to_owned(),
            (_, Some(code @ 1..), _) => format!(" (exit code {code})"),
            (_, None, Some(signal)) => format!(" (signal {signal})"),
            _ => String::new(),
        };
        let did = if self.outcome == Outcome::Passed { "passed" } else { "failed" };
        format!("{did}{moment}{why}")
    }
}

fn expected(scenario: Scenario) -> Outcome {
    if scenario.must_pass() { Outcome::Passed } else { Outcome::Failed }
}

/// The last line that says something. A terminal takes control characters for commands.
pub(super) fn last_line(output: &str) -> String {
    let last = output.lines().rev().map(str::trim).find(|line| !line.is_empty());
    last.unwrap_or_default().chars().filter(|one| !one.is_control()).collect()
}
