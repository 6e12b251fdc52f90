//! What decoding tolerates, what it refuses, and that nothing from outside makes it panic.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

use pgkeep_query::errors::{self, ErrorCode};
use pgkeep_query::{DecodeError, IMPLEMENTED, MAX_BODY_BYTES, MAX_PARAMS, OPERATIONS};
use pgkeep_query::{Params, Request};
use proptest::prelude::*;
use time::macros::datetime;

fn decode(form: &str) -> Result<Request, DecodeError> {
    let params = Params::parse(form.as_bytes())?;
    Request::decode(params.action()?, &params)
}

fn tag_keys(form: &str) -> Vec<String> {
    match decode(&format!("Action=RemoveTagsFromResource&ResourceName=r&{form}")) {
        Ok(Request::RemoveTagsFromResource(input)) => input.tag_keys,
        other => panic!("{other:?}"),
    }
}

#[test]
fn lists_accept_member_and_sparse_numbers() {
    assert_eq!(tag_keys("TagKeys.member.10=b&TagKeys.member.2=a&TagKeys=").join(""), "ab");
    assert_eq!(tag_keys("TagKeys=").len(), 0);
    let form = "Action=AddTagsToResource&ResourceName=r&Tags.member.7.Key=k&Tags.Tag.3.Key=j";
    let Ok(Request::AddTagsToResource(input)) = decode(form) else { panic!() };
    let keys: Vec<_> = input.tags.iter().filter_map(|tag| tag.key.as_deref()).collect();
    assert_eq!(keys, ["j", "k"]);
}

#[test]
fn scalars_are_typed() {
    let form = "Action=DescribeEvents&StartTime=2026-11-24T13:00:00%2B01:00&EndTime=\
                2026-11-24T12:30Z&Duration=-5";
    let Ok(Request::DescribeEvents(input)) = decode(form) else { panic!() };
    assert_eq!(input.start_time, Some(datetime!(2026-11-24 12:00 UTC)));
    assert_eq!(input.end_time, Some(datetime!(2026-11-24 12:30 UTC)));
    assert_eq!(input.duration, Some(-5));
    let form = "Action=DeleteDBInstance&DBInstanceIdentifier=a&SkipFinalSnapshot=TRUE";
    let Ok(Request::DeleteDbInstance(input)) = decode(form) else { panic!() };
    assert_eq!(input.skip_final_snapshot, Some(true));
}

/// Each form is refused with the code, and the message holds the text.
fn assert_refused(code: ErrorCode, cases: &[(&str, &str)]) {
    for (form, text) in cases {
        let error = decode(form).unwrap_err();
        assert_eq!(error.code(), code, "{form}");
        assert!(error.to_string().contains(text), "{form}: {error}");
    }
}

#[test]
fn an_operation_must_be_named_and_known() {
    let missing = [("Version=2014-10-31", "Action"), ("Action=", "Action")];
    assert_refused(errors::MISSING_ACTION, &missing);
    let unknown = [
        ("Action=Fly", "Fly for version 2014-10-31"),
        ("Action=DescribeEvents&Version=1", "version 1"),
    ];
    assert_refused(errors::INVALID_ACTION, &unknown);
    assert_refused(errors::NOT_IMPLEMENTED, &[("Action=CreateDBCluster", "CreateDBCluster")]);
}

#[test]
fn a_required_parameter_is_missed_by_its_full_name() {
    let cases = [
        ("Action=StopDBInstance", "DBInstanceIdentifier"),
        ("Action=DescribeEvents&Filters.Filter.3.Name=n", "Filters.Filter.3.Values"),
    ];
    assert_refused(errors::MISSING_PARAMETER, &cases);
}

#[test]
fn a_value_of_another_type_is_refused() {
    let cases = [
        ("Action=DescribeEvents&Duration=1.5", "1.5"),
        ("Action=DescribeEvents&Duration=", "Duration"),
        ("Action=DescribeEvents&Duration=2147483648", "2147483648"),
        ("Action=DescribeEvents&StartTime=noon", "StartTime"),
        ("Action=DeleteDBInstance&DBInstanceIdentifier=a&SkipFinalSnapshot=yes", "true or false"),
    ];
    assert_refused(errors::INVALID_PARAMETER_VALUE, &cases);
}

#[test]
fn a_malformed_form_is_refused() {
    let cases = [
        ("Action=DescribeEvents&Filters.Filter.x.Name=n", "Filters.Filter.x.Name"),
        ("Action=DescribeEvents&Filters.Other.1.Name=n", "Other"),
        ("Action=DescribeEvents&Filters.Filter.1=n", "Filters.Filter.1"),
        ("Action=DescribeEvents&Action=X", "twice"),
        ("Action=%FF", "UTF-8"),
        ("a.b.c.d.e.f.g.h.i=", "parts"),
    ];
    assert_refused(errors::MALFORMED_QUERY_STRING, &cases);
}

#[test]
fn size_is_bounded() {
    let many = (0..=MAX_PARAMS).map(|n| format!("p{n}=")).collect::<Vec<_>>().join("&");
    let long = "a".repeat(MAX_BODY_BYTES + 1);
    for form in [many, long] {
        assert!(matches!(decode(&form), Err(DecodeError::Malformed { .. })));
    }
}

#[test]
fn passwords_stay_out_of_debug() {
    let form = "Action=ModifyDBInstance&DBInstanceIdentifier=a&MasterUserPassword=hunter2\
                &TdeCredentialPassword=hunter2";
    let params = Params::parse(form.as_bytes()).unwrap();
    let request = decode(form).unwrap();
    assert!(!format!("{params:?} {request:?}").contains("hunter2"));
    let Request::ModifyDbInstance(input) = request else { panic!() };
    assert_eq!(input.master_user_password.unwrap().expose(), "hunter2");
}

#[test]
fn unimplemented_operations_are_known_by_name() {
    assert!(OPERATIONS.is_sorted() && IMPLEMENTED.is_sorted());
    for action in OPERATIONS {
        let known =
            !matches!(decode(&format!("Action={action}")), Err(DecodeError::NotImplemented { .. }));
        assert_eq!(known, IMPLEMENTED.contains(&action), "{action}");
    }
}

/// A name that has a chance to mean something.
fn name() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        prop::sample::select(vec![
            "Filters",
            "Filter",
            "member",
            "Tags",
            "Tag",
            "Key",
            "Name",
            "Values",
            "Value",
            "Parameters",
            "Parameter",
            "DBInstanceIdentifier",
            "DBParameterGroupName",
            "Duration",
            "StartTime",
            "MaxRecords",
            "",
            "0",
            "1",
            "99999999999",
        ])
        .prop_map(ToOwned::to_owned),
        ".{0,4}",
    ];
    prop::collection::vec(part, 1..7).prop_map(|parts| parts.join("."))
}

proptest! {
    #[test]
    fn arbitrary_pairs_never_panic(
        action in prop::sample::select(&IMPLEMENTED[..]),
        pairs in prop::collection::vec((name(), ".{0,12}"), 0..12),
    ) {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let _ = decode(&format!("Action={action}&{}", pairs.join("&")));
    }

    #[test]
    fn arbitrary_bytes_never_panic(form in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Params::parse(&form);
    }
}
