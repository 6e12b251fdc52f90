//! Documents rendered here and parsed by botocore. Needs a Python with botocore: the one that
//! `PGKEEP_PYTHON` names, or `python3`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]
#![allow(clippy::default_trait_access, reason = "the variant names the type")]

use std::io::Write;
use std::process::{Command, Stdio};

use pgkeep_query::shapes::*;
use pgkeep_query::{IMPLEMENTED, Response, Secret, errors, render_error};
use serde_json::{Value, json};
use time::macros::datetime;

const REQUEST_ID: &str = "f0c9d1a2-0000-4000-8000-000000000001";

fn parsed_by_botocore(documents: &Value) -> Vec<Value> {
    let python = std::env::var("PGKEEP_PYTHON").unwrap_or_else(|_| "python3".into());
    let mut child = Command::new(&python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/parse_with_botocore.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {python} (set PGKEEP_PYTHON): {error}"));
    child.stdin.take().unwrap().write_all(documents.to_string().as_bytes()).ok();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{python} has no botocore: name one that has in PGKEEP_PYTHON"
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn document(response: &Response) -> Value {
    json!({"operation": response.action(), "status": 200, "xml": response.render(REQUEST_ID)})
}

fn instance() -> DbInstance {
    DbInstance {
        db_instance_identifier: Some("a".into()),
        db_instance_status: Some("modifying".into()),
        multi_az: Some(false),
        allocated_storage: Some(20),
        instance_create_time: Some(datetime!(2026-11-24 13:00:00.0079 +1)),
        latest_restorable_time: Some(datetime!(2026-11-24 12:00:00.5 UTC)),
        endpoint: Some(Endpoint {
            address: Some("a.x.localhost".into()),
            port: Some(5432),
            ..Default::default()
        }),
        db_parameter_groups: vec![DbParameterGroupStatus {
            db_parameter_group_name: Some("default.postgres16".into()),
            parameter_apply_status: Some("in-sync".into()),
        }],
        pending_modified_values: Some(PendingModifiedValues {
            master_user_password: Some(Secret::from("****")),
            ca_certificate_identifier: Some("rds-ca-ecc384-g1".into()),
            ..Default::default()
        }),
        certificate_details: Some(CertificateDetails {
            ca_identifier: Some("rds-ca-rsa2048-g1".into()),
            valid_till: Some(datetime!(2027-11-24 12:00 UTC)),
        }),
        enabled_cloudwatch_logs_exports: vec!["postgresql".into(), "upgrade".into()],
        tag_list: vec![Tag {
            key: Some("<k>&\"'".into()),
            value: Some(" a\r\nb\t]]> \u{1f512} ".into()),
        }],
        ..Default::default()
    }
}

#[test]
fn an_instance_survives_the_journey() {
    let described = DbInstanceMessage { db_instances: vec![instance()], marker: Some("m".into()) };
    let documents = json!([document(&Response::DescribeDbInstances(described))]);
    let parsed = parsed_by_botocore(&documents).remove(0);
    assert_eq!(parsed["ResponseMetadata"]["RequestId"], REQUEST_ID);
    assert_eq!(parsed["Marker"], "m");
    let mut parsed = parsed["DBInstances"][0].as_object().unwrap().clone();
    let expected = json!({
        "DBInstanceIdentifier": "a",
        "DBInstanceStatus": "modifying",
        "MultiAZ": false,
        "AllocatedStorage": 20,
        "InstanceCreateTime": "2026-11-24T12:00:00.007000+00:00",
        "LatestRestorableTime": "2026-11-24T12:00:00+00:00",
        "Endpoint": {"Address": "a.x.localhost", "Port": 5432},
        "DBParameterGroups": [{
            "DBParameterGroupName": "default.postgres16", "ParameterApplyStatus": "in-sync",
        }],
        "PendingModifiedValues": {
            "MasterUserPassword": "****", "CACertificateIdentifier": "rds-ca-ecc384-g1",
        },
        "CertificateDetails": {
            "CAIdentifier": "rds-ca-rsa2048-g1", "ValidTill": "2027-11-24T12:00:00+00:00",
        },
        "EnabledCloudwatchLogsExports": ["postgresql", "upgrade"],
        "TagList": [{"Key": "<k>&\"'", "Value": " a\r\nb\t]]> \u{1f512} "}],
    });
    for (name, value) in expected.as_object().unwrap() {
        let found = parsed.remove(name);
        // Lists that pgkeep does not fill may come and go with the model.
        assert_eq!(found.as_ref(), Some(value), "{name}");
    }
    assert!(parsed.values().all(|rest| *rest == json!([])), "empty lists only: {parsed:?}");
}

#[test]
fn every_operation_answers_in_its_own_envelope() {
    let responses = all_empty_responses();
    let names: Vec<_> = responses.iter().map(Response::action).collect();
    assert_eq!(names, IMPLEMENTED);
    let documents: Vec<_> = responses.iter().map(document).collect();
    let parsed = parsed_by_botocore(&json!(documents));
    for ((response, document), parsed) in responses.iter().zip(&documents).zip(parsed) {
        assert_eq!(parsed["ResponseMetadata"]["RequestId"], REQUEST_ID);
        let empty = parsed.as_object().unwrap().iter().filter(|(k, _)| *k != "ResponseMetadata");
        assert!(empty.into_iter().all(|(_, value)| *value == json!([])), "{parsed}");
        let xml = document["xml"].as_str().unwrap();
        let action = response.action();
        let opening =
            format!("<{action}Response xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\">");
        assert!(xml.starts_with(&opening) && xml.ends_with(&format!("</{action}Response>")));
    }
}

#[test]
fn an_error_is_an_exception_of_the_client() {
    let codes = [errors::DB_INSTANCE_NOT_FOUND, errors::INTERNAL_FAILURE];
    let documents = codes.map(|code| {
        let xml = render_error(code, "DBInstance <a> not found.", REQUEST_ID);
        json!({"operation": "DescribeDBInstances", "status": code.status, "xml": xml})
    });
    let parsed = parsed_by_botocore(&json!(documents));
    for (parsed, (code, fault)) in
        parsed.iter().zip([("DBInstanceNotFound", "Sender"), ("InternalFailure", "Receiver")])
    {
        let expected = json!({"Type": fault, "Code": code, "Message": "DBInstance <a> not found."});
        assert_eq!(parsed["Error"], expected);
        assert_eq!(parsed["ResponseMetadata"]["RequestId"], REQUEST_ID);
    }
    assert_eq!(errors::DB_INSTANCE_NOT_FOUND.status, 404);
}

fn all_empty_responses() -> Vec<Response> {
    vec![
        Response::AddTagsToResource,
        Response::ApplyPendingMaintenanceAction(Default::default()),
        Response::CopyDbParameterGroup(Default::default()),
        Response::CreateDbInstance(Default::default()),
        Response::CreateDbParameterGroup(Default::default()),
        Response::DeleteDbInstance(Default::default()),
        Response::DeleteDbParameterGroup,
        Response::DescribeAccountAttributes(Default::default()),
        Response::DescribeCertificates(Default::default()),
        Response::DescribeDbEngineVersions(Default::default()),
        Response::DescribeDbInstances(Default::default()),
        Response::DescribeDbLogFiles(Default::default()),
        Response::DescribeDbParameterGroups(Default::default()),
        Response::DescribeDbParameters(Default::default()),
        Response::DescribeDbSubnetGroups(Default::default()),
        Response::DescribeEngineDefaultParameters(Default::default()),
        Response::DescribeEvents(Default::default()),
        Response::DescribeOrderableDbInstanceOptions(Default::default()),
        Response::DescribePendingMaintenanceActions(Default::default()),
        Response::DownloadDbLogFilePortion(Default::default()),
        Response::ListTagsForResource(Default::default()),
        Response::ModifyCertificates(Default::default()),
        Response::ModifyDbInstance(Default::default()),
        Response::ModifyDbParameterGroup(Default::default()),
        Response::RebootDbInstance(Default::default()),
        Response::RemoveTagsFromResource,
        Response::ResetDbParameterGroup(Default::default()),
        Response::StartDbInstance(Default::default()),
        Response::StopDbInstance(Default::default()),
    ]
}
