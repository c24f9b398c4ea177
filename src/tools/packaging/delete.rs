//! `package_delete`: deletion of a revision or of a package; manifests and data stay.

use quilt_format::PackageName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::ExistingName;
use super::confirmations;
use super::rollback::expected_hash;
use crate::aws::s3::BucketName;
use crate::error_code::ErrorCode;
use crate::packages::PackageError;
use crate::tools::answer_size::AnswerBudget;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct PackageDelete;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Bucket
    #[schemars(with = "String")]
    bucket: BucketName,
    /// As `namespace/name`
    #[schemars(with = "String")]
    name: ExistingName,
    /// Delete only this revision; leave it out to delete the whole package
    #[schemars(extend("x-blank" = "refused"))]
    hash: Option<String>,
    /// The package's name again
    confirm: Option<String>,
    /// Conflict unless this top hash is the latest
    expected_hash: Option<String>,
    /// Only show what would be deleted
    #[serde(default)]
    dry_run: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    bucket: String,
    name: String,
    /// S3 URIs.
    deleted_pointers: Vec<String>,
    /// Present if more pointers were deleted than are shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    deleted_pointers_cut: bool,
    /// How many revisions of the history were deleted.
    revisions: usize,
    /// Manifests and data stay.
    objects_stay: bool,
    /// Top hash of the latest revision that is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_after: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
}

impl Tool for PackageDelete {
    const NAME: &'static str = "package_delete";
    const TITLE: &'static str = "Delete a package";
    const DESCRIPTION: &'static str = "Deletes a package, or with hash one revision of it; the data stay. confirm \
                                       must repeat the package's name.";
    const TOOLSET: Toolset = Toolset::Packaging;
    const HINTS: Hints = Hints::REPLACES;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let name = args.name.0;
        let is_confirmed = args.confirm.as_deref().map(PackageName::trimmed) == Some(name.as_str());
        if !args.dry_run && !is_confirmed && (args.confirm.is_some() || !session.can_ask()) {
            let message = format!("To delete from {name}, the argument confirm must be `{name}`.");
            return Err(ToolError::new(ErrorCode::ConfirmationRequired, message)
                .with_hint("Ask the user, then repeat the call with confirm set; dry_run=true shows what would go."));
        }
        let expected = expected_hash(args.expected_hash.as_deref())?;
        let explain = |error| session.explain_package(error);
        let packages = session.packages(session.s3_for_writing().await?, args.bucket.clone());
        let revision = match args.hash.as_deref() {
            None => None,
            Some(wanted) => Some(packages.resolve(&name, wanted).await.map_err(explain)?),
        };
        let deletion = packages
            .plan_deletion(&name, revision.as_ref())
            .await
            .map_err(explain)?;
        if let (Some(expected), Some(found)) = (expected, deletion.latest_before())
            && expected != *found
        {
            return Err(explain(PackageError::UnexpectedRevision {
                name,
                expected,
                found: found.clone(),
            }));
        }
        if !args.dry_run && !is_confirmed {
            let question = confirmations::delete(&args.bucket, &name, revision.as_ref(), &deletion);
            if !session.has_consent(question.subject)? {
                return Err(question.into_error());
            }
        }
        if !args.dry_run {
            packages.delete(&deletion).await.map_err(explain)?;
        }
        let keys = deletion.keys().into_iter();
        let mut deleted_pointers: Vec<String> = keys.map(|key| format!("s3://{}/{key}", args.bucket)).collect();
        let is_whole = AnswerBudget::new().truncate(&mut deleted_pointers);
        Ok(Output {
            deleted_pointers,
            deleted_pointers_cut: !is_whole,
            revisions: deletion.revisions(),
            objects_stay: true,
            latest_after: deletion.latest_after().map(ToString::to_string),
            bucket: args.bucket.to_string(),
            name: name.to_string(),
            dry_run: args.dry_run,
        }
        .into())
    }
}
