//! The signals that end a server.

use tokio_util::sync::CancellationToken;

/// Exit status of a process that was interrupted.
const INTERRUPTED: i32 = 130;

/// A token that is cancelled at SIGTERM or SIGINT. The second signal ends the process at once: whoever sends it does not
/// want to wait.
pub(super) fn on_signal() -> anyhow::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let token = CancellationToken::new();
    let ends = token.clone();
    #[expect(clippy::disallowed_methods, reason = "lives as long as the process")]
    tokio::spawn(async move {
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        tracing::info!("shutdown begins");
        ends.cancel();
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        tracing::warn!("shutdown was cut short");
        std::process::exit(INTERRUPTED);
    });
    Ok(token)
}
