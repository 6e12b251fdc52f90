//! Every parameter of every family: what it is, what it may be and who may change it.
//!
//! Two kinds of tables under `data/parameters`, both compiled in, so that a family answers without
//! its engine: `postgres<major>.tsv`, which the engine itself wrote (`cargo xtask codegen
//! parameters`), and `service.tsv` over it, which says what the service adds, narrows or holds.
//! A family is read when it is first asked for; its definitions borrow from the tables.
//!
//! Deliberately absent: whether a given build of the engine has all that its family has (a
//! compression method, an elliptic curve). Only the running server knows, and is asked.

mod hook;
mod read;
mod text;
mod unit;
mod value;

use std::borrow::Cow;
use std::sync::LazyLock;

pub use value::{Normalised, check_value};

use crate::engine::MAJORS;
use crate::validate::InvalidParameter;

/// One parameter of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParameterDefinition {
    /// Its name in lowercase, as the service writes it: `timezone`.
    pub name: &'static str,
    /// What its value is.
    pub value_type: ValueType,
    /// The unit of a number, as `pg_settings` has it: `8kB`, `ms`.
    pub unit: Option<&'static str>,
    /// When a change applies.
    pub apply_type: ApplyType,
    /// Whether a group may set it. What pgkeep holds, and what the engine only reports, is shown
    /// and not modifiable.
    pub is_modifiable: bool,
    /// What the value may be.
    pub allowed: Allowed,
    /// The service's own default, which may be a formula; none where the engine's stands.
    pub default_value: Option<&'static str>,
    /// The engine's built-in default in `unit`; none where that is the build's or the machine's.
    pub engine_default: Option<&'static str>,
    summary: &'static str,
}

/// `DataType`. The words of an enum are strings to the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words of the service")]
pub enum ValueType {
    Boolean,
    Integer,
    Float,
    String,
    List,
}

/// `ApplyType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApplyType {
    /// Read when the server starts (the context `postmaster`).
    Static,
    /// Read by a reload.
    Dynamic,
}

/// `Source` of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueSource {
    /// A customer set it in a group.
    User,
    /// The service set it.
    System,
    /// Nobody set it.
    EngineDefault,
}

/// What a value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// One of these words, or for [`ValueType::List`] any of them; with commas between.
    Words(&'static str),
    /// A number from the first to the second, in the parameter's unit.
    Range(&'static str, &'static str),
    /// At most so many printable ASCII characters. PostgreSQL replaces others in what it shows.
    Text(usize),
    /// Names of SQL objects with commas between, quoted or not.
    Identifiers,
    /// An output style, an order of day, month and year, or both with a comma between.
    DateStyle,
}

impl ValueType {
    /// The text of `DataType`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::String => "string",
            Self::List => "list",
        }
    }
}

impl ApplyType {
    /// The text of `ApplyType`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Dynamic => "dynamic",
        }
    }
}

impl ValueSource {
    /// Every source.
    pub const ALL: [Self; 3] = [Self::User, Self::System, Self::EngineDefault];

    /// The text of `Source`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::System => "system",
            Self::EngineDefault => "engine-default",
        }
    }
}

impl ParameterDefinition {
    /// `Description`: PostgreSQL's own, after the unit.
    pub fn description(&self) -> Cow<'static, str> {
        match self.unit {
            Some(unit) => format!("({unit}) {}", self.summary).into(),
            None => self.summary.into(),
        }
    }

    /// `AllowedValues`: `0,1`, `1-65535`, a comma list; none for free text.
    pub fn allowed_values(&self) -> Option<Cow<'static, str>> {
        match self.allowed {
            // The empty word of `ssl_max_protocol_version` stands for no bound, and is not shown.
            Allowed::Words(words) => Some(words.trim_start_matches(',').into()),
            Allowed::Range(least, most) => Some(format!("{least}-{most}").into()),
            Allowed::Text(_) | Allowed::Identifiers | Allowed::DateStyle => None,
        }
    }

    /// Where the default comes from.
    pub fn default_source(&self) -> ValueSource {
        match self.default_value {
            Some(_) => ValueSource::System,
            None => ValueSource::EngineDefault,
        }
    }
}

const FAMILIES: usize = (*MAJORS.end() - *MAJORS.start() + 1) as usize;

static CATALOGUES: [LazyLock<Vec<ParameterDefinition>>; FAMILIES] = [
    LazyLock::new(|| read::family(10, include_str!("../../data/parameters/postgres10.tsv"))),
    LazyLock::new(|| read::family(11, include_str!("../../data/parameters/postgres11.tsv"))),
    LazyLock::new(|| read::family(12, include_str!("../../data/parameters/postgres12.tsv"))),
    LazyLock::new(|| read::family(13, include_str!("../../data/parameters/postgres13.tsv"))),
    LazyLock::new(|| read::family(14, include_str!("../../data/parameters/postgres14.tsv"))),
    LazyLock::new(|| read::family(15, include_str!("../../data/parameters/postgres15.tsv"))),
    LazyLock::new(|| read::family(16, include_str!("../../data/parameters/postgres16.tsv"))),
    LazyLock::new(|| read::family(17, include_str!("../../data/parameters/postgres17.tsv"))),
    LazyLock::new(|| read::family(18, include_str!("../../data/parameters/postgres18.tsv"))),
];

/// Every parameter of the family of a major version, by name; none of a version that there is no
/// family of.
pub fn catalogue(major: u16) -> &'static [ParameterDefinition] {
    let index = major.checked_sub(*MAJORS.start()).map(usize::from);
    index.and_then(|index| CATALOGUES.get(index)).map_or(&[], |family| family.as_slice())
}

/// Whether a parameter can change without a restart of the server.
pub fn is_dynamic(major: u16, name: &str) -> bool {
    parameter(major, name).is_ok_and(|definition| definition.apply_type == ApplyType::Dynamic)
}

/// A parameter of a family. Names match without regard to case, as in the engine.
///
/// # Errors
/// The family has no such parameter.
pub fn parameter(major: u16, name: &str) -> Result<&'static ParameterDefinition, InvalidParameter> {
    let family = catalogue(major);
    let lowercase = name.to_ascii_lowercase();
    let index = family.binary_search_by(|it| it.name.cmp(&lowercase)).ok();
    index
        .and_then(|index| family.get(index))
        .ok_or_else(|| InvalidParameter::ParameterUnknown { name: text::shown(name) })
}

#[cfg(test)]
mod tests;
