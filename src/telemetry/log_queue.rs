//! A bounded queue between the code that logs and standard error, which a thread of its own writes.
//!
//! A reader that has stopped, such as a log driver whose service is slow, fills the pipe of standard error, and a write to it
//! then blocks. Only the thread of this module writes there, so that requests, probes and the shutdown go on.
//!
//! Invariant: logging never blocks and never takes more memory than [`MAX_QUEUED_BYTES`], twice. Lines for which there is no
//! space are dropped and counted; a line says how many, as soon as the reader goes on.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Capacity of the queue.
const MAX_QUEUED_BYTES: usize = 1024 * 1024;
/// Capacity of a buffer that is kept for the next lines.
const KEPT_BUFFER_BYTES: usize = 64 * 1024;
/// Time for the last lines when the process ends.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);
/// Delay after a write to a descriptor that another process made non-blocking.
const WRITE_AGAIN: Duration = Duration::from_millis(20);

static STANDARD_ERROR: OnceLock<LogQueue> = OnceLock::new();
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// A queue of lines. Clones share it.
#[derive(Clone, Default)]
pub struct LogQueue(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    filled: Condvar,
    written: Condvar,
}

#[derive(Default)]
struct State {
    /// Whole lines.
    lines: Vec<u8>,
    /// Lines that were dropped since the last report.
    dropped: u64,
    is_writing: bool,
}

impl LogQueue {
    /// Starts the thread that writes to standard error, at the first call, and returns its queue.
    pub fn of_standard_error() -> io::Result<Self> {
        if let Some(queue) = STANDARD_ERROR.get() {
            return Ok(queue.clone());
        }
        // A descriptor of its own: a blocked write through `std::io::stderr` holds a lock that others wait for.
        let descriptor = io::stderr().as_fd().try_clone_to_owned()?;
        let queue = Self::writing_to(File::from(descriptor))?;
        Ok(STANDARD_ERROR.get_or_init(|| queue).clone())
    }

    /// Starts a thread that writes the lines of a queue.
    fn writing_to(output: impl Write + Send + 'static) -> io::Result<Self> {
        let queue = Self::default();
        let worker = queue.clone();
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || worker.write_all_to(output))?;
        Ok(queue)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line, or drops it if the queue is full.
    pub fn push(&self, line: &[u8]) {
        let mut state = self.lock();
        if state.lines.len() + line.len() > MAX_QUEUED_BYTES {
            state.dropped += 1;
            DROPPED.fetch_add(1, Ordering::Relaxed);
        } else {
            state.lines.extend_from_slice(line);
        }
        drop(state);
        self.0.filled.notify_one();
    }

    /// Waits until all lines are written, for at most this time.
    pub fn flush(&self, timeout: Duration) {
        let is_busy = |state: &mut State| state.is_writing || !state.lines.is_empty() || state.dropped > 0;
        let waited = self.0.written.wait_timeout_while(self.lock(), timeout, is_busy);
        drop(waited);
    }

    fn write_all_to(&self, mut output: impl Write) {
        let mut batch = Vec::new();
        loop {
            let is_idle = |state: &mut State| state.lines.is_empty() && state.dropped == 0;
            let waited = self.0.filled.wait_while(self.lock(), is_idle);
            let mut state = waited.unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut state.lines, &mut batch);
            let mut dropped = std::mem::take(&mut state.dropped);
            state.is_writing = true;
            drop(state);

            let rest = write_lines(&mut output, &batch);
            if !rest.is_empty() {
                let lost = u64::try_from(memchr::memchr_iter(b'\n', rest).count()).unwrap_or(u64::MAX);
                DROPPED.fetch_add(lost, Ordering::Relaxed);
                // The descriptor is closed or its disk is full: a report would be lost too, and cause another one.
                dropped = 0;
            }
            if dropped > 0 {
                tracing::warn!(
                    target: "quilt_mcp::telemetry",
                    dropped,
                    "log lines were dropped, because standard error was not read"
                );
            }
            batch.clear();
            batch.shrink_to(KEPT_BUFFER_BYTES);
            self.lock().is_writing = false;
            self.0.written.notify_all();
        }
    }
}

/// Writes all lines. Returns what is left after an error.
fn write_lines<'a>(output: &mut impl Write, mut lines: &'a [u8]) -> &'a [u8] {
    while !lines.is_empty() {
        match output.write(lines) {
            Ok(0) => return lines,
            Ok(count) => lines = lines.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(WRITE_AGAIN),
            Err(_) => return lines,
        }
    }
    lines
}

/// The number of lines that were dropped since the start.
pub(super) fn dropped_lines() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Writes a last line to standard error, after those of the queue, and waits a second at most for all of them.
pub fn write_last(line: &str) {
    if let Ok(queue) = LogQueue::of_standard_error() {
        queue.push(format!("{line}\n").as_bytes());
        queue.flush(FLUSH_TIMEOUT);
    }
}

/// Waits until the lines of the log are written, for at most a second.
pub fn flush_log() {
    if let Some(queue) = STANDARD_ERROR.get() {
        queue.flush(FLUSH_TIMEOUT);
    }
}

impl<'a> MakeWriter<'a> for LogQueue {
    type Writer = QueueWriter<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        QueueWriter(self)
    }
}

/// The writer of one line.
pub struct QueueWriter<'a>(&'a LogQueue);

impl Write for QueueWriter<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
