//! `bucket_access_check`: what the caller may do with one bucket.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::PermissionLevel;
use super::ask::Questions;
use super::catalog::{Declarations, consult};
use super::evidence::Evidence;
use super::survey::survey;
use crate::s3::BucketName;
use crate::tools::tool::{Hints, Reply, Tool, Toolset};
use crate::tools::{Session, ToolError};

/// Checks one bucket.
pub struct BucketAccessCheck;

/// An operation that may be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Asked {
    /// Listing.
    List,
    /// Reading.
    Read,
    /// Writing.
    Write,
}

/// Which bucket, and what about it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-aliases" = ["bucket"]))]
pub struct Args {
    /// Bucket, as `NAME` or `s3://NAME`
    #[serde(alias = "bucket")]
    #[schemars(with = "String")]
    bucket_name: BucketName,
    /// write opens an upload and aborts it; nothing is stored
    #[serde(default = "reads")]
    operations: Vec<Asked>,
}

fn reads() -> Vec<Asked> {
    vec![Asked::List, Asked::Read]
}

/// What is established; `null` means unknown or not asked.
#[derive(Debug, Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "the names under which results carry them")]
pub struct Summary {
    can_list: Option<bool>,
    can_read: Option<bool>,
    can_write: Option<bool>,
}

/// The bucket and what is known about it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    bucket_name: String,
    /// Whether anything is established as allowed.
    accessible: bool,
    permission_level: PermissionLevel,
    region: Option<String>,
    access_summary: Summary,
    evidence: Vec<Evidence>,
}

impl Tool for BucketAccessCheck {
    const NAME: &'static str = "bucket_access_check";
    const TITLE: &'static str = "What may I do with this bucket?";
    const DESCRIPTION: &'static str = "Asks S3 what the caller may do with one bucket, and tells what was asked and \
                                       answered. Rights may differ by key: an answer is about the key that its evidence \
                                       names. null means unknown or not asked, never no.";
    const TOOLSET: Toolset = Toolset::Permissions;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<Reply<Output>, ToolError> {
        let Args {
            bucket_name,
            operations,
        } = args;
        if operations.is_empty() {
            return Err(ToolError::invalid(
                "Argument operations: expected one or more of list, read, write.",
            ));
        }
        let asked = |operation| operations.contains(&operation);
        let questions = Questions {
            list: asked(Asked::List),
            read: asked(Asked::Read),
            write: asked(Asked::Write),
        };
        let s3 = session.s3().await?;
        // What S3 answers is worth telling also when the catalog does not answer; the evidence says that it did not.
        let view = consult(&session).await;
        let declarations = match &view {
            Ok(view) => view.as_ref().into(),
            Err(error) => Declarations::Failed(error),
        };
        let names = [bucket_name.to_string()];
        let region = tokio::time::timeout(session.bucket_limit(), s3.bucket_region(&bucket_name));
        let (answers, region) = tokio::join!(survey(&session, &s3, &names, questions, &declarations), region);
        let access = answers.into_iter().next().unwrap_or_default();
        let [bucket_name] = names;
        Ok(Output {
            bucket_name,
            accessible: access.is_accessible(),
            permission_level: access.level(),
            region: region.ok().and_then(Result::ok).flatten(),
            access_summary: Summary {
                can_list: access.can_list(),
                can_read: access.can_read(),
                can_write: access.can_write(),
            },
            evidence: access.into_evidence(),
        }
        .into())
    }
}
