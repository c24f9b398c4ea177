//! `permissions_discover`: the caller's identity and permissions in many buckets, with the evidence.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::catalog::Consultation;
use super::identity::UserIdentity;
use super::probe_set::ProbeSet;
use super::report::{Categories, EvidentReport};
use super::survey::{estimate_survey_bytes, survey};
use super::visible_buckets::{name_only, visible_buckets};
use crate::aws::s3::BucketName;
use crate::tools::answer_size::bounded_message;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

/// Maximum number of buckets in one call, because each is probed.
const MAX_BUCKETS: usize = 500;

pub struct PermissionsDiscover;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Buckets to check; by default those that `bucket_list` shows
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    check_buckets: Option<Vec<BucketName>>,
    /// Also probe writing, by an upload that is opened and aborted
    #[serde(default)]
    probe_write: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    user_identity: UserIdentity,
    bucket_permissions: Vec<EvidentReport>,
    categorized_buckets: Categories,
    total_buckets_checked: usize,
    /// Present if some buckets were not checked, or are not shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
    /// Why the catalog did not say who the caller is and which buckets exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog_error: Option<String>,
}

impl Tool for PermissionsDiscover {
    const NAME: &'static str = "permissions_discover";
    const TITLE: &'static str = "What may I do?";
    const DESCRIPTION: &'static str = "Reports who the caller is and what S3 lets them do with each bucket, with evidence. \
                                       can_write null means not asked; set probe_write to ask.";
    const TOOLSET: Toolset = Toolset::Permissions;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let wanted = unique(args.check_buckets.unwrap_or_default())?;
        let s3 = session.s3().await?;
        let catalog = Consultation::of(&session).await;
        let view = catalog.view();
        let (buckets, truncated) = if wanted.is_empty() {
            let visible = visible_buckets(&session, &s3, view, MAX_BUCKETS).await;
            // Without any list of buckets, the catalog's failure is what the caller needs to know.
            let visible = visible.map_err(|error| catalog.error().cloned().unwrap_or(error))?;
            (visible.buckets, visible.truncated)
        } else {
            let known = |name: &str| view?.buckets.iter().find(|bucket| bucket.name == name).cloned();
            (
                wanted
                    .into_iter()
                    .map(|name| known(&name).unwrap_or_else(|| name_only(name)))
                    .collect(),
                false,
            )
        };
        let names: Vec<String> = buckets.iter().map(|bucket| bucket.name.clone()).collect();
        let probes = ProbeSet {
            write: args.probe_write,
            ..ProbeSet::READS
        };
        let declarations = catalog.declarations();
        session.reserve(estimate_survey_bytes(names.len())).await?;
        let (answers, aws) = tokio::join!(
            survey(&session, &s3, &names, probes, &declarations),
            session.caller_identity()
        );
        let mut bucket_permissions: Vec<EvidentReport> = buckets
            .into_iter()
            .zip(answers)
            .map(|(bucket, access)| EvidentReport::new(bucket, access))
            .collect();
        let mut output = Output {
            user_identity: UserIdentity::new(&session, view.and_then(|view| view.user.as_ref()), aws),
            categorized_buckets: Categories::of(&bucket_permissions),
            total_buckets_checked: bucket_permissions.len(),
            bucket_permissions: Vec::new(),
            truncated,
            catalog_error: catalog.error().map(|error| bounded_message(&error.message)),
        };
        let is_whole = EvidentReport::fit(&mut bucket_permissions, &output);
        output.bucket_permissions = bucket_permissions;
        output.truncated |= !is_whole;
        Ok(output.into())
    }
}

/// Removes repeated names, and refuses too many.
fn unique(buckets: Vec<BucketName>) -> Result<Vec<String>, ToolError> {
    let mut known = std::collections::HashSet::new();
    let names: Vec<String> = buckets
        .into_iter()
        .map(|bucket| bucket.to_string())
        .filter(|name| known.insert(name.clone()))
        .collect();
    if names.len() > MAX_BUCKETS {
        let message = format!(
            "Argument check_buckets: expected at most {MAX_BUCKETS} buckets, got {}.",
            names.len()
        );
        return Err(ToolError::invalid(message));
    }
    Ok(names)
}
