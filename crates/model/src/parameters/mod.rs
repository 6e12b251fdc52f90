//! DB parameters: what the service sets where nobody set anything, and the formulas a value may
//! be.
//!
//! Only what the engine cannot tell by itself is written here. The catalogue of all parameters,
//! with ranges and contexts, is made from the engines.

mod catalogue;
mod defaults;
mod formula;
mod tls;
mod together;

pub use catalogue::{
    Allowed, ApplyType, Normalised, ParameterDefinition, ValueSource, ValueType, catalogue,
    check_value, is_dynamic, parameter,
};
pub use defaults::{
    DEFAULT_FORMULAS, default_formula, default_group_name, default_ssl_ciphers, evaluate_defaults,
    family, force_ssl_default, log_connections_default, password_encryption_default,
    ssl_min_protocol_version_default,
};
pub use formula::{Formula, FormulaVariables};
pub use tls::{TlsFacts, check_tls, openssl_release, render_ciphers};
pub use together::{check_group, check_together};
