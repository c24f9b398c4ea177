//! CPU time and memory of a process. Other work on the machine affects CPU time less than elapsed time.

use std::time::Duration;

use anyhow::Context as _;

/// The unit of CPU time in `/proc` on Linux.
const TICK: Duration = Duration::from_millis(10);

/// Returns the user and system time of all threads of a process.
pub fn of(pid: u32) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in parentheses, may contain any character; the field after it is the third.
    let (_, fields) = stat.rsplit_once(')').context("no name in /proc/PID/stat")?;
    let ticks: u32 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse::<u32>)
        .sum::<Result<u32, _>>()?;
    Ok(TICK * ticks)
}

/// Returns a value of `/proc/PID/status` in KiB.
pub fn kib(pid: u32, name: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    Ok(line
        .context("no such line in /proc/PID/status")?
        .trim()
        .trim_end_matches("kB")
        .trim()
        .parse()?)
}
