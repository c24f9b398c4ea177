//! CPU time and memory of a process. Other work on the machine disturbs CPU time less than it disturbs the clock.

use std::time::Duration;

use anyhow::Context as _;

/// Linux counts CPU time in hundredths of a second for whoever reads `/proc`.
const TICK: Duration = Duration::from_millis(10);

/// User and system time of a process, all of its threads together.
pub fn of(pid: u32) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in brackets, may hold anything; behind it the fields are counted from the third.
    let (_, fields) = stat.rsplit_once(')').context("no name in /proc/PID/stat")?;
    let ticks: u32 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse::<u32>)
        .sum::<Result<u32, _>>()?;
    Ok(TICK * ticks)
}

/// A line of `/proc/PID/status`, in KiB.
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
