//! The error codes of the API: those of the model, and those that every AWS Query service has.

pub use crate::generated::errors::*;

/// An error as the client sees it: `<Code>` and the HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorCode {
    /// The code on the wire. It is what clients match on, and not always the shape's name.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
}

const fn error(code: &'static str, status: u16) -> ErrorCode {
    ErrorCode { code, status }
}

// Source: the common errors of the RDS API reference, and for NotImplemented RFC 9110 §15.6.2.

/// The signature is malformed or incomplete.
pub const INCOMPLETE_SIGNATURE: ErrorCode = error("IncompleteSignature", 400);
/// The server failed.
pub const INTERNAL_FAILURE: ErrorCode = error("InternalFailure", 500);
/// The API has no such operation.
pub const INVALID_ACTION: ErrorCode = error("InvalidAction", 400);
/// Nobody has this access key.
pub const INVALID_CLIENT_TOKEN_ID: ErrorCode = error("InvalidClientTokenId", 403);
/// Parameters that do not go together.
pub const INVALID_PARAMETER_COMBINATION: ErrorCode = error("InvalidParameterCombination", 400);
/// A value that its parameter cannot have.
pub const INVALID_PARAMETER_VALUE: ErrorCode = error("InvalidParameterValue", 400);
/// The form is not a form of this API.
pub const MALFORMED_QUERY_STRING: ErrorCode = error("MalformedQueryString", 404);
/// The request names no operation.
pub const MISSING_ACTION: ErrorCode = error("MissingAction", 400);
/// The request is not signed.
pub const MISSING_AUTHENTICATION_TOKEN: ErrorCode = error("MissingAuthenticationToken", 403);
/// A required parameter is absent.
pub const MISSING_PARAMETER: ErrorCode = error("MissingParameter", 400);
/// An operation of the API that this server does not have. SDKs do not retry this status.
pub const NOT_IMPLEMENTED: ErrorCode = error("NotImplemented", 501);
/// The request is signed for another time than now.
pub const REQUEST_EXPIRED: ErrorCode = error("RequestExpired", 400);
/// The signature is not that of the request.
pub const SIGNATURE_DOES_NOT_MATCH: ErrorCode = error("SignatureDoesNotMatch", 403);
/// Too many requests.
pub const THROTTLING: ErrorCode = error("Throttling", 400);
