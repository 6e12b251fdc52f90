//! The DB instance classes: what a name such as `db.m5.large` promises in processors and memory.
//!
//! The table is data, made from public packages by `data/make_classes.py`. Every class is offered
//! with every engine version here: which pairs the service sells depends on the region and the
//! day, and says nothing about TLS. A class says what an instance may ask for; nothing is
//! reserved, and a smaller machine is no error: see [`InstanceClass::effective_memory`].

use std::sync::LazyLock;

/// One DB instance class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstanceClass {
    /// The name of the API (`DBInstanceClass`): `db.m5.large`.
    pub name: &'static str,
    /// Memory in bytes, as the service's tables show it.
    pub memory_bytes: u64,
    /// Virtual processors.
    pub vcpu: u32,
}

impl InstanceClass {
    /// The bytes an instance of this class may count on, on a machine with `machine_memory_bytes`.
    ///
    /// It is the variable `DBInstanceClassMemory` of the formulas. RDS takes off what its host
    /// needs, by amounts it does not publish; here nothing but the machine itself bounds it, so
    /// that `max_connections` of a `db.r5.24xlarge` on a laptop is the laptop's.
    pub fn effective_memory(&self, machine_memory_bytes: u64) -> u64 {
        self.memory_bytes.min(machine_memory_bytes)
    }
}

static CLASSES: LazyLock<Vec<InstanceClass>> = LazyLock::new(|| {
    include_str!("../data/db_instance_classes.tsv").lines().filter_map(row).collect()
});

/// Every class, sorted by the bytes of its name.
pub fn instance_classes() -> &'static [InstanceClass] {
    &CLASSES
}

/// The class of that name; names are lowercase, as in the service.
pub fn instance_class(name: &str) -> Option<&'static InstanceClass> {
    let index = CLASSES.binary_search_by(|class| class.name.cmp(name)).ok()?;
    CLASSES.get(index)
}

/// One line of the table: name, vCPUs, MiB, with tabs between. A test holds that only the head
/// line is skipped.
fn row(line: &'static str) -> Option<InstanceClass> {
    let mut fields = line.split('\t');
    let (name, vcpu, mib) = (fields.next()?, fields.next()?, fields.next()?);
    let memory_bytes = mib.parse::<u64>().ok()?.checked_mul(1 << 20)?;
    Some(InstanceClass { name, memory_bytes, vcpu: vcpu.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn every_line_but_the_head_is_a_class() {
        let lines = include_str!("../data/db_instance_classes.tsv").lines().count();
        assert_eq!(instance_classes().len(), lines - 1);
        assert!(instance_classes().is_sorted_by(|a, b| a.name < b.name));
        assert!(instance_classes().iter().all(|class| class.vcpu > 0 && class.memory_bytes > 0));
    }

    /// The figures of the service's own tables of hardware specifications.
    #[test]
    fn known_classes_have_the_documented_size() {
        for (name, vcpu, gib) in [
            ("db.t3.micro", 2, 1),
            ("db.t4g.medium", 2, 4),
            ("db.m5.large", 2, 8),
            ("db.m6i.32xlarge", 128, 512),
            ("db.m7g.xlarge", 4, 16),
            ("db.r5.24xlarge", 96, 768),
            ("db.r6g.large", 2, 16),
            ("db.r8g.48xlarge", 192, 1536),
            ("db.x2g.large", 2, 32),
            ("db.x2iedn.32xlarge", 128, 4096),
        ] {
            let class = instance_class(name).unwrap();
            assert_eq!((class.name, class.vcpu, class.memory_bytes), (name, vcpu, gib * GIB));
        }
    }

    #[test]
    fn other_names_are_no_class() {
        for name in ["", "db.m5", "db.m5.Large", "m5.large", "db.t9.enormous", "# class"] {
            assert_eq!(instance_class(name), None);
        }
    }

    #[test]
    fn the_machine_bounds_the_memory() {
        let class = instance_class("db.m5.large").unwrap();
        assert_eq!(class.effective_memory(4 * GIB), 4 * GIB);
        assert_eq!(class.effective_memory(64 * GIB), 8 * GIB);
    }
}
