//! The AWS Query protocol of Amazon RDS, version 2014-10-31.
//!
//! A server goes one way through this crate: parse the form into [`Params`], check the signature
//! with [`sigv4::verify`], decode a [`Request`], answer with [`Response::render`] or
//! [`render_error`]. Shapes, list names and error codes come from the service's own model through
//! `cargo xtask codegen`, so no wire name is typed by hand.
//!
//! ```
//! use pgkeep_query::shapes::DbInstanceMessage;
//! use pgkeep_query::{Params, Request, Response, render_error};
//!
//! # let (body, request_id) = (b"Action=DescribeDBInstances&Version=2014-10-31", "r-1");
//! let request = Params::parse(body)
//!     .and_then(|params| Request::decode(params.action()?, &params));
//! let (status, xml) = match request {
//!     Ok(Request::DescribeDbInstances(_input)) => {
//!         let output = DbInstanceMessage::default();
//!         (200, Response::DescribeDbInstances(output).render(request_id))
//!     }
//!     Ok(other) => panic!("no answer for {}", other.action()),
//!     Err(error) => {
//!         (error.code().status, render_error(error.code(), &error.to_string(), request_id))
//!     }
//! };
//! # assert_eq!(status, 200);
//! # assert!(xml.contains("<DBInstances/>"));
//! ```
//!
//! Every byte from outside is bounded ([`MAX_BODY_BYTES`], [`MAX_PARAMS`], [`MAX_DEPTH`]) and
//! nothing here panics on it. Deliberately absent: any knowledge of databases, validation of
//! values beyond their type, HTTP itself, a clock and randomness.

mod decode;
pub mod errors;
mod generated;
mod params;
mod render;
mod secret;
pub mod sigv4;
mod values;
mod xml;

/// The structures of requests and responses, named as the model names them.
pub mod shapes {
    pub use crate::generated::inputs::*;
    pub use crate::generated::outputs::*;
}

pub use decode::DecodeError;
pub use errors::ErrorCode;
pub use generated::operations::{API_VERSION, IMPLEMENTED, OPERATIONS, Request, Response};
pub use params::{MAX_BODY_BYTES, MAX_DEPTH, MAX_PARAMS, Params};
pub use render::render_error;
pub use secret::Secret;
