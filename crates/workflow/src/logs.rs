//! Removes servers' logs that are older than `rds.log_retention_period`, which would fill the disk
//! over months.
//!
//! A running server begins a file each hour. Old ones are looked for then, and once more after some
//! went: never at idle. What could not be removed is tried again with the next file. The logs of a
//! stopped server do not grow, and stay until it runs.

use pgkeep_model::{ClientWatch, DbInstance};
use pgkeep_postgres::remove_old_logs;
use tracing::warn;

use crate::parameters::log_retention;
use crate::{Control, WorkflowError};

impl Control {
    /// Removes the old of those log files that were read to their end.
    pub(crate) fn remove_old_logs(&self, instance: &DbInstance, watch: &ClientWatch) {
        if let Err(error) = self.try_remove_old_logs(instance, watch) {
            let error = &error as &dyn std::error::Error;
            warn!(instance = %instance.desired.identifier, error, "old logs not removed");
        }
    }

    fn try_remove_old_logs(
        &self,
        instance: &DbInstance,
        watch: &ClientWatch,
    ) -> Result<(), WorkflowError> {
        let Some(read_to) = &watch.read_to else { return Ok(()) };
        let major = instance.desired.engine_version.major;
        let running = instance.applied.parameters.as_ref();
        let kept = log_retention(major, running, &self.formula_variables(instance)?)?;
        Ok(remove_old_logs(&self.files(instance), read_to, self.clock().now() - kept)?)
    }
}
