//! `StorageType`, `AllocatedStorage` and `Iops`: the limits of each kind of volume, as data.
//!
//! Nothing is allocated here: the numbers are kept, and refused where the service would refuse
//! them. Source: the API reference of `CreateDBInstance` (sizes) and the storage chapter of the
//! RDS user guide (IOPS). `StorageThroughput` is not judged.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::InvalidParameter;

/// A kind of volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StorageType {
    /// Magnetic disks.
    Standard,
    /// General purpose, IOPS by size.
    Gp2,
    /// General purpose, IOPS to choose from 400 GiB on.
    Gp3,
    /// Provisioned IOPS.
    Io1,
    /// Provisioned IOPS, of the second generation.
    Io2,
}

/// The limits of one kind.
struct Limits {
    gib: RangeInclusive<u32>,
    /// `None` where IOPS are not to be chosen.
    iops: Option<RangeInclusive<u32>>,
    /// The most IOPS for each GiB; at least half an operation for each is the rule for all.
    most_iops_per_gib: u32,
    /// Whether a request must name the IOPS.
    iops_required: bool,
}

/// Below this size a `gp3` volume has its base performance and no other, in GiB.
const GP3_CHOICE_FROM_GIB: u32 = 400;

impl StorageType {
    /// Every kind, in the order of the API reference.
    pub const ALL: [Self; 5] = [Self::Gp2, Self::Gp3, Self::Io1, Self::Io2, Self::Standard];

    /// The name of the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Gp2 => "gp2",
            Self::Gp3 => "gp3",
            Self::Io1 => "io1",
            Self::Io2 => "io2",
        }
    }

    /// The kind where a request names none: `io1` if it asks for IOPS, else `gp3`.
    pub fn default_for(iops: Option<i64>) -> Self {
        if iops.is_some() { Self::Io1 } else { Self::Gp3 }
    }

    fn limits(self) -> Limits {
        let limits = |gib, iops, most_iops_per_gib, iops_required| Limits {
            gib,
            iops,
            most_iops_per_gib,
            iops_required,
        };
        match self {
            Self::Standard => limits(5..=3072, None, 0, false),
            Self::Gp2 => limits(20..=65_536, None, 0, false),
            Self::Gp3 => limits(20..=65_536, Some(12_000..=64_000), 500, false),
            Self::Io1 => limits(100..=65_536, Some(1_000..=256_000), 50, true),
            Self::Io2 => limits(100..=65_536, Some(1_000..=256_000), 1_000, true),
        }
    }
}

impl fmt::Display for StorageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for StorageType {
    type Err = InvalidParameter;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| InvalidParameter::StorageType { storage_type: text.to_owned() })
    }
}

/// `AllocatedStorage` in GiB and `Iops`, judged together for a kind of volume.
pub fn storage(
    storage_type: StorageType,
    allocated_gib: impl Into<i64>,
    iops: Option<i64>,
) -> Result<(u32, Option<u32>), InvalidParameter> {
    let (limits, name, gib) = (storage_type.limits(), storage_type.name(), allocated_gib.into());
    let gib = within(gib, &limits.gib)
        .ok_or(InvalidParameter::StorageSize { storage_type: name, gib })?;
    let Some(iops) = iops else {
        if limits.iops_required {
            return Err(InvalidParameter::IopsMissing { storage_type: name });
        }
        return Ok((gib, None));
    };
    let Some(range) = limits.iops else {
        return Err(InvalidParameter::IopsNotTaken { storage_type: name });
    };
    if storage_type == StorageType::Gp3 && gib < GP3_CHOICE_FROM_GIB {
        return Err(InvalidParameter::IopsBelow400);
    }
    let iops = within(iops, &range).ok_or(InvalidParameter::Iops { storage_type: name, iops })?;
    if u64::from(iops) > u64::from(gib) * u64::from(limits.most_iops_per_gib)
        || u64::from(iops) * 2 < u64::from(gib)
    {
        return Err(InvalidParameter::IopsRatio { storage_type: name, iops, gib });
    }
    Ok((gib, Some(iops)))
}

fn within(value: i64, range: &RangeInclusive<u32>) -> Option<u32> {
    u32::try_from(value).ok().filter(|value| range.contains(value))
}

#[cfg(test)]
mod tests {
    use super::StorageType::{Gp2, Gp3, Io1, Io2, Standard};
    use super::*;

    #[test]
    fn sizes_and_iops_within_the_limits() {
        for (kind, gib, iops) in [
            (Standard, 5, None),
            (Gp2, 20, None),
            (Gp3, 65_536, None),
            (Gp3, 400, Some(12_000)),
            (Io1, 100, Some(1_000)),
            (Io1, 2_000, Some(1_000)),
            (Io2, 100, Some(100_000)),
        ] {
            let expected = (u32::try_from(gib).unwrap(), iops.map(|i| u32::try_from(i).unwrap()));
            assert_eq!(storage(kind, gib, iops), Ok(expected));
        }
    }

    #[test]
    fn refusals() {
        let text = |kind, gib: i64, iops| storage(kind, gib, iops).unwrap_err().to_string();
        assert_eq!(
            text(Gp2, 10, None),
            "Invalid storage size for engine name postgres and storage type gp2: 10"
        );
        assert_eq!(
            text(Gp3, 100, Some(3_000)),
            "You can't specify IOPS or storage throughput for engine postgres and a storage size \
             less than 400."
        );
        assert_eq!(
            text(Io1, 100, Some(6_000)),
            "Invalid iops to storage (GB) ratio for engine name postgres and storage type io1: \
             60.0000"
        );
        assert_eq!(
            text(Io1, 10_000, Some(3_000)),
            "Invalid iops to storage (GB) ratio for engine name postgres and storage type io1: \
             0.3000"
        );
        assert!(text(Io1, 100, None).contains("must specify"));
        assert!(text(Gp2, 20, Some(100)).contains("can't specify"));
        assert!(text(Io2, 100, Some(-1)).contains("Invalid iops"));
        for gib in [i64::MIN, -1, 0, 4, 3_073, i64::MAX] {
            let refusal = storage(Standard, gib, None).unwrap_err();
            assert_eq!(refusal.code().name(), "InvalidParameterCombination");
        }
    }

    #[test]
    fn names() {
        for kind in StorageType::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert!("GP2".parse::<StorageType>().is_err());
        assert_eq!((StorageType::default_for(None), StorageType::default_for(Some(1))), (Gp3, Io1));
    }
}
