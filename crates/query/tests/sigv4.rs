//! The refusals of the signature check, each by changing one thing of a request that is good.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

use pgkeep_query::Secret;
use pgkeep_query::errors;
use pgkeep_query::sigv4::{AccessKeyId, RequestHead, SigV4Error, Target, sign, verify};
use proptest::prelude::*;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);
const RDS: Target<'_> = Target { region: "us-east-1", service: "rds" };
const BODY: &[u8] = b"Action=DescribeEvents&Version=2014-10-31";
const KEY: &str = "AKID/WITH/SLASHES";

fn lookup(key: &str) -> Option<Secret> {
    (key == KEY).then(|| Secret::from("secret"))
}

/// A request as owned text, to be changed at will.
#[derive(Clone)]
struct Signed {
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Signed {
    fn new() -> Self {
        let headers = [("Host", "localhost"), ("Content-Type", "text/a;  b")];
        let head = RequestHead { method: "POST", path: "/", query: "b=2&a=1", headers: &headers };
        let (key, secret) = (AccessKeyId(KEY.into()), Secret::from("secret"));
        let signature = sign(&head, BODY, RDS, &key, &secret, NOW).unwrap();
        let mut signed = Self { query: "b=2&a=1".into(), headers: vec![], body: BODY.to_vec() };
        for (name, value) in headers {
            signed.set(name, value);
        }
        signed.set("X-Amz-Date", &signature.x_amz_date);
        signed.set("Authorization", &signature.authorization);
        signed
    }

    fn set(&mut self, name: &str, value: &str) {
        self.headers.retain(|(header, _)| header != name);
        self.headers.push((name.into(), value.into()));
    }

    fn change(&mut self, name: &str, from: &str, to: &str) {
        let header = self.headers.iter_mut().find(|(header, _)| header == name).unwrap();
        assert!(header.1.contains(from));
        header.1 = header.1.replace(from, to);
    }

    fn verify_at(&self, now: OffsetDateTime) -> Result<AccessKeyId, SigV4Error> {
        let headers: Vec<_> = self.headers.iter().map(|(n, v)| (&**n, &**v)).collect();
        let head = RequestHead { method: "POST", path: "/", query: &self.query, headers: &headers };
        verify(&head, &self.body, RDS, lookup, now)
    }
}

#[test]
fn what_is_signed_is_accepted_for_fifteen_minutes_either_way() {
    let signed = Signed::new();
    for minutes in [-15, 0, 15] {
        let accepted = signed.verify_at(NOW + Duration::minutes(minutes));
        assert_eq!(accepted, Ok(AccessKeyId(KEY.into())));
    }
    for seconds in [-901, 901] {
        let error = signed.verify_at(NOW + Duration::seconds(seconds)).unwrap_err();
        assert_eq!((error, error.code()), (SigV4Error::Expired, errors::REQUEST_EXPIRED));
    }
}

#[test]
fn harmless_differences_are_accepted() {
    let mut signed = Signed::new();
    signed.query = "a=1&b=%32".into();
    signed.set("Content-Type", " text/a; b ");
    signed.set("User-Agent", "not signed");
    assert!(signed.verify_at(NOW).is_ok());
}

#[test]
fn any_change_is_noticed() {
    type Change = fn(&mut Signed);
    let changes: [(Change, SigV4Error); 16] = [
        (|s| s.body.push(b' '), SigV4Error::Mismatch),
        (|s| s.query.push_str("&c=3"), SigV4Error::Mismatch),
        (|s| s.set("Host", "other"), SigV4Error::Mismatch),
        (|s| s.headers.retain(|(name, _)| name != "Content-Type"), SigV4Error::Mismatch),
        (|s| s.set("X-Amz-Date", "20261124T120001Z"), SigV4Error::Mismatch),
        (|s| s.set("X-Amz-Security-Token", "t"), SigV4Error::UnsignedHeader),
        (|s| s.change("Authorization", "host;", ""), SigV4Error::UnsignedHeader),
        (|s| s.change("Authorization", ";x-amz-date", ""), SigV4Error::UnsignedHeader),
        (|s| s.change("Authorization", "AKID", "OTHER"), SigV4Error::UnknownKey),
        (|s| s.change("Authorization", "us-east-1", "eu-west-1"), SigV4Error::WrongScope),
        (|s| s.change("Authorization", "/rds/", "/s3/"), SigV4Error::WrongScope),
        (|s| s.change("Authorization", "20261124", "20261125"), SigV4Error::WrongScope),
        (
            |s| s.change("Authorization", "Signature=", "Signature=zz"),
            SigV4Error::Incomplete("Signature"),
        ),
        (
            |s| s.set("Authorization", "Basic YQ=="),
            SigV4Error::Incomplete("only AWS4-HMAC-SHA256 is supported"),
        ),
        (|s| s.set("X-Amz-Date", "yesterday"), SigV4Error::Incomplete("the date")),
        (|s| s.headers.retain(|(name, _)| name != "Authorization"), SigV4Error::Missing),
    ];
    for (i, (change, expected)) in changes.into_iter().enumerate() {
        let mut signed = Signed::new();
        change(&mut signed);
        let error = signed.verify_at(NOW).unwrap_err();
        assert_eq!(error, expected, "change {i}");
    }
}

#[test]
fn a_claimed_body_hash_is_not_believed() {
    let head = |headers| RequestHead { method: "POST", path: "/", query: "", headers };
    let headers = [("host", "localhost"), ("x-amz-content-sha256", "UNSIGNED-PAYLOAD")];
    let (key, secret) = (AccessKeyId(KEY.into()), Secret::from("secret"));
    assert_eq!(
        sign(&head(&headers), BODY, RDS, &key, &secret, NOW),
        Err(SigV4Error::Mismatch),
        "not even the signer accepts it"
    );
}

proptest! {
    #[test]
    fn arbitrary_headers_never_panic(
        authorization in
            "(AWS4-HMAC-SHA256 )?(Credential=[a/]{0,8},? ?)?(Signature=[0-9a]{0,4},?)?.{0,20}",
        date in "([0-9]{8}T[0-9]{6}Z)?.{0,3}",
        query in
            "(X-Amz-Algorithm=AWS4-HMAC-SHA256&)?(X-Amz-Expires=[0-9]{1,20}&)?.{0,30}",
    ) {
        let mut signed = Signed::new();
        signed.set("X-Amz-Date", &date);
        signed.query = query;
        prop_assert!(signed.verify_at(NOW).is_err() || date == "20261124T120000Z");
        signed.set("Authorization", &authorization);
        prop_assert!(signed.verify_at(NOW).is_err());
        signed.headers.retain(|(name, _)| name != "Authorization");
        prop_assert!(signed.verify_at(NOW).is_err());
    }
}
