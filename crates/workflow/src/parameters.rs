//! The parameters that a server is to run with: the group's values over the service's defaults,
//! in the words of PostgreSQL.

use std::collections::BTreeMap;

use pgkeep_model::parameters::{
    FormulaVariables, check_value, evaluate_defaults, is_dynamic, log_connections_default,
    parameter, render_ciphers,
};
use pgkeep_model::{
    DbInstance, DbParameterGroup, EffectiveParameters, EngineVersion, instance_class,
};
use pgkeep_postgres::AuthenticationMethod;
use pgkeep_probe::TlsVersion;
use time::Duration;

use crate::{Control, WorkflowError};

/// What a server is to run with.
#[derive(Debug)]
pub(crate) struct Parameters {
    /// The values of the group, as they were sent.
    pub(crate) effective: EffectiveParameters,
    /// Lines of `postgresql.conf`.
    pub(crate) values: BTreeMap<String, String>,
    /// `rds.force_ssl`.
    pub(crate) force_ssl: bool,
    /// `rds.accepted_password_auth_method`.
    pub(crate) authentication: AuthenticationMethod,
}

impl Parameters {
    /// Works them out for a server that runs, or that is to start.
    pub(crate) fn plan(
        control: &Control,
        instance: &DbInstance,
        group: &DbParameterGroup,
        version: EngineVersion,
        openssl: (u16, u16, u16),
        running: bool,
    ) -> Result<Self, WorkflowError> {
        let effective = match &instance.applied.parameters {
            Some(now) if running => group.while_running(now, |it| is_dynamic(version.major, it)),
            _ => group.at_start(),
        };
        let variables = control.formula_variables(instance)?;
        let mut values = evaluate_defaults(version, &variables)?;
        for (name, value) in &effective.values {
            let definition = parameter(version.major, name)?;
            let setting = check_value(definition, value)?.setting(definition, &variables)?;
            values.insert(name.clone(), setting);
        }
        let force_ssl = effective.force_ssl(version.major);
        if let Some(logged) = log_connections_default(version.major, force_ssl) {
            values.entry("log_connections".to_owned()).or_insert_with(|| logged.to_owned());
        }
        let least = values.get("ssl_min_protocol_version").cloned();
        values.entry("ssl_ciphers".to_owned()).and_modify(|ciphers| {
            *ciphers = render_ciphers(ciphers, least.as_deref(), openssl);
        });
        if effective.switch("rds.logical_replication") == Some(true) {
            values.insert("wal_level".to_owned(), "logical".to_owned());
        }
        let method = effective.values.get("rds.accepted_password_auth_method");
        let authentication = match method.map(String::as_str) {
            Some("scram") => AuthenticationMethod::ScramSha256,
            _ => AuthenticationMethod::Md5,
        };
        Ok(Self { effective, values, force_ssl, authentication })
    }

    /// A bound of the TLS versions, where the parameter has a value.
    pub(crate) fn tls_version(&self, name: &str) -> Option<TlsVersion> {
        self.values.get(name).and_then(|value| TlsVersion::from_name(value))
    }
}

/// `rds.log_retention_period` of what a server runs with; the default before it first did.
pub(crate) fn log_retention(
    major: u16,
    running: Option<&EffectiveParameters>,
    variables: &FormulaVariables,
) -> Result<Duration, WorkflowError> {
    let definition = parameter(major, "rds.log_retention_period")?;
    let set = running.and_then(|it| it.values.get(definition.name)).map(String::as_str);
    let value = set.or(definition.default_value).unwrap_or_default();
    let setting = check_value(definition, value)?.setting(definition, variables)?;
    let minutes = setting.parse();
    let minutes = minutes.map_err(|_| WorkflowError::Model(format!("{setting} are no minutes")))?;
    Ok(Duration::minutes(minutes))
}

impl Control {
    /// What the formulas of an instance's parameters ask about it.
    ///
    /// # Errors
    /// Its class is unknown.
    pub fn formula_variables(
        &self,
        instance: &DbInstance,
    ) -> Result<FormulaVariables, WorkflowError> {
        let desired = &instance.desired;
        let class = instance_class(&desired.class)
            .ok_or_else(|| WorkflowError::Model(format!("unknown class {}", desired.class)))?;
        let gib = desired.kept.allocated_storage.and_then(|gib| u64::try_from(gib).ok());
        Ok(FormulaVariables {
            allocated_storage_bytes: gib.unwrap_or(0) << 30,
            memory_bytes: class.effective_memory(self.settings.machine_memory),
            vcpu: class.vcpu,
            port: desired.port,
            is_replica: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_kept_for_three_days_unless_it_is_set() {
        let variables = FormulaVariables { vcpu: 2, ..FormulaVariables::default() };
        let hours = |value: Option<&str>| {
            let value = value.map(|it| ("rds.log_retention_period".to_owned(), it.to_owned()));
            let values = value.into_iter().collect();
            let running = EffectiveParameters { group: "mine".to_owned(), values };
            log_retention(16, Some(&running), &variables).ok().map(Duration::whole_hours)
        };
        assert_eq!(hours(None), Some(72));
        assert_eq!(hours(Some("1440")), Some(24));
        assert_eq!(hours(Some("{DBInstanceVCPU*1440}")), Some(48));
        assert_eq!(hours(Some("{DBInstanceVCPU*10080}")), None);
        assert_eq!(log_retention(10, None, &variables).unwrap(), Duration::days(3));
    }
}
