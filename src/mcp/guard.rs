//! The bounds of a call: it ends when it panics, takes too long, or its client leaves.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;

use crate::error_code::ErrorCode;
use crate::tools::ToolError;

/// Runs a tool within its bounds.
pub(super) async fn guarded<T>(
    cancelled: &CancellationToken,
    limit: Duration,
    tool: impl Future<Output = Result<T, ToolError>>,
) -> Result<T, ToolError> {
    tokio::select! {
        biased;
        () = cancelled.cancelled() => Err(ToolError::new(ErrorCode::Cancelled, "The client cancelled the call.")),
        outcome = tokio::time::timeout(limit, AssertUnwindSafe(tool).catch_unwind()) => match outcome {
            Ok(Ok(result)) => result,
            Ok(Err(_panic)) => {
                Err(ToolError::new(ErrorCode::Internal, "This server failed; see its log for the reason."))
            }
            Err(_elapsed) => {
                let message = format!("The call took longer than the {} seconds that are allowed.", limit.as_secs_f32());
                Err(ToolError::new(ErrorCode::Timeout, message).retryable().with_hint("Ask for less at once, then try again."))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(tool: impl Future<Output = Result<(), ToolError>>, left: bool) -> ErrorCode {
        let token = CancellationToken::new();
        if left {
            token.cancel();
        }
        guarded(&token, Duration::from_millis(5), tool).await.unwrap_err().code
    }

    #[tokio::test]
    async fn a_handler_cannot_hang_a_request() {
        assert_eq!(run(async { panic!("a bug") }, false).await, ErrorCode::Internal);
        assert_eq!(run(std::future::pending(), false).await, ErrorCode::Timeout);
        assert_eq!(run(std::future::pending(), true).await, ErrorCode::Cancelled);
    }
}
