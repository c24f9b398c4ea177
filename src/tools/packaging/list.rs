//! `package_list`: one page of a bucket's packages.

use jiff::Timestamp;
use quilt_format::PackageName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cursor;
use super::question::{CursorReader, Question};
use super::summary_view::{BATCH, HeaderView, RowMetadata, Totals, warning_of_unknown};
use crate::aws::s3::BucketName;
use crate::catalog::{CatalogLinks, CatalogPage};
use crate::packages::{ListedPackage, SUMMARIES_BYTES, Summaries, Summary};
use crate::tools::answer_size::{AnswerBudget, bounded_message};
use crate::tools::arguments::types::{Bounded, Detail};
use crate::tools::estimate::estimate_items_bytes;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

pub struct PackageList;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Bucket
    #[schemars(with = "String")]
    bucket: BucketName,
    /// Only names that begin with this; by default all
    #[serde(default)]
    #[schemars(extend("x-blank" = "value"))]
    prefix: String,
    /// 1 to 1000 packages, by default 100
    #[serde(default)]
    limit: Bounded<1, 1000, 100>,
    /// A `next_cursor`
    cursor: Option<String>,
    /// full adds message, metadata and totals; by default brief
    #[serde(default)]
    detail: Detail,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Package {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    modified: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog_url: Option<String>,
    #[serde(flatten)]
    #[schemars(with = "PackageDetail")]
    detail: Option<PackageDetail>,
}

/// What the manifest of the latest revision says.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PackageDetail {
    message: Option<String>,
    #[serde(flatten)]
    metadata: RowMetadata,
    #[serde(flatten)]
    totals: Totals,
    /// Why the manifest cannot be read
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    bucket: String,
    packages: Vec<Package>,
    returned: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Tool for PackageList {
    const NAME: &'static str = "package_list";
    const TITLE: &'static str = "List packages";
    const DESCRIPTION: &'static str = "Lists the packages of a bucket in order of their names, with the hash and time of their \
                                       latest revisions.";
    const TOOLSET: Toolset = Toolset::Packaging;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let question = Question::of(&(Self::NAME, args.bucket.as_str(), &args.prefix));
        let after = question.read(args.cursor.as_deref())?;
        let after = after.map(CursorReader::text).transpose()?;
        let after = after
            .map(|after| PackageName::from_listing(&after))
            .transpose()
            .map_err(|_| cursor::foreign())?;
        let limit = usize::try_from(args.limit.get()).unwrap_or(1000);
        let packages = session.packages(session.s3().await?, args.bucket.clone());
        let explain = |error| session.explain_package(error);
        let is_full = args.detail == Detail::Full;
        let summaries_bytes = if is_full { SUMMARIES_BYTES } else { 0 };
        session.reserve(estimate_items_bytes(limit) + summaries_bytes).await?;
        let listed = packages.list_packages(&args.prefix, after.as_ref(), limit + 1);
        let mut listed = listed.await.map_err(explain)?;
        let is_more = listed.len() > limit;
        listed.truncate(limit);
        let mut summaries = packages.summaries(session.deadline());
        let view = View {
            bucket: args.bucket.as_str(),
            links: session.links(),
            is_full,
        };
        let shown = view.rows(&listed, &mut summaries).await;
        let is_more = shown.len() < listed.len() || is_more;
        let next = shown.last().filter(|_| is_more);
        let hashes = listed
            .iter()
            .take(shown.len())
            .filter_map(|listed| Some(&listed.latest.as_ref()?.hash));
        Ok(Output {
            bucket: args.bucket.to_string(),
            returned: shown.len(),
            next_cursor: next.map(|last| question.cursor().text(&last.name)),
            warnings: warning_of_unknown(&summaries, hashes.filter(|_| is_full))
                .into_iter()
                .collect(),
            packages: shown,
        }
        .into())
    }
}

/// How the packages of a bucket are shown.
struct View<'a> {
    bucket: &'a str,
    links: Option<CatalogLinks>,
    is_full: bool,
}

impl View<'_> {
    /// Makes the rows that fit in an answer. No manifest is read for the others, but those of the last batch.
    async fn rows(&self, listed: &[ListedPackage], summaries: &mut Summaries<'_, HeaderView>) -> Vec<Package> {
        let mut budget = AnswerBudget::new();
        let mut rows = Vec::new();
        for batch in listed.chunks(BATCH) {
            if self.is_full {
                let hashes = batch
                    .iter()
                    .filter_map(|listed| Some(listed.latest.as_ref()?.hash.clone()));
                summaries.read(hashes.collect(), HeaderView::of).await;
            }
            let mut batch: Vec<Package> = batch.iter().map(|listed| self.row(listed, summaries)).collect();
            let fits = budget.truncate(&mut batch);
            rows.append(&mut batch);
            if !fits {
                break;
            }
        }
        rows
    }

    fn row(&self, listed: &ListedPackage, summaries: &Summaries<'_, HeaderView>) -> Package {
        let ListedPackage { name, latest } = listed;
        let links = self.links.as_ref();
        let detail = latest.as_ref().filter(|_| self.is_full);
        Package {
            catalog_url: links.and_then(|links| links.url(&CatalogPage::package(self.bucket, name))),
            name: name.to_string(),
            latest_hash: latest.as_ref().map(|latest| latest.hash.to_string()),
            modified: latest.as_ref().and_then(|latest| latest.modified),
            detail: detail.map(|latest| PackageDetail::of(summaries.get(&latest.hash))),
        }
    }
}

impl PackageDetail {
    fn of(summary: Option<&Summary<HeaderView>>) -> Self {
        let header = summary.and_then(|summary| summary.header.as_ref());
        let problem = summary.and_then(|summary| summary.problem.as_deref());
        Self {
            message: header.and_then(|header| header.message.clone()),
            metadata: header.map(HeaderView::metadata).unwrap_or_default(),
            totals: Totals::of(summary),
            problem: problem.map(bounded_message),
        }
    }
}
