//! Logs, metrics and traces, and that no secret is in any of them.

mod log_lines;
mod panics;
mod secrets;
mod signals;
