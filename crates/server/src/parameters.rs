//! Parameters as the API shows them.

use pgkeep_model::parameters::ParameterDefinition;
use pgkeep_query::shapes::Parameter;

/// A parameter as nobody set it.
pub(crate) fn default(definition: &ParameterDefinition) -> Parameter {
    Parameter {
        allowed_values: definition.allowed_values().map(Into::into),
        apply_type: Some(definition.apply_type.as_str().to_owned()),
        data_type: Some(definition.value_type.as_str().to_owned()),
        description: Some(definition.description().into()),
        is_modifiable: Some(definition.is_modifiable),
        parameter_name: Some(definition.name.to_owned()),
        parameter_value: definition.default_value.map(str::to_owned),
        source: Some(definition.default_source().as_str().to_owned()),
        ..Parameter::default()
    }
}
