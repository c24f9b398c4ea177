//! The request context: caller, tool filter, memory, version and cancellation.

use std::sync::Arc;

use axum::http::HeaderMap;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Version;
use crate::identity::Caller;
use crate::memory::CallReservation;
use crate::telemetry::RequestRecord;
use crate::tools::ToolFilter;

/// The context of one call. Without `Debug`: headers may hold anything.
pub struct CallContext {
    /// The authenticated caller.
    pub caller: Caller,
    /// The tools, toolsets and rights to write that the request has.
    pub tool_filter: ToolFilter,
    /// Memory that the request has reserved.
    pub memory: CallReservation,
    /// The version of the protocol that the request uses.
    pub version: Version,
    /// The headers of the request, without `Authorization`.
    pub headers: HeaderMap,
    /// A sentence for the instructions of a client whose token is missing or was not accepted.
    pub token_notice: Option<String>,
    /// Cancelled when the client has left, or the server ends.
    pub cancelled: CancellationToken,
    /// Where notifications about the request go, if the client wants some.
    pub notifications: Option<Notifications>,
    /// The request in the request log, if there is one.
    pub record: Option<Arc<RequestRecord>>,
}

/// Sends notifications to the client; each one is a JSON-RPC message.
#[derive(Clone)]
pub struct Notifications(mpsc::Sender<String>);

/// The client has left.
#[derive(Debug)]
pub(super) struct Closed;

impl Notifications {
    /// Notifications, and where they arrive.
    #[must_use]
    pub fn channel() -> (Self, mpsc::Receiver<String>) {
        // More than one only while the client's connection is slower than the tool.
        let (sender, receiver) = mpsc::channel(8);
        (Self(sender), receiver)
    }

    /// Sends a notification.
    pub(super) async fn send(&self, method: &str, params: &impl serde::Serialize) -> Result<(), Closed> {
        let message = Message {
            jsonrpc: "2.0",
            method,
            params,
        };
        let text = serde_json::to_string(&message).map_err(|_| Closed)?;
        self.0.send(text).await.map_err(|_| Closed)
    }
}

#[derive(serde::Serialize)]
struct Message<'a, P> {
    jsonrpc: &'static str,
    method: &'a str,
    params: &'a P,
}
