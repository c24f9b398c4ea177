//! Progress notifications of a call, for clients that ask for them with a token.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, pending};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::watch;

use super::Notifications;
use crate::tools::Progress;

/// Interval of notifications; of the reports in between only the last is sent.
const MIN_INTERVAL: Duration = Duration::from_millis(250);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Params<'a> {
    progress_token: &'a RawValue,
    progress: u64,
    /// Left out if it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

/// Returns the callback of a tool and the work of sending what it reports, which never ends by itself. Progress only grows
/// (2025-03-26 and later, "Progress").
pub(super) fn forwarder(
    token: Option<Box<RawValue>>,
    notifications: Option<Notifications>,
) -> (Option<Progress>, impl Future<Output = Infallible>) {
    let Some((token, notifications)) = token.zip(notifications) else {
        return (None, Either::Left(pending()));
    };
    let (sender, mut reports) = watch::channel((0, 0, None));
    let progress: Progress = Arc::new(move |done, total, message| {
        sender.send_if_modified(|last| {
            let is_more = done > last.0;
            if is_more {
                *last = (done, total, message);
            }
            is_more
        });
    });
    let forwarded = async move {
        while reports.changed().await.is_ok() {
            let (progress, total, message) = reports.borrow_and_update().clone();
            let params = Params {
                progress_token: &token,
                progress,
                total: Some(total).filter(|total| *total > 0),
                message: message.as_deref(),
            };
            if notifications.send("notifications/progress", &params).await.is_err() {
                break;
            }
            tokio::time::sleep(MIN_INTERVAL).await;
        }
        pending().await
    };
    (Some(progress), Either::Right(forwarded))
}
