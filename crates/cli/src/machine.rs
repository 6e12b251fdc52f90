//! What this machine has, and how much of it pgkeep takes.

use std::env::{args_os, var_os};
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// How many heaps glibc makes for threads, by default eight a processor: each keeps what was freed
/// in it. With a hundred instances two take 29 MB in all, sixteen 42 MB.
const ARENAS: (&str, &str) = ("MALLOC_ARENA_MAX", "2");

/// Begins this program anew with [`ARENAS`], which glibc reads at its start only. Goes on as it is
/// where somebody has set it, or that fails. Only before anything is opened.
pub(crate) fn limit_arenas() {
    let (name, value) = ARENAS;
    let mut arguments = args_os();
    if let (None, Some(own_name)) = (var_os(name), arguments.next()) {
        let mut anew = Command::new("/proc/self/exe");
        let _ = anew.arg0(own_name).args(arguments).env(name, value).exec();
    }
}

/// The memory in bytes that pgkeep and its servers can use: the machine's, or less where a
/// control group says so.
pub(crate) fn memory_bytes() -> u64 {
    let total = fs::read_to_string("/proc/meminfo").ok().and_then(|text| mem_total(&text));
    let own = fs::read_to_string("/proc/self/cgroup").ok();
    let group = own.and_then(|text| group_limit(Path::new("/sys/fs/cgroup"), &text));
    total.into_iter().chain(group).min().unwrap_or(u64::MAX)
}

/// `MemTotal` of `/proc/meminfo`, which counts in KiB (proc(5)).
fn mem_total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The least `memory.max` from the own group of cgroup v2 up to the root.
fn group_limit(root: &Path, cgroup: &str) -> Option<u64> {
    let own = cgroup.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let own = root.join(own);
    let groups = own.ancestors().take_while(|group| group.starts_with(root));
    let limit = |group: &Path| fs::read_to_string(group.join("memory.max")).ok();
    groups.filter_map(limit).filter_map(|text| text.trim().parse().ok()).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_limit_of_the_groups_above_counts() {
        let root = tempfile::tempdir().unwrap();
        let own = root.path().join("a/b");
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("memory.max"), "max\n").unwrap();
        assert_eq!(group_limit(root.path(), "0::/a/b\n"), None);
        fs::write(root.path().join("a/memory.max"), "1073741824\n").unwrap();
        assert_eq!(group_limit(root.path(), "0::/a/b\n"), Some(1 << 30));
        assert_eq!(mem_total("MemTotal:  2048 kB\nMemFree: 1 kB\n"), Some(2 << 20));
    }
}
