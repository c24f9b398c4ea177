//! `tools/call`, and the bounds, the audit line and the metrics of every method that acts for a caller.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tracing::Span;

use super::answer::ToolResult;
use super::confirm::CallBinding;
use super::request::ToolCall;
use super::{Answer, CallContext, McpServer, Method, Request, RpcError, progress};
use crate::credentials::Source;
use crate::error_code::ErrorCode;
use crate::telemetry::{Audit, Call, metrics, trace};
use crate::tools::{Confirmation, Progress, Session, ToolError, bucket_argument};

/// The labels of a call in logs and metrics.
pub(super) struct Job {
    pub method: Method,
    /// The tool, or the method where there is none.
    pub label: &'static str,
    /// The bucket that the arguments name.
    pub bucket: Option<String>,
}

impl McpServer {
    /// Calls a tool.
    pub(super) async fn call_tool(&self, mut request: Request, context: &CallContext) -> Result<Answer, RpcError> {
        let token = request.meta.progress_token.take();
        let capabilities = request.meta.capabilities.take();
        let call = ToolCall::decode(request)?;
        let tool = self.find_tool(&call.name, context)?;
        self.check_param_headers(&call, context)?;
        let (confirmation, binding) = self.0.seal.confirmation(&call, capabilities.as_ref(), context)?;
        let (progress, forwarded) = progress::forwarder(token, context.notifications.clone());
        let session = self.session(context, progress, confirmation);
        let (label, bucket) = (
            tool.label(&call.arguments),
            bucket_argument(&call.arguments).map(|b| b.to_string()),
        );
        let job = Job {
            method: Method::CallTool,
            label,
            bucket,
        };
        let run = Box::pin(
            self.0
                .toolbox
                .call(tool, context.tool_filter, session.clone(), call.arguments),
        );
        let outcome = tokio::select! {
            outcome = self.run(&job, context, &session, run) => outcome?,
            never = forwarded => match never {},
        };
        self.tool_answer(outcome, binding.as_ref(), context)
    }

    fn tool_answer(
        &self,
        outcome: Result<crate::tools::ToolSuccess<crate::tools::JsonObject>, ToolError>,
        binding: Option<&CallBinding>,
        context: &CallContext,
    ) -> Result<Answer, RpcError> {
        if let (Some(question), Some(binding)) = (
            outcome.as_ref().err().and_then(|e| e.confirmation_request.as_ref()),
            binding,
        ) {
            return Answer::of(&self.0.seal.ask(question, binding, context.version));
        }
        ToolResult::of(outcome, context.version)
            .map(Answer::Tool)
            .map_err(RpcError::from_tool)
    }

    /// Runs `work` within the bounds of a call and records its outcome. Fails only if the client cancelled.
    pub(super) async fn run<T>(
        &self,
        job: &Job,
        context: &CallContext,
        session: &Session,
        work: impl Future<Output = Result<T, ToolError>>,
    ) -> Result<Result<T, ToolError>, RpcError> {
        let (started, upstream) = (Instant::now(), Call::default());
        let outcome = upstream
            .count_upstream_calls(guarded(&context.cancelled, self.0.tool_timeout, work))
            .await;
        let ended_as = outcome.as_ref().map_or_else(|error| error.code.as_str(), |_| "ok");
        let duration = started.elapsed();
        if let (Some(record), Err(error)) = (&context.record, &outcome) {
            record.set_code(error.code.as_str());
        }
        metrics::tool_call(job.label, ended_as, duration);
        trace::record_outcome(&Span::current(), ended_as);
        let caller = format!("{:?}", session.caller());
        let audit = Audit {
            method: job.method.as_str(),
            tool: Some(job.label),
            bucket: job.bucket.as_deref(),
            caller: Some(&caller),
            subject: session.caller().subject(),
            outcome: ended_as,
            credential_source: session.credential_source().map(Source::as_str),
            duration,
            upstream_calls: upstream.upstream_calls(),
        };
        audit.called();
        // A tool may also tell of something else that was cancelled.
        let is_left = context.cancelled.is_cancelled();
        if is_left && outcome.as_ref().is_err_and(|error| error.code == ErrorCode::Cancelled) {
            return Err(RpcError::new(ErrorCode::Cancelled, "The client cancelled the call."));
        }
        Ok(outcome)
    }

    pub(super) fn session(
        &self,
        context: &CallContext,
        progress: Option<Progress>,
        confirmation: Confirmation,
    ) -> Session {
        let (caller, memory) = (context.caller.clone(), context.memory.clone());
        Session::new(
            caller,
            memory,
            self.0.services.clone(),
            self.0.tool_timeout,
            progress,
            confirmation,
            context.tool_filter,
        )
    }
}

/// Records a call of a tool that does not exist or is filtered.
pub(super) fn audit_unserved(name: &str, code: ErrorCode, context: &CallContext) {
    let outcome = code.as_str();
    metrics::refusal(outcome);
    trace::record_outcome(&Span::current(), outcome);
    let caller = format!("{:?}", context.caller);
    let audit = Audit {
        method: Method::CallTool.as_str(),
        tool: Some(name),
        bucket: None,
        caller: Some(&caller),
        subject: context.caller.subject(),
        outcome,
        credential_source: None,
        duration: Duration::ZERO,
        upstream_calls: 0,
    };
    audit.called();
}

/// Runs a tool within its bounds.
async fn guarded<T>(
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
