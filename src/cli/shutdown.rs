//! The signals that end a server.

use tokio_util::sync::CancellationToken;

/// A token that is cancelled at SIGTERM or SIGINT.
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
    });
    Ok(token)
}
