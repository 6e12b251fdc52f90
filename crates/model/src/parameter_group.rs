//! DB parameter groups, and what of a group a server runs with.
//!
//! A group holds what was set; a server runs with [`EffectiveParameters`], which follow the group
//! by the service's rules: at a start everything applies; while the server runs, only values of
//! dynamic parameters that were to apply immediately, and only once the group itself took effect
//! through a reboot.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::parameters::force_ssl_default;
use crate::{DbInstance, DbParameterGroupName, InstanceStatus};

/// When a change of a parameter applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApplyMethod {
    /// Now, without a restart; dynamic parameters only.
    Immediate,
    /// At the next manual reboot.
    PendingReboot,
}

impl ApplyMethod {
    /// The word in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Immediate => "immediate",
            Self::PendingReboot => "pending-reboot",
        }
    }
}

/// What a group says of one parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupParameter {
    /// The value as it was sent; none for one that was reset.
    pub value: Option<String>,
    /// When that applies.
    pub apply_method: ApplyMethod,
}

/// A DB parameter group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DbParameterGroup {
    /// The name.
    pub name: DbParameterGroupName,
    /// The major version of its family.
    pub major: u16,
    /// The description.
    pub description: String,
    /// What was set or reset, by parameter.
    pub parameters: BTreeMap<String, GroupParameter>,
    /// Tags, by key.
    pub tags: BTreeMap<String, String>,
}

/// The values of a group that a server runs with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectiveParameters {
    /// The group that took effect at the last start.
    pub group: String,
    /// The values by parameter, as they were sent.
    pub values: BTreeMap<String, String>,
}

impl EffectiveParameters {
    /// A switch that was set.
    pub fn switch(&self, name: &str) -> Option<bool> {
        let value = self.values.get(name)?;
        Some(["1", "on", "true", "yes"].contains(&&*value.to_ascii_lowercase()))
    }

    /// `rds.force_ssl`.
    pub fn force_ssl(&self, major: u16) -> bool {
        self.switch("rds.force_ssl").unwrap_or_else(|| force_ssl_default(major))
    }

    /// Whether the log has a line for every connection that was authorized.
    pub fn logs_connections(&self, major: u16) -> bool {
        let is = |name: &str, words: &[&str]| {
            self.values.get(name).map(|value| words.contains(&&*value.to_ascii_lowercase()))
        };
        // Words of a later version are no values of an earlier one.
        let words = ["1", "on", "true", "yes", "all", "authorization"];
        is("log_connections", &words).unwrap_or(!self.force_ssl(major))
            && !is("log_min_messages", &["fatal", "panic"]).unwrap_or(false)
    }
}

impl DbParameterGroup {
    /// A default group: nothing is set in it.
    pub fn default_of(major: u16) -> Self {
        Self {
            name: crate::parameters::default_group_name(major),
            major,
            description: format!(
                "Default parameter group for {}",
                crate::parameters::family(major)
            ),
            parameters: BTreeMap::new(),
            tags: BTreeMap::new(),
        }
    }

    /// What a server runs with that starts now.
    pub fn at_start(&self) -> EffectiveParameters {
        let set = |(name, it): (&String, &GroupParameter)| Some((name.clone(), it.value.clone()?));
        EffectiveParameters {
            group: self.name.to_string(),
            values: self.parameters.iter().filter_map(set).collect(),
        }
    }

    /// How a server of this group stores new passwords: what `password_encryption` says, and SCRAM
    /// where nothing else is accepted.
    pub fn password_encryption(&self) -> &str {
        let value = |name| self.parameters.get(name).and_then(|it| it.value.as_deref());
        match value("rds.accepted_password_auth_method") {
            Some("scram") => "scram-sha-256",
            _ => value("password_encryption")
                .unwrap_or_else(|| crate::parameters::password_encryption_default(self.major)),
        }
    }

    /// `ParameterApplyStatus` of an instance of this group.
    pub fn apply_status(
        &self,
        instance: &DbInstance,
        is_dynamic: impl Fn(&str) -> bool,
    ) -> &'static str {
        let Some(now) = &instance.applied.parameters else { return "in-sync" };
        let (running, all_apply) = (instance.desired.running, *now == self.at_start());
        if instance.status == InstanceStatus::IncompatibleParameters {
            "failed-to-apply"
        } else if running && self.while_running(now, is_dynamic) != *now {
            "applying"
        } else if !all_apply {
            "pending-reboot"
        } else if running && instance.applied.proof_digest.is_none() {
            "applying"
        } else {
            "in-sync"
        }
    }

    /// What a running server is to run with, given what it runs with. `is_dynamic` tells of each
    /// parameter whether it can change without a restart.
    pub fn while_running(
        &self,
        now: &EffectiveParameters,
        is_dynamic: impl Fn(&str) -> bool,
    ) -> EffectiveParameters {
        let mut next = now.clone();
        if now.group != self.name.as_str() {
            return next;
        }
        for (name, parameter) in &self.parameters {
            if parameter.apply_method == ApplyMethod::Immediate && is_dynamic(name) {
                match &parameter.value {
                    Some(value) => next.values.insert(name.clone(), value.clone()),
                    None => next.values.remove(name),
                };
            }
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(parameters: &[(&str, Option<&str>, ApplyMethod)]) -> DbParameterGroup {
        let mut group = DbParameterGroup::default_of(16);
        group.name = DbParameterGroupName::custom("mine").unwrap();
        for (name, value, apply_method) in parameters {
            let value = value.map(str::to_owned);
            group
                .parameters
                .insert((*name).to_owned(), GroupParameter { value, apply_method: *apply_method });
        }
        group
    }

    fn running(group: &str, values: &[(&str, &str)]) -> EffectiveParameters {
        let values = values.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        EffectiveParameters { group: group.to_owned(), values }
    }

    /// Parameters whose names begin with `s` are static here.
    fn is_dynamic(name: &str) -> bool {
        !name.starts_with('s')
    }

    #[test]
    fn only_dynamic_values_that_are_to_apply_immediately_reach_a_running_server() {
        use ApplyMethod::{Immediate, PendingReboot};
        let group = group(&[
            ("d1", Some("new"), Immediate),
            ("d2", Some("new"), PendingReboot),
            ("d3", None, Immediate),
            ("d4", None, PendingReboot),
            ("s1", Some("new"), PendingReboot),
        ]);
        let now = running("mine", &[("d3", "old"), ("d4", "old"), ("s1", "old")]);
        assert_eq!(
            group.while_running(&now, is_dynamic),
            running("mine", &[("d1", "new"), ("d4", "old"), ("s1", "old")])
        );
        assert_eq!(
            group.at_start(),
            running("mine", &[("d1", "new"), ("d2", "new"), ("s1", "new")])
        );
    }

    #[test]
    fn what_the_log_names_and_what_is_refused() {
        let with = |name, value| running("mine", &[(name, value)]);
        assert_eq!(
            [14, 15].map(|major| running("mine", &[]).logs_connections(major)),
            [true, false]
        );
        assert!(!with("rds.force_ssl", "1").logs_connections(14));
        assert!(with("rds.force_ssl", "0").logs_connections(15));
        for value in ["1", "ON", "yes", "all", "authorization"] {
            assert!(with("log_connections", value).logs_connections(14), "{value}");
        }
        for value in ["0", "off", "receipt", "authentication", "setup_durations"] {
            assert!(!with("log_connections", value).logs_connections(14), "{value}");
        }
        assert!(with("log_min_messages", "error").logs_connections(14));
        assert!(!with("log_min_messages", "FATAL").logs_connections(14));
        assert_eq!([14, 15].map(|major| running("mine", &[]).force_ssl(major)), [false, true]);
        assert!(with("rds.force_ssl", "1").force_ssl(14));
        assert!(!with("rds.force_ssl", "0").force_ssl(15));
    }

    #[test]
    fn a_newly_associated_group_waits_for_the_reboot_as_a_whole() {
        let group = group(&[("d1", Some("new"), ApplyMethod::Immediate)]);
        let now = running("default.postgres16", &[]);
        assert_eq!(group.while_running(&now, is_dynamic), now);
    }
}
