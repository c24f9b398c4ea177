//! Liveness and readiness.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::clock::Clock;
use crate::identity::Verifier;

/// Whether the server accepts work: from its start until its shutdown begins.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Marks the server as shutting down.
    pub fn begin_shutdown(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns why the server takes no work, if that is so.
    pub(super) async fn not_ready(&self, verifier: &Verifier) -> Option<String> {
        if self.0.load(Ordering::Relaxed) {
            return Some("shutting down".to_owned());
        }
        verifier.ready().await.err().map(|rejection| rejection.to_string())
    }
}

/// Whether a path is that of a probe, which is exempt from the connection limit.
pub(super) fn is_probe(path: &str) -> bool {
    matches!(path, "/health" | "/healthz" | "/ready")
}

/// `GET /health`: the process answers.
pub(super) async fn health(State(clock): State<Clock>) -> Response {
    let body = json!({
        "status": "ok",
        "timestamp": clock.now(),
        "server": { "name": "quilt-mcp", "version": env!("CARGO_PKG_VERSION"), "transport": "streamable-http" },
    });
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// `GET /ready`: the process takes work.
pub(super) async fn ready(State((readiness, verifier)): State<(Readiness, Arc<Verifier>)>) -> Response {
    let (status, body) = match readiness.not_ready(&verifier).await {
        None => (StatusCode::OK, json!({ "status": "ready" })),
        Some(reason) => (
            StatusCode::SERVICE_UNAVAILABLE,
            json!({ "status": "not_ready", "reason": reason }),
        ),
    };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
