//! What a process takes: memory and processor time.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

/// pgkeep looks at the servers' logs, their certificates and its sessions once in this time.
pub(super) const IDLE: Duration = Duration::from_mins(1);

/// `VmRSS` of proc(5), in MB of a million bytes.
#[expect(clippy::cast_precision_loss, reason = "a process has far less than 2^52 KiB")]
pub(super) fn resident_mb(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line.context("no VmRSS")?.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib as f64 * 1024.0 / 1e6)
}

/// User and system time that a process takes while nobody asks it for anything, in milliseconds a
/// second.
pub(super) async fn idle_ms_per_s(pid: u32) -> Result<f64> {
    let before = processor_time(pid)?;
    tokio::time::sleep(IDLE).await;
    let busy = processor_time(pid)?.saturating_sub(before);
    Ok(busy.as_secs_f64() * 1000.0 / IDLE.as_secs_f64())
}

fn processor_time(pid: u32) -> Result<Duration> {
    let clock = clock_getcpuclockid(Pid::from_raw(pid.cast_signed()))?;
    Ok(Duration::from(clock_gettime(clock)?))
}
