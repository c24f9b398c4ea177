//! `bucket_list`: the buckets that are visible to the caller, with the caller's permissions in each.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tools::answer_size::AnswerBudget;
use crate::tools::permissions::catalog::consult;
use crate::tools::permissions::report::BucketReport;
use crate::tools::permissions::visible_buckets::{ListedBy, VisibleBuckets, visible_buckets};
use crate::tools::permissions::{ProbeSet, estimate_survey_bytes, survey};
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

/// Maximum number of buckets in the result: an account may have thousands, and each is probed.
const MAX_BUCKETS: usize = 100;

pub struct BucketList;

/// No arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    buckets: Vec<BucketReport>,
    count: usize,
    listed_by: ListedBy,
    /// Present if more buckets are visible.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
}

impl Tool for BucketList {
    const NAME: &'static str = "bucket_list";
    const TITLE: &'static str = "List buckets";
    const DESCRIPTION: &'static str = "Lists the buckets that are visible to the caller, with what S3 lets the caller do in \
                                       each. can_write null means not asked.";
    const TOOLSET: Toolset = Toolset::Buckets;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, _: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let s3 = session.s3().await?;
        let view = consult(&session).await?;
        let VisibleBuckets {
            buckets,
            listed_by,
            truncated,
        } = visible_buckets(&session, &s3, view.as_ref(), MAX_BUCKETS).await?;
        let names: Vec<String> = buckets.iter().map(|bucket| bucket.name.clone()).collect();
        session.reserve(estimate_survey_bytes(names.len())).await?;
        let answers = survey(&session, &s3, &names, ProbeSet::READS, &view.as_ref().into()).await;
        let mut buckets: Vec<BucketReport> = buckets
            .into_iter()
            .zip(&answers)
            .map(|(bucket, access)| BucketReport::new(bucket, access))
            .collect();
        let mut budget = AnswerBudget::new();
        BucketReport::fit_texts(buckets.iter_mut(), &budget);
        let is_whole = budget.truncate(&mut buckets);
        Ok(Output {
            count: buckets.len(),
            buckets,
            listed_by,
            truncated: truncated || !is_whole,
        }
        .into())
    }
}
