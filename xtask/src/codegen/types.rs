//! The Rust type of a shape, and how a member of it is read and written.

use anyhow::{Context, Result, bail, ensure};

use super::model::{Model, Reference, Shape};
use super::names::camel_case;

/// A member of a structure, resolved.
pub(super) struct Member<'a> {
    /// The name on the wire.
    pub(super) name: &'a str,
    pub(super) required: bool,
    /// The type of the value, or of a list's items.
    pub(super) rust: String,
    /// The element name of a list's items, `None` where the member is no list.
    pub(super) item: Option<&'a str>,
}

/// The members of a structure in the order of their names.
pub(super) fn members<'a>(model: &'a Model, shape: &'a Shape) -> Result<Vec<Member<'a>>> {
    shape
        .members
        .iter()
        .map(|(name, used)| {
            ensure!(used.location_name.is_none(), "{name}: a structure's member with a location");
            member(model, name, used, shape.required.contains(name))
        })
        .collect()
}

fn member<'a>(
    model: &'a Model,
    name: &'a str,
    used: &'a Reference,
    required: bool,
) -> Result<Member<'a>> {
    let shape = model.shape(&used.shape)?;
    if shape.kind != "list" {
        let rust = rust_type(&used.shape, shape, name)?;
        return Ok(Member { name, required, rust, item: None });
    }
    ensure!(!shape.flattened, "{name}: a flattened list");
    let of = shape.member.as_ref().with_context(|| format!("{name}: a list of nothing"))?;
    let rust = rust_type(&of.shape, model.shape(&of.shape)?, name)?;
    let item = of.location_name.as_deref().unwrap_or("member");
    Ok(Member { name, required, rust, item: Some(item) })
}

fn rust_type(shape_name: &str, shape: &Shape, member: &str) -> Result<String> {
    Ok(match shape.kind.as_str() {
        "string" if shape.sensitive || member.contains("Password") => "Secret".to_owned(),
        "string" => "String".to_owned(),
        "integer" => "i32".to_owned(),
        "long" => "i64".to_owned(),
        "double" => "f64".to_owned(),
        "boolean" => "bool".to_owned(),
        "timestamp" => "OffsetDateTime".to_owned(),
        "structure" => camel_case(shape_name),
        other => bail!("{member}: the generator knows no {other} here"),
    })
}
