//! Requests to the API.

use pgkeep_model::Arn;
use pgkeep_query::sigv4::{self, AccessKeyId, RequestHead, SigV4Error, Target};
use pgkeep_query::{OPERATIONS, Params, Request, Secret, render_error};
use time::OffsetDateTime;
use time::macros::datetime;

use super::text;

const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);
const HERE: Target<'_> = Target { region: "us-east-1", service: "rds" };

/// A form, as every operation reads it; what is refused is refused in XML.
pub(super) fn aws_query(bytes: &[u8]) {
    let Ok(params) = Params::parse(bytes) else {
        return;
    };
    let asked = params.action().unwrap_or_default().to_owned();
    for action in OPERATIONS.iter().copied().chain([asked.as_str()]) {
        if let Err(error) = Request::decode(action, &params) {
            let said = error.to_string();
            assert!(said.len() < 4096, "an error repeats too much of a request");
            let xml = render_error(error.code(), &said, "r");
            assert!(!xml.contains('\0'), "NUL is no character of XML");
        }
    }
}

/// A request line, headers and a body: never taken for signed unless it is, and what is signed
/// here is taken only without a change.
pub(super) fn sigv4(bytes: &[u8]) {
    let mut lines = text(bytes).splitn(3, '\n');
    let (path, query) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let mut rest = lines.next().unwrap_or_default().split("\n\n");
    let headers = rest.next().unwrap_or_default().lines();
    let headers: Vec<_> = headers.filter_map(|line| line.split_once(": ")).collect();
    let body = rest.next().unwrap_or_default().as_bytes();
    let head = RequestHead { method: "POST", path, query, headers: &headers };
    let secret = || Secret::from("secret".to_owned());
    let lookup = |id: &str| (id == "AKID").then(secret);
    let verified = sigv4::verify(&head, body, HERE, lookup, NOW);
    assert!(verified.is_err(), "a signature was guessed");

    let id = AccessKeyId("AKID".to_owned());
    let signed_already = headers.iter().any(|(name, _)| {
        ["authorization", "x-amz-date"].iter().any(|it| name.trim().eq_ignore_ascii_case(it))
    });
    if signed_already {
        return;
    }
    let Ok(signature) = sigv4::sign(&head, body, HERE, &id, &secret(), NOW) else {
        return;
    };
    let mut headers = headers.clone();
    headers.push(("x-amz-date", &signature.x_amz_date));
    headers.push(("authorization", &signature.authorization));
    let head = RequestHead { headers: &headers, ..head };
    if sigv4::verify(&head, body, HERE, lookup, NOW).is_ok() {
        let other = [body, b"x"].concat();
        let forged = sigv4::verify(&head, &other, HERE, lookup, NOW);
        assert_eq!(forged, Err(SigV4Error::Mismatch), "another body was taken");
    }
}

/// A resource name that is taken is written as it was.
pub(super) fn arn(bytes: &[u8]) {
    if let Ok(arn) = text(bytes).parse::<Arn>() {
        let again = arn.to_string().parse::<Arn>().expect("it was just written");
        assert_eq!(again, arn);
    }
}
