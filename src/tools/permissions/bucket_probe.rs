//! Probes of one bucket: requests to S3 that show a permission, bounded by a deadline.

use jiff::Timestamp;
use tokio::time::Instant;

use super::evidence::{Evidence, EvidenceSource, Operation};
use super::verdict::Verdict;
use crate::aws::AwsError;
use crate::aws::s3::{BucketName, UserS3};
use crate::tools::Session;

/// The probes of one bucket, with their common deadline.
pub(super) struct BucketProbe<'a> {
    pub session: &'a Session,
    pub s3: &'a UserS3,
    pub bucket: &'a BucketName,
    /// Below which the operations are asked about; empty for the whole bucket.
    pub prefix: &'a str,
    started: Instant,
    pub deadline: Instant,
}

/// Why a probe has no answer.
pub(super) enum ProbeFailure {
    /// S3 returned an error.
    S3(AwsError),
    /// S3 did not answer before the deadline.
    Timeout,
}

impl<'a> BucketProbe<'a> {
    /// Starts the time limit of a bucket, which ends no later than the call.
    pub(super) fn begin(session: &'a Session, s3: &'a UserS3, bucket: &'a BucketName, prefix: &'a str) -> Self {
        let started = Instant::now();
        Self {
            session,
            s3,
            bucket,
            prefix,
            started,
            deadline: (started + session.bucket_limit()).min(session.deadline()),
        }
    }

    /// Waits for an answer of S3 until the deadline.
    pub(super) async fn with_deadline<T>(
        &self,
        request: impl Future<Output = Result<T, AwsError>>,
    ) -> Result<T, ProbeFailure> {
        match tokio::time::timeout_at(self.deadline, request).await {
            Ok(answer) => answer.map_err(ProbeFailure::S3),
            Err(_elapsed) => Err(ProbeFailure::Timeout),
        }
    }

    pub(super) fn judge(&self, failure: &ProbeFailure, judge: fn(&Session, &AwsError) -> Verdict) -> Verdict {
        match failure {
            ProbeFailure::S3(error) => judge(self.session, error),
            ProbeFailure::Timeout => (None, self.timeout_detail()),
        }
    }

    /// Returns the detail of a probe that S3 did not answer in time.
    pub(super) fn timeout_detail(&self) -> String {
        let limit = self.deadline.saturating_duration_since(self.started).as_secs_f32();
        format!(
            "S3 did not answer about {} within the limit of {limit:.1} seconds.",
            self.bucket
        )
    }

    /// Returns the evidence of a probe that S3 answered, or should have answered.
    pub(super) fn s3_evidence(&self, operation: Operation, method: String, verdict: Verdict) -> Evidence {
        let (result, detail) = verdict;
        Evidence {
            operation,
            result,
            method,
            asked_of: EvidenceSource::S3,
            is_denied: result == Some(false),
            detail,
            at: self.now(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.session.clock().now()
    }
}
