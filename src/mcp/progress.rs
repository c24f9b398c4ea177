//! Progress of a call, for clients that asked for it by a token. Everybody else gets plain JSON and costs nothing.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::ProgressNotificationParam;
use rmcp::service::RequestContext;
use tokio::sync::watch;

use crate::tools::Progress;

/// Shortest time between two notifications; what a tool reports in between is overtaken.
const BETWEEN: Duration = Duration::from_millis(250);

/// Where a tool reports to, if the client wants to know, and the work of passing the reports on, which never ends by
/// itself.
pub(super) fn forwarder(
    context: &RequestContext<RoleServer>,
) -> (Option<Progress>, impl Future<Output = Infallible> + use<>) {
    let token = context.meta.get_progress_token();
    let peer = context.peer.clone();
    let (sender, mut reports) = watch::channel((0, 0));
    let progress = token.is_some().then(|| -> Progress {
        Arc::new(move |done, total| {
            sender.send_if_modified(|last| {
                let is_more = done > last.0;
                if is_more {
                    *last = (done, total);
                }
                is_more
            });
        })
    });
    let forwarded = async move {
        if let Some(token) = token {
            while reports.changed().await.is_ok() {
                let (done, total) = *reports.borrow_and_update();
                #[expect(clippy::cast_precision_loss, reason = "a number to look at")]
                let notification = ProgressNotificationParam::new(token.clone(), done as f64).with_total(total as f64);
                if peer.notify_progress(notification).await.is_err() {
                    break;
                }
                tokio::time::sleep(BETWEEN).await;
            }
        }
        std::future::pending().await
    };
    (progress, forwarded)
}
