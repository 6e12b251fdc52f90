//! The service's model: what the generators read of it, and how it is checked in.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

/// The longest line of the checked-in model that holds a whole object.
const LINE: usize = 100;

/// A `service-2.json`.
#[derive(Deserialize)]
pub(super) struct Model {
    pub(super) metadata: Metadata,
    pub(super) operations: BTreeMap<String, Operation>,
    pub(super) shapes: BTreeMap<String, Shape>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    pub(super) api_version: String,
    pub(super) xml_namespace: String,
}

#[derive(Deserialize)]
pub(super) struct Operation {
    pub(super) input: Reference,
    pub(super) output: Option<Reference>,
}

/// A use of a shape, with the name it has on the wire there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reference {
    pub(super) shape: String,
    pub(super) location_name: Option<String>,
    pub(super) result_wrapper: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Shape {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) members: BTreeMap<String, Reference>,
    #[serde(default)]
    pub(super) required: BTreeSet<String>,
    /// What a list is made of.
    pub(super) member: Option<Reference>,
    #[serde(default)]
    pub(super) sensitive: bool,
    #[serde(default)]
    pub(super) flattened: bool,
    pub(super) error: Option<ErrorShape>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorShape {
    pub(super) code: String,
    pub(super) http_status_code: u16,
}

impl Model {
    pub(super) fn operation(&self, name: &str) -> Result<&Operation> {
        self.operations.get(name).with_context(|| format!("the model has no operation {name}"))
    }

    pub(super) fn shape(&self, name: &str) -> Result<&Shape> {
        self.shapes.get(name).with_context(|| format!("the model has no shape {name}"))
    }

    /// The structures that can be reached from the given shapes, these included.
    pub(super) fn structures<'a>(
        &'a self,
        roots: impl IntoIterator<Item = &'a str>,
    ) -> Result<BTreeSet<&'a str>> {
        let mut pending: Vec<&str> = roots.into_iter().collect();
        let mut seen = BTreeSet::new();
        while let Some(name) = pending.pop() {
            if seen.insert(name) {
                let shape = self.shape(name)?;
                let uses = shape.members.values().chain(&shape.member);
                pending.extend(uses.map(|used| used.shape.as_str()));
            }
        }
        seen.retain(|name| self.shapes[*name].kind == "structure");
        Ok(seen)
    }
}

/// A model without its prose, one member a line, sorted by name: a diff then shows what changed
/// in the API and nothing else. A stripped model comes out as it went in.
pub(super) fn render_stripped(text: &str) -> Result<String> {
    let mut model: Value = serde_json::from_str(text).context("the model is not JSON")?;
    strip_prose(&mut model);
    let mut out = String::new();
    render_value(&model, 0, &mut out);
    out.push('\n');
    Ok(out)
}

fn strip_prose(value: &mut Value) {
    if let Value::Object(members) = value {
        for prose in ["documentation", "deprecatedMessage", "examples"] {
            members.remove(prose);
        }
        members.values_mut().for_each(strip_prose);
    }
}

fn render_value(value: &Value, indent: usize, out: &mut String) {
    let line = value.to_string();
    let entries: Vec<(String, &Value)> = match value {
        _ if indent > 0 && line.len() <= LINE => return out.push_str(&line),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (format!("{name:?}:"), value)).collect()
        }
        Value::Array(items) => items.iter().map(|value| (String::new(), value)).collect(),
        _ => return out.push_str(&line),
    };
    out.push_str(&line[..1]);
    for (i, (key, value)) in entries.iter().enumerate() {
        out.push_str(if i == 0 { "\n" } else { ",\n" });
        out.push_str(&" ".repeat(indent + 1));
        out.push_str(key);
        render_value(value, indent + 1, out);
    }
    out.push('\n');
    out.push_str(&" ".repeat(indent));
    out.push_str(&line[line.len() - 1..]);
}

#[cfg(test)]
mod tests {
    use super::render_stripped;

    #[test]
    fn stripping_removes_prose_only_and_is_idempotent() {
        let text = r#"{"shapes":{"A":{"type":"structure","documentation":"<p>x</p>",
            "members":{"B":{"shape":"C","documentation":"y"}}}}}"#;
        let once = render_stripped(text).unwrap();
        let shape = r#"{"A":{"members":{"B":{"shape":"C"}},"type":"structure"}}"#;
        assert_eq!(once, format!("{{\n \"shapes\":{shape}\n}}\n"));
        assert_eq!(render_stripped(&once).unwrap(), once);
    }
}
