//! Shutdown on SIGTERM and SIGINT.

use tokio_util::sync::CancellationToken;

use crate::telemetry;

/// Exit status of an interrupted process.
const INTERRUPTED: i32 = 130;

/// Returns a token that is cancelled at SIGTERM or SIGINT. A second signal ends the process immediately.
pub(super) fn on_signal() -> anyhow::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let token = CancellationToken::new();
    let shutdown = token.clone();
    #[expect(clippy::disallowed_methods, reason = "lives as long as the process")]
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("shutdown begins");
        shutdown.cancel();
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::warn!("shutdown was interrupted by a second signal");
        telemetry::flush_log();
        std::process::exit(INTERRUPTED);
    });
    Ok(token)
}
