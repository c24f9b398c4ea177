//! `package_versions`: one page of a package's history.

use jiff::Timestamp;
use quilt_format::TopHash;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::ExistingName;
use super::question::{CursorReader, Question};
use super::summary_view::{BATCH, HeaderView, Totals, warning_of_unknown};
use crate::aws::s3::BucketName;
use crate::packages::{SUMMARIES_BYTES, Summaries, VersionPosition, VersionRow};
use crate::tools::answer_size::{AnswerBudget, bounded_message};
use crate::tools::arguments::types::{Bounded, Detail};
use crate::tools::estimate::estimate_items_bytes;
use crate::tools::tool::{Hints, Tool, ToolSuccess, Toolset};
use crate::tools::{Session, ToolError};

/// Maximum number of tags that are shown of a revision.
const MAX_TAGS: usize = 20;

pub struct PackageVersions;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Bucket
    #[schemars(with = "String")]
    bucket: BucketName,
    /// As `namespace/name`
    #[schemars(with = "String")]
    name: ExistingName,
    /// 1 to 500 revisions, by default 50
    #[serde(default)]
    limit: Bounded<1, 500, 50>,
    /// A `next_cursor`
    cursor: Option<String>,
    /// brief leaves message and totals out; by default full
    #[serde(default = "full")]
    detail: Detail,
}

fn full() -> Detail {
    Detail::Full
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Version {
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    /// null: only tags name it
    #[schemars(with = "Option<String>")]
    modified: Option<Timestamp>,
    is_latest: bool,
    #[serde(flatten)]
    #[schemars(with = "RevisionDetail")]
    detail: Option<RevisionDetail>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    /// true: it has more tags
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    tags_cut: bool,
    /// Why the pointer names no revision, what the history lacks, or why the manifest cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// What the manifest says.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RevisionDetail {
    message: Option<String>,
    #[serde(flatten)]
    totals: Totals,
}

/// One page, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    bucket: String,
    name: String,
    versions: Vec<Version>,
    returned: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Tool for PackageVersions {
    const NAME: &'static str = "package_versions";
    const TITLE: &'static str = "List a package's revisions";
    const DESCRIPTION: &'static str = "Lists the revisions of a package, newest first.";
    const TOOLSET: Toolset = Toolset::Packaging;
    const HINTS: Hints = Hints::READS;
    type Args = Args;
    type Output = Output;

    async fn run(session: Session, args: Args) -> Result<ToolSuccess<Output>, ToolError> {
        let name = args.name.0;
        let question = Question::of(&(Self::NAME, args.bucket.as_str(), name.as_str()));
        let position = question.read(args.cursor.as_deref())?.map(read_position).transpose()?;
        let packages = session.packages(session.s3().await?, args.bucket.clone());
        let mut limit = usize::try_from(args.limit.get()).unwrap_or(500);
        let is_full = args.detail == Detail::Full;
        let summaries_bytes = if is_full { SUMMARIES_BYTES } else { 0 };
        session.reserve(estimate_items_bytes(limit) + summaries_bytes).await?;
        let mut summaries = packages.summaries(session.deadline());
        let (versions, next, hashes) = loop {
            let page = packages.versions(&name, position.clone(), limit).await;
            let (rows, next) = page.map_err(|error| session.explain_package(error))?;
            let hashes: Vec<TopHash> = rows.iter().filter_map(|row| row.hash.clone()).collect();
            let count = rows.len();
            let shown = shown(rows, is_full, &mut summaries).await;
            if shown.len() == count {
                break (shown, next, hashes);
            }
            // A page of fewer revisions, because tags that name none of the page are rows too.
            limit = shown.len().min(limit - 1).max(1);
        };
        let warnings = warning_of_unknown(&summaries, hashes.iter().filter(|_| is_full));
        Ok(Output {
            bucket: args.bucket.to_string(),
            returned: versions.len(),
            versions,
            next_cursor: next.map(|next| {
                let cursor = question.cursor().number(next.before);
                cursor.text(next.after_tag.as_deref().unwrap_or_default())
            }),
            name: name.to_string(),
            warnings: warnings.into_iter().collect(),
        }
        .into())
    }
}

/// Makes the rows that fit in an answer. No manifest is read for the others, but those of the last batch.
async fn shown(mut rows: Vec<VersionRow>, is_full: bool, summaries: &mut Summaries<'_, HeaderView>) -> Vec<Version> {
    let mut budget = AnswerBudget::new();
    let mut shown = Vec::new();
    while !rows.is_empty() {
        let batch: Vec<VersionRow> = rows.drain(..BATCH.min(rows.len())).collect();
        if is_full {
            let hashes = batch.iter().filter_map(|row| row.hash.clone());
            summaries.read(hashes.collect(), HeaderView::of).await;
        }
        let known = is_full.then_some(&*summaries);
        let mut batch: Vec<Version> = batch.into_iter().map(|row| Version::of(row, known)).collect();
        let fits = budget.truncate(&mut batch);
        shown.append(&mut batch);
        if !fits {
            break;
        }
    }
    shown
}

fn read_position(mut fields: CursorReader) -> Result<VersionPosition, ToolError> {
    Ok(VersionPosition {
        before: fields.number()?,
        after_tag: Some(fields.text()?).filter(|tag| !tag.is_empty()),
    })
}

impl Version {
    fn of(row: VersionRow, summaries: Option<&Summaries<'_, HeaderView>>) -> Self {
        let summaries = summaries.filter(|_| row.hash.is_some());
        let summary = summaries.and_then(|summaries| summaries.get(row.hash.as_ref()?));
        let message = || summary?.header.as_ref()?.message.clone();
        let unreadable = || summary?.problem.clone();
        Self {
            hash: row.hash.map(|hash| hash.to_string()),
            modified: row.modified,
            is_latest: row.is_latest,
            detail: summaries.map(|_| RevisionDetail {
                message: message(),
                totals: Totals::of(summary),
            }),
            tags_cut: row.tags.len() > MAX_TAGS,
            tags: row.tags.into_iter().take(MAX_TAGS).collect(),
            problem: row.problem.or_else(unreadable).map(|problem| bounded_message(&problem)),
        }
    }
}
