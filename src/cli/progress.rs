//! Progress of a command on a terminal.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// Time after which a command says how far it is.
const DELAY: Duration = Duration::from_secs(1);
/// Minimum time between two updates.
const INTERVAL: Duration = Duration::from_millis(100);
/// Returns to the beginning of the line and erases it.
const ERASE: &str = "\r\x1b[K";

/// One line of standard error that is written anew, and erased in the end. Nothing is written unless standard error is a
/// terminal and the command takes longer than a second.
pub(super) struct Progress {
    is_terminal: bool,
    next: Instant,
    is_shown: bool,
}

impl Progress {
    pub fn new() -> Self {
        Self {
            is_terminal: std::io::stderr().is_terminal(),
            next: Instant::now() + DELAY,
            is_shown: false,
        }
    }

    /// Whether updates may be shown.
    pub fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Shows a line, if it is time for one.
    pub fn show(&mut self, line: impl FnOnce() -> String) {
        if self.is_terminal && Instant::now() >= self.next {
            // A terminal that is gone needs no progress.
            let _ = write!(std::io::stderr(), "{ERASE}{}", line());
            self.is_shown = true;
            self.next = Instant::now() + INTERVAL;
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            let _ = write!(std::io::stderr(), "{ERASE}");
        }
    }
}
