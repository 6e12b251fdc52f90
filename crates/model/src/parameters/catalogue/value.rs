//! One value for one parameter: taken, in the form that `pg_settings` will show, or refused with
//! what is allowed.
//!
//! What is accepted fits on one line of postgresql.conf between quotes. Numbers may carry a unit
//! and booleans be written as PostgreSQL's own, since clients send both; the service's plain forms
//! are the normal ones. What depends on other parameters or on the server's OpenSSL is not judged
//! here: see [`check_tls`](crate::parameters::check_tls).

use super::{Allowed, ParameterDefinition, ValueType, hook, text, unit};
use crate::parameters::tls;
use crate::parameters::{Formula, FormulaVariables};
use crate::validate::InvalidParameter;

/// Words that the engine shows as another: parameter, word, the one that is shown.
const SYNONYMS: [(&str, &str, &str); 1] = [("wal_compression", "on", "pglz")];

/// A value that a parameter takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Normalised {
    /// As postgresql.conf is to have it, and as `pg_settings` then shows it: a number in the
    /// parameter's unit, `on` or `off`, a word in the engine's spelling.
    Setting(String),
    /// To be worked out for each instance.
    Formula(Formula),
}

/// Judges a value from a request.
///
/// # Errors
/// The parameter cannot be modified, or does not take the value.
pub fn check_value(
    definition: &ParameterDefinition,
    value: &str,
) -> Result<Normalised, InvalidParameter> {
    if !definition.is_modifiable {
        return Err(InvalidParameter::ParameterNotModifiable { name: definition.name.to_owned() });
    }
    let is_number = matches!(definition.value_type, ValueType::Integer | ValueType::Float);
    if is_number && value.contains(['{', '(', '*', '/']) {
        return value.parse().map(Normalised::Formula);
    }
    setting(definition, value).map(Normalised::Setting).ok_or_else(|| refusal(definition, value))
}

impl Normalised {
    /// The value for one instance.
    ///
    /// # Errors
    /// The formula has no value, or one that the parameter does not take.
    pub fn setting(
        &self,
        definition: &ParameterDefinition,
        variables: &FormulaVariables,
    ) -> Result<String, InvalidParameter> {
        match self {
            Self::Setting(setting) => Ok(setting.clone()),
            Self::Formula(formula) => {
                let value = formula.evaluate(variables)?.to_string();
                setting(definition, &value).ok_or_else(|| refusal(definition, &value))
            }
        }
    }
}

fn refusal(definition: &ParameterDefinition, value: &str) -> InvalidParameter {
    let allowed = match definition.allowed {
        Allowed::Text(limit) => format!("at most {limit} printable ASCII characters"),
        Allowed::Identifiers => "names with commas between".to_owned(),
        Allowed::DateStyle => "one of ISO,SQL,Postgres,German, one of MDY,DMY,YMD".to_owned(),
        Allowed::Words(_) | Allowed::Range(..) => {
            definition.allowed_values().unwrap_or_default().into_owned()
        }
    };
    let allowed = match definition.unit {
        Some(unit) => format!("{allowed} ({unit})"),
        None => allowed,
    };
    let (name, value) = (definition.name.to_owned(), text::shown(value));
    InvalidParameter::ParameterValue { name, value, allowed }
}

fn setting(definition: &ParameterDefinition, value: &str) -> Option<String> {
    match (definition.value_type, definition.allowed) {
        (ValueType::Boolean, _) => boolean(value).map(str::to_owned),
        (ValueType::Integer, Allowed::Range(least, most)) => {
            let (number, unit) = unit::split(value);
            let (by, into) = unit::ratio(unit, definition.unit)?;
            let scaled = i128::from(whole(number)?) * by;
            let value = (scaled % into == 0).then_some(scaled / into)?;
            let range = least.parse::<i128>().ok()?..=most.parse().ok()?;
            let is_taken = range.contains(&value) && hook::takes(definition.name, value);
            is_taken.then(|| value.to_string())
        }
        (ValueType::Float, Allowed::Range(least, most)) => {
            let (number, unit) = unit::split(value);
            let (by, into) = unit::ratio(unit, definition.unit)?;
            #[expect(clippy::cast_precision_loss, reason = "units are far below 2^53")]
            let value = number.parse::<f64>().ok()? * by as f64 / into as f64;
            let range = least.parse::<f64>().ok()?..=most.parse().ok()?;
            range.contains(&value).then(|| render_float(value + 0.0))
        }
        (ValueType::List, Allowed::Words(words)) => list(definition.name, words, value),
        (_, Allowed::Words(words)) => {
            let word = word(words, value).or_else(|| word(words, boolean(value)?))?;
            let same = SYNONYMS.iter().find(|it| (it.0, it.1) == (definition.name, word));
            Some(same.map_or(word, |it| it.2).to_owned())
        }
        (_, Allowed::Text(limit)) => text::is_plain(value, limit).then(|| value.to_owned()),
        (_, Allowed::Identifiers) => text::is_identifiers(value).then(|| value.to_owned()),
        (_, Allowed::DateStyle) => text::date_style(value),
        (_, Allowed::Range(..)) => None,
    }
}

/// A number in decimal. What begins with a zero is octal to PostgreSQL and decimal to its reader.
fn whole(text: &str) -> Option<i64> {
    let digits = text.trim_start_matches(['+', '-']);
    if digits.len() > 1 && digits.starts_with('0') { None } else { text.parse().ok() }
}

/// The forms of PostgreSQL, without its abbreviations.
fn boolean(value: &str) -> Option<&'static str> {
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(value));
    if is(&["1", "on", "true", "yes"]) {
        Some("on")
    } else if is(&["0", "off", "false", "no"]) {
        Some("off")
    } else {
        None
    }
}

/// The word in the engine's spelling.
fn word(words: &'static str, value: &str) -> Option<&'static str> {
    words.split(',').find(|word| word.eq_ignore_ascii_case(value))
}

/// Words with commas between, or nothing; written with what the parameter has between them.
fn list(name: &str, words: &'static str, value: &str) -> Option<String> {
    if value.trim_matches(' ').is_empty() {
        return (!tls::needs_list(name)).then(String::new);
    }
    let item = |item: &str| word(words, item.trim_matches(' ')).filter(|word| !word.is_empty());
    let items = value.split(',').map(item).collect::<Option<Vec<_>>>()?;
    if !hook::takes_together(name, &items) {
        return None;
    }
    Some(tls::render_list(name, &items).unwrap_or_else(|| items.join(", ")))
}

/// Like `%g`, with which PostgreSQL shows a number, wherever six digits tell it whole.
fn render_float(value: f64) -> String {
    let text = value.to_string();
    if text.len() > 20 { format!("{value:e}") } else { text }
}
