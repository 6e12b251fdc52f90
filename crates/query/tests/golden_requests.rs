//! Requests that botocore serialised and signed, checked in by `make_golden.py`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

use std::collections::BTreeSet;

use pgkeep_query::shapes::{
    AddTagsToResourceMessage, DescribeDbInstancesMessage, Filter, RemoveTagsFromResourceMessage,
    Tag,
};
use pgkeep_query::sigv4::{AccessKeyId, RequestHead, Target, sign, verify};
use pgkeep_query::{IMPLEMENTED, Params, Request, Secret};
use serde::Deserialize;
use time::OffsetDateTime;
use time::macros::datetime;

const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);
const RDS: Target<'_> = Target { region: "us-east-1", service: "rds" };
const ACCESS_KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

#[derive(Deserialize)]
struct Golden {
    name: String,
    operation: String,
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Golden {
    fn all() -> Vec<Self> {
        serde_json::from_str(include_str!("data/signed_requests.json")).unwrap()
    }

    fn named(name: &str) -> Self {
        Self::all().into_iter().find(|golden| golden.name == name).unwrap()
    }

    fn headers(&self) -> Vec<(&str, &str)> {
        self.headers.iter().map(|(name, value)| (&**name, &**value)).collect()
    }

    fn head<'a>(&'a self, headers: &'a [(&'a str, &'a str)]) -> RequestHead<'a> {
        RequestHead { method: &self.method, path: &self.path, query: &self.query, headers }
    }

    fn decode(&self) -> Request {
        let form = if self.method == "GET" { &self.query } else { &self.body };
        let params = Params::parse(form.as_bytes()).unwrap();
        Request::decode(params.action().unwrap(), &params).unwrap()
    }
}

#[test]
fn the_signature_of_botocore_is_accepted_and_reproduced() {
    for golden in Golden::all() {
        let headers = golden.headers();
        let lookup = |key: &str| (key == ACCESS_KEY).then(|| Secret::from(SECRET));
        let signer = verify(&golden.head(&headers), golden.body.as_bytes(), RDS, lookup, NOW);
        assert_eq!(signer, Ok(AccessKeyId(ACCESS_KEY.into())), "{}", golden.operation);
        let Some((_, theirs)) = headers.iter().find(|(name, _)| *name == "Authorization") else {
            assert_eq!(golden.name, "presigned");
            continue;
        };
        let unsigned: Vec<_> = headers
            .iter()
            .filter(|(name, _)| !matches!(*name, "Authorization" | "X-Amz-Date"))
            .copied()
            .collect();
        let (key, secret) = (AccessKeyId(ACCESS_KEY.into()), Secret::from(SECRET));
        let body = golden.body.as_bytes();
        let ours = sign(&golden.head(&unsigned), body, RDS, &key, &secret, NOW).unwrap();
        assert_eq!(ours.authorization, *theirs);
        assert_eq!(ours.x_amz_date, "20261124T120000Z");
    }
}

/// The value of each text member in a `full` request is the member's own name, so that a value in
/// the wrong field, and a field without a value, both show in the `Debug` output.
#[test]
fn every_member_of_every_operation_is_decoded_into_its_field() {
    let mut seen = BTreeSet::new();
    for golden in Golden::all().into_iter().filter(|golden| golden.name == "full") {
        let request = golden.decode();
        assert_eq!(request.action(), golden.operation);
        let debug = format!("{request:#?}");
        assert!(!debug.contains("None") && !debug.contains("[]"), "{debug}");
        let mut field = String::new();
        for line in debug.lines().map(str::trim) {
            if let Some((name, _)) = line.split_once(": ") {
                field = name.trim_start_matches("r#").replace('_', "");
            }
            if let Some(value) = line.split('"').nth(1) {
                assert_eq!(value.to_lowercase(), field, "{debug}");
            }
        }
        seen.insert(golden.operation);
    }
    let implemented: BTreeSet<_> = IMPLEMENTED.map(str::to_owned).into();
    assert_eq!(seen, implemented, "run make_golden.py for the operations that are implemented");
}

#[test]
fn escapes_come_through() {
    let tag = |key: &str, value: &str| Tag { key: Some(key.into()), value: Some(value.into()) };
    let expected = AddTagsToResourceMessage {
        resource_name: "arn:aws:rds:us-east-1:123456789012:db:a".into(),
        tags: vec![tag("a b+c&d=e", "100 % — ß 漢 \u{1f512}\r\n\t~"), tag("empty", "")],
    };
    assert_eq!(Golden::named("escapes").decode(), Request::AddTagsToResource(expected));
}

#[test]
fn an_empty_list_differs_from_none() {
    let Request::ModifyDbInstance(input) = Golden::named("empty_list").decode() else {
        panic!("another operation")
    };
    assert_eq!(input.vpc_security_group_ids, Some(vec![]));
    assert_eq!(input.domain_dns_ips, None);
    assert_eq!(input.apply_immediately, Some(false));
}

#[test]
fn items_keep_their_numeric_order() {
    let expected = RemoveTagsFromResourceMessage {
        resource_name: "r".into(),
        tag_keys: (1..=12).map(|n| format!("k{n}")).collect(),
    };
    assert_eq!(Golden::named("many_items").decode(), Request::RemoveTagsFromResource(expected));
}

#[test]
fn lists_nest() {
    let filter = |name: &str, values: &[&str]| Filter {
        name: name.into(),
        values: values.iter().map(ToString::to_string).collect(),
    };
    let filters = vec![filter("dbi-resource-id", &["db-A", "db-B"]), filter("engine", &[])];
    let expected = DescribeDbInstancesMessage { filters: Some(filters), ..Default::default() };
    assert_eq!(Golden::named("filters").decode(), Request::DescribeDbInstances(expected));
}
