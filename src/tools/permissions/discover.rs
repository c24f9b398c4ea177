//! `permissions_discover`: who the caller is, and what they may do with many buckets, with the evidence.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ask::Questions;
use super::catalog::consult;
use super::identity::UserIdentity;
use super::report::{Categories, EvidentReport};
use super::shown::{bare, shown};
use super::survey::{room_of_survey, survey};
use crate::s3::BucketName;
use crate::tools::tool::{Hints, Reply, Tool, Toolset};
use crate::tools::{Session, ToolError};

/// Most buckets of one call: each is asked about.
const MOST: usize = 500;

/// Tells what the caller may do.
pub struct PermissionsDiscover;

/// Which buckets, and how far to go.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Buckets to ask about; default: those that `bucket_list` shows
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    check_buckets: Option<Vec<BucketName>>,
    /// true: also ask S3 about writing, by an upload that is opened and aborted
    #[serde(default)]
    probe_write: bool,
}

/// The caller and the buckets.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    user_identity: UserIdentity,
    bucket_permissions: Vec<EvidentReport>,
    categorized_buckets: Categories,
    total_buckets_checked: usize,
    /// Present when there are more buckets than were asked about.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
}

impl Tool for PermissionsDiscover {
    const NAME: &'static str = "permissions_discover";
    const TITLE: &'static str = "What may I do?";
    const DESCRIPTION: &'static str = "Tells who the caller is and what S3 lets them do with each bucket, with what was \
                                       asked and answered as evidence. can_write null means not asked; set probe_write \
                                       to ask. A bucket whose level is unknown may still work.";
    const TOOLSET: Toolset = Toolset::Permissions;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<Reply<Output>, ToolError> {
        let wanted = unique(args.check_buckets.unwrap_or_default())?;
        let s3 = session.s3().await?;
        let view = consult(&session).await?;
        let (buckets, truncated) = if wanted.is_empty() {
            let shown = shown(&session, &s3, view.as_ref(), MOST).await?;
            (shown.buckets, shown.truncated)
        } else {
            let known = |name: &str| {
                view.as_ref()?
                    .buckets
                    .iter()
                    .find(|bucket| bucket.name == name)
                    .cloned()
            };
            (
                wanted
                    .into_iter()
                    .map(|name| known(&name).unwrap_or_else(|| bare(name)))
                    .collect(),
                false,
            )
        };
        let names: Vec<String> = buckets.iter().map(|bucket| bucket.name.clone()).collect();
        let questions = Questions {
            write: args.probe_write,
            ..Questions::READS
        };
        let declarations = view.as_ref().into();
        session.hold(room_of_survey(names.len())).await?;
        let (answers, aws) = tokio::join!(
            survey(&session, &s3, &names, questions, &declarations),
            session.caller_identity()
        );
        let bucket_permissions: Vec<EvidentReport> = buckets
            .into_iter()
            .zip(answers)
            .map(|(bucket, access)| EvidentReport::new(bucket, access))
            .collect();
        Ok(Output {
            user_identity: UserIdentity::new(&session, view.as_ref().map(|view| &view.me), aws),
            categorized_buckets: Categories::of(&bucket_permissions),
            total_buckets_checked: bucket_permissions.len(),
            bucket_permissions,
            truncated,
        }
        .into())
    }
}

/// The names in their order, each once.
fn unique(buckets: Vec<BucketName>) -> Result<Vec<String>, ToolError> {
    let mut seen = std::collections::HashSet::new();
    let names: Vec<String> = buckets
        .into_iter()
        .map(|bucket| bucket.to_string())
        .filter(|name| seen.insert(name.clone()))
        .collect();
    if names.len() > MOST {
        let message = format!(
            "Argument check_buckets: expected at most {MOST} buckets, got {}.",
            names.len()
        );
        return Err(ToolError::invalid(message));
    }
    Ok(names)
}
