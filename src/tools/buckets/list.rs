//! `bucket_list`: the buckets that this caller is shown, and what S3 lets the caller do with each.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tools::permissions::catalog::consult;
use crate::tools::permissions::report::BucketReport;
use crate::tools::permissions::shown::{ListedBy, Shown, shown};
use crate::tools::permissions::{Questions, room_of_survey, survey};
use crate::tools::tool::{Hints, Reply, Tool, Toolset};
use crate::tools::{Session, ToolError};

/// Most buckets shown: an account may have thousands, and each is asked about.
const MOST: usize = 100;

/// Lists buckets.
pub struct BucketList;

/// No arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {}

/// The buckets.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    buckets: Vec<BucketReport>,
    count: usize,
    listed_by: ListedBy,
    /// Present when there are more buckets than are shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
}

impl Tool for BucketList {
    const NAME: &'static str = "bucket_list";
    const TITLE: &'static str = "List buckets";
    const DESCRIPTION: &'static str = "Lists the buckets that the caller may know of, with what S3 lets the caller do in \
                                       each. can_write null means not asked.";
    const TOOLSET: Toolset = Toolset::Buckets;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, _: Args) -> Result<Reply<Output>, ToolError> {
        let s3 = session.s3().await?;
        let view = consult(&session).await?;
        let Shown {
            buckets,
            listed_by,
            truncated,
        } = shown(&session, &s3, view.as_ref(), MOST).await?;
        let names: Vec<String> = buckets.iter().map(|bucket| bucket.name.clone()).collect();
        session.hold(room_of_survey(names.len())).await?;
        let answers = survey(&session, &s3, &names, Questions::READS, &view.as_ref().into()).await;
        let buckets: Vec<BucketReport> = buckets
            .into_iter()
            .zip(&answers)
            .map(|(bucket, access)| BucketReport::new(bucket, access))
            .collect();
        Ok(Output {
            count: buckets.len(),
            buckets,
            listed_by,
            truncated,
        }
        .into())
    }
}
