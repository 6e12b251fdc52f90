//! The tables to definitions. A test holds that no line of them is passed over.

use super::{Allowed, ApplyType, ParameterDefinition, ValueType};
use crate::parameters::defaults::service_default;

const SERVICE: &str = include_str!("../../../data/parameters/service.tsv");

/// The words of a boolean.
const BOOLEAN: &str = "0,1";
/// The most characters of a text that no row bounds.
const TEXT_MAX: usize = 1024;

/// The definitions of a family, sorted by name.
pub(super) fn family(major: u16, engine: &'static str) -> Vec<ParameterDefinition> {
    let mut all: Vec<_> = engine.lines().skip(1).filter_map(definition).collect();
    for row in SERVICE.lines().skip(1).filter_map(Row::read) {
        if !(row.first..=row.last).contains(&major) {
            continue;
        }
        if let Some(found) = all.iter_mut().find(|it| it.name == row.name) {
            row.apply_to(found);
        } else {
            all.extend(row.definition());
        }
    }
    for one in &mut all {
        one.default_value = one.default_value.or_else(|| service_default(major, one.name));
    }
    all.sort_unstable_by_key(|it| it.name);
    all.shrink_to_fit();
    all
}

/// A line of an engine's table.
fn definition(line: &'static str) -> Option<ParameterDefinition> {
    let mut fields = line.split('\t');
    let mut next = || fields.next();
    let (name, vartype, unit, context) = (next()?, next()?, next()?, next()?);
    let (least, most, words, default, summary) = (next()?, next()?, next()?, next()?, next()?);
    let (value_type, allowed) = match vartype {
        "bool" => (ValueType::Boolean, Allowed::Words(BOOLEAN)),
        "enum" => (ValueType::String, Allowed::Words(words)),
        "integer" => (ValueType::Integer, Allowed::Range(least, most)),
        "real" => (ValueType::Float, Allowed::Range(least, most)),
        "string" => (ValueType::String, Allowed::Text(TEXT_MAX)),
        _ => return None,
    };
    Some(ParameterDefinition {
        name,
        value_type,
        unit: some(unit),
        apply_type: if ["postmaster", "internal"].contains(&context) {
            ApplyType::Static
        } else {
            ApplyType::Dynamic
        },
        is_modifiable: context != "internal",
        allowed,
        default_value: None,
        engine_default: some(default),
        summary,
    })
}

/// A line of the service's table: what differs from the engine's, or is not the engine's at all.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) first: u16,
    pub(super) last: u16,
    value_type: Option<ValueType>,
    apply_type: Option<ApplyType>,
    is_modifiable: Option<bool>,
    allowed: Option<Allowed>,
    default_value: Option<&'static str>,
    summary: &'static str,
}

impl Row {
    pub(super) fn read(line: &'static str) -> Option<Self> {
        let mut fields = line.split('\t');
        let mut next = || fields.next();
        let (name, first, last) = (next()?, next()?.parse().ok()?, next()?.parse().ok()?);
        Some(Self {
            name,
            first,
            last,
            value_type: optional(next()?, value_type)?,
            apply_type: optional(next()?, apply_type)?,
            is_modifiable: optional(next()?, |text| match text {
                "yes" => Some(true),
                "no" => Some(false),
                _ => None,
            })?,
            allowed: optional(next()?, allowed)?,
            default_value: some(next()?),
            summary: next()?,
        })
    }

    fn apply_to(&self, definition: &mut ParameterDefinition) {
        definition.value_type = self.value_type.unwrap_or(definition.value_type);
        definition.apply_type = self.apply_type.unwrap_or(definition.apply_type);
        definition.is_modifiable = self.is_modifiable.unwrap_or(definition.is_modifiable);
        definition.allowed = self.allowed.unwrap_or(definition.allowed);
        definition.default_value = self.default_value.or(definition.default_value);
    }

    /// What the row says is all that there is; none where it is about an engine's parameter that
    /// this family does not have.
    fn definition(&self) -> Option<ParameterDefinition> {
        Some(ParameterDefinition {
            name: self.name,
            value_type: self.value_type?,
            unit: None,
            apply_type: self.apply_type?,
            is_modifiable: self.is_modifiable?,
            allowed: self.allowed?,
            default_value: self.default_value,
            engine_default: None,
            summary: some(self.summary)?,
        })
    }
}

fn value_type(text: &str) -> Option<ValueType> {
    use ValueType::{Boolean, Float, Integer, List, String};
    [Boolean, Integer, Float, String, List].into_iter().find(|it| it.as_str() == text)
}

fn apply_type(text: &str) -> Option<ApplyType> {
    [ApplyType::Static, ApplyType::Dynamic].into_iter().find(|it| it.as_str() == text)
}

/// `<text 63>`, `<identifiers>`, `<date style>`, `1440-10080` or a comma list.
fn allowed(text: &'static str) -> Option<Allowed> {
    if let Some(kind) = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')) {
        return match kind {
            "identifiers" => Some(Allowed::Identifiers),
            "date style" => Some(Allowed::DateStyle),
            kind => kind.strip_prefix("text ")?.parse().ok().map(Allowed::Text),
        };
    }
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('-') {
        Some((least, most)) if is_number(least) && is_number(most) => {
            Some(Allowed::Range(least, most))
        }
        _ => Some(Allowed::Words(text)),
    }
}

/// Nothing of an empty field, else what it says; none where it cannot be read.
#[expect(clippy::option_option, reason = "an empty field is something else than a wrong one")]
fn optional<T>(text: &'static str, read: impl Fn(&'static str) -> Option<T>) -> Option<Option<T>> {
    if text.is_empty() { Some(None) } else { read(text).map(Some) }
}

fn some(text: &'static str) -> Option<&'static str> {
    Some(text).filter(|text| !text.is_empty())
}
