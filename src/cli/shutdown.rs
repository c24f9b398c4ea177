//! Shutdown on SIGTERM, SIGINT and SIGHUP.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::telemetry;

/// Exit status of an interrupted process.
const INTERRUPTED: i32 = 130;
/// The bit of SIGHUP in a mask of signals.
const SIGHUP_BIT: u64 = 1;

/// Returns a token that is cancelled at SIGTERM, SIGINT or SIGHUP. A second SIGTERM or SIGINT ends the process immediately.
///
/// SIGHUP begins the shutdown only: service managers send it together with SIGTERM, which is no second request. A process
/// that was started with SIGHUP ignored, as by `nohup`, goes on ignoring it.
pub(super) fn on_signal() -> anyhow::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = if ignores_sighup() {
        None
    } else {
        Some(signal(SignalKind::hangup())?)
    };
    let token = CancellationToken::new();
    let shutdown = token.clone();
    #[expect(clippy::disallowed_methods, reason = "lives as long as the process")]
    tokio::spawn(async move {
        let is_end = tokio::select! {
            _ = terminate.recv() => true,
            _ = interrupt.recv() => true,
            () = received(hang_up.as_mut()) => false,
        };
        tracing::info!("shutdown begins");
        shutdown.cancel();
        for _ in 0..if is_end { 1 } else { 2 } {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        }
        tracing::warn!("shutdown was interrupted by a second signal");
        telemetry::flush_log();
        std::process::exit(INTERRUPTED);
    });
    Ok(token)
}

async fn received(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Whether the process was started with SIGHUP ignored.
fn ignores_sighup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & SIGHUP_BIT != 0)
}
