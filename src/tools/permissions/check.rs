//! `bucket_access_check`: the caller's permissions in one bucket.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::PermissionLevel;
use super::catalog::Consultation;
use super::evidence::Evidence;
use super::probe_set::ProbeSet;
use super::survey::survey_bucket;
use crate::aws::s3::{BucketName, Versioning, key_in};
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct BucketAccessCheck;

/// An operation that can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CheckedOperation {
    List,
    Read,
    Write,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Bucket
    #[schemars(with = "String")]
    bucket: BucketName,
    /// Any of list, read, write; by default list and read. write opens an upload and aborts it; nothing is stored
    #[serde(default = "reads")]
    operations: Vec<CheckedOperation>,
    /// Where to ask; by default the whole bucket
    #[serde(default)]
    prefix: String,
}

fn reads() -> Vec<CheckedOperation> {
    vec![CheckedOperation::List, CheckedOperation::Read]
}

/// Permissions; `null` means unknown or not asked.
#[derive(Debug, Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "the names of the members of the result")]
pub struct Summary {
    can_list: Option<bool>,
    can_read: Option<bool>,
    can_write: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    bucket_name: String,
    /// Whether at least one operation is known to be allowed.
    accessible: bool,
    permission_level: PermissionLevel,
    region: Option<String>,
    /// Absent if the caller may not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    versioning: Option<&'static str>,
    access_summary: Summary,
    /// What the catalog declares. It is not an answer of S3.
    #[serde(skip_serializing_if = "Option::is_none")]
    write_declared: Option<bool>,
    evidence: Vec<Evidence>,
}

impl Tool for BucketAccessCheck {
    const NAME: &'static str = "bucket_access_check";
    const TITLE: &'static str = "What may I do with this bucket?";
    const DESCRIPTION: &'static str = "Asks S3 what the caller may do with one bucket, and reports the requests \
                                       and answers. null means unknown or not asked, never no.";
    const TOOLSET: Toolset = Toolset::Permissions;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let Args {
            bucket: bucket_name,
            operations,
            prefix,
        } = args;
        let prefix = key_in(&bucket_name, &prefix)
            .map_err(|problem| ToolError::invalid(format!("Argument prefix: {problem}.")))?;
        let is_requested = |operation| operations.contains(&operation);
        let probes = ProbeSet {
            list: is_requested(CheckedOperation::List),
            read: is_requested(CheckedOperation::Read),
            write: is_requested(CheckedOperation::Write),
        };
        let s3 = session.s3().await?;
        // The answers of S3 are useful even if the catalog does not answer; the evidence reports its failure.
        let catalog = Consultation::of(&session).await;
        let declarations = catalog.declarations();
        let name = bucket_name.to_string();
        let region = tokio::time::timeout(session.bucket_limit(), s3.bucket_region(&bucket_name));
        let versioning = tokio::time::timeout(session.bucket_limit(), s3.versioning(&bucket_name));
        let place = (name.as_str(), prefix.as_ref());
        let survey = survey_bucket(&session, &s3, place, probes, &declarations);
        let (access, region, versioning) = tokio::join!(survey, region, versioning);
        Ok(Output {
            bucket_name: name,
            accessible: access.is_accessible(),
            permission_level: access.level(),
            region: region.ok().and_then(Result::ok).flatten(),
            versioning: versioning.ok().and_then(Result::ok).map(Versioning::as_str),
            access_summary: Summary {
                can_list: access.can_list(),
                can_read: access.can_read(),
                can_write: access.can_write(),
            },
            write_declared: access.write_declared(),
            evidence: access.into_evidence(),
        }
        .into())
    }
}
