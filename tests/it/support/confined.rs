//! A memory limit set by the operating system, as for a container.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::tools;

/// A memory limit for one process: a control group where one can be made, otherwise the process's limit of data
/// (`RLIMIT_DATA`). Removed when dropped.
pub struct Confinement {
    limit: u64,
    group: Option<Group>,
}

struct Group {
    path: PathBuf,
    peak: &'static str,
}

impl Drop for Group {
    fn drop(&mut self) {
        // A group can be removed only after its process has ended, a moment after the kill.
        for _ in 0..100 {
            if fs::remove_dir(&self.path).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        eprintln!("the control group {} is left behind", self.path.display());
    }
}

impl Confinement {
    /// Makes a limit of this many bytes.
    pub fn of(limit: u64) -> Self {
        let made = Group::v1(limit).or_else(|| Group::v2(limit));
        eprintln!(
            "confined by {}",
            made.as_ref()
                .map_or("RLIMIT_DATA".into(), |group| group.path.display().to_string())
        );
        Self { limit, group: made }
    }

    /// Returns a command that runs a program under the limit.
    pub fn command(&self, program: &Path) -> Command {
        let mut shell = tools::isolated(Path::new("sh"));
        let enter = match &self.group {
            Some(group) => format!("echo $$ > '{}/cgroup.procs'", group.path.display()),
            None => format!("ulimit -d {}", self.limit / 1024),
        };
        shell
            .arg("-c")
            .arg(format!("{enter} && exec \"$0\" \"$@\""))
            .arg(program);
        shell
    }

    /// Returns the peak memory in bytes: of the group, if there is one, and of this process.
    pub fn peak(&self, process: u32) -> (Option<u64>, u64) {
        let group = self
            .group
            .as_ref()
            .and_then(|group| fs::read_to_string(group.path.join(group.peak)).ok());
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        (group.and_then(|peak| peak.trim().parse().ok()), kib * 1024)
    }
}

impl Group {
    /// Makes a group of cgroup v1, in which each controller has a tree of its own.
    fn v1(limit: u64) -> Option<Self> {
        let path = new_in(Path::new("/sys/fs/cgroup/memory"))?;
        let group = Self {
            path,
            peak: "memory.max_usage_in_bytes",
        };
        fs::write(group.path.join("memory.limit_in_bytes"), limit.to_string()).ok()?;
        Some(group)
    }

    /// Makes a group of cgroup v2, which has one tree.
    fn v2(limit: u64) -> Option<Self> {
        let root = Path::new("/sys/fs/cgroup");
        // The controller may be enabled already.
        let _ = fs::write(root.join("cgroup.subtree_control"), "+memory");
        let group = Self {
            path: new_in(root)?,
            peak: "memory.peak",
        };
        fs::write(group.path.join("memory.max"), limit.to_string()).ok()?;
        Some(group)
    }
}

fn new_in(parent: &Path) -> Option<PathBuf> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = parent.join(format!("quilt-mcp-it-{}-{number}", std::process::id()));
    fs::create_dir(&path).ok()?;
    Some(path)
}
