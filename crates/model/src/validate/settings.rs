//! Plain settings of an instance: numbers with bounds, and words of which there is one.

use super::InvalidParameter;
use crate::class::{InstanceClass, instance_class};
use crate::engine::MAJORS;

/// `Port`: 1150–65535.
pub fn port(port: impl Into<i64>) -> Result<u16, InvalidParameter> {
    let port = port.into();
    u16::try_from(port).ok().filter(|port| *port >= 1150).ok_or(InvalidParameter::Port { port })
}

/// `BackupRetentionPeriod`: 0–35 days, 0 for no automated backups.
pub fn backup_retention_period(days: impl Into<i64>) -> Result<u8, InvalidParameter> {
    let days = days.into();
    let refusal = InvalidParameter::BackupRetentionPeriod { days };
    u8::try_from(days).ok().filter(|days| *days <= 35).ok_or(refusal)
}

/// `MonitoringInterval`, in seconds; 0 is off.
pub fn monitoring_interval(seconds: impl Into<i64>) -> Result<u8, InvalidParameter> {
    let seconds = seconds.into();
    [0_u8, 1, 5, 10, 15, 30, 60]
        .into_iter()
        .find(|interval| i64::from(*interval) == seconds)
        .ok_or(InvalidParameter::MonitoringInterval { seconds })
}

/// `Engine`: `postgres`.
pub fn engine(name: &str) -> Result<(), InvalidParameter> {
    match name {
        "postgres" => Ok(()),
        _ => Err(InvalidParameter::Engine { engine: name.to_owned() }),
    }
}

/// `LicenseModel`: `postgresql-license`.
pub fn license_model(model: &str) -> Result<(), InvalidParameter> {
    match model {
        "postgresql-license" => Ok(()),
        _ => Err(InvalidParameter::LicenseModel { model: model.to_owned() }),
    }
}

/// `DBInstanceClass`: one of the table.
pub fn db_instance_class(name: &str) -> Result<&'static InstanceClass, InvalidParameter> {
    instance_class(name).ok_or_else(|| InvalidParameter::InstanceClass { class: name.to_owned() })
}

/// `DBParameterGroupFamily`: `postgres10` to `postgres18`; gives the major version.
pub fn parameter_group_family(family: &str) -> Result<u16, InvalidParameter> {
    MAJORS
        .into_iter()
        .find(|major| family == crate::parameters::family(*major))
        .ok_or_else(|| InvalidParameter::ParameterGroupFamily { family: family.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<T>(result: Result<T, InvalidParameter>) -> Result<T, String> {
        result.map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn numbers_within_their_bounds() {
        for value in [1150, 5432, 65535] {
            assert_eq!(port(value).map(i32::from), Ok(value));
        }
        for value in [i64::MIN, -1, 0, 80, 1149, 65536, i64::MAX] {
            assert_eq!(port(value), Err(InvalidParameter::Port { port: value }));
        }
        assert_eq!(backup_retention_period(0), Ok(0));
        assert_eq!(backup_retention_period(35), Ok(35));
        for days in [-1, 36, 256] {
            assert_eq!(
                text(backup_retention_period(days)),
                Err(format!(
                    "Invalid backup retention period: {days}. Retention period must be between 0 \
                     and 35."
                ))
            );
        }
        for seconds in [0, 1, 5, 10, 15, 30, 60] {
            assert_eq!(monitoring_interval(seconds).map(i32::from), Ok(seconds));
        }
        for seconds in [-1, 2, 61, 261] {
            assert!(monitoring_interval(seconds).is_err());
        }
    }

    #[test]
    fn words() {
        assert_eq!(engine("postgres"), Ok(()));
        assert_eq!(text(engine("mysql")), Err("Invalid DB engine: mysql".to_owned()));
        assert_eq!(license_model("postgresql-license"), Ok(()));
        assert!(license_model("general-public-license").is_err());
        assert_eq!(db_instance_class("db.t3.micro").map(|class| class.vcpu), Ok(2));
        assert_eq!(
            text(db_instance_class("t3.micro")),
            Err("Invalid DB Instance class: t3.micro".to_owned())
        );
    }

    #[test]
    fn families() {
        assert_eq!(parameter_group_family("postgres10"), Ok(10));
        assert_eq!(parameter_group_family("postgres18"), Ok(18));
        for family in ["", "postgres", "postgres9.6", "postgres19", "postgres016", "mysql8.0"] {
            assert_eq!(
                text(parameter_group_family(family)),
                Err(format!("ParameterGroupFamily {family} is not a valid parameter group family"))
            );
        }
    }
}
