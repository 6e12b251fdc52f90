//! What a client is told when a request fails, and what only the log is told.

use std::error::Error;

use pgkeep_model::{DbInstanceIdentifier, InvalidParameter};
use pgkeep_query::errors::{
    CERTIFICATE_NOT_FOUND, DB_INSTANCE_ALREADY_EXISTS, DB_INSTANCE_NOT_FOUND,
    DB_PARAMETER_GROUP_NOT_FOUND, INTERNAL_FAILURE, INVALID_DB_INSTANCE_STATE,
    INVALID_PARAMETER_COMBINATION, INVALID_PARAMETER_VALUE, MISSING_PARAMETER,
    RESOURCE_NOT_FOUND_FAULT,
};
use pgkeep_query::sigv4::SigV4Error;
use pgkeep_query::{DecodeError, ErrorCode};
use pgkeep_store::StoreError;
use pgkeep_workflow::WorkflowError;

/// A refusal, with the code of the service.
#[derive(Debug)]
pub(crate) struct ApiError {
    /// Code and HTTP status.
    pub(crate) code: ErrorCode,
    /// For the client.
    pub(crate) message: String,
    /// For the log.
    pub(crate) source: Option<Box<dyn Error + Send + Sync>>,
}

impl ApiError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), source: None }
    }

    pub(crate) fn value(message: impl Into<String>) -> Self {
        Self::new(INVALID_PARAMETER_VALUE, message)
    }

    pub(crate) fn combination(message: impl Into<String>) -> Self {
        Self::new(INVALID_PARAMETER_COMBINATION, message)
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        let message = format!("The parameter {parameter} must be provided and must not be blank.");
        Self::new(MISSING_PARAMETER, message)
    }

    pub(crate) fn no_instance(identifier: &str) -> Self {
        Self::new(DB_INSTANCE_NOT_FOUND, format!("DBInstance {identifier} not found."))
    }

    /// What the operations that name a resource by its ARN say for [`Self::no_instance`].
    pub(crate) fn no_resource(self, name: &str) -> Self {
        if self.code != DB_INSTANCE_NOT_FOUND {
            return self;
        }
        Self::new(RESOURCE_NOT_FOUND_FAULT, format!("The resource {name} was not found."))
    }

    pub(crate) fn no_certificate(identifier: &str) -> Self {
        Self::new(CERTIFICATE_NOT_FOUND, format!("Certificate not found: {identifier}"))
    }

    pub(crate) fn no_parameter_group(name: &str) -> Self {
        Self::new(DB_PARAMETER_GROUP_NOT_FOUND, format!("DBParameterGroup not found: {name}"))
    }

    pub(crate) fn instance_state(message: impl Into<String>) -> Self {
        Self::new(INVALID_DB_INSTANCE_STATE, message)
    }

    /// An instance that is being deleted takes no other request.
    pub(crate) fn being_deleted(identifier: &DbInstanceIdentifier) -> Self {
        Self::instance_state(format!("Instance {identifier} is already being deleted."))
    }

    /// Work of a request did not come to its end.
    pub(crate) fn panicked(error: tokio::task::JoinError) -> Self {
        let message = "pgkeep failed; its log has more.".to_owned();
        Self { code: INTERNAL_FAILURE, message, source: Some(Box::new(error)) }
    }

    pub(crate) fn internal(source: impl Error + Send + Sync + 'static) -> Self {
        Self {
            code: INTERNAL_FAILURE,
            message: format!("{source}; the log of pgkeep has more."),
            source: Some(Box::new(source)),
        }
    }
}

impl From<InvalidParameter> for ApiError {
    fn from(error: InvalidParameter) -> Self {
        use pgkeep_model::ParameterErrorCode::{
            InvalidParameterCombination, InvalidParameterValue,
        };
        match error.code() {
            InvalidParameterValue => Self::value(error.to_string()),
            InvalidParameterCombination => Self::combination(error.to_string()),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::IdentifierTaken(_) => {
                Self::new(DB_INSTANCE_ALREADY_EXISTS, "DB instance already exists")
            }
            StoreError::NoParameterGroup(name) => Self::no_parameter_group(&name),
            StoreError::AddressTaken(address) => Self::value(format!(
                "Another DB instance listens on {address}. Choose another Port."
            )),
            other => Self::internal(other),
        }
    }
}

impl From<WorkflowError> for ApiError {
    fn from(error: WorkflowError) -> Self {
        Self::internal(error)
    }
}

impl From<DecodeError> for ApiError {
    fn from(error: DecodeError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<SigV4Error> for ApiError {
    fn from(error: SigV4Error) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
