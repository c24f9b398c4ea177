//! `package_rollback`: an older revision becomes the latest again.

use quilt_format::{InvalidTopHash, TopHash};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::ExistingName;
use crate::aws::s3::BucketName;
use crate::catalog::CatalogPage;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct PackageRollback;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Bucket
    #[schemars(with = "String")]
    bucket: BucketName,
    /// As `namespace/name`
    #[schemars(with = "String")]
    name: ExistingName,
    /// Top hash, 6 or more digits of it, or latest~N
    hash: String,
    /// Conflict unless this top hash is the latest
    expected_hash: Option<String>,
    /// Only show what would change
    #[serde(default)]
    dry_run: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    bucket: String,
    name: String,
    /// null: it could not be read
    latest_before: Option<String>,
    latest_after: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog_url: Option<String>,
}

impl Tool for PackageRollback {
    const NAME: &'static str = "package_rollback";
    const TITLE: &'static str = "Roll a package back";
    const DESCRIPTION: &'static str = "Makes an older revision of a package the latest again, by its own hash. All \
                                       revisions stay.";
    const TOOLSET: Toolset = Toolset::Packaging;
    const HINTS: Hints = Hints::REPLACES;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let name = args.name.0;
        let expected = expected_hash(args.expected_hash.as_deref())?;
        if args.hash.trim().is_empty() {
            return Err(ToolError::invalid(
                "Argument hash: expected a revision, got a blank text.",
            ));
        }
        let explain = |error| session.explain_package(error);
        let packages = session.packages(session.s3_for_writing().await?, args.bucket.clone());
        let to = packages.resolve(&name, &args.hash).await.map_err(explain)?;
        let plan = packages.plan_roll_back(&name, to, expected.as_ref()).await;
        let plan = plan.map_err(explain)?;
        let latest_after = plan.latest_after().clone();
        let links = session.links().filter(|_| !args.dry_run);
        let page = CatalogPage::revision(args.bucket.as_str(), &name, &latest_after);
        let output = Output {
            bucket: args.bucket.to_string(),
            name: name.to_string(),
            latest_before: plan.latest_before().map(TopHash::to_string),
            latest_after: latest_after.to_string(),
            dry_run: args.dry_run,
            warnings: plan
                .is_there()
                .then(|| "This revision is the latest already; nothing was changed.".to_owned())
                .into_iter()
                .collect(),
            catalog_url: links.and_then(|links| links.url(&page)),
        };
        if !args.dry_run {
            packages.roll_back(plan).await.map_err(explain)?;
        }
        Ok(output.into())
    }
}

/// Reads the argument `expected_hash`.
pub(super) fn expected_hash(text: Option<&str>) -> Result<Option<TopHash>, ToolError> {
    let hash = text.map(str::parse).transpose();
    hash.map_err(|problem: InvalidTopHash| ToolError::invalid(format!("Argument expected_hash: {problem}.")))
}
