//! The calls of Terraform's `aws_db_parameter_group`, and that a second apply finds nothing to do:
//! what is read back is what was sent, to the letter.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic fails the test that called"
)]

mod groups;

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use groups::{apply_status, assert_serves, reset, set, wait_applied};
use pgkeep_testkit::{ControlPlane, MASTER_PASSWORD, Psql, program, run, wait_until};

/// Terraform sends so many parameters in a call.
const CHUNK: usize = 20;

/// A parameter block of a configuration: name, value, method.
type Block = (String, String, String);

fn block(name: &str, value: &str, method: &str) -> Block {
    (name.to_owned(), value.to_owned(), method.to_owned())
}

/// Values in the forms that people write, some of which PostgreSQL writes otherwise.
fn configuration() -> Vec<Block> {
    let mut blocks = vec![
        block("rds.force_ssl", "1", "immediate"),
        block("ssl_min_protocol_version", "TLSV1.2", "immediate"),
        block("ssl_max_protocol_version", "TLSv1.3", "immediate"),
        block("ssl_ciphers", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "immediate"),
        block("log_connections", "on", "immediate"),
        block("log_disconnections", "1", "immediate"),
        block("work_mem", "16MB", "immediate"),
        block("maintenance_work_mem", "{DBInstanceClassMemory/16384}", "immediate"),
        block("statement_timeout", "5min", "immediate"),
        block("random_page_cost", "1.10", "immediate"),
        block("timezone", "europe/berlin", "immediate"),
        block("search_path", "\"$user\", public", "immediate"),
        block("application_name", "it's <a> & \"b\" \\", "immediate"),
        block("shared_preload_libraries", "pg_stat_statements,auto_explain", "pending-reboot"),
        block("pg_stat_statements.track", "ALL", "immediate"),
        block("max_connections", "120", "pending-reboot"),
        block("shared_buffers", "{DBInstanceClassMemory/65536}", "pending-reboot"),
        block("rds.logical_replication", "1", "pending-reboot"),
        block("autovacuum_naptime", "30", "pending-reboot"),
    ];
    let costs = ["enable_seqscan", "enable_indexscan", "enable_hashjoin", "enable_mergejoin"];
    blocks.extend(costs.map(|name| block(name, "true", "immediate")));
    let ages = ["vacuum_freeze_min_age", "vacuum_freeze_table_age", "vacuum_cost_page_dirty"];
    blocks.extend(ages.map(|name| block(name, "17", "pending-reboot")));
    blocks
}

/// What Terraform does in a run: reads, sends what differs, resets what is no longer there. Answers
/// how many calls of change that took.
fn apply(plane: &ControlPlane, group: &str, wanted: &[Block]) -> usize {
    let present = read(plane, group);
    let changed: Vec<_> = wanted.iter().filter(|block| !present.contains(block)).collect();
    let is_wanted = |name: &str| wanted.iter().any(|block| block.0 == name);
    let removed: Vec<_> = present.iter().filter(|block| !is_wanted(&block.0)).collect();
    for few in changed.chunks(CHUNK) {
        let few: Vec<_> = few.iter().map(|(n, v, m)| (&**n, &**v, &**m)).collect();
        set(plane, group, &few).unwrap();
    }
    for few in removed.chunks(CHUNK) {
        let few: Vec<_> = few.iter().map(|(name, _, method)| (&**name, &**method)).collect();
        reset(plane, group, &few).unwrap();
    }
    changed.len().div_ceil(CHUNK) + removed.len().div_ceil(CHUNK)
}

/// What a user set, over all pages.
fn read(plane: &ControlPlane, group: &str) -> Vec<Block> {
    let (mut found, mut marker) = (Vec::new(), String::new());
    loop {
        let mut fields =
            vec![("DBParameterGroupName", group), ("Source", "user"), ("MaxRecords", "20")];
        if !marker.is_empty() {
            fields.push(("Marker", &marker));
        }
        let page = plane.call("DescribeDBParameters", &fields).unwrap();
        found.extend(page.elements("Parameter").iter().map(|it| {
            let text = |name| it.text(name).unwrap();
            assert_eq!(text("Source"), "user");
            (text("ParameterName"), text("ParameterValue"), text("ApplyMethod"))
        }));
        match page.text("Marker") {
            Some(next) => marker = next,
            None => return found,
        }
    }
}

#[test]
fn a_second_apply_finds_nothing_to_do() {
    let plane = ControlPlane::start();
    let fields = [
        ("DBParameterGroupName", "terraform-2026"),
        ("DBParameterGroupFamily", "postgres16"),
        ("Description", "Managed by Terraform"),
        ("Tags.Tag.1.Key", "team"),
        ("Tags.Tag.1.Value", "a + b"),
    ];
    let created = plane.call("CreateDBParameterGroup", &fields).unwrap();
    let arn = created.text("DBParameterGroupArn").unwrap();
    let wanted = configuration();
    assert_eq!(apply(&plane, "terraform-2026", &wanted), 2);
    let described = [("DBParameterGroupName", "terraform-2026")];
    let described = plane.call("DescribeDBParameterGroups", &described).unwrap();
    assert_eq!(described.texts("DBParameterGroupArn"), [&*arn]);
    assert_eq!(described.text("Description").as_deref(), Some("Managed by Terraform"));
    let tags = plane.call("ListTagsForResource", &[("ResourceName", &arn)]).unwrap();
    assert_eq!(
        (tags.texts("Key"), tags.texts("Value")),
        (vec!["team".into()], vec!["a + b".into()])
    );
    assert_eq!(apply(&plane, "terraform-2026", &wanted), 0);
    let mut sorted = wanted.clone();
    sorted.sort();
    assert_eq!(read(&plane, "terraform-2026"), sorted);

    // A server of the group runs with what was meant, and reading does not depend on it.
    plane.create("db", "16", &[("DBParameterGroupName", "terraform-2026")]);
    let instance = plane.wait_available("db");
    assert_serves(&plane, &instance);
    let show = |name: &str| {
        let psql = Psql::to(&plane, &instance).with("application_name", "");
        psql.query(&format!("SHOW {name}"))
    };
    let seen: BTreeMap<_, _> = wanted.iter().map(|it| (&*it.0, show(&it.0))).collect();
    for (name, value) in [
        ("log_connections", "on"),
        ("work_mem", "16MB"),
        ("statement_timeout", "5min"),
        ("random_page_cost", "1.1"),
        ("timezone", "Europe/Berlin"),
        ("ssl_min_protocol_version", "TLSv1.2"),
        ("ssl_ciphers", "ECDHE-RSA-AES256-GCM-SHA384"),
        ("shared_preload_libraries", "pg_stat_statements, auto_explain"),
        ("pg_stat_statements.track", "all"),
        ("max_connections", "120"),
        ("autovacuum_naptime", "30s"),
        ("application_name", "it's <a> & \"b\" \\"),
    ] {
        assert_eq!(seen[name], value, "{name}");
    }
    assert_eq!(apply(&plane, "terraform-2026", &wanted), 0);

    // A block less is a reset, and a value of a static parameter waits for the reboot.
    let kept = |it: &&Block| !["work_mem", "max_connections"].contains(&&*it.0);
    let fewer: Vec<_> = wanted.iter().filter(kept).cloned().collect();
    assert_eq!(apply(&plane, "terraform-2026", &fewer), 1);
    assert_eq!(apply(&plane, "terraform-2026", &fewer), 0);
    wait_applied(&plane, "db");
    assert_eq!((show("work_mem"), show("max_connections")), ("4MB".into(), "120".into()));
    assert_eq!(apply_status(&plane, "db"), "pending-reboot");
    plane.delete("db");
    plane.wait_deleted("db");
    let fields = [("DBParameterGroupName", "terraform-2026")];
    plane.call("DeleteDBParameterGroup", &fields).unwrap();
    plane.assert_clean();
}

/// Clients with TLS stay connected through a hundred changes.
#[test]
fn changes_drop_no_connection() {
    let plane = ControlPlane::start();
    groups::create_group(&plane, "live", "postgres15").unwrap();
    plane.create("db", "15", &[("DBParameterGroupName", "live")]);
    let instance = plane.wait_available("db");
    let prepared = Psql::to(&plane, &instance);
    let connection = pgbench_environment(&prepared);
    let mut fill = pgbench();
    run(fill.envs(connection.clone()).args(["--initialize", "--quiet"]), "").success();
    let mut load = pgbench();
    load.envs(connection).args(["--client=4", "--time=30", "--no-vacuum", "--protocol=prepared"]);
    let load = load.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let busy = "SELECT count(*) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
                WHERE ssl AND application_name = 'pgbench'";
    let psql = Psql::to(&plane, &instance);
    wait_until("four clients", groups::LIMIT, || match psql.query(busy).as_str() {
        "4" => Ok(()),
        other => Err(other.to_owned()),
    });
    let pids = "SELECT string_agg(pid::text, ' ' ORDER BY pid) FROM pg_stat_activity
                WHERE application_name = 'pgbench'";
    let before = psql.query(pids);
    for round in 0..100_usize {
        let number = (64 + round).to_string();
        let least = if round % 2 == 0 { "TLSv1.2" } else { "TLSv1.3" };
        let forced = if round % 3 == 0 { "0" } else { "1" };
        let changes = [("work_mem", &*number), ("ssl_min_protocol_version", least)];
        let changes = changes.into_iter().chain([("rds.force_ssl", forced)]);
        let changes: Vec<_> = changes.map(|(name, value)| (name, value, "immediate")).collect();
        set(&plane, "live", &changes).unwrap();
        wait_applied(&plane, "db");
    }
    assert_eq!(psql.query("SHOW work_mem"), "163kB");
    assert_eq!(psql.query(pids), before);
    let output = load.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("error") && !said.contains("abort"), "{said}");
    plane.delete("db");
    plane.wait_deleted("db");
    plane.assert_clean();
}

fn pgbench() -> Command {
    program("PGKEEP_PGBENCH", "/usr/lib/postgresql/15/bin/pgbench")
}

/// The settings of a connection, as the environment of another client of libpq.
fn pgbench_environment(psql: &Psql) -> Vec<(String, String)> {
    let command = psql.command();
    let string = command.get_args().last().unwrap().to_str().unwrap().to_owned();
    let settings = string.split(' ').filter_map(|pair| pair.split_once('='));
    let name = |setting: &str| match setting {
        "dbname" => "PGDATABASE".to_owned(),
        other => format!("PG{}", other.to_uppercase()),
    };
    let all = settings.map(|(setting, value)| (name(setting), value.trim_matches('\'').to_owned()));
    all.chain([("PGPASSWORD".to_owned(), MASTER_PASSWORD.to_owned())]).collect()
}
