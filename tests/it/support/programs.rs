//! Programs of the system that single tests need, and what happens where one of them is missing.
//!
//! `scripts/test` installs them. Without them, a test names itself on standard error and in `test-tools/not-run.txt` below the
//! target directory, and ends; with `CI=true` it fails, because a test that was not run has not passed.

use std::env::{split_paths, var_os};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;

use super::tools;

/// Names of a Chromium's program.
const CHROMIUM: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Returns the path of a program of the system. `chromium` stands for each of its names.
#[expect(clippy::disallowed_methods, reason = "programs are found there")]
pub fn path(name: &str) -> Option<PathBuf> {
    let names = if name == CHROMIUM[0] { &CHROMIUM[..] } else { &[name] };
    let path = var_os("PATH").unwrap_or_default();
    let places: Vec<PathBuf> = split_paths(&path).collect();
    let candidates = names
        .iter()
        .flat_map(|name| places.iter().map(move |place| place.join(name)));
    candidates.into_iter().find(|candidate| candidate.is_file())
}

/// Returns whether these programs are there, and for `unshare` whether the system lets it make namespaces of users. If not, the
/// test shall end: it has been named as one that was not run.
///
/// # Panics
///
/// If something is missing and `CI` is `true`.
pub fn found(names: &[&str]) -> bool {
    let mut missing: Vec<&str> = names.iter().copied().filter(|name| path(name).is_none()).collect();
    let mut advice = "scripts/test installs what is missing";
    if missing.is_empty() && names.contains(&"unshare") && !has_user_namespaces() {
        missing.push("namespaces of users");
        advice = "this system or container forbids them";
    }
    if missing.is_empty() {
        return true;
    }
    let thread = thread::current();
    let line = format!(
        "not run: {} needs {}; {advice}\n",
        thread.name().unwrap_or("a test"),
        missing.join(", ")
    );
    #[expect(clippy::disallowed_methods, reason = "not a setting of the server")]
    let is_ci = var_os("CI").is_some_and(|value| value == "true");
    assert!(!is_ci, "{line}");
    // The macros' output of a test that passes is not shown.
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    let list = tools::directory().unwrap().join("not-run.txt");
    let mut list = OpenOptions::new().create(true).append(true).open(list).unwrap();
    list.write_all(line.as_bytes()).unwrap();
    false
}

/// Whether `unshare --user` works. Containers and `chroot` often forbid it.
fn has_user_namespaces() -> bool {
    static WORKS: OnceLock<bool> = OnceLock::new();
    *WORKS.get_or_init(|| {
        let mut unshare = tools::isolated(Path::new("unshare"));
        tools::run(unshare.args(["--user", "--map-root-user", "true"])).is_ok()
    })
}
