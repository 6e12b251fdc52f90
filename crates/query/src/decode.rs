//! From parameters to a request, and the refusals on the way.

use crate::errors::{self, ErrorCode};
use crate::generated::operations::{API_VERSION, OPERATIONS, Request, decode_operation};
use crate::params::{Params, Scope};

/// Why parameters are no request. `Display` is the message for the client; none of these ever
/// holds the value of a [`crate::Secret`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The form breaks a rule of the encoding or a bound.
    #[error("The request is malformed: {name}: {reason}")]
    Malformed {
        /// The parameter, or the part of the request.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is no `Action`.
    #[error("The request must contain the parameter Action")]
    MissingAction,
    /// The API has no such operation in this version.
    #[error("Could not find operation {action} for version {version}")]
    UnknownAction {
        /// The operation asked for.
        action: String,
        /// The version asked for.
        version: String,
    },
    /// The API has the operation, this server does not.
    #[error("The operation {action} is not implemented here")]
    NotImplemented {
        /// The operation asked for.
        action: String,
    },
    /// A required parameter is absent.
    #[error("The request must contain the parameter {name}")]
    MissingParameter {
        /// The parameter's full name: `Filters.Filter.1.Name`.
        name: String,
    },
    /// A value is not of its parameter's type.
    #[error("Invalid value {value:?} for the parameter {name}: {expected} is expected")]
    InvalidValue {
        /// The parameter's full name.
        name: String,
        /// The beginning of the value.
        value: String,
        /// What it should have been: `an integer`.
        expected: &'static str,
    },
}

impl DecodeError {
    /// The code and the status for the client.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Malformed { .. } => errors::MALFORMED_QUERY_STRING,
            Self::MissingAction => errors::MISSING_ACTION,
            Self::UnknownAction { .. } => errors::INVALID_ACTION,
            Self::NotImplemented { .. } => errors::NOT_IMPLEMENTED,
            Self::MissingParameter { .. } => errors::MISSING_PARAMETER,
            Self::InvalidValue { .. } => errors::INVALID_PARAMETER_VALUE,
        }
    }
}

impl Request {
    /// Decodes the input of `action`, usually [`Params::action`]. Parameters that the operation
    /// does not have are ignored, as the service does.
    ///
    /// # Errors
    /// Where the operation is unknown or not implemented, or the parameters do not fit its shape.
    pub fn decode(action: &str, params: &Params) -> Result<Self, DecodeError> {
        let version = params.value("Version").unwrap_or(API_VERSION);
        if version != API_VERSION || OPERATIONS.binary_search(&action).is_err() {
            let (action, version) = (excerpt(action), excerpt(version));
            return Err(DecodeError::UnknownAction { action, version });
        }
        decode_operation(action, &Scope::root_of(params))?
            .ok_or_else(|| DecodeError::NotImplemented { action: action.to_owned() })
    }
}

/// As much of a foreign text as an error may repeat.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(64).collect()
}
